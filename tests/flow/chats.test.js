import assert from 'node:assert/strict';
import { chat, configure, dice, refused, running, seedOf, soon, test } from './harness/index.js';

configure({ api: { PARLEY_REDIS_TIMEOUT_MS: '250' } });

const brief = ({ room, last_message, cursor, unread }) => ({
  id: room.id, last: last_message?.text ?? null, seq: room.last_seq, message_no: room.message_no, cursor, unread,
});

/** What the chat list must say, computed from what was asked for and answered. */
class Model {
  constructor() {
    this.rooms = new Map(); // id -> {seq, texts, active, cursors: Map person -> {seq, message_no}}
  }

  numberAt(room, seq) {
    return room.messages.filter((message) => message.seq <= seq).length;
  }

  listOf(person) {
    const mine = [...this.rooms].filter(([, { cursors }]) => cursors.has(person.id));
    return mine.map(([id, room]) => {
      const cursor = room.cursors.get(person.id);
      const message_no = room.messages.length;
      return { id, last: room.messages.at(-1)?.text ?? null, seq: room.seq, message_no, cursor, unread: message_no - cursor.message_no };
    });
  }
}

async function play(people, rooms, model, roll, steps) {
  for (let step = 0; step < steps; step++) {
    const person = people[roll(people.length)];
    const [id, room] = rooms[roll(rooms.length)];
    const api = roll(2);
    const cursor = room.cursors.get(person.id);
    const what = roll(10);
    if (!cursor) {
      const seq = ++room.seq;
      await person.join(id, { api });
      room.cursors.set(person.id, { seq, message_no: room.messages.length });
    } else if (what < 5) {
      const event = await person.post(id, `${person.login} ${step}`, { api });
      assert.equal(event.seq, ++room.seq);
      room.messages.push({ seq: event.seq, text: event.message.text, at: event.created_at });
      room.cursors.set(person.id, { seq: event.seq, message_no: room.messages.length });
    } else if (what < 9) {
      const seq = 1 + roll(room.seq);
      const force = roll(3) === 0;
      const answer = await person.moveCursor(id, seq, { force, api });
      if (seq > cursor.seq || force) room.cursors.set(person.id, { seq, message_no: model.numberAt(room, seq) });
      const now = room.cursors.get(person.id);
      assert.deepEqual([answer.cursor, answer.unread], [now, room.messages.length - now.message_no], `step ${step}`);
    } else if (person.id !== room.owner) {
      await person.leave(id, { api });
      room.seq++;
      room.cursors.delete(person.id);
    }
  }
}

/** The chat list of one API as it must be, and in its order. */
function assertList(chats, expected, label) {
  const answered = chats.map(brief).sort((a, b) => (a.id < b.id ? -1 : 1));
  assert.deepEqual(answered, expected, label);
  const activity = chats.map(({ room, last_message }) => last_message?.created_at ?? room.created_at);
  assert.deepEqual(activity, [...activity].sort().reverse(), `${label}: latest activity first`);
}

/** Both APIs answer the truth: at once, or when Redis and the other API have heard of all. */
async function assertTrue(person, model, label) {
  const expected = model.listOf(person).sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const api of [0, 1])
    await soon(async () => assertList(await person.chats({ api }), expected, `${label}, ${person.login}, API ${api}`));
}

async function world(t, names = ['ada', 'bob', 'cy'], count = 4) {
  const people = Object.values(await chat(t).users(...names));
  const model = new Model();
  for (let i = 0; i < count; i++) {
    const owner = people[i % people.length];
    const room = await owner.createRoom(`room ${i}`, { kind: 'public', members: i % 2 ? people : [] });
    const cursors = new Map();
    const log = await owner.log(room);
    /* Creation is event 1; everybody's cursor starts at the own join. */
    for (const { member, seq } of log.slice(1)) cursors.set(member.user.id, { seq, message_no: 0 });
    model.rooms.set(room.id, { owner: owner.id, seq: log.length, messages: [], cursors });
  }
  return { people, model, rooms: [...model.rooms] };
}

test('unread is the room\'s message number minus the cursor\'s, whatever happened before', async (t) => {
  const seed = seedOf(t);
  const { people, model, rooms } = await world(t);
  const roll = dice(seed);
  for (let round = 0; round < 12; round++) {
    await play(people, rooms, model, roll, 15);
    for (const person of people) await assertTrue(person, model, `seed ${seed}, round ${round}`);
  }
});

test('the chat list begins with the room of the latest message, and comes in pages', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const rooms = [];
  for (let i = 0; i < 5; i++) rooms.push(await ada.createRoom(`room ${i}`, { members: [bob] }));
  const order = [3, 0, 4, 1, 2];
  for (const i of order) await ada.post(rooms[i], `hello ${i}`);
  const expected = [...order].reverse().map((i) => rooms[i].id);
  for (const limit of [1, 2, 5, 100])
    await soon(async () =>
      assert.deepEqual((await bob.chats({ limit })).map(({ room }) => room.id), expected, `pages of ${limit}`));
  const fresh = await bob.createRoom('new, without messages');
  assert.deepEqual((await bob.chats()).map(({ room }) => room.id), [fresh.id, ...expected]);
});

