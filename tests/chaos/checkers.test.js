// Each checker passes a good history, and finds in a planted one what it is there to find.
import assert from 'node:assert/strict';
import test from 'node:test';
import { CHECKERS } from './checkers/index.js';

const ROOM = '7';
const ADA = '1', BOB = '2';

/** A room's log: made (1), Ada and Bob joined (2, 3), three messages of Ada's (4 to 6), Bob sent away and back (7, 8), one more (9). */
const LOG = [
  { kind: 'room', sender: ADA },
  { kind: 'join', sender: ADA, about: ADA },
  { kind: 'join', sender: ADA, about: BOB },
  { kind: 'message', sender: ADA, nonce: 'a' },
  { kind: 'message', sender: ADA, nonce: 'b' },
  { kind: 'message', sender: ADA, nonce: 'c' },
  { kind: 'kick', sender: ADA, about: BOB },
  { kind: 'join', sender: ADA, about: BOB },
  { kind: 'message', sender: ADA, nonce: 'd' },
];

function numbered(rows) {
  let messages = 0;
  return rows.map((row, i) => ({ ...row, seq: i + 1, message_no: (messages += row.kind === 'message') }));
}

const finalOf = (rows = numbered(LOG), cursors = [{ room: ROOM, user: BOB, api: 0, seq: 9 }]) => ({ rooms: { [ROOM]: { events: rows } }, cursors });

const send = (nonce, seq, more = {}) => [
  { proc: 'ada', op: 'send', room: ROOM, user: ADA, nonce, type: 'invoke' },
  { proc: 'ada', op: 'send', room: ROOM, user: ADA, nonce, seq, type: 'ok', ...more },
];
const heard = (seq, rows = numbered(LOG)) => ({ ...rows[seq - 1], proc: 'bob', op: 'event', room: ROOM, user: BOB, type: 'ok' });
const change = (to, type = 'ok') => [
  { proc: 'warden', op: 'member', room: ROOM, about: BOB, to, type: 'invoke' },
  { proc: 'warden', op: 'member', room: ROOM, about: BOB, to, type },
];
const bob = (op, more = {}) => ({ proc: 'bob', op, room: ROOM, user: BOB, type: 'ok', ...more });
const moved = (to, seq = to) => [bob('cursor', { to, type: 'invoke' }), bob('cursor', { to, seq })];
const looked = (seq) => [bob('read', { via: 'room', type: 'invoke' }), bob('read', { via: 'room', seq })];
const unread = (count, seq, upTo = 9) => ({ proc: 'quiet', op: 'unread', room: ROOM, user: BOB, api: 0, via: 'list', upTo, seq, unread: count, type: 'ok' });

/** In order, a millisecond apart. */
const timed = (...entries) => entries.flat(Infinity).map((entry, i) => ({ t_ns: (i + 1) * 1e6, ...entry }));

/** What happened as it should, piece by piece: a planted history has some of them replaced. */
const GOOD = {
  follow: bob('follow', { seq: 3 }),
  a: send('a', 4), b: send('b', 5), c: send('c', 6),
  live: [heard(4), heard(5)],
  gap: [bob('gap', { from: 6, to: 6 }), { ...heard(6), op: 'page' }],
  looks: [moved(5), looked(5)],
  out: change('out'),
  removal: [heard(7), bob('unfollow', { code: 2000 })],
  in: change('in'),
  back: bob('follow', { seq: 8 }),
  d: send('d', 9),
  end: [heard(9), moved(9)],
  quiet: unread(0, 9),
};

const historyOf = (planted = {}) => timed(...Object.values({ ...GOOD, ...planted }));
const violationsOf = (name, history, final = finalOf()) => CHECKERS.find((checker) => checker.name === name).check(history, final).violations;
const finds = (name, pattern, planted, final) => {
  const violations = violationsOf(name, historyOf(planted), final);
  assert.ok(violations.some((what) => pattern.test(what)), `${name} found ${JSON.stringify(violations)}`);
};

test('a history in which all was well passes every checker', () => {
  for (const { name } of CHECKERS) assert.deepEqual(violationsOf(name, historyOf()), [], name);
});

