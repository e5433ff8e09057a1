import assert from 'node:assert/strict';
import { chat, idOf, refused, soon, test } from './harness/index.js';

const kinds = (log) => log.map(({ kind }) => kind);
const together = (count, ask) => Promise.all(Array.from({ length: count }, (_, i) => ask(i)));

test('a new room has its creation and one join per member in its log, the creator first', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const room = await ada.createRoom('tea', { members: [bob, cy] });
  assert.equal(room.kind, 'private');
  assert.equal(room.name, 'tea');
  assert.equal(room.created_by, ada.id);
  assert.equal(room.member_count, 3);
  assert.deepEqual([room.last_seq, room.message_no], [4, 0]);

  const log = await ada.log(room);
  assert.deepEqual(log.map(({ seq }) => seq), [1, 2, 3, 4]);
  assert.deepEqual(kinds(log), ['room', 'join', 'join', 'join']);
  assert.equal(log[0].room.name, 'tea');
  assert.equal(log[1].member.user.id, ada.id);
  assert.equal(log[1].member.role, 'owner');
  assert.deepEqual(log.slice(2).map(({ member }) => member.user.id).sort(), [bob.id, cy.id].sort());
  assert.ok(log.every(({ sender }) => sender.id === ada.id));
  assert.deepEqual(await bob.log(room), log, 'all members see the same, through any API');
});

test('a creator named among the members is one member', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob, ada] });
  assert.equal(room.member_count, 2);
  assert.deepEqual(kinds(await ada.log(room)), ['room', 'join', 'join']);
});

test('a room with an unknown member is refused and nothing of it is there', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  await refused(ada.createRoom('tea', { members: [bob, '4611686018427387904'] }), 422, 'unknown_user');
  assert.deepEqual(await ada.chats(), []);
  assert.deepEqual(await bob.chats(), []);
});

test('two people have one direct room, whoever asks for it first', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const first = await ada.ask('POST', '/rooms/direct', { user_id: bob.id });
  const second = await bob.ask('POST', '/rooms/direct', { user_id: ada.id });
  assert.deepEqual([first.status, second.status], [201, 200]);
  assert.equal(first.body.id, second.body.id);
  assert.equal(first.body.peer.id, bob.id);
  assert.equal(second.body.peer.id, ada.id);
  assert.equal(first.body.kind, 'direct');
  await ada.post(first.body, 'hello');
  assert.deepEqual(await bob.texts(first.body), ['hello']);
});

test('two people have one direct room also when many ask at once over both APIs', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const answers = await together(20, (i) =>
    i % 2 ? ada.ask('POST', '/rooms/direct', { user_id: bob.id }, { api: (i >> 1) % 2 })
          : bob.ask('POST', '/rooms/direct', { user_id: ada.id }, { api: (i >> 1) % 2 }));
  assert.deepEqual([...new Set(answers.map(({ body }) => body.id))], [answers[0].body.id]);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array(19).fill(200), 201]);
  assert.deepEqual(kinds(await ada.log(answers[0].body)), ['room', 'join', 'join']);
  await soon(async () => assert.equal((await bob.chats()).length, 1));
});

test('a direct room with an unknown person is refused', async (t) => {
  const { ada } = await chat(t).users('ada');
  await refused(ada.direct('4611686018427387904'), 422, 'unknown_user');
  assert.deepEqual(await ada.chats(), []);
});

