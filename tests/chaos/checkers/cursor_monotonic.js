import { expectedCursor, groupBy, verdict } from './model.js';

/**
 * The chat list comes from Redis, which hears of a write a moment after its writer; an API that died in between is stood in
 * for by another within seconds. So a list may be as old as this, and no older.
 */
export const LIST_AGE_NS = 5e9;

/** A person's cursor in a room never goes back as any one client sees it, and ends at the highest acknowledged. */
export function cursorMonotonic(history, final) {
  const violations = [];
  for (const [key, entries] of groupBy(history, keyOf)) checkClient(key, entries, violations);
  for (const { room, user, api, seq } of final.cursors) {
    const { least, also } = expectedCursor(history, final, { room, user });
    if (seq !== least && !also.includes(seq))
      violations.push(`${user} in room ${room}: ends at ${seq} by api ${api}; acknowledged is ${least}, perhaps ${also}`);
  }
  return verdict(violations);
}

const OPS = new Set(['cursor', 'read', 'send']);
const keyOf = ({ op, proc, room, user }) => (OPS.has(op) ? `${proc} ${room} ${user}` : undefined);

function checkClient(key, entries, violations) {
  const known = []; // {t_ns, seq}: at least this was known at that time
  let begun = null;
  for (const entry of entries) {
    const { op, type, t_ns, seq, via } = entry;
    if (type === 'invoke') {
      if (op !== 'send') begun = t_ns;
      continue;
    }
    if (type !== 'ok') continue;
    const since = begun - (via === 'list' ? LIST_AGE_NS : 0);
    const bound = op === 'send' ? null : lastBefore(known, since);
    if (bound && seq < bound.seq) violations.push(`${key}: ${op}${via ? ` of the ${via}` : ''} said ${seq} after ${bound.seq}`);
    const best = known.at(-1)?.seq ?? 0;
    if (seq > best) known.push({ t_ns, seq });
  }
}

/** The highest that was known at that time. */
function lastBefore(known, t_ns) {
  for (let i = known.length - 1; i >= 0; i--) if (known[i].t_ns < t_ns) return known[i];
  return null;
}
