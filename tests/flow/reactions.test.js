// Reactions to messages, and pins.
import assert from 'node:assert/strict';
import { chat, configure, eventually, refused, running, test } from './harness/index.js';

configure({ api: { PARLEY_LIMITS_REACTION_KINDS: '3', PARLEY_LIMITS_PINS_PER_ROOM: '3' } });

async function nextOf(device, room, count) {
  const events = [];
  while (events.length < count) events.push(await device.next(room));
  return events;
}

// ---- reactions ----

test('a reaction is told to all with how many there are, and each reader sees the own ones', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const room = await ada.createRoom('tea', { members: [bob, cy] });
  const phone = await cy.connect({ rooms: [room] });
  const { message: sent } = await ada.post(room, 'tea?');
  await ada.react(room, sent.seq, '🫖');
  await bob.react(room, sent.seq, '🫖', { api: 1 });
  await bob.react(room, sent.seq, '+1');
  await ada.unreact(room, sent.seq, '🫖');
  const events = (await nextOf(phone, room, 5)).slice(1);
  assert.deepEqual(events.map(({ kind, target_seq, sender, reaction }) => [kind, target_seq, sender.id, reaction]), [
    ['reaction', sent.seq, ada.id, { emoji: '🫖', user_id: ada.id, added: true, count: 1 }],
    ['reaction', sent.seq, bob.id, { emoji: '🫖', user_id: bob.id, added: true, count: 2 }],
    ['reaction', sent.seq, bob.id, { emoji: '+1', user_id: bob.id, added: true, count: 1 }],
    ['reaction', sent.seq, ada.id, { emoji: '🫖', user_id: ada.id, added: false, count: 1 }],
  ]);
  const seenBy = (mine) => ({ ...sent, reactions: [{ emoji: '+1', count: 1, mine }, { emoji: '🫖', count: 1, mine }] });
  for (const person of [ada, bob, cy]) {
    const expected = seenBy(person === bob);
    assert.deepEqual(await person.message(room, sent.seq), expected);
    assert.deepEqual((await person.messages(room)).items, [expected]);
    assert.deepEqual((await person.messages(room, `around=${sent.seq}`)).items, [expected]);
    assert.deepEqual((await person.snapshot(room)).messages, [expected]);
  }
  const toAll = { ...sent, reactions: [{ emoji: '+1', count: 1 }, { emoji: '🫖', count: 1 }] };
  assert.deepEqual((await bob.log(room)).find(({ seq }) => seq === sent.seq).message, toAll);
  await eventually(async () => (await bob.chatOf(room)).last_message.reactions?.length === 2, 'reactions in the chat list');
  assert.deepEqual((await bob.chatOf(room)).last_message, toAll);
});

test('many who ask for the same page at once each see their own reactions', async (t) => {
  const people = Object.values(await chat(t).users('ada', 'bob', 'cy', 'eve'));
  const room = await people[0].createRoom('tea', { members: people.slice(1) });
  const seqs = [];
  for (let i = 0; i < 20; i++) seqs.push((await people[0].post(room, `${i}`)).seq);
  await Promise.all(people.map((person, k) => Promise.all(seqs.filter((_, i) => i % 4 === k).map((seq) => person.react(room, seq, '🫖')))));
  const asked = Array.from({ length: 40 }, (_, i) => people[i % 4]);
  const pages = await Promise.all(asked.map((person) => person.messages(room, '', { api: 0 })));
  for (const [i, { items }] of pages.entries())
    assert.deepEqual(items.map(({ reactions }) => reactions[0].mine), seqs.map((_, k) => k % 4 === i % 4));
});

test('reacting twice, or taking back what is not there, is no event', async (t) => {
  const { ada } = await chat(t).users('ada');
  const room = await ada.createRoom('tea');
  const { seq } = await ada.post(room, 'tea');
  await ada.unreact(room, seq, '🫖');
  for (const api of [0, 1, 0]) await ada.react(room, seq, '🫖', { api });
  for (const api of [0, 1, 0]) await ada.unreact(room, seq, '🫖', { api });
  assert.deepEqual((await ada.log(room, seq)).map(({ reaction }) => reaction.added), [true, false]);
  assert.equal((await ada.message(room, seq)).reactions, undefined);
});

