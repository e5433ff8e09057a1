// Whom a message mentions, how many unread ones mention somebody, and messages that are passed on.
import assert from 'node:assert/strict';
import { chat, eventually, refused, running, test } from './harness/index.js';

const laneOf = (room) => `lane_${String((BigInt(room.id) >> 12n) & 1023n).padStart(3, '0')}`;

/** What every door says of somebody's mentions in a room. */
async function assertMentions(person, room, expected) {
  for (const api of [0, 1])
    await eventually(async () => (await person.chatOf(room, { api })).mentions === expected, `${expected} in the chat list of ${person.login}`);
  const { until } = await person.get('/me/changes');
  assert.ok(until);
  const changes = await person.get(`/me/changes?since=2020-01-01T00:00:00.000Z&limit=200`);
  assert.equal(changes.items.find(({ room_id }) => room_id === room.id).mentions, expected, 'in /me/changes');
  const { cursor } = await person.chatOf(room);
  assert.equal((await person.moveCursor(room, cursor.seq)).mentions, expected, 'in the answer to a cursor that stays');
}

test('members are mentioned by their login; others, and what only looks like one, are not', async (t) => {
  const { ada, bob, cy, eve } = await chat(t).users('ada', 'bob', 'cy', 'eve');
  const room = await ada.createRoom('tea', { members: [bob, cy] });
  const mentions = async (text) => (await ada.post(room, text)).message.mentions;
  assert.deepEqual(await mentions(`@${bob.login} tea?`), [bob.id]);
  assert.deepEqual(await mentions(`tea, @${cy.login.toUpperCase()}... and @${bob.login}, @${bob.login}!`), [cy.id, bob.id]);
  assert.deepEqual(await mentions(`@${eve.login} is no member, @nobody.here is nobody`), undefined);
  assert.deepEqual(await mentions(`mail x@${bob.login}`), undefined);
  assert.deepEqual(await mentions(`myself, @${ada.login}`), [ada.id]);
  await ada.kick(room, cy);
  assert.deepEqual(await mentions(`@${cy.login}`), undefined);
  await refused(eve.post(room, `@${bob.login}`), 404, 'not_found');
});

test('mentions are counted until they are read, by every door, also from the database alone', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const room = await ada.createRoom('tea', { members: [bob, cy] });
  const phone = await bob.connect();
  const first = await ada.post(room, `@${bob.login} one`);
  const line = await phone.nextLine(room);
  assert.deepEqual([line.mentions, line.mentions_room], [[bob.id], undefined]);
  const told = await phone.nextOwn('cursor');
  assert.deepEqual([told.room_id, told.unread, told.mentions], [room.id, 1, 1]);
  await ada.post(room, 'nobody');
  const second = await cy.post(room, `@${bob.login} two`);
  await assertMentions(bob, room, 2);
  await assertMentions(cy, room, 0);
  assert.equal((await bob.moveCursor(room, first.seq)).mentions, 1);
  await assertMentions(bob, room, 1);
  assert.equal((await bob.moveCursor(room, first.seq - 1, { force: true })).mentions, 2, 'and counted again when one goes back');
  const servers = await running();
  await servers.redis.command('FLUSHALL');
  await assertMentions(bob, room, 2);
  assert.equal((await bob.moveCursor(room, second.seq)).mentions, 0);
  await ada.post(room, `@${bob.login} three`);
  await bob.post(room, 'I have read all');
  await assertMentions(bob, room, 0);
});

test('nobody calls the whole room above the event that took the right to', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const room = await ada.createRoom('tea', { kind: 'public', members: [bob, cy] });
  for (let round = 0; round < 4; round++) {
    await ada.changeMember(room, bob, { role: 'moderator' });
    const sends = Array.from({ length: 30 }, (_, i) => bob.post(room, `@room and @${cy.login}`, { api: i % 2 }));
    await ada.changeMember(room, bob, { role: 'member' }, { api: round % 2 });
    await Promise.all(sends);
  }
  let allowed = false;
  for (const { kind, sender, member, message } of await ada.log(room)) {
    if (kind === 'role' && member.user.id === bob.id) allowed = member.role === 'moderator';
    if (kind !== 'message') continue;
    assert.equal(sender.id, bob.id);
    assert.ok(allowed || !message.mentions_room, `message ${message.seq}`);
    assert.deepEqual(message.mentions, [cy.id]);
  }
});

