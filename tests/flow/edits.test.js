// What becomes of a message after it was sent: edits and what it said before, deletion.
import assert from 'node:assert/strict';
import { chat, eventually, refused, running, test } from './harness/index.js';

const laneOf = (room) => `lane_${String((BigInt(room.id) >> 12n) & 1023n).padStart(3, '0')}`;

async function nextOf(device, room, count) {
  const events = [];
  while (events.length < count) events.push(await device.next(room));
  return events;
}

test('an edit changes the text, counts the version, and tells every device the whole message', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const phone = await bob.connect({ rooms: [room] });
  const { message: sent } = await ada.post(room, 'kettle is of');
  await phone.next(room);
  const edited = await ada.edit(room, sent.seq, 'kettle is off');
  assert.deepEqual({ ...edited, edited_at: undefined }, { ...sent, text: 'kettle is off', version: 2, edited_at: undefined });
  const event = await phone.next(room);
  assert.deepEqual([event.kind, event.seq, event.target_seq, event.message_no], ['edit', sent.seq + 1, sent.seq, 1]);
  assert.deepEqual(event.message, edited);
  assert.equal(edited.edited_at, event.created_at);
  assert.deepEqual(await bob.message(room, sent.seq), edited);
  assert.deepEqual((await bob.messages(room)).items, [edited]);
  assert.deepEqual((await bob.snapshot(room)).messages, [edited]);
});

test('an edit to the text that is there already changes nothing and is no event', async (t) => {
  const { ada } = await chat(t).users('ada');
  const room = await ada.createRoom('tea');
  const { message: sent } = await ada.post(room, 'tea');
  assert.deepEqual(await ada.edit(room, sent.seq, 'tea'), sent);
  const edited = await ada.edit(room, sent.seq, 'milk');
  assert.deepEqual(await ada.edit(room, sent.seq, 'milk', { api: 1 }), edited);
  assert.deepEqual((await ada.log(room, sent.seq)).map(({ kind }) => kind), ['edit']);
});

test('an edit that is meant for another version is refused; its repeat is not', async (t) => {
  const { ada, eve } = await chat(t).users('ada', 'eve');
  const room = await ada.createRoom('tea');
  const { seq } = await ada.post(room, 'one');
  const path = `/rooms/${room.id}/messages/${seq}`;
  const first = await ada.ask('GET', path);
  const tag = { 'if-match': first.headers.etag };
  assert.equal((await ada.ask('PATCH', path, { text: 'two' }, { headers: tag })).headers.etag, '"2"');
  await refused(ada.edit(room, seq, 'three', { headers: tag }), 412, 'version_changed');
  await refused(ada.edit(room, seq, 'three', { headers: { 'if-match': 'what?' } }), 412, 'version_changed');
  await refused(eve.edit(room, seq, 'three', { headers: { 'if-match': 'what?' } }), 404, 'not_found');
  assert.equal((await ada.edit(room, seq, 'two', { headers: tag })).version, 2);
  assert.equal((await ada.edit(room, seq, 'three', { headers: { 'if-match': '*' } })).version, 3);
});

test('only its sender edits a message, as long as they may write in the room', async (t) => {
  const { ada, bob, eve } = await chat(t).users('ada', 'bob', 'eve');
  const room = await ada.createRoom('tea', { members: [bob] });
  const own = (await bob.post(room, 'mine')).seq;
  await refused(ada.edit(room, own, 'yours'), 403, 'role_required');
  await refused(eve.edit(room, own, 'hers'), 404, 'not_found');
  for (const seq of [1, 2, own + 1, 0, 'x']) await refused(bob.edit(room, seq, 'nothing'), 404, 'not_found');
  await refused(bob.edit(room, own, ''), 400, 'out_of_range');
  await refused(bob.edit(room, own, 'x'.repeat(16 * 1024 + 1)), 400, 'out_of_range');
  await (await running()).sql(`UPDATE ${laneOf(room)}.members SET silent_until = now() + interval '1 hour' WHERE user_id = ${bob.id}`);
  const { problem } = await refused(bob.edit(room, own, 'still talking'), 403, 'silenced');
  assert.ok(problem.until);
  await ada.kick(room, bob);
  await refused(bob.edit(room, own, 'gone'), 404, 'not_found');
  assert.deepEqual(await ada.texts(room), ['mine']);
});

