import { groupBy, memberships, verdict } from './model.js';

/**
 * Nobody receives an event above their removal before the next join was even asked for; who is removed while connected gets
 * everything up to it; and each acknowledged join and removal is in the log, alternating as they were made.
 */
export function membership(history, final) {
  const violations = [];
  const changes = groupBy(history, ({ op, room, about }) => (op === 'member' ? `${about} ${room}` : undefined));
  const deliveries = groupBy(history, ({ op, room, user }) => (DELIVERY.has(op) ? `${user} ${room}` : undefined));
  for (const [key, entries] of deliveries) {
    const [user, room] = key.split(' ');
    const spans = memberships(final.rooms[room].events, user);
    const asked = joinsAsked(changes.get(key) ?? []);
    for (const [proc, own] of groupBy(entries, (entry) => entry.proc))
      checkDeliveries(own, spans, asked, (what) => violations.push(`${proc} in room ${room}: ${what}`));
  }
  for (const [key, entries] of changes) {
    const [user, room] = key.split(' ');
    checkChanges(entries, final.rooms[room].events, user, (what) => violations.push(`${user} in room ${room}: ${what}`));
  }
  return verdict(violations);
}

const DELIVERY = new Set(['event', 'gap', 'unfollow']);

/** When each join after the first, which came with the room, was asked for. */
function joinsAsked(changes) {
  return [-Infinity, ...changes.filter(({ type, to }) => type === 'invoke' && to === 'in').map(({ t_ns }) => t_ns)];
}

function checkDeliveries(entries, spans, asked, blame) {
  let last = 0;
  for (const { op, type, seq, t_ns, code } of entries) {
    if (type !== 'ok') continue;
    if (op === 'unfollow') {
      if (code === REMOVED && last > 0 && !spans.some(({ to }) => to === last)) blame(`was removed, and the last it got is ${last}`);
    }
    if (op !== 'event') {
      last = 0;
      continue;
    }
    last = seq;
    const span = spans.findIndex(({ to }) => seq <= to);
    if (span === -1) blame(`got ${seq}, above the removal at ${spans.at(-1)?.to}`);
    else if (seq < spans[span].from && t_ns < (asked[span] ?? Infinity)) blame(`got ${seq}, above the removal at ${spans[span - 1]?.to}, before coming back`);
  }
}

const REMOVED = 2000;

function checkChanges(entries, events, user, blame) {
  const sides = entries.filter(({ type }) => type === 'ok').map(({ to }) => to);
  const unsure = entries.filter(({ type }) => type === 'info').length;
  const rows = events.filter(({ kind, about }) => about === user && /^(join|leave|kick)$/.test(kind)).slice(1);
  if (rows.length < sides.length || rows.length > sides.length + unsure)
    blame(`${sides.length} changes were acknowledged (${unsure} unknown), the log has ${rows.length}`);
  rows.forEach(({ kind, seq }, i) => {
    if ((kind === 'join') !== (i % 2 === 1)) blame(`${kind} at ${seq} follows another of its kind`);
  });
}
