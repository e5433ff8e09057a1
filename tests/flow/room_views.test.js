import assert from 'node:assert/strict';
import { chat, configure, idOf, refused, test } from './harness/index.js';

configure({ api: { PARLEY_LIMITS_CHAT_PINS: '3' } });

const put = (person, room, what, body, options) => person.call('PUT', `/rooms/${idOf(room)}/${what}`, body, options);
const remove = (person, room, what, options) => person.call('DELETE', `/rooms/${idOf(room)}/${what}`, undefined, options);
const view = ({ notify, archived, pinned }) => ({ notify, archived, pinned });
const plain = { notify: { level: 'all' }, archived: false, pinned: false };
const names = (chats) => chats.map(({ room }) => room.name);

test('how loud a room is, is one\'s own: shown in the list, the snapshot and the changes, on both APIs', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  await ada.chatOf(room, { api: 0 });
  await ada.chatOf(room, { api: 1 });
  const { until } = await ada.get('/me/changes');
  const muted = '2031-01-02T03:04:05.678Z';
  const said = await put(ada, room, 'notify', { level: 'mentions', muted_until: muted });
  const expected = { notify: { level: 'mentions', muted_until: muted }, archived: false, pinned: false };
  assert.deepEqual(view(said), expected);
  for (const api of [0, 1]) {
    assert.deepEqual(view(await ada.chatOf(room, { api })), expected);
    assert.deepEqual(view(await ada.snapshot(room, { api })), expected);
  }
  const { items } = await ada.get(`/me/changes?since=${until}`);
  const change = items.findLast(({ room_id: id }) => id === room.id);
  assert.deepEqual([view(change), change.changed_at], [expected, said.changed_at]);
  assert.deepEqual(view(await bob.chatOf(room)), plain);
  const { notify } = await put(ada, room, 'notify', { level: 'none' });
  assert.deepEqual(notify, { level: 'none' }, 'a level without a time is not muted');
  for (const over of ['1931-01-02T03:04:05Z', '1970-01-01T00:00:00Z', new Date(Date.now() - 60_000).toISOString()]) {
    assert.deepEqual((await put(ada, room, 'notify', { level: 'all', muted_until: over })).notify, { level: 'all' }, 'a time that is over mutes nothing');
    for (const api of [0, 1]) assert.deepEqual((await ada.chatOf(room, { api })).notify, { level: 'all' });
  }
});

test('every device of a person hears how the person sees a room now, and of what is so already nobody hears again', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const devices = [await ada.connect({ gateway: 0 }), await ada.connect({ gateway: 1 })];
  const other = await bob.connect();
  const said = [
    await put(ada, room, 'notify', { level: 'none' }),
    await put(ada, room, 'chat-pin'),
    await put(ada, room, 'archive', undefined, { api: 1 }),
  ];
  assert.deepEqual(await put(ada, room, 'archive'), said[2]);
  await remove(ada, room, 'archive');
  for (const device of devices) {
    for (const expected of said) assert.deepEqual(await device.nextOwn('notify'), { type: 'notify', room_id: room.id, ...expected });
    assert.deepEqual(view(await device.nextOwn('notify')), { notify: { level: 'none' }, archived: false, pinned: true });
    await device.settle();
    assert.equal(device.publications(`user:${ada.id}`).filter(({ data }) => data.type === 'notify').length, 4);
  }
  assert.ok(said[0].changed_at < said[1].changed_at && said[1].changed_at < said[2].changed_at);
  await other.settle();
  assert.deepEqual(other.publications(`user:${bob.id}`).filter(({ data }) => data.type === 'notify'), []);
});

test('archived rooms stand in a list of their own', async (t) => {
  const { ada } = await chat(t).users('ada');
  const [tea, milk] = [await ada.createRoom('tea'), await ada.createRoom('milk')];
  await put(ada, tea, 'archive');
  assert.deepEqual(names(await ada.chats()), ['milk']);
  assert.deepEqual(names((await ada.get('/rooms?archived=true')).items), ['tea']);
  await remove(ada, tea, 'archive');
  await remove(ada, milk, 'archive');
  assert.deepEqual(names(await ada.chats()).sort(), ['milk', 'tea']);
});

test('pinned rooms come first, latest activity first among them too, also page by page', async (t) => {
  const { ada } = await chat(t).users('ada');
  const rooms = [];
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) rooms.push(await ada.createRoom(name));
  await put(ada, rooms[0], 'chat-pin');
  await put(ada, rooms[2], 'chat-pin');
  const order = ['c', 'a', 'g', 'f', 'e', 'd', 'b'];
  for (const limit of [1, 2, 3, 100]) assert.deepEqual(names(await ada.chats({ limit })), order, `pages of ${limit}`);
  await ada.post(rooms[1], 'hello');
  await ada.post(rooms[0], 'hello');
  assert.deepEqual(names(await ada.chats({ limit: 1 })), ['a', 'c', 'b', 'g', 'f', 'e', 'd']);
  await remove(ada, rooms[2], 'chat-pin');
  assert.deepEqual(names(await ada.chats({ api: 1 })).slice(0, 3), ['a', 'b', 'g']);
});

test('no more rooms are pinned than may be, and one that is may be pinned again', async (t) => {
  const { ada } = await chat(t).users('ada');
  const rooms = [];
  for (const name of ['a', 'b', 'c', 'd']) rooms.push(await ada.createRoom(name));
  for (const room of rooms.slice(0, 3)) await put(ada, room, 'chat-pin');
  await refused(put(ada, rooms[3], 'chat-pin'), 409, 'too_many');
  await put(ada, rooms[2], 'chat-pin');
  await remove(ada, rooms[0], 'chat-pin');
  await put(ada, rooms[3], 'chat-pin');
});

test('a view is of members alone', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const [secret, open] = [await ada.createRoom('secret'), await ada.createRoom('open', { kind: 'public' })];
  for (const [what, body] of [['notify', { level: 'none' }], ['archive'], ['chat-pin']]) {
    await refused(put(bob, secret, what, body), 404, 'not_found');
    await refused(put(bob, open, what, body), 403, 'member_required');
  }
  await refused(put(ada, open, 'notify', { level: 'loud' }), 400, 'out_of_range');
  await refused(put(ada, open, 'notify', { level: 'none', muted_until: 'soon' }), 400, 'wrong_type');
});

test('of many views and cursors set at once on both APIs the list shows what was answered last', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const { seq } = await bob.post(room, 'hello');
  const sets = Array.from({ length: 20 }, (_, i) => [
    put(ada, room, 'notify', { level: ['all', 'mentions', 'none'][i % 3] }, { api: i % 2 }),
    put(ada, room, i % 2 ? 'archive' : 'chat-pin', undefined, { api: i % 2 }),
    ada.moveCursor(room, seq - (i % 3), { force: true, api: i % 2 }),
  ]).flat();
  const answers = await Promise.all(sets);
  const last = answers.reduce((newest, answer) => (answer.changed_at > newest.changed_at ? answer : newest));
  await put(ada, room, 'notify', { level: 'none' });
  await remove(ada, room, 'archive');
  for (const api of [0, 1]) {
    const shown = await ada.chatOf(room, { api });
    assert.deepEqual(view(shown), { notify: { level: 'none' }, archived: false, pinned: true });
    if (last.cursor) assert.deepEqual(shown.cursor, last.cursor);
  }
});
