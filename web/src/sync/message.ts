import type { LogEvent, Message, Reacted, Reaction } from './types.js';

const EXCERPT_MOST = 120; /* code points, as the server cuts them */

/**
 * A message after the next event of its room's log; the same object when it does not concern it. Applied
 * again, or late, an event does no harm. `myId`: whose reactions are marked as such; the server marks
 * them in what it is asked for, but not in what it tells everybody.
 */
export function changed(message: Message, event: LogEvent, myId?: string): Message {
  if (event.message !== undefined) return answering(newer(message, event.message), event.message);
  if (event.reaction === undefined || event.target_seq !== message.seq || message.deleted_at !== undefined) return message;
  return withReactions(message, counted(message.reactions, event.reaction, myId));
}

/** The newer of two states of a message: a tombstone is final, else the higher version. Reactions have events of their own. */
export function newer(known: Message, other: Message): Message {
  if (other.seq !== known.seq || known.deleted_at !== undefined) return known;
  if (other.deleted_at !== undefined) return other;
  return (other.version ?? 0) > (known.version ?? 0) ? withReactions(other, known.reactions) : known;
}

/** A reply after news of what it may be answering. */
export function answering(message: Message, original: Message): Message {
  if (message.reply_to === undefined || message.reply_to.seq !== original.seq) return message;
  const { excerpt: known, ...rest } = message.reply_to;
  const excerpt = original.text && [...original.text].slice(0, EXCERPT_MOST).join('');
  if (excerpt === known) return message;
  return { ...message, reply_to: excerpt === undefined ? rest : { ...rest, excerpt } };
}

/** By emoji, as the server lists them: so it does not matter in which order they came. */
export function counted(list: Reaction[] = [], { emoji, user_id, added, count }: Reacted, myId?: string): Reaction[] {
  const known = list.find((each) => each.emoji === emoji);
  const others = list.filter((each) => each !== known);
  if (count === 0) return others;
  const mine = user_id === myId ? added : (known?.mine ?? false);
  const next = myId === undefined ? { emoji, count } : { emoji, count, mine };
  return [...others, next].sort((a, b) => byCodePoints(a.emoji, b.emoji));
}

export function withReactions(message: Message, list: Reaction[] | undefined): Message {
  const { reactions: _, ...rest } = message;
  return list === undefined || list.length === 0 ? rest : { ...rest, reactions: list };
}

/** Without what only one person is told. */
export function asToldToAll(message: Message): Message {
  return withReactions(message, message.reactions?.map(({ emoji, count }) => ({ emoji, count })));
}

function byCodePoints(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  const at = left.findIndex((each, i) => each !== right[i]);
  if (at < 0) return left.length - right.length;
  return (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? -1);
}
