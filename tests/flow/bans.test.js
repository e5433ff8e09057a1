// Who may not be in a room.
import assert from 'node:assert/strict';
import { chat, eventually, refused, test } from './harness/index.js';

const REVOKED_WITHIN_MS = 1_000;
const inMs = (ms) => new Date(Date.now() + ms).toISOString();

test('who is banned loses the room on all devices, and comes in by no door until the ban is lifted', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const room = await ada.createRoom('tea', { kind: 'public', slug: `tea-${Date.now()}` });
  await bob.join(room);
  await cy.join(room);
  const live = `live:${room.id}`;
  const devices = await Promise.all([0, 1].map((gateway) => bob.connect({ gateway, rooms: [room, live] })));
  const witness = await cy.connect({ gateway: 1, rooms: [room] });
  const until = inMs(3_600_000);
  const deadline = Date.now() + REVOKED_WITHIN_MS;
  const told = await ada.ban(room, bob, { until, reason: 'sells coffee' });
  assert.deepEqual([told.user.id, told.until, told.reason, told.by_id], [bob.id, until, 'sells coffee', ada.id]);
  for (const device of devices) {
    assert.equal((await device.unsubscribed(room)).code, 2000);
    await device.unsubscribed(live);
    const word = await device.nextOwn('room_removed');
    assert.deepEqual([word.room_id, word.reason, word.until], [room.id, 'ban', until]);
    assert.ok(Date.now() < deadline, 'on all devices, within a second');
    assert.equal(device.publications(room).at(-1).data.kind, 'ban', 'the event itself is the last one');
  }
  const event = await witness.next(room);
  assert.deepEqual([event.kind, event.member.user.id, event.member.until, event.member.reason], ['ban', bob.id, until, 'sells coffee']);

  for (const enter of [() => bob.join(room, { api: 1 }), () => cy.add(room, bob), () => bob.call('PUT', `/rooms/by-slug/${room.slug}`, {})])
    assert.equal((await refused(enter(), 403, 'banned')).problem.until, until);
  await refused(bob.post(room, 'let me in'), 403, 'member_required');
  await ada.unban(room, bob, { api: 1 });
  assert.equal((await witness.next(room)).kind, 'unban');
  await bob.join(room);
  for (const device of devices) await device.subscribe(room);
});

test('a ban ends by itself; a new one takes the place of the old', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { kind: 'public' });
  await ada.ban(room, bob);
  const forGood = await refused(bob.join(room), 403, 'banned');
  assert.equal(forGood.problem.until, undefined);
  await ada.ban(room, bob, { until: inMs(300) });
  await eventually(() => bob.join(room), 'the end of the ban');
  assert.deepEqual((await ada.get(`/rooms/${room.id}/bans`)).items, []);
  await refused(ada.ban(room, bob, { until: inMs(-1_000) }), 400, 'out_of_range');
  await refused(ada.ban(room, bob, { until: '1970-01-01T00:00:00Z' }), 400, 'out_of_range');
  await refused(ada.ban(room, bob, { until: 'tomorrow' }), 400, 'wrong_type');
  assert.equal((await ada.chatOf(room)).room.member_count, 2, 'refusals change nothing');
});

test('bans are for moderators and above, of those below; never of oneself, nor in a direct room', async (t) => {
  const { ada, bob, cy, di } = await chat(t).users('ada', 'bob', 'cy', 'di');
  const open = await ada.createRoom('tea', { kind: 'public', members: [bob] });
  const closed = await ada.createRoom('secret', { members: [bob] });
  for (const change of ['ban', 'unban']) {
    await refused(bob[change](open, cy), 403, 'role_required');
    await refused(cy[change](open, bob), 403, 'member_required');
    await refused(cy[change](closed, bob), 404, 'not_found');
  }
  await refused(bob.ban(open, ada), 403, 'role_required');
  await refused(ada.ban(open, ada), 422, 'not_possible');
  await refused(ada.ban(open, { id: '12345' }), 422, 'unknown_user');
  await refused(ada.ban(await ada.direct(bob), bob), 422, 'not_possible');
  for (const [person, status, code] of [[bob, 403, 'role_required'], [cy, 403, 'member_required']])
    await refused(person.get(`/rooms/${open.id}/bans`), status, code);
  await refused(cy.get(`/rooms/${closed.id}/bans`), 404, 'not_found');
  for (const person of [cy, di]) await ada.ban(open, person, { reason: 'beforehand' });
  const first = await ada.get(`/rooms/${open.id}/bans?limit=1`);
  const second = await ada.get(`/rooms/${open.id}/bans?limit=1&after=${first.next}`);
  assert.deepEqual([...first.items, ...second.items].map(({ user }) => user.id), [cy.id, di.id].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1)));
  assert.deepEqual([first.has_more, second.has_more], [true, false]);
  await refused(cy.join(open), 403, 'banned');
  await ada.unban(open, cy);
  await ada.unban(open, cy); // once more is the same
  await cy.join(open);
});

test('of a ban and a join that race over both APIs, nobody is a member behind the ban', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { kind: 'public' });
  for (let round = 0; round < 30; round++) {
    const [, join] = await Promise.allSettled([ada.ban(room, bob, { api: round % 2 }), bob.join(room, { api: (round + 1) % 2 })]);
    if (join.status === 'rejected') assert.ok(['banned', 'not_found'].includes(join.reason.code), join.reason.message); // joined, and gone again
    await refused(bob.post(room, 'here'), 403, 'member_required');
    await ada.unban(room, bob);
  }
  let isIn = false;
  let isBanned = false;
  for (const { kind, seq, member } of (await ada.log(room)).filter((event) => event.member?.user.id === bob.id)) {
    if (kind === 'join') assert.ok(!isBanned && !isIn, `join at ${seq}`);
    isIn = kind === 'join';
    isBanned = kind === 'ban';
    assert.ok(member);
  }
  assert.equal((await ada.chatOf(room)).room.member_count, 1);
});
