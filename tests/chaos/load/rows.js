// What the history and the final state keep of an event.

/** Whom it adds or removes is `about`. */
export function rowOf({ seq, kind, sender, message_no, message, member }) {
  return { seq, kind, sender: sender?.id, message_no, nonce: kind === 'message' ? message?.nonce : undefined, about: member?.user.id };
}

/** The room's log after `after`, a page: {items, has_more, epoch}. */
export const pageOf = (room, after) => `/rooms/${room}/events?after=${after}&limit=500`;