test('what a message said before is kept for its sender and for moderators, up to a number of texts', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const room = await ada.createRoom('tea', { members: [bob, cy] });
  const { message: sent } = await bob.post(room, 'text 1');
  const revisions = (person, query = '') => person.get(`/rooms/${room.id}/messages/${sent.seq}/revisions${query}`);
  assert.deepEqual(await revisions(bob), { items: [], has_more: false });
  const edits = [];
  for (let i = 2; i <= 5; i++) edits.push(await bob.edit(room, sent.seq, `text ${i}`));
  const expected = [sent, ...edits.slice(0, -1)].map(({ version, text, edited_at, created_at }) => ({ version, text, created_at: edited_at ?? created_at }));
  for (const person of [ada, bob]) assert.deepEqual((await revisions(person)).items, expected);
  await refused(revisions(cy), 403, 'role_required');
  const page = await revisions(bob, '?limit=3');
  assert.deepEqual([page.items, page.has_more, page.next], [expected.slice(0, 3), true, '3']);
  assert.deepEqual((await revisions(bob, '?after=3')).items, expected.slice(3));
  for (let i = 6; i <= 106; i++) await bob.edit(room, sent.seq, `text ${i}`);
  const kept = (await revisions(bob, '?limit=200')).items;
  assert.deepEqual([kept.length, kept[0].text, kept.at(-1).text], [100, 'text 6', 'text 105']);
});

test('a page of long earlier texts is small, and the pages are complete', async (t) => {
  const { ada } = await chat(t).users('ada');
  const room = await ada.createRoom('tea');
  const text = (i) => `${i} `.padEnd(16 * 1024, 'x');
  const { seq } = await ada.post(room, text(0));
  for (let i = 1; i <= 80; i++) await ada.edit(room, seq, text(i));
  const read = [];
  for (let page = { has_more: true, next: '0' }; page.has_more; ) {
    page = await ada.get(`/rooms/${room.id}/messages/${seq}/revisions?limit=200&after=${page.next}`);
    assert.ok(JSON.stringify(page).length < 1.2e6);
    read.push(...page.items.map((item) => item.text));
  }
  assert.deepEqual(read, Array.from({ length: 80 }, (_, i) => text(i)));
});

test('a deletion leaves the number and takes the text from everywhere, also from what is told of the past', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const phone = await bob.connect({ rooms: [room] });
  const { message: sent } = await ada.post(room, 'the secret word');
  await ada.edit(room, sent.seq, 'the secret number');
  const before = await bob.chatOf(room);
  await ada.remove(room, sent.seq);
  const { room_id, seq, message_no, sender, nonce, created_at } = sent;
  const events = await nextOf(phone, room, 3);
  const { edited_at } = events[1].message;
  const tombstone = { room_id, seq, message_no, sender, nonce, created_at, edited_at, version: 3, deleted_at: events[2].created_at };
  assert.deepEqual([events[2].kind, events[2].target_seq, events[2].message], ['delete', seq, tombstone]);
  assert.deepEqual(await bob.message(room, seq), tombstone);
  assert.deepEqual((await bob.messages(room)).items, [tombstone]);
  for (const api of [0, 1]) {
    await eventually(async () => (await bob.chatOf(room, { api })).last_message.deleted_at, 'the tombstone in the chat list');
    const line = await bob.chatOf(room, { api });
    assert.deepEqual([line.last_message, line.unread, line.room.message_no], [tombstone, before.unread, 1]);
  }
  const log = await bob.log(room);
  assert.deepEqual(log.filter(({ message }) => message).map(({ message }) => message), [tombstone, tombstone, tombstone]);
  assert.ok(!JSON.stringify(log).includes('secret'));
  assert.deepEqual((await ada.get(`/rooms/${room.id}/messages/${seq}/revisions`)).items, []);
  const rows = await (await running()).sql(`SELECT to_json(e) FROM ${laneOf(room)}.events e WHERE room_id = ${room.id}`);
  assert.ok(!JSON.stringify(rows).includes('secret'));
});

test('deleting twice is the same as once, and what is deleted is edited no more', async (t) => {
  const { ada } = await chat(t).users('ada');
  const room = await ada.createRoom('tea');
  const { seq } = await ada.post(room, 'tea');
  for (const api of [0, 1, 0]) await ada.remove(room, seq, { api });
  await refused(ada.edit(room, seq, 'coffee'), 422, 'not_possible');
  assert.deepEqual((await ada.log(room, seq)).map(({ kind }) => kind), ['delete']);
  for (const nothing of [1, seq + 1, seq + 9]) await refused(ada.remove(room, nothing), 404, 'not_found');
});