test('an unchanged chat list is answered with 304', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  await ada.post(room, 'one');
  const first = await soon(async () => {
    const answer = await bob.ask('GET', '/rooms');
    assert.equal(answer.body.items[0].last_message?.text, 'one');
    return answer;
  });
  const headers = { 'if-none-match': first.headers.etag };
  assert.equal((await bob.ask('GET', '/rooms', undefined, { headers })).status, 304);
  await ada.post(room, 'two');
  await soon(async () => {
    const changed = await bob.ask('GET', '/rooms', undefined, { headers });
    assert.equal(changed.status, 200);
    assert.equal(changed.body.items[0].last_message.text, 'two');
  });
});

test('a line of `chats` says absolutely where the room stands', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const device = await bob.connect({ gateway: 1 });
  for (let i = 0; i < 30; i++) await ada.post(room, `${i}`, { api: i % 2 });
  const last = await device.until(
    () => device.publications('chats').find(({ data }) => data.message_no === 30), 'the newest line');
  const chatNow = await soon(async () => {
    const line = await bob.chatOf(room);
    assert.deepEqual(line.last_message, last.data.last_message);
    return line;
  });
  assert.deepEqual([last.data.type, last.data.room_id, last.data.last_seq], ['chat', room.id, chatNow.room.last_seq]);
  const seqs = device.publications('chats').map(({ data }) => data.last_seq);
  assert.deepEqual(seqs, [...new Set(seqs)].sort((a, b) => a - b), 'only newer lines follow');
  assert.ok(seqs.length < 30, `lines of a busy room are folded: ${seqs.length}`);
});

test('a room that is followed has no lines in `chats`, and has them again when it is left alone', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const device = await bob.connect({ rooms: [room] });
  const followed = await ada.post(room, 'followed');
  await device.reach(room, followed.seq);
  await device.settle();
  assert.deepEqual(device.publications('chats').filter(({ data }) => data.last_seq >= followed.seq), []);
  await device.unsubscribe(room);
  const alone = await ada.post(room, 'alone');
  const line = await device.until(
    () => device.publications('chats').find(({ data }) => data.last_seq === alone.seq), 'a line after all');
  assert.equal(line.data.last_message.text, 'alone');
});

test('a cursor moved on one device reaches the others, on both gateways', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const events = [];
  for (let i = 0; i < 5; i++) events.push(await ada.post(room, `${i}`));
  const devices = await Promise.all([0, 1].map((gateway) => bob.connect({ gateway })));
  const answer = await bob.moveCursor(room, events[2].seq);
  assert.deepEqual(answer.cursor, { seq: events[2].seq, message_no: 3 });
  assert.equal(answer.unread, 2);
  for (const device of devices) {
    const { room_id, cursor, changed_at } = await device.nextOwn('cursor');
    assert.deepEqual([room_id, cursor, changed_at], [room.id, answer.cursor, answer.changed_at]);
  }
});

test('a cursor goes back by force alone, and never beyond the last event', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  for (let i = 0; i < 5; i++) await ada.post(room, `${i}`);
  await bob.moveCursor(room, 8);
  assert.deepEqual((await bob.moveCursor(room, 5)).cursor, { seq: 8, message_no: 5 });
  const forced = await bob.moveCursor(room, 5, { force: true });
  assert.deepEqual([forced.cursor, forced.unread], [{ seq: 5, message_no: 2 }, 3]);
  await refused(bob.moveCursor(room, 9), 422, 'beyond_last');
  await refused(bob.moveCursor(room, 9, { force: true }), 422, 'beyond_last');
  assert.equal((await bob.chatOf(room)).unread, 3);
  assert.deepEqual((await bob.moveCursor(room, 2, { api: 0 })).cursor, { seq: 5, message_no: 2 });
});

test('a cursor moved by many at once ends at the furthest', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  for (let i = 0; i < 30; i++) await ada.post(room, `${i}`);
  const seqs = Array.from({ length: 30 }, (_, i) => 4 + ((i * 7) % 30));
  await Promise.all(seqs.map((seq, i) => bob.moveCursor(room, seq, { api: i % 2 })));
  await soon(async () => assert.deepEqual((await bob.chatOf(room)).cursor, { seq: 33, message_no: 30 }));
});

