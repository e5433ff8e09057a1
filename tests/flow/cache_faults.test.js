// T24, T25: Redis loses everything again and again, or holds what nobody wrote: the API says what PostgreSQL says. (Gone or hanging: outage.test.js.)
import assert from 'node:assert/strict';
import { Cable, chat, configure, eventually, meanwhile, running, soon, test } from './harness/index.js';

configure({ postgresSettings: ['shared_preload_libraries=pg_stat_statements'], gateways: 1 });

const LANES = ['lane_000', 'lane_001', 'lane_002', 'lane_003'];

/** What the chat list of a person is made of, by room, out of the database. */
async function truth(person) {
  const servers = await running();
  const lines = LANES.map((lane) => `SELECT m.room_id, r.name, l.seq, l.message_no, m.seq, l.message_no - m.message_no, coalesce(t.body->>'text', '')
    FROM ${lane}.members m JOIN ${lane}.rooms r ON r.id = m.room_id
    CROSS JOIN LATERAL (SELECT seq, message_no FROM ${lane}.events WHERE room_id = r.id ORDER BY seq DESC LIMIT 1) l
    LEFT JOIN LATERAL (SELECT body FROM ${lane}.events WHERE room_id = r.id AND kind = 'message' ORDER BY seq DESC LIMIT 1) t ON true
    WHERE m.user_id = ${person.id} AND m.role <> 'left'`);
  return new Map((await servers.sql(lines.join(' UNION ALL '))).map(([id, ...line]) => [id, line.join(' | ')]));
}

/** The same out of the API's answer. */
async function answered(person, api) {
  const chats = await person.chats({ api });
  const line = ({ room, cursor, unread, last_message: last }) => [room.name, room.last_seq, room.message_no, cursor.seq, unread, last?.text ?? ''];
  return new Map(chats.map((entry) => [entry.room.id, line(entry).join(' | ')]));
}

/** Through both APIs; what was sent through the other one may be a moment on its way. */
async function assertTruth(people) {
  for (const person of people) {
    const expected = await truth(person);
    for (const api of [0, 1]) await soon(async () => assert.deepEqual(await answered(person, api), expected), 3_000);
  }
}

async function world(t) {
  const { programs, redis } = await running();
  await redis.command('FLUSHALL'); // of what the tests before damaged
  for (const program of programs) await program.untilReady(); // what the test before did may still be healing
  const people = Object.values(await chat(t).users('ada', 'bob', 'cy', 'dee'));
  const [ada, ...others] = people;
  const rooms = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => ada.createRoom(`tea ${i}`, { members: others })));
  for (const [i, room] of rooms.entries()) await people[i % 4].post(room, `kettle ${i}`);
  return { people, rooms, pick: (i) => [people[i % 4], rooms[i % 6]] };
}

/** Sends, cursor moves and reads by everybody through both APIs; each hears of the own sends at once. */
function mixedLoad(t, { people, rooms }) {
  let count = 0;
  const stops = people.map((person, number) => meanwhile(t, async (i) => {
    const room = rooms[(i + number) % rooms.length];
    const api = (i + number) % 2;
    const { seq } = await person.post(room, `${number} ${i}`, { api });
    const line = await person.chatOf(room, { api });
    assert.ok(line.room.last_seq >= seq, `the list ends at ${line.room.last_seq} after a send got ${seq}`);
    assert.ok(line.cursor.seq >= seq);
    if (i % 3 === 0) await person.moveCursor(room, line.room.last_seq, { api: 1 - api });
    count++;
  }));
  const more = (wanted) => {
    const enough = count + wanted;
    return eventually(() => count > enough, 'traffic', 20_000);
  };
  return { more, stop: () => Promise.all(stops.map((stop) => stop())) };
}

test('T24 with Redis flushed again and again amid traffic all answers are those of PostgreSQL', async (t) => {
  const made = await world(t);
  const { redis } = await running();
  for (let round = 0; round < 4; round++) {
    const load = mixedLoad(t, made);
    for (let i = 0; i < 6; i++) {
      await load.more(8);
      await redis.command('FLUSHALL');
    }
    await load.stop();
    await assertTruth(made.people);
  }
});

