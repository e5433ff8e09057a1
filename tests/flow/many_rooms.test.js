// T44: the chat list of somebody who is in 10,000 rooms.
import assert from 'node:assert/strict';
import { chat, configure, eventually, running, test } from './harness/index.js';

const ROOMS = 10_000;
const PAGE_BYTES = 32 * 1024;

configure({ postgresSettings: ['shared_preload_libraries=pg_stat_statements'], gateways: 0, api: { PARLEY_REDIS_TIMEOUT_MS: '250' } });

async function lanes(servers) {
  return (await servers.sql('SELECT number FROM public.lanes ORDER BY number')).map(([number]) => Number(number));
}

/** Rooms of two people, spread over the lanes; the message in room n is a second younger than that in room n - 1. */
async function fill(ada, bob) {
  const servers = await running();
  const numbers = await lanes(servers);
  const [[start]] = await servers.sql("SELECT now() - interval '1 day'");
  for (const lane of numbers) {
    const schema = `lane_${String(lane).padStart(3, '0')}`;
    await servers.sql(`
      CREATE TEMP TABLE made AS
        SELECT n, public.next_id(${lane}) AS id, timestamptz '${start}' + n * interval '1 second' AS at
        FROM generate_series(1, ${ROOMS}) AS n WHERE n % ${numbers.length} = ${lane};
      INSERT INTO ${schema}.rooms (id, kind, name, created_by, created_at, member_count)
        SELECT id, 'private', 'room ' || n, ${ada.id}, '${start}', 2 FROM made;
      INSERT INTO ${schema}.members (room_id, user_id, role, joined_at, seq, message_no, changed_at)
        SELECT id, who, 'member', at, 3, 0, at FROM made, unnest(ARRAY[${ada.id}, ${bob.id}]::bigint[]) AS who;
      INSERT INTO ${schema}.events (room_id, seq, kind, sender_id, nonce, digest, subject_id, body, message_no, room_mention_no, created_at)
        SELECT id, s, (ARRAY['room', 'join', 'join', 'message'])[s]::public.event_kind, ${ada.id}, uuid_send(gen_random_uuid()), '',
               (ARRAY[NULL, ${ada.id}, ${bob.id}, NULL])[s],
               CASE s WHEN 4 THEN json_build_object('nonce', n::text, 'text', 'message ' || n || repeat(' tea', 20)) ELSE '{}' END,
               (s = 4)::integer, 0, at
        FROM made, generate_series(1, 4) AS s;
      ANALYZE ${schema}.rooms, ${schema}.members, ${schema}.events;
      DROP TABLE made`);
  }
}

async function names(person, options) {
  return (await person.get('/rooms', options)).items.map(({ room }) => room.name);
}

/** How often the statements about rooms, members and events of a lane were run since the last time, at most over lanes and names. */
async function statements() {
  const { postgres, databaseName } = await running();
  const [[most]] = await postgres.sql(
    `SELECT coalesce(max(calls), 0) FROM (
       SELECT sum(calls) AS calls FROM pg_stat_statements, regexp_matches(query, 'lane_\\d+') AS lane
       WHERE query ~ '^SELECT' AND query ~ 'lane_\\d+\\.(rooms|members|events)' AND query !~ 'cleared_at' GROUP BY lane) AS lanes`, databaseName);
  await postgres.sql('SELECT pg_stat_statements_reset()', databaseName);
  return Number(most);
}

test(`T44 the first page of ${ROOMS} rooms costs two statements of each lane, then none, and 32 KB`, async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const { postgres, databaseName } = await running();
  await fill(ada, bob);
  await postgres.sql('CREATE EXTENSION IF NOT EXISTS pg_stat_statements', databaseName);
  await statements();
  const expected = Array.from({ length: 50 }, (_, i) => `room ${ROOMS - i}`);

  assert.deepEqual(await names(ada), expected);
  const cold = await statements();
  assert.ok(cold > 0 && cold <= 2, `${cold} statements`);
  await eventually(async () => {
    assert.deepEqual(await names(ada), expected);
    return (await statements()) === 0;
  }, 'a list that the cache knows');
  const page = await ada.ask('GET', '/rooms');
  assert.ok(Buffer.byteLength(JSON.stringify(page.body)) <= PAGE_BYTES);

  const seen = [];
  for (let after = ''; after !== undefined;) {
    const { items, next, has_more } = await ada.get(`/rooms?limit=100${after}`);
    seen.push(...items.map(({ room }) => room.name));
    after = has_more ? `&after=${encodeURIComponent(next)}` : undefined;
  }
  assert.deepEqual(seen, Array.from({ length: ROOMS }, (_, i) => `room ${ROOMS - i}`));
});

test('a message in the last of very many rooms brings it to the top at once, for both and through any API', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const servers = await running();
  await fill(ada, bob);
  const [[id]] = await servers.sql((await lanes(servers)).map((lane) => `SELECT m.room_id FROM lane_00${lane}.members m
    JOIN lane_00${lane}.rooms r ON r.id = m.room_id WHERE m.user_id = ${ada.id} AND r.name = 'room 17'`).join(' UNION ALL '));
  for (const step of ['before the cache knows them', 'once it does', 'after Redis was flushed']) {
    if (step.startsWith('after')) await servers.redis.command('FLUSHALL');
    await Promise.all([bob.post(id, step), names(ada), names(bob, { api: 1 })]);
    for (const person of [ada, bob])
      for (const api of [0, 1]) {
        const [top] = (await person.get('/rooms', { api })).items;
        assert.deepEqual([top.room.name, top.last_message.text, top.unread], ['room 17', step, person === bob ? 0 : top.room.message_no], step);
      }
  }
});

test('of very many rooms those that somebody left or that are gone from the cache in part are shown as they are', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const servers = await running();
  await fill(ada, bob);
  const before = (await ada.get('/rooms')).items;
  await ada.leave(before[0].room);
  const keys = (await servers.redis.command('KEYS', '*:activity:*')).split('\n').filter(Boolean);
  assert.ok(keys.length > 100);
  await servers.redis.command('DEL', ...keys.slice(0, 50));
  await servers.redis.command('SET', keys[60], 'nonsense');
  assert.deepEqual((await ada.get('/rooms')).items.map(({ room }) => room.id).slice(0, 49), before.slice(1).map(({ room }) => room.id));
});
