// What several checkers ask of a history and the final state.

/** Per key, the entries that `keyOf` gives it; undefined leaves one out. */
export function groupBy(entries, keyOf) {
  const groups = new Map();
  for (const entry of entries) {
    const key = keyOf(entry);
    if (key === undefined) continue;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(entry);
  }
  return groups;
}

/** The verdict of a checker. Only the first violations are told one by one. */
export function verdict(violations) {
  return { ok: violations.length === 0, violations };
}

/** One per nonce and room: {room, nonce, user, invoked_ns, oks: [entry], failed, ended}. */
export function sendsOf(history) {
  const sends = new Map();
  for (const entry of history) {
    if (entry.op !== 'send') continue;
    const key = `${entry.room} ${entry.nonce}`;
    if (!sends.has(key))
      sends.set(key, { room: entry.room, nonce: entry.nonce, user: entry.user, invoked_ns: entry.t_ns, oks: [], failed: false });
    const send = sends.get(key);
    if (entry.type === 'ok') send.oks.push(entry);
    if (entry.type === 'fail') send.failed = true;
  }
  return sends;
}

/** Rows of the room's log by their number. */
export function rowsBySeq(final, room) {
  return new Map(final.rooms[room].events.map((row) => [row.seq, row]));
}

/** Messages of all rooms by `room nonce`; each a list, since there could be two. */
export function storedByNonce(final) {
  const stored = new Map();
  for (const [room, { events }] of Object.entries(final.rooms))
    for (const row of events)
      if (row.kind === 'message') {
        const key = `${room} ${row.nonce}`;
        stored.set(key, [...(stored.get(key) ?? []), row]);
      }
  return stored;
}

const COMES = new Set(['join']);
const GOES = new Set(['leave', 'kick', 'ban']);

/** When `user` was a member of the room, by its log: [{from, to}], `to` the seq of the removal or Infinity. */
export function memberships(events, user) {
  const spans = [];
  for (const { seq, kind, about } of events) {
    if (about !== user) continue;
    const open = spans.at(-1)?.to === Infinity;
    if (COMES.has(kind) && !open) spans.push({ from: seq, to: Infinity });
    if (GOES.has(kind) && open) spans.at(-1).to = seq;
  }
  return spans;
}

/**
 * Where the cursor of `user` in `room` must be once the log ends at `upTo` and all that was begun before `t_ns` has ended:
 * {least, also}: at `least`, or at one of `also`, which are moves that nobody knows the outcome of.
 */
export function expectedCursor(history, final, { room, user, upTo = Infinity, t_ns = Infinity }) {
  const events = final.rooms[room].events.filter(({ seq }) => seq <= upTo);
  let least = memberships(events, user).at(-1)?.from ?? 0;
  for (const row of events) if (row.kind === 'message' && row.sender === user) least = Math.max(least, row.seq);
  const unknown = new Map(); // proc -> seq of a move without an answer
  const also = [];
  for (const entry of history) {
    if (entry.op !== 'cursor' || entry.room !== room || entry.user !== user || entry.t_ns > t_ns) continue;
    if (entry.type === 'invoke') unknown.set(entry.proc, entry.to);
    else unknown.delete(entry.proc);
    if (entry.type === 'ok') least = Math.max(least, entry.seq);
    if (entry.type === 'info') also.push(entry.to);
  }
  return { least, also: [...also, ...unknown.values()].filter((seq) => seq > least) };
}