test('racing reactions of many are all counted', async (t) => {
  const { ada, bob, cy, eve } = await chat(t).users('ada', 'bob', 'cy', 'eve');
  const room = await ada.createRoom('tea', { members: [bob, cy, eve] });
  const { seq } = await ada.post(room, 'tea');
  const people = [ada, bob, cy, eve];
  await Promise.all(people.flatMap((person) => ['🫖', '+1', 'é'].map((emoji, i) => person.react(room, seq, emoji, { api: i % 2 }))));
  assert.deepEqual((await ada.message(room, seq)).reactions.map(({ emoji, count }) => [emoji, count]), [['+1', 4], ['é', 4], ['🫖', 4]]);
  const counts = (await ada.log(room, seq)).filter(({ reaction }) => reaction.emoji === '🫖').map(({ reaction }) => reaction.count);
  assert.deepEqual(counts, [1, 2, 3, 4]);
});

test('a message has so many kinds of reactions and no more', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const { seq } = await ada.post(room, 'tea');
  for (const emoji of ['1', '2', '3']) await ada.react(room, seq, emoji);
  await refused(bob.react(room, seq, '4'), 409, 'too_many');
  await bob.react(room, seq, '3');
  await ada.unreact(room, seq, '1');
  await bob.react(room, seq, '4');
  assert.equal((await ada.get('/config')).limits.reaction_kinds, 3);
});

test('emoji have 1 to 32 bytes, none of them blank or control', async (t) => {
  const { ada } = await chat(t).users('ada');
  const room = await ada.createRoom('tea');
  const { seq } = await ada.post(room, 'tea');
  const wrong = [' ', 'a b', '\n', '\u0000', '\u0007', '\u007f', '\u0085', '\u00a0', '\u2003', '\u2028', '\u202e', '\u3000', 'x'.repeat(33), '🫖'.repeat(9)];
  for (const emoji of wrong) await assert.rejects(ada.react(room, seq, emoji), { status: 400 }, JSON.stringify(emoji));
  const right = ['👩‍👩‍👧‍👦', '❤️', '%', ':)', 'x'.repeat(32), '🫖'.repeat(8)];
  for (const emoji of right) {
    await ada.react(room, seq, emoji);
    assert.deepEqual((await ada.message(room, seq)).reactions, [{ emoji, count: 1, mine: true }]);
    assert.deepEqual((await ada.reacted(room, seq, emoji)).items.map(({ id }) => id), [ada.id]);
    await ada.unreact(room, seq, emoji);
  }
});

test('who has reacted is listed in pages, for members', async (t) => {
  const { ada, bob, cy, eve } = await chat(t).users('ada', 'bob', 'cy', 'eve');
  const room = await ada.createRoom('tea', { members: [bob, cy] });
  const { seq } = await ada.post(room, 'tea');
  const people = [ada, bob, cy];
  for (const person of people) await person.react(room, seq, '🫖');
  const ids = people.map(({ id }) => id).sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  const first = await ada.reacted(room, seq, '🫖', '?limit=2');
  assert.deepEqual([first.items.map(({ id }) => id), first.has_more, first.next], [ids.slice(0, 2), true, ids[1]]);
  const rest = await ada.reacted(room, seq, '🫖', `?after=${first.next}`);
  assert.deepEqual([rest.items.map(({ id }) => id), rest.has_more], [ids.slice(2), false]);
  assert.deepEqual(await ada.reacted(room, seq, '+1'), { items: [], has_more: false });
  await refused(eve.reacted(room, seq, '🫖'), 404, 'not_found');
  await refused(eve.react(room, seq, '🫖'), 404, 'not_found');
  for (const nothing of [1, seq + 9]) {
    await refused(ada.reacted(room, nothing, '🫖'), 404, 'not_found');
    await refused(ada.react(room, nothing, '🫖'), 404, 'not_found');
  }
});

