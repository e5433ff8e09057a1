import type { Entry, LogEvent, Message, Pending } from '../sync';

/** One row of the message list. */
export type Row =
  | { key: string; type: 'day'; day: string }
  | { key: string; type: 'divider' }
  | { key: string; type: 'note'; note: LogEvent }
  | { key: string; type: 'message'; message: Message; isOwn: boolean; isFirst: boolean; isLast: boolean }
  | { key: string; type: 'pending'; pending: Pending; isFirst: boolean };

/** Messages of one sender closer than this are drawn as one block. */
const BLOCK_MS = 5 * 60_000;

/**
 * Lays a log out in rows. `unreadAfter`: the divider stands before the first message of others that
 * is newer than this; null for none. What is sent but not yet logged stands last; what was refused,
 * where it would have been.
 */
export function layRows(entries: Entry[], pending: readonly Pending[], myId: string, unreadAfter: number | null): Row[] {
  const rows: Row[] = [];
  let day = '';
  let hasDivider = unreadAfter === null;
  let drawn = 0; /* of `pending` */
  for (const entry of entries) {
    while ((pending[drawn]?.after ?? Infinity) < entry.seq) addPending(rows, pending[drawn++]!);
    const createdAt = 'message' in entry ? entry.message.created_at : entry.note.created_at;
    const entryDay = new Date(createdAt).toDateString();
    if (entryDay !== day) rows.push({ key: `day ${(day = entryDay)}`, type: 'day', day: createdAt });
    if ('note' in entry) {
      rows.push({ key: `${entry.seq}`, type: 'note', note: entry.note });
      continue;
    }
    const { message } = entry;
    const isOwn = message.sender.id === myId;
    if (!hasDivider && !isOwn && entry.seq > unreadAfter!) {
      rows.push({ key: 'divider', type: 'divider' });
      hasDivider = true;
    }
    addMessage(rows, message, isOwn);
  }
  for (const item of pending.slice(drawn)) addPending(rows, item);
  return rows;
}

function addMessage(rows: Row[], message: Message, isOwn: boolean): void {
  const above = rows.at(-1);
  const continues = above?.type === 'message' && isOneBlock(above.message, message);
  if (continues) above.isLast = false;
  /* The nonce of an own message is also the key of its pending row: the drawn row stays, confirmed. */
  const key = isOwn && message.nonce !== undefined ? message.nonce : `${message.seq}`;
  rows.push({ key, type: 'message', message, isOwn, isFirst: !continues, isLast: true });
}

function addPending(rows: Row[], pending: Pending): void {
  const above = rows.at(-1);
  const continues =
    above?.type === 'pending' ||
    (above?.type === 'message' && above.isOwn && isNear(above.message.created_at, pending.createdAt));
  if (continues && above?.type === 'message') above.isLast = false;
  rows.push({ key: pending.nonce, type: 'pending', pending, isFirst: !continues });
}

const isOneBlock = (a: Message, b: Message): boolean =>
  a.sender.id === b.sender.id && isNear(a.created_at, b.created_at);

const isNear = (a: string, b: string): boolean => Math.abs(Date.parse(b) - Date.parse(a)) < BLOCK_MS;