/* What may happen to Redis; each leaves the answers as they are. */
const accidents = {
  'was flushed': async (redis) => redis.command('FLUSHALL'),
  'is full of wrong types': async (redis) => {
    for (const key of await redis.keys()) {
      const isText = (await redis.command('TYPE', key)) === 'string';
      await redis.command('DEL', key);
      await (isText ? redis.command('LPUSH', key, 'x') : redis.command('SET', key, 'x'));
    }
  },
  'is full of garbage': async (redis) => {
    for (const key of await redis.keys()) {
      const kind = await redis.command('TYPE', key);
      if (kind === 'string') await redis.command('SET', key, '{"a":[1,\x01');
      else if (kind === 'hash')
        for (const field of (await redis.command('HKEYS', key)).split('\n')) await redis.command('HSET', key, field, '}garbage{');
      else if (kind === 'zset') await redis.command('ZADD', key, '1e300', 'garbage', '-5', '', '7', '99999999999999999999999');
      else if (kind === 'set') await redis.command('SADD', key, 'garbage');
      else await redis.command('LPUSH', key, 'garbage');
    }
  },
};

for (const [name, happen] of Object.entries(accidents))
  test(`the chat list is right when Redis ${name}, before and after further changes`, async (t) => {
    const { people, model, rooms } = await world(t);
    const { redis } = await running();
    const roll = dice(7);
    for (let round = 0; round < 3; round++) {
      await play(people, rooms, model, roll, 10);
      for (const person of people) await assertTrue(person, model, `round ${round}, warm`);
      await happen(redis);
      if (round % 2) await play(people, rooms, model, roll, 5);
      for (const person of people) await assertTrue(person, model, `round ${round}, Redis ${name}`);
      for (const person of people) await assertTrue(person, model, `round ${round}, warm again`);
    }
  });

test('the chat list is right while Redis is stopped, and right when it is back, whatever it missed', async (t) => {
  const { people, model, rooms } = await world(t);
  const { redis } = await running();
  const roll = dice(11);
  await play(people, rooms, model, roll, 20);
  for (const person of people) await assertTrue(person, model, 'before');
  await redis.stop();
  await play(people, rooms, model, roll, 20);
  for (const person of people) await assertTrue(person, model, 'stopped');
  await redis.start();
  await play(people, rooms, model, roll, 10);
  for (const person of people) await assertTrue(person, model, 'back');
});

test('the chat list is right while Redis hangs, and right when it goes on with what it had', async (t) => {
  const { people, model, rooms } = await world(t);
  const { redis } = await running();
  t.after(() => redis.resume());
  const roll = dice(13);
  await play(people, rooms, model, roll, 20);
  for (const person of people) await assertTrue(person, model, 'before');
  redis.pause();
  await play(people, rooms, model, roll, 20);
  for (const person of people) await assertTrue(person, model, 'hanging');
  redis.resume();
  for (let round = 0; round < 5; round++) {
    for (const person of people) await assertTrue(person, model, `going on ${round}`);
    await play(people, rooms, model, roll, 5);
  }
});

test('/me/changes tells what was missed in one\'s own things, and where to go on', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const old = await ada.createRoom('old', { members: [bob] });
  const { until: start, items: none } = await bob.get('/me/changes');
  assert.deepEqual(none, []);
  const room = await ada.createRoom('tea', { members: [bob] });
  for (let i = 0; i < 3; i++) await ada.post(room, `${i}`);
  await bob.moveCursor(room, 5);
  await ada.kick(old, bob);
  const { items, until, has_more, epoch } = await bob.get(`/me/changes?since=${encodeURIComponent(start)}`);
  assert.equal(has_more, false);
  assert.equal(epoch, (await bob.snapshot(room)).as_of.epoch, 'who follows no room learns of a new epoch here');
  const about = ({ id }) => items.filter(({ room_id }) => room_id === id);
  assert.ok(about(room).some(({ type }) => type === 'room_added'), JSON.stringify(items));
  assert.deepEqual(about(room).find(({ cursor }) => cursor)?.cursor, { seq: 5, message_no: 2 });
  assert.ok(about(old).some(({ type }) => type === 'room_removed'));
  assert.ok(until >= start);
  for (const { changed_at } of items) assert.ok(changed_at, 'everything says when');
});

test('/me/changes comes in pages that together are the whole', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  for (let i = 0; i < 7; i++) await ada.createRoom(`room ${i}`, { members: [bob] });
  const path = '/me/changes?since=2024-01-01T00:00:00.000Z';
  const whole = await bob.get(`${path}&limit=200`);
  const items = [];
  for (let page, next; page?.has_more ?? true; next = page.next) {
    page = await bob.get(`${path}&limit=2${next === undefined ? '' : `&after=${encodeURIComponent(next)}`}`, { api: items.length % 2 });
    assert.ok(page.items.length > 0 && items.length < 100);
    items.push(...page.items);
  }
  const key = (item) => JSON.stringify(item);
  assert.deepEqual(new Set(items.map(key)), new Set(whole.items.map(key)));
  assert.equal(items.length, whole.items.length);
});