test('many who ask for one slug at once meet in one room', async (t) => {
  const people = Object.values(await chat(t).users('ada', 'bob', 'cy', 'dan', 'eve', 'fay'));
  const slug = `meet-${people[0].id}`;
  const answers = await Promise.all(people.map((person) => person.ask('PUT', `/rooms/by-slug/${slug}`, { name: 'meeting' })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array(5).fill(200), 201]);
  const [{ body: room }] = answers;
  assert.ok(answers.every(({ body }) => body.id === room.id));
  const log = await people[0].log(room);
  assert.deepEqual(kinds(log), ['room', ...Array(6).fill('join')]);
  assert.deepEqual(log.map(({ seq }) => seq), [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(log.slice(1).map(({ member }) => member.user.id).sort(), people.map(idOf).sort());
});

test('a slug is given to one room', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const slug = `tea-${ada.id}`;
  const room = await ada.createRoom('tea', { kind: 'public', slug });
  assert.equal(room.slug, slug);
  await refused(bob.createRoom('also tea', { kind: 'public', slug }), 409, 'slug_taken');
  assert.equal((await bob.call('PUT', `/rooms/by-slug/${slug}`, {})).id, room.id);
});

test('public rooms are listed for everybody, private ones are not', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const open = await ada.createRoom(`open ${ada.id}`, { kind: 'public' });
  const secret = await ada.createRoom(`secret ${ada.id}`);
  const listed = (await bob.get('/rooms/public?limit=200')).items.map(idOf);
  assert.ok(listed.includes(open.id));
  assert.ok(!listed.includes(secret.id));
});

test('a public room is found by a piece of its name, and by what resembles a word of it', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const word = `oolong${ada.id.slice(-6)}`;
  const room = await ada.createRoom(`The Great ${word} of 100% leaves`, { kind: 'public' });
  await ada.createRoom(`Hidden ${word}`);
  const find = async (q) => (await bob.get(`/rooms/public?q=${encodeURIComponent(q)}`)).items.map(({ id }) => id);
  for (const q of [word, word.toUpperCase(), word.slice(2, -2), `${word} of 100%`, word.replace('oo', 'o')])
    assert.deepEqual((await find(q)).filter((id) => id === room.id), [room.id], q);
  assert.deepEqual(await find('_'), [], 'a sign of patterns is a sign');
  assert.deepEqual(await find('zzzzqqqq'), []);
});

test('joining twice is the same as once', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { kind: 'public' });
  const first = await bob.join(room);
  const second = await bob.join(room, { api: 0 });
  assert.equal(first.user.id, bob.id);
  assert.equal(first.role, 'member');
  assert.deepEqual(second, first);
  assert.deepEqual(kinds(await ada.log(room)), ['room', 'join', 'join']);
  assert.equal((await bob.snapshot(room)).room.member_count, 2);
});

test('joining many times at once writes one join', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { kind: 'public' });
  await together(12, (i) => bob.join(room, { api: i % 2 }));
  assert.deepEqual(kinds(await ada.log(room)), ['room', 'join', 'join']);
});

test('leaving a public room twice is the same as once, and one may come back', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { kind: 'public' });
  await bob.join(room);
  for (const api of [0, 1]) assert.equal((await bob.ask('POST', `/rooms/${room.id}/leave`, {}, { api })).status, 204);
  await soon(async () => assert.deepEqual(await bob.chats(), []));
  await refused(bob.post(room, 'still here?'), 403, 'member_required');
  await bob.join(room);
  assert.deepEqual(kinds(await ada.log(room)), ['room', 'join', 'join', 'leave', 'join']);
  assert.equal((await bob.snapshot(room)).room.member_count, 2);
  await soon(async () => assert.deepEqual((await bob.chats()).map(({ room: { id } }) => id), [room.id]));
});

test('who left a private room does not see it any more', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  await bob.leave(room);
  await refused(bob.snapshot(room), 404, 'not_found');
  await refused(bob.post(room, 'still here?'), 404, 'not_found');
  await refused(bob.join(room), 404, 'not_found');
  assert.equal((await bob.ask('POST', `/rooms/${room.id}/leave`, {})).status, 204, 'a repeated leave is no error');
  assert.deepEqual(kinds(await ada.log(room)), ['room', 'join', 'join', 'leave']);
});

test('a member is added at once, is added once, and is removed by a kick', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea');
  const put = () => ada.ask('PUT', `/rooms/${room.id}/members/${bob.id}`, {});
  const first = await put();
  assert.equal(first.status, 201);
  assert.equal(first.body.user.id, bob.id);
  assert.equal((await put()).status, 200);
  await bob.post(room, 'thanks');
  const removal = await ada.ask('DELETE', `/rooms/${room.id}/members/${bob.id}`);
  assert.equal(removal.status, 204);
  const log = await ada.log(room);
  assert.deepEqual(kinds(log), ['room', 'join', 'join', 'message', 'kick']);
  assert.equal(log.at(-1).sender.id, ada.id);
  assert.equal(log.at(-1).member.user.id, bob.id);
  await refused(bob.snapshot(room), 404, 'not_found');
});