test('one deletes the own messages; moderators those of people below them', async (t) => {
  const { ada, bob, cy, eve } = await chat(t).users('ada', 'bob', 'cy', 'eve');
  const room = await ada.createRoom('tea', { members: [bob, cy] });
  await (await running()).sql(`UPDATE ${laneOf(room)}.members SET role = 'moderator' WHERE room_id = ${room.id} AND user_id = ${bob.id}`);
  const of = async (person) => (await person.post(room, `of ${person.login}`)).seq;
  const [adas, bobs, cys] = [await of(ada), await of(bob), await of(cy)];
  await refused(cy.remove(room, bobs), 403, 'role_required');
  await refused(bob.remove(room, adas), 403, 'role_required');
  await refused(eve.remove(room, cys), 404, 'not_found');
  await bob.remove(room, cys);
  await ada.remove(room, bobs);
  const direct = await ada.direct(bob);
  const { seq } = await ada.post(direct, 'between us');
  await refused(bob.remove(direct, seq), 422, 'not_possible');
  await ada.remove(direct, seq);
  const last = await of(cy);
  await cy.leave(room);
  await bob.remove(room, last);
});

test('a send that is repeated after an edit or a deletion gets the message as it is now', async (t) => {
  const { ada } = await chat(t).users('ada');
  const room = await ada.createRoom('tea');
  const body = { text: 'once', nonce: 'the same' };
  const again = () => ada.ask('POST', `/rooms/${room.id}/messages`, body);
  const { seq } = (await again()).body;
  const edited = await ada.edit(room, seq, 'changed');
  let answer = await again();
  assert.deepEqual([answer.status, answer.body.message], [200, edited]);
  await ada.remove(room, seq);
  answer = await again();
  assert.deepEqual([answer.status, answer.body.message.text, answer.body.message.version], [200, undefined, 3]);
});

test('an edit and a deletion that a dead API had committed and not announced are announced by a living one', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const inside = await bob.connect({ rooms: [room] });
  const outside = await bob.connect({ gateway: 1 });
  const { seq } = await ada.post(room, 'tea');
  const lane = laneOf(room);
  const happen = (kind, change, number) => (`WITH changed AS (
    UPDATE ${lane}.events SET ${change}, version = version + 1 WHERE room_id = ${room.id} AND seq = ${seq}
  ), stored AS (
    INSERT INTO ${lane}.events (room_id, seq, kind, sender_id, nonce, digest, target_seq, body, message_no, room_mention_no, created_at)
    SELECT room_id, seq + 1, '${kind}', ${ada.id}, '${kind}', '', ${seq}, '{}', message_no, room_mention_no, now()
    FROM ${lane}.events WHERE room_id = ${room.id} ORDER BY seq DESC LIMIT 1 RETURNING room_id, seq)
    INSERT INTO ${lane}.outbox (incarnation, number, entries)
    SELECT 4244, ${number}, json_build_array(json_build_array(room_id, seq)) FROM stored`);
  const servers = await running();
  await nextOf(inside, room, 1);
  await outside.nextLine(room);
  await servers.sql(happen('edit', `edited_at = now(), body = '{"nonce":"n","text":"coffee"}'`, 1));
  assert.equal((await inside.next(room)).message.text, 'coffee');
  assert.equal((await outside.nextLine(room)).last_message.text, 'coffee');
  await servers.sql(happen('delete', `deleted_at = now(), body = '{"nonce":"n"}'`, 2));
  assert.ok((await inside.next(room)).message.deleted_at);
  assert.ok((await outside.nextLine(room)).last_message.deleted_at);
  await eventually(async () => (await bob.chatOf(room)).last_message.deleted_at, 'the tombstone in the chat list');
});

test('who may not write to somebody may not do so by editing and reacting', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.direct(bob);
  const { seq } = await ada.post(room, 'tea');
  await bob.call('PUT', `/me/blocks/${ada.id}`);
  await refused(ada.edit(room, seq, 'coffee'), 403, 'blocked');
  await refused(ada.react(room, seq, '🫖'), 403, 'blocked');
  await ada.remove(room, seq);
});

// ---- replies ----

