// How far somebody has read, on many devices and in great numbers: faults T15, T45.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chat, configure, dice, eventually, nonce, running, seedOf, test } from './harness/index.js';

configure({ ownPostgres: true }); // T45 counts transactions and holds locks

const range = (from, to) => Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
const laneOf = (room) => `lane_${String((BigInt(room.id) >> 12n) & 1023n).padStart(3, '0')}`;

test('T15 five devices that move cursors at random agree about the furthest, and none sees it go back', async (t) => {
  const roll = dice(seedOf(t));
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const events = [];
  for (let i = 0; i < 200; i++) events.push(await ada.post(room, `${i}`));
  const devices = await Promise.all(range(0, 4).map((i) => bob.connect({ gateway: i % 2 })));
  const answers = (await Promise.all(devices.map(async (_, i) => {
    const own = [];
    for (let step = 0; step < 60; step++) {
      const { seq } = events[roll(events.length)];
      const answer = await bob.moveCursor(room, seq, { api: (i + step) % 2 });
      assert.ok(answer.cursor.seq >= seq, 'what is acknowledged is reached');
      own.push(answer);
    }
    assert.deepEqual(own.map(({ cursor }) => cursor.seq), own.map(({ cursor }) => cursor.seq).sort((a, b) => a - b));
    return own;
  }))).flat();
  const furthest = Math.max(...answers.map(({ cursor }) => cursor.seq));
  const { cursor, unread } = await bob.chatOf(room);
  assert.deepEqual([cursor.seq, unread], [furthest, events.at(-1).seq - furthest]);
  for (const device of devices) {
    const told = () => device.publications(`user:${bob.id}`).map(({ data }) => data).filter(({ type }) => type === 'cursor');
    await device.until(() => told().some((news) => news.cursor.seq === furthest), 'the furthest cursor');
    let state = { changed_at: '', cursor: { seq: 0 } };
    for (const news of told()) {
      if (news.changed_at < state.changed_at) continue; // the newest counts: that is what clients are told to do
      assert.ok(news.cursor.seq >= state.cursor.seq, 'never back');
      state = news;
    }
    assert.deepEqual(state.cursor, cursor);
  }
});

/** People who are all members of all rooms, each with messages to read. */
async function library(t, peopleCount, roomCount, messageCount) {
  const names = range(1, peopleCount).map((i) => `reader${i}`);
  const people = Object.values(await chat(t).users(...names));
  const rooms = [];
  for (let i = 0; i < roomCount; i++) rooms.push(await people[0].createRoom(`room ${i}`, { members: people }));
  await Promise.all(rooms.map(async (room) => {
    for (let i = 0; i < messageCount; i++) await people[0].post(room, `${i}`);
  }));
  return { people, rooms, first: peopleCount + 2, last: peopleCount + 1 + messageCount };
}

/** Another session of the database that holds a lock on all rooms until the answered function is called. */
async function holdRooms(t, { postgres, databaseName }, lanes) {
  const where = ['-h', postgres.data, '-p', String(postgres.port), '-U', 'postgres', '-d', databaseName];
  const psql = spawn('psql', ['-X', '-q', '-A', '-t', ...where], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => psql.kill());
  const locks = lanes.map((lane) => `PERFORM 1 FROM ${lane}.rooms FOR UPDATE;`).join(' ');
  psql.stdin.write(`BEGIN; DO $$ BEGIN ${locks} END $$; SELECT 'held';\n`);
  await new Promise((resolve) => psql.stdout.once('data', resolve));
  return () => psql.stdin.end('COMMIT;\n');
}

/** Cursors as they are stored, and how many transactions wrote them. */
async function storedCursors(servers, lanes, seq) {
  const sums = { rows: 0, transactions: 0 };
  for (const lane of lanes) {
    const [[rows, transactions]] = await servers.sql(
      `SELECT count(*), count(DISTINCT xmin::text) FROM ${lane}.members WHERE seq = ${seq}`);
    sums.rows += Number(rows);
    sums.transactions += Number(transactions);
  }
  return sums;
}

test('T45 cursors that are moved while a batch is under way are written together', async (t) => {
  const servers = await running();
  const { people, rooms, last } = await library(t, 20, 10, 5);
  const lanes = [...new Set(rooms.map(laneOf))];
  const readers = people.slice(1);
  const letGo = await holdRooms(t, servers, lanes);
  const answers = readers.flatMap((person, i) => rooms.map((room) => person.moveCursor(room, last, { api: i % 2 })));
  const waiting = `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = '${servers.databaseName}'`;
  await eventually(async () => Number((await servers.sql(waiting))[0][0]) >= 2 * lanes.length, 'writers that wait for the lock');
  letGo();
  for (const { cursor } of await Promise.all(answers)) assert.equal(cursor.seq, last);
  const { rows, transactions } = await storedCursors(servers, lanes, last);
  t.diagnostic(`${rows} cursors in ${transactions} transactions`);
  assert.equal(rows, people.length * rooms.length, 'the sender has read the own messages');
  assert.ok(transactions * 4 < readers.length * rooms.length, `${transactions} transactions`);
});

test('T45 of thousands of cursor moves among sends none that was acknowledged is lost when an API is killed', async (t) => {
  const roll = dice(seedOf(t));
  const servers = await running();
  const { people, rooms, first, last } = await library(t, 10, 10, 50);
  const reached = new Map(); // person and room -> the furthest that was acknowledged
  const texts = new Map(rooms.map(({ id }) => [id, new Set()]));
  const key = (person, room) => `${person.id} ${room.id}`;
  let done = 0;
  let going = true;

  async function step(person) {
    const room = rooms[roll(rooms.length)];
    const api = roll(2);
    if (roll(10) === 0) {
      const event = await person.post(room, nonce(), { api });
      texts.get(room.id).add(event.message.text);
      reached.set(key(person, room), Math.max(reached.get(key(person, room)) ?? 0, event.seq));
    } else {
      const { cursor } = await person.moveCursor(room, first + roll(last - first), { api });
      reached.set(key(person, room), Math.max(reached.get(key(person, room)) ?? 0, cursor.seq));
    }
    done++;
  }

  const work = Promise.all(range(0, 63).map(async (i) => {
    while (going)
      await step(people[i % people.length]).catch((error) => {
        if (error.status !== undefined && error.status < 500) throw error;
        return new Promise((resolve) => setTimeout(resolve, 5)); // an API that is not there answers at once
      });
  }));
  await eventually(() => done >= 2_000, 'cursor moves', 30_000);
  await servers.apis[0].kill();
  const more = done + 500;
  await eventually(() => done >= more, 'cursor moves through the other API', 30_000);
  await servers.apis[0].start();
  await eventually(() => done >= more + 500, 'cursor moves through both', 30_000);
  going = false;
  await work;

  for (const room of rooms) {
    const stored = new Set(await people[0].texts(room));
    for (const text of texts.get(room.id)) assert.ok(stored.has(text), 'an acknowledged send is there');
    for (const person of people) {
      const { cursor } = await person.snapshot(room, { api: roll(2) });
      assert.ok(cursor.seq >= (reached.get(key(person, room)) ?? 0), `${key(person, room)}: ${cursor.seq}`);
    }
  }
  await eventually(async () => {
    for (const person of people)
      for (const { room, cursor } of await person.chats({ api: 0 })) {
        const known = reached.get(key(person, room)) ?? 0;
        if (cursor.seq < known) throw new Error(`the chat list of ${person.login} says ${cursor.seq}, ${known} was acknowledged`);
      }
    return true;
  }, 'chat lists of the API that is back');
});