test('an unknown person cannot be added', async (t) => {
  const { ada } = await chat(t).users('ada');
  const room = await ada.createRoom('tea');
  await assert.rejects(ada.add(room, '4611686018427387904'), ({ status }) => status === 422 || status === 404);
  assert.deepEqual(kinds(await ada.log(room)), ['room', 'join']);
});

test('a plain member kicks nobody', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const room = await ada.createRoom('tea', { members: [bob, cy] });
  await refused(bob.kick(room, cy), 403, 'role_required');
  await refused(bob.kick(room, ada), 403, 'role_required');
  assert.equal((await cy.snapshot(room)).room.member_count, 3);
});

test('a private room and all that is under it is 404 for a stranger, as a room that is not there', async (t) => {
  const { ada, eve } = await chat(t).users('ada', 'eve');
  const room = await ada.createRoom('secret');
  const sent = await ada.post(room, 'nobody else may read this');
  const device = await eve.connect();
  for (const id of [room.id, '4611686018427387904', 'nonsense', '0', '-1', '99999999999999999999']) {
    await refused(eve.get(`/rooms/${id}`), 404, 'not_found');
    await refused(eve.get(`/rooms/${id}/messages`), 404, 'not_found');
    await refused(eve.get(`/rooms/${id}/events`), 404, 'not_found');
    await refused(eve.post(id, 'hello?'), 404, 'not_found');
    await refused(eve.join(id), 404, 'not_found');
    await refused(eve.leave(id), 404, 'not_found');
    await refused(eve.add(id, eve), 404, 'not_found');
    await refused(eve.add(id, '1'), 404, 'not_found');
    await refused(eve.kick(id, ada), 404, 'not_found');
    await refused(eve.moveCursor(id, 1), 404, 'not_found');
    await assert.rejects(device.subscribe(`room:${id}`), ({ code }) => code === 103 || code === 102);
    await assert.rejects(device.subscribe(`live:${id}`), ({ code }) => code === 103 || code === 102);
  }
  assert.deepEqual(await ada.texts(room), ['nobody else may read this']);
  assert.equal((await ada.snapshot(room)).room.last_seq, sent.seq);
});

test('of a public room a stranger sees the room, and not its contents', async (t) => {
  const { ada, eve } = await chat(t).users('ada', 'eve');
  const room = await ada.createRoom('tea', { kind: 'public' });
  const sent = await ada.post(room, 'for members');
  const seen = await eve.ask('GET', `/rooms/${room.id}`);
  assert.equal(seen.status, 200);
  assert.equal((seen.body.room ?? seen.body).name, 'tea');
  assert.ok(!seen.text.includes('for members'));
  await refused(eve.messages(room), 403, 'member_required');
  await refused(eve.get(`/rooms/${room.id}/events`), 403, 'member_required');
  await refused(eve.post(room, 'hello?'), 403, 'member_required');
  await refused(eve.moveCursor(room, 1), 403, 'member_required');
  const device = await eve.connect();
  await assert.rejects(device.subscribe(room), { code: 103 });
  await assert.rejects(device.subscribe(`live:${room.id}`), { code: 103 });
  assert.equal((await ada.snapshot(room)).room.last_seq, sent.seq);
});

test('new public rooms are announced to those who listen', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const device = await bob.connect({ gateway: 1, rooms: ['public:rooms'] });
  await ada.createRoom('quiet');
  const room = await ada.createRoom('loud', { kind: 'public' });
  const news = await device.until(
    () => device.publications('public:rooms').find(({ data }) => data.room?.created_by === ada.id),
    'news of a public room');
  assert.equal(news.data.type, 'room_created');
  assert.equal(news.data.room.id, room.id);
});

test('GET /config names both gateways and needs no token', async (t) => {
  const { ada } = await chat(t).users('ada');
  const config = await ada.get('/config', { token: null });
  const { gateways } = ada.chat.servers;
  assert.deepEqual([...config.gateways].sort(), gateways.map(({ url }) => url).sort());
});