test('a reply shows whom it answers and the beginning of what they said, as it is now', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const phone = await ada.connect({ rooms: [room] });
  const long = '🫖'.repeat(119) + 'é and more';
  const { seq } = await ada.post(room, long);
  const { message: reply } = await bob.post(room, 'indeed', { reply_to: seq });
  const sender = { id: ada.id, name: 'ada' };
  assert.deepEqual(reply.reply_to, { seq, sender, excerpt: '🫖'.repeat(119) + 'é' });
  assert.deepEqual((await nextOf(phone, room, 2))[1].message, reply);
  assert.deepEqual((await ada.messages(room)).items[1], reply);
  await ada.edit(room, seq, 'short');
  assert.deepEqual((await bob.message(room, reply.seq)).reply_to, { seq, sender, excerpt: 'short' });
  await eventually(async () => (await ada.chatOf(room)).last_message.reply_to.excerpt === 'short', 'the excerpt in the chat list');
  await ada.remove(room, seq);
  const without = { seq, sender };
  assert.deepEqual((await bob.message(room, reply.seq)).reply_to, without);
  assert.deepEqual((await bob.log(room)).find((event) => event.seq === reply.seq).message.reply_to, without);
  await eventually(async () => !('excerpt' in (await ada.chatOf(room)).last_message.reply_to), 'no excerpt in the chat list');
  const edited = await bob.edit(room, reply.seq, 'was it?');
  assert.deepEqual(edited.reply_to, without);
  assert.deepEqual((await nextOf(phone, room, 3))[2].message, edited);
});

test('one replies to messages of the same room alone', async (t) => {
  const { ada } = await chat(t).users('ada');
  const [room, other] = [await ada.createRoom('tea'), await ada.createRoom('milk')];
  const { seq } = await ada.post(room, 'tea');
  const { seq: far } = await ada.post(room, 'more tea');
  await ada.post(other, 'milk');
  for (const nothing of [1, 2, far + 1, 1e6]) await refused(ada.post(room, 'hm', { reply_to: nothing }), 422, 'unknown_message');
  await refused(ada.post(other, 'hm', { reply_to: far }), 422, 'unknown_message');
  await refused(ada.post(room, 'hm', { reply_to: 0 }), 400, 'out_of_range');
  await refused(ada.post(room, 'hm', { reply_to: `${seq}` }), 400, 'wrong_type');
  await ada.post(room, 'once', { reply_to: seq, nonce: 'the same' });
  await refused(ada.post(room, 'once', { nonce: 'the same' }), 422, 'nonce_reused');
  await refused(ada.post(room, 'once', { nonce: 'the same', reply_to: far }), 422, 'nonce_reused');
  await ada.remove(room, seq);
  assert.equal((await ada.post(room, 'to a deleted one', { reply_to: seq })).message.reply_to.seq, seq);
  assert.equal((await ada.post(room, 'once', { reply_to: seq, nonce: 'the same' })).message.reply_to.seq, seq);
});

test('who comes back from before a deletion recovers the message without its text, and replies without their excerpt', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const { as_of: since } = await bob.snapshot(room);
  await ada.connect({ rooms: [room] }); // so that the gateway keeps what happens
  const { seq } = await ada.post(room, 'a secret');
  await ada.post(room, 'quite so', { reply_to: seq });
  await ada.remove(room, seq);
  const last = await ada.post(room, 'what was it?');
  const phone = await bob.connect();
  const { recovered } = await phone.subscribe(room, { since });
  assert.ok(recovered);
  await phone.reach(room, last.seq);
  assert.deepEqual(phone.publications(room).map(({ data }) => data.kind), ['message', 'message', 'delete', 'message']);
  assert.doesNotMatch(JSON.stringify(phone.publications(room)), /secret/);
});

test('a reply in the chat list names whom it answers as they are called now', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const { seq } = await bob.post(room, 'milk?');
  await ada.post(room, 'no', { reply_to: seq });
  const answered = async (api) => (await ada.chatOf(room, { api })).last_message.reply_to;
  for (const api of [0, 1]) assert.deepEqual(await answered(api), { sender: { id: bob.id, name: bob.user.name }, seq, excerpt: 'milk?' });
  await bob.call('PATCH', '/me', { name: 'Robert' }, { headers: { 'if-match': '*' } });
  for (const api of [0, 1]) await eventually(async () => (await answered(api)).sender.name === 'Robert', 'the new name');
});
