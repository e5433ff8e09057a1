import { expectedCursor, verdict } from './model.js';

/**
 * At each quiet point all APIs tell every member the unread count that follows from the log and the acknowledged moves:
 * own sends move the own cursor, deleted messages count, who joins starts at the join.
 */
export function unreadModel(history, final) {
  const violations = [];
  const moves = history.filter(({ op }) => op === 'cursor');
  for (const entry of history)
    if (entry.op === 'unread') violations.push(...differences(moves, final, entry));
  return verdict(violations);
}

function differences(moves, final, { t_ns, room, user, api, via, upTo, seq, unread }) {
  const rows = final.rooms[room].events;
  const { least, also } = expectedCursor(moves, final, { room, user, upTo, t_ns });
  const possible = [least, ...also].map((cursor) => numberAt(rows, upTo) - numberAt(rows, cursor));
  if (possible.includes(unread)) return [];
  return [`${user} in room ${room} by the ${via} of api ${api}: ${unread} unread behind ${seq}, the model says ${possible} behind ${[least, ...also]} of ${upTo}`];
}

const numberAt = (rows, seq) => rows[seq - 1]?.message_no ?? 0;