test('an edit mentions nobody anew, and a deletion changes nobody\'s numbers', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const { seq } = await ada.post(room, 'tea');
  assert.equal((await ada.edit(room, seq, `@${bob.login} tea`)).mentions, undefined);
  await assertMentions(bob, room, 0);
  const named = await ada.post(room, `@${bob.login}`);
  assert.deepEqual((await ada.edit(room, named.seq, 'never mind')).mentions, [bob.id]);
  await ada.remove(room, named.seq);
  assert.equal((await bob.message(room, named.seq)).mentions, undefined);
  await assertMentions(bob, room, 1);
});

test('@room mentions everybody but in direct rooms, and only by those who may', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const open = await ada.createRoom('open', { kind: 'public', members: [bob, cy] });
  const phone = await cy.connect();
  const { message } = await ada.post(open, `@room and @${bob.login}`);
  assert.deepEqual([message.mentions, message.mentions_room], [[bob.id], true]);
  const line = await phone.nextLine(open);
  assert.deepEqual([line.mentions, line.mentions_room], [[bob.id], true]);
  for (const person of [bob, cy]) await assertMentions(person, open, 1);
  await assertMentions(ada, open, 0);
  assert.equal((await bob.post(open, '@room')).message.mentions_room, undefined);
  await assertMentions(cy, open, 1);
  await ada.post(open, 'the last, @ROOM.');
  await assertMentions(cy, open, 2);
  await assertMentions(bob, open, 1);
  const late = await ada.createRoom('late', { kind: 'public' });
  await ada.post(late, '@room');
  await cy.join(late);
  await assertMentions(cy, late, 0);
  const direct = await ada.direct(bob);
  assert.equal((await ada.post(direct, '@room')).message.mentions_room, undefined);
  await assertMentions(bob, direct, 0);
});

test('who comes back has no old mentions', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  await ada.post(room, `@${bob.login}`);
  await bob.leave(room);
  await ada.add(room, bob);
  await assertMentions(bob, room, 0);
});

test('a crash after the commit leaves no mention untold', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const phone = await bob.connect();
  await bob.chats(); // its line is in the cache
  const lane = laneOf(room);
  const servers = await running();
  await servers.sql(`WITH said AS (
    INSERT INTO ${lane}.events (room_id, seq, kind, sender_id, nonce, digest, body, message_no, room_mention_no, created_at)
    SELECT room_id, seq + 1, 'message', ${ada.id}, 'n', 'd', '{"nonce":"n","text":"@bob","mentions":["${bob.id}"]}', message_no + 1, room_mention_no, now()
    FROM ${lane}.events WHERE room_id = ${room.id} ORDER BY seq DESC LIMIT 1 RETURNING room_id, seq
  ), named AS (INSERT INTO ${lane}.mentions SELECT room_id, ${bob.id}, seq FROM said
  ), counted AS (UPDATE ${lane}.members m SET mentions = 1, changed_at = greatest(now(), changed_at + interval '1 microsecond')
                 FROM said WHERE m.room_id = said.room_id AND m.user_id = ${bob.id})
    INSERT INTO ${lane}.outbox (incarnation, number, entries)
    SELECT 4243, 1, json_build_array(json_build_array(room_id, seq), json_build_array(room_id, 0, ${bob.id})) FROM said`);
  assert.equal((await phone.nextOwn('cursor')).mentions, 1);
  assert.deepEqual((await phone.nextLine(room)).mentions, [bob.id]);
  await assertMentions(bob, room, 1);
});

// ---- forwards ----

test('a forward says what somebody said elsewhere, and where', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const [tea, milk] = [await ada.createRoom('tea', { members: [bob] }), await ada.createRoom('milk', { members: [cy] })];
  const { message: said } = await bob.post(tea, `"tea", @${cy.login} \u0001 🫖`);
  const phone = await cy.connect({ rooms: [milk] });
  const { message: passed } = await ada.forward(milk, tea, said.seq);
  assert.equal(passed.text, said.text);
  assert.deepEqual(passed.forward, { room_id: tea.id, seq: said.seq, sender: { id: bob.id, name: bob.user.name }, created_at: said.created_at });
  assert.deepEqual([passed.sender.id, passed.mentions], [ada.id, undefined]);
  assert.deepEqual((await phone.next(milk)).message, passed);
  await refused(cy.message(tea, said.seq), 404, 'not_found');
  await refused(ada.edit(milk, passed.seq, 'my words'), 422, 'not_possible');
  const { message: again } = await cy.forward(milk, milk, passed.seq);
  assert.deepEqual([again.text, again.forward], [said.text, passed.forward], 'of a forward the origin is told');
  await bob.edit(tea, said.seq, 'changed');
  await bob.remove(tea, said.seq);
  assert.deepEqual(await cy.message(milk, passed.seq), passed, 'what was passed on is a message of its own');
  await ada.remove(milk, passed.seq);
  assert.deepEqual([(await cy.message(milk, passed.seq)).text, (await cy.message(milk, passed.seq)).forward], [undefined, undefined]);
});