test('a deleted message loses its reactions and gets no new ones', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const { seq } = await ada.post(room, 'tea');
  await bob.react(room, seq, '🫖');
  await ada.edit(room, seq, 'coffee');
  assert.deepEqual((await bob.message(room, seq)).reactions, [{ emoji: '🫖', count: 1, mine: true }], 'an edit keeps them');
  await ada.remove(room, seq);
  assert.equal((await bob.message(room, seq)).reactions, undefined);
  assert.deepEqual((await bob.reacted(room, seq, '🫖')).items, []);
  await refused(bob.react(room, seq, '🫖'), 422, 'not_possible');
  const last = (await ada.log(room)).length;
  await bob.unreact(room, seq, '🫖');
  assert.equal((await ada.log(room)).length, last, 'there is nothing to take back');
  const servers = await running();
  const lane = `lane_${String((BigInt(room.id) >> 12n) & 1023n).padStart(3, '0')}`;
  const left = () => servers.sql(`SELECT count(*) FROM ${lane}.reactions WHERE room_id = ${room.id}`);
  await eventually(async () => (await left())[0][0] === '0', 'the end of who had reacted');
});

// ---- pins ----

test('pins are listed with who pinned, the newest first, and told to all', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const phone = await bob.connect({ rooms: [room] });
  const [one, two] = [await ada.post(room, 'one'), await ada.post(room, 'two')];
  await bob.pin(room, two.seq);
  for (const api of [0, 1]) await ada.pin(room, one.seq, { api });
  const events = (await nextOf(phone, room, 4)).slice(2);
  assert.deepEqual(events.map(({ kind, target_seq, sender, message }) => [kind, target_seq, sender.id, message]),
    [['pin', two.seq, bob.id, two.message], ['pin', one.seq, ada.id, one.message]]);
  const pin = (event, by, message) => ({ message, pinned_by: { id: by.id, name: by.user.name }, pinned_at: event.created_at });
  assert.deepEqual(await bob.pins(room), { items: [pin(events[1], ada, one.message), pin(events[0], bob, two.message)], has_more: false });
  const edited = await ada.edit(room, one.seq, 'first');
  assert.deepEqual((await bob.pins(room)).items[0].message, edited);
  for (const api of [0, 1]) await bob.unpin(room, one.seq, { api });
  const [, unpinned] = await nextOf(phone, room, 2);
  assert.deepEqual([unpinned.kind, unpinned.target_seq, unpinned.message], ['unpin', one.seq, undefined]);
  await ada.remove(room, two.seq);
  assert.deepEqual((await bob.pins(room)).items, [], 'what is deleted is pinned no more');
  await refused(ada.pin(room, two.seq), 422, 'not_possible');
  await ada.unpin(room, two.seq);
  assert.deepEqual((await bob.log(room, two.seq)).map(({ kind }) => kind), ['pin', 'pin', 'edit', 'unpin', 'delete']);
});

test('a room has so many pins and no more', async (t) => {
  const { ada } = await chat(t).users('ada');
  const room = await ada.createRoom('tea');
  const seqs = [];
  for (let i = 0; i < 4; i++) seqs.push((await ada.post(room, `${i}`)).seq);
  for (const seq of seqs.slice(0, 3)) await ada.pin(room, seq);
  await refused(ada.pin(room, seqs[3]), 409, 'too_many');
  await ada.unpin(room, seqs[0]);
  await ada.pin(room, seqs[3]);
});

test('in a public room moderators pin, in others every member', async (t) => {
  const { ada, bob, eve } = await chat(t).users('ada', 'bob', 'eve');
  const open = await ada.createRoom('open', { kind: 'public', members: [bob] });
  const { seq } = await bob.post(open, 'pin me');
  await refused(bob.pin(open, seq), 403, 'role_required');
  await ada.pin(open, seq);
  await refused(bob.unpin(open, seq), 403, 'role_required');
  await refused(eve.pin(open, seq), 403, 'member_required');
  await refused(eve.pins(open), 403, 'member_required');
  const direct = await ada.direct(bob);
  const said = await ada.post(direct, 'between us');
  await bob.pin(direct, said.seq);
  await refused(eve.pins(direct), 404, 'not_found');
  for (const nothing of [1, 999]) await refused(ada.pin(open, nothing), 404, 'not_found');
});