test('acked-durable finds an acknowledged message that is lost, doubled, or elsewhere than was told', () => {
  const without = numbered(LOG.filter(({ nonce }) => nonce !== 'c'));
  finds('acked-durable', /nonce c was acknowledged.*stored is nothing/, {}, finalOf(without));
  finds('acked-durable', /nonce c is stored 2 times/, {}, finalOf(numbered([...LOG, LOG[5]])));
  finds('acked-durable', /acknowledged to ada as 5/, { c: send('c', 5) });
});

test('acked-durable allows an unknown outcome either way', () => {
  const unknown = [GOOD.d[0], { ...GOOD.d[0], type: 'info' }];
  assert.deepEqual(violationsOf('acked-durable', historyOf({ d: unknown })), []);
  assert.deepEqual(violationsOf('acked-durable', historyOf({ d: unknown }), finalOf(numbered(LOG.slice(0, -1)))), []);
});

test('no-phantom finds what nobody sent, what was refused, and a wrong sender', () => {
  finds('no-phantom', /nonce d.*never sent/, { d: [] });
  finds('no-phantom', /was refused and is stored/, { d: [GOOD.d[0], { ...GOOD.d[0], type: 'fail' }] });
  finds('no-phantom', /sent by 1, the log says 2/, {}, finalOf(numbered(LOG.map((row) => (row.nonce === 'd' ? { ...row, sender: BOB } : row)))));
});

test('seq-dense finds a hole, a repeat, and a wrong message number', () => {
  const rows = numbered(LOG);
  finds('seq-dense', /7\. row has seq 8/, {}, finalOf(rows.filter(({ seq }) => seq !== 7)));
  finds('seq-dense', /5\. row has seq 4/, {}, finalOf([...rows.slice(0, 4), ...rows.slice(3)]));
  finds('seq-dense', /has message_no 9/, {}, finalOf(rows.map((row) => (row.seq === 9 ? { ...row, message_no: 9 } : row))));
});

test('live=stored finds what was left out, repeated, out of order, made up, or never came', () => {
  finds('live=stored', /got 5 after 3 without a word/, { live: [heard(5)] });
  finds('live=stored', /got 4 again/, { live: [heard(4), heard(4), heard(5)] });
  finds('live=stored', /got 4 again or late/, { live: [heard(5), heard(4)] });
  finds('live=stored', /stored is message b/, { live: [heard(4), { ...heard(5), nonce: 'x' }] });
  finds('live=stored', /never got 9\.\.9/, { end: moved(9) });
});

test('live=stored finds a gap that was told wrongly or never filled', () => {
  finds('live=stored', /told of a gap 5\.\.6/, { gap: [bob('gap', { from: 5, to: 6 }), { ...heard(6), op: 'page' }] });
  finds('live=stored', /a page gave 5/, { gap: [bob('gap', { from: 6, to: 6 }), { ...heard(5), op: 'page' }] });
  finds('live=stored', /8\.\.8 was never filled/, { back: bob('follow', { seq: 7 }), end: [bob('gap', { from: 8, to: 8 }), heard(9), moved(9)] });
});

test('real-time-order finds a send that came before what had been acknowledged', () => {
  finds('real-time-order', /began after 9 was acknowledged/, { d: [], a: send('d', 9), b: send('b', 5) });
});

test('cursor-monotonic finds a position that goes back, and one that is lost', () => {
  finds('cursor-monotonic', /said 4 after 5/, { looks: [moved(5), looked(4)] });
  finds('cursor-monotonic', /ends at 5/, {}, finalOf(undefined, [{ room: ROOM, user: BOB, api: 1, seq: 5 }]));
});

test('unread-model finds a count that does not follow from log and cursor', () => {
  finds('unread-model', /1 unread behind 9/, { quiet: unread(1, 9) });
});

test('membership finds what came after a removal, what was withheld before it, and a change that is not in the log', () => {
  const between = numbered([...LOG.slice(0, 7), LOG[8], LOG[7]]); // a message between the removal and the return
  finds('membership', /got 8, above the removal at 7/, { removal: [heard(7, between), heard(8, between)] }, finalOf(between));
  finds('membership', /got 8, above the removal at 7/, { removal: [heard(7, between), heard(8, between)], in: [] }, finalOf(between.slice(0, 8)));
  finds('membership', /was removed, and the last it got is 5/, { gap: [], removal: bob('unfollow', { code: 2000 }) });
  finds('membership', /3 changes were acknowledged/, { in: [...change('in'), ...change('out')] });
});