test('one forwards what one may read, and only messages', async (t) => {
  const { ada, bob, eve } = await chat(t).users('ada', 'bob', 'eve');
  const [tea, open, own] = [await ada.createRoom('tea'), await ada.createRoom('open', { kind: 'public' }), await bob.createRoom('own')];
  const [inTea, inOpen] = [await ada.post(tea, 'secret'), await ada.post(open, 'for members')];
  const { problem } = await refused(bob.forward(own, tea, inTea.seq), 404, 'not_found');
  assert.equal(problem.errors[0].field, 'forward');
  await refused(bob.forward(own, open, inOpen.seq), 404, 'not_found');
  await refused(bob.forward(own, { id: '1' }, 1), 404, 'not_found');
  for (const nothing of [1, 2, 99]) await refused(ada.forward(open, tea, nothing), 422, 'unknown_message');
  await ada.remove(tea, inTea.seq);
  await refused(ada.forward(open, tea, inTea.seq), 422, 'not_possible');
  await refused(eve.forward(own, own, 3), 404, 'not_found');
  const path = `/rooms/${own.id}/messages`;
  const wrong = [[{ seq: 1 }, 'out_of_range'], [{ room_id: own.id }, 'out_of_range'], [{ room_id: 7, seq: 1 }, 'out_of_range'], [{ room_id: own.id, seq: 0 }, 'out_of_range'],
    [{ room_id: own.id, seq: 1, text: 'x' }, 'unknown_field'], ['what', 'wrong_type'], [[], 'wrong_type']];
  for (const [forward, code] of wrong)
    assert.equal((await refused(bob.call('POST', path, { nonce: 'n', forward }), 400, code)).problem.errors[0].field, 'forward');
  const both = { nonce: 'n', text: 'and my words', forward: { room_id: own.id, seq: 1 } };
  assert.equal((await refused(bob.call('POST', path, both), 400, 'invalid')).problem.errors[0].field, 'text');
});

test('a forward that is repeated gets the first answer, whatever became of its source', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const [tea, milk] = [await ada.createRoom('tea', { members: [bob] }), await bob.createRoom('milk')];
  const { seq } = await ada.post(tea, 'tea');
  const first = await bob.forward(milk, tea, seq, { nonce: 'the same' });
  assert.deepEqual(await bob.forward(milk, tea, seq, { nonce: 'the same', api: 1 }), first);
  await refused(bob.forward(milk, tea, seq + 1, { nonce: 'the same' }), 422, 'unknown_message');
  const other = await ada.post(tea, 'more');
  await refused(bob.forward(milk, tea, other.seq, { nonce: 'the same' }), 422, 'nonce_reused');
  await ada.remove(tea, seq);
  assert.deepEqual(await bob.forward(milk, tea, seq, { nonce: 'the same' }), first);
  await ada.kick(tea, bob);
  assert.deepEqual(await bob.forward(milk, tea, seq, { nonce: 'the same' }), first);
  await refused(bob.forward(milk, tea, seq, { nonce: 'another' }), 404, 'not_found');
  assert.equal((await bob.messages(milk)).items.length, 1);
});

test('messages.send on a socket takes replies and forwards, too', async (t) => {
  const { ada } = await chat(t).users('ada');
  const [tea, milk] = [await ada.createRoom('tea'), await ada.createRoom('milk')];
  const { seq } = await ada.post(tea, 'tea');
  const phone = await ada.connect();
  const reply = await phone.rpc('messages.send', { room: tea.id, text: 'indeed', nonce: 'r', reply_to: seq });
  assert.equal(reply.message.reply_to.excerpt, 'tea');
  const passed = await phone.rpc('messages.send', { room: milk.id, nonce: 'f', forward: { room_id: tea.id, seq } });
  assert.deepEqual([passed.message.text, passed.message.forward.seq], ['tea', seq]);
});