test('T24 after a flush each chat list costs one question per lane, however many ask at once and wherever', async (t) => {
  const { people } = await world(t);
  const { redis, sql, ...servers } = await running();
  const ask = (statement) => servers.postgres.sql(statement, servers.databaseName);
  const calls = async (pattern) => Number((await ask(`SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query LIKE '${pattern}'`))[0][0]);
  await ask('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
  await ask('SELECT pg_stat_statements_reset()');
  const rounds = 10;
  for (let round = 0; round < rounds; round++) {
    await redis.command('FLUSHALL');
    const everybody = people.flatMap((person) => Array.from({ length: 20 }, (_, i) => person.chats({ api: i % 2 })));
    for (const chats of await Promise.all(everybody)) assert.equal(chats.length, 6);
  }
  const most = rounds * people.length * LANES.length;
  const lists = await calls('%.members m JOIN % WHERE m.user_id = $1::bigint AND m.role%');
  const heads = await calls('%unnest($1::bigint[])%events%');
  assert.ok(lists > 0 && lists <= most, `${lists} questions for memberships, at most ${most}`);
  assert.ok(heads > 0 && heads <= most, `${heads} questions for heads, at most ${most}`);
});

async function isOutboxEmpty() {
  const { postgres, databaseName } = await running();
  const owed = LANES.map((lane) => `SELECT number FROM ${lane}.outbox`).join(' UNION ALL ');
  return (await postgres.sql(owed, databaseName)).length === 0;
}

/** API 0 with a cable between it and Redis, and an outbox that owes nothing. */
async function layCable(t) {
  const { apis: [slow], redis } = await running();
  const cable = await Cable.lay(t, redis.port);
  slow.env.PARLEY_REDIS_PORT = String(cable.port);
  await slow.restart();
  t.after(async () => {
    slow.env.PARLEY_REDIS_PORT = String(redis.port);
    await slow.restart();
  });
  return cable;
}

test('T24 what an API writes to Redis late, after a newer write was flushed, is not believed', async (t) => {
  const { people: [ada], rooms: [room] } = await world(t);
  const { redis } = await running();
  const cable = await layCable(t);
  await assertTruth([ada]);
  for (let round = 0; round < 3; round++) {
    await eventually(isOutboxEmpty, 'an empty outbox');
    const eve = await chat(t).register('eve', 1);
    cable.hold();
    await ada.add(room, eve, { api: 0 });
    await ada.post(room, `${round} newer`, { api: 1 });
    await redis.command('FLUSHALL');
    cable.release();
    await eventually(isOutboxEmpty, 'an empty outbox');
    await assertTruth([ada, eve]);
  }
});

test('T24 a join that reaches Redis late, after the leave was flushed, is not believed', async (t) => {
  const { people: [ada], rooms: [room] } = await world(t);
  const { redis } = await running();
  const cable = await layCable(t);
  for (let round = 0; round < 3; round++) {
    await eventually(isOutboxEmpty, 'an empty outbox');
    const eve = await chat(t).register('eve', 1);
    cable.hold();
    await ada.add(room, eve, { api: 0 });
    await eve.leave(room, { api: 1 });
    await redis.command('FLUSHALL');
    assert.deepEqual(await eve.chats({ api: 1 }), []);
    cable.release();
    await eventually(isOutboxEmpty, 'an empty outbox');
    await assertTruth([ada, eve]);
  }
});

/** Each key, `key` of type `is`, goes through `damage`, Lua; answers how many there were. */
async function damageAll(damage) {
  const { redis } = await running();
  const seed = Math.floor(Math.random() * 1e6);
  const script = `math.randomseed(${seed})
    ${FLIP}
    local last = {}
    local keys = redis.call('KEYS', '*')
    for _, key in ipairs(keys) do
      local is = redis.call('TYPE', key).ok
      ${damage}
    end
    return #keys`;
  return Number(await redis.command('EVAL', script, '0'));
}

/* One letter or digit becomes another one. */
const FLIP = `local function flip(value)
    local at
    repeat at = math.random(#value) until string.match(string.sub(value, at, at), '[0-9a-z]')
    local was = string.sub(value, at, at)
    local other = string.match(was, '[0-9]') and tostring((tonumber(was) + 1) % 10) or (was == 'x' and 'y' or 'x')
    return string.sub(value, 1, at - 1) .. other .. string.sub(value, at + 1)
  end`;

for (const [what, damage] of Object.entries({
  'garbage': "redis.call('SET', key, '\\1 no such thing')",
  'empty values': "redis.call('SET', key, '')",
  'values that claim to be newer than all': "redis.call('SET', key, '9223372036854775807 1 2 3\\n{}')",
  'lists in place of values and values in place of lists': `redis.call('DEL', key)
    if is == 'list' then redis.call('SET', key, 'tea') else redis.call('RPUSH', key, 'tea', 'kettle') end`,
  'hashes in place of everything': "redis.call('DEL', key); redis.call('HSET', key, '7', 'tea', 'complete', '1')",
  'values with one letter or digit changed': `if is == 'string' then redis.call('SET', key, flip(redis.call('GET', key)))
    elseif is == 'hash' then
      for _, field in ipairs(redis.call('HKEYS', key)) do
        if field ~= 'complete' then redis.call('HSET', key, field, flip(redis.call('HGET', key, field))) end
      end
    end`,
  'values that belong elsewhere': `if is == 'string' then
      local value = redis.call('GET', key)
      local what = string.match(key, ':(%a+):%d+$') or ''
      if last[what] then redis.call('SET', key, last[what]) end
      last[what] = value
    end`,
}))
  test(`T25 with Redis full of ${what} all answers are those of PostgreSQL`, async (t) => {
    const made = await world(t);
    for (let round = 0; round < 3; round++) {
      await assertTruth(made.people);
      assert.ok((await damageAll(damage)) > 0);
      await assertTruth(made.people);
      await damageAll(damage);
      for (let i = 0; i < 8; i++) {
        const [person, room] = made.pick(i + round);
        await person.post(room, `${round} ${i}`, { api: i % 2 });
      }
    }
    await assertTruth(made.people);
  });

test('T25 leases that nobody gives back are no hindrance for long', async (t) => {
  const { people } = await world(t);
  const { redis } = await running();
  const leases = (await redis.keys()).map((key) => `${key}:lease`);
  await redis.command('FLUSHALL');
  for (const lease of leases) await redis.command('SET', lease, 'somebody');
  await assertTruth(people);
  await eventually(async () => {
    await assertTruth(people);
    return (await redis.keys()).filter((key) => !key.endsWith(':lease')).length >= leases.length;
  }, 'a full cache');
});
