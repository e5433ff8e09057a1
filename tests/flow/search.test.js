// What was said, found again: in one's own rooms, by words, newest first; right at once, whatever the background has read of the log.
import assert from 'node:assert/strict';
import { chat, configure, eventually, exchange, refused, running, test } from './harness/index.js';

configure({ gateways: 0, api: { PARLEY_SEARCH_INDEX_MAX: '1000', PARLEY_SEARCH_TIMEOUT_MS: '20000' } });

const LANES = ['lane_000', 'lane_001', 'lane_002', 'lane_003'];

const query = (members) => new URLSearchParams(Object.entries(members).filter(([, value]) => value !== undefined)).toString();

const page = (person, q, { room, sender, ...rest } = {}) =>
  person.get(`/search/messages?${query({ q, room: room?.id, sender: sender?.id, ...rest })}`);

const texts = async (...of) => (await page(...of)).items.map(({ message }) => message.text);

/** The words of an excerpt that are hits. */
const marked = ({ excerpt: { text, hits } }) => hits.map(([from, to]) => text.slice(from, to));

/** The background has read all that there is: from here on it is found by the index alone. */
async function allIsRead() {
  const servers = await running();
  const left = LANES.map((lane) => `SELECT r.id FROM ${lane}.rooms r LEFT JOIN ${lane}.searchable s ON s.room_id = r.id
    WHERE r.deleted_at IS NULL AND coalesce(s.seq, 0) < (SELECT max(seq) FROM ${lane}.events WHERE room_id = r.id)`).join(' UNION ALL ');
  await eventually(async () => (await servers.sql(left)).length === 0, 'all is read for search', 60_000);
}

/** Once as the log has it, once as the index has it: the same must be found. */
async function both(check) {
  await check('from the log');
  await allIsRead();
  await check('from the index');
}

test('a message is found by its words, in any case and order, with its room and where the words are', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const tea = await ada.createRoom('tea', { members: [bob] });
  const sent = await ada.post(tea, 'Put the Kettle on, 🍵 Ümit!');
  await ada.post(tea, 'no more of that');
  await both(async () => {
    for (const q of ['kettle', 'KETTLE put', 'ümit kettle', 'kettle, put!']) {
      const { items, has_more: more } = await page(bob, q);
      assert.equal(more, false);
      assert.deepEqual(items.map(({ message }) => message), [sent.message], q);
      assert.equal(items[0].room.name, 'tea');
      assert.equal(items[0].excerpt.text, sent.message.text);
    }
    assert.deepEqual(marked((await page(bob, 'ümit kettle')).items[0]), ['Kettle', 'Ümit']);
  });
});

test('words in quotes stand in a row, a minus forbids, or is either', async (t) => {
  const { ada } = await chat(t).users('ada');
  const tea = await ada.createRoom('tea');
  for (const text of ['green tea pot', 'tea of a green pot', 'black coffee pot']) await ada.post(tea, text);
  await both(async () => {
    assert.deepEqual(await texts(ada, '"green tea"'), ['green tea pot']);
    assert.deepEqual(await texts(ada, 'pot -tea'), ['black coffee pot']);
    assert.deepEqual(await texts(ada, 'coffee or "green tea"'), ['black coffee pot', 'green tea pot']);
    assert.deepEqual(await texts(ada, 'green pot'), ['tea of a green pot', 'green tea pot']);
  });
});

test('only rooms that one is in now are searched', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const tea = await ada.createRoom('tea', { members: [bob, cy] });
  const open = await ada.createRoom('open', { kind: 'public' });
  await ada.post(tea, 'the kettle of the few');
  await ada.post(open, 'the kettle of all');
  await bob.leave(tea);
  await ada.kick(tea, cy);
  await both(async () => {
    assert.deepEqual(await texts(ada, 'kettle'), ['the kettle of all', 'the kettle of the few']);
    for (const stranger of [bob, cy]) {
      assert.deepEqual(await texts(stranger, 'kettle'), []);
      await refused(page(stranger, 'kettle', { room: tea }), 404, 'not_found');
      await refused(page(stranger, 'kettle', { room: open }), 403, 'member_required');
    }
  });
  await bob.join(open);
  assert.deepEqual(await texts(bob, 'kettle'), ['the kettle of all'], 'also what was said before');
});

test('an edited message is found by what it says now, and a deleted one is not', async (t) => {
  const { ada } = await chat(t).users('ada');
  const tea = await ada.createRoom('tea');
  const [first, second, third] = [await ada.post(tea, 'kettle 1'), await ada.post(tea, 'kettle 2'), await ada.post(tea, 'kettle 3')];
  const change = (method, { seq, message }, body) =>
    ada.call(method, `/rooms/${tea.id}/messages/${seq}`, body, { headers: { 'if-match': `"${message.version}"` } });
  await allIsRead();
  await change('PATCH', first, { text: 'samovar 1' });
  await change('DELETE', second);
  await both(async (from) => {
    assert.deepEqual(await texts(ada, 'kettle'), ['kettle 3'], from);
    assert.deepEqual(await texts(ada, 'samovar'), ['samovar 1'], from);
  });
  const servers = await running();
  await change('DELETE', third);
  await allIsRead();
  const left = LANES.map((lane) => `SELECT seq FROM ${lane}.words WHERE room_id = ${tea.id}`).join(' UNION ALL ');
  assert.deepEqual(await servers.sql(left), [[String(first.seq)]], 'nothing is left of what was deleted');
});

test('what was said in a room that was deleted is not found', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const tea = await ada.createRoom('tea', { members: [bob] });
  await ada.post(tea, 'kettle');
  await allIsRead();
  const { version } = (await ada.snapshot(tea)).room;
  await ada.call('DELETE', `/rooms/${tea.id}`, undefined, { headers: { 'if-match': `"${version}"` } });
  for (const person of [ada, bob]) assert.deepEqual(await texts(person, 'kettle'), []);
});

test('room, sender and time narrow it down', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const tea = await ada.createRoom('tea', { members: [bob] });
  const cocoa = await bob.createRoom('cocoa', { members: [ada] });
  await ada.post(tea, 'kettle 1');
  const second = await bob.post(tea, 'kettle 2');
  await ada.post(cocoa, 'kettle 3');
  await both(async () => {
    assert.deepEqual(await texts(ada, 'kettle', { room: tea }), ['kettle 2', 'kettle 1']);
    assert.deepEqual(await texts(ada, 'kettle', { sender: ada }), ['kettle 3', 'kettle 1']);
    assert.deepEqual(await texts(ada, 'kettle', { room: tea, sender: bob }), ['kettle 2']);
    const at = second.created_at;
    assert.deepEqual(await texts(ada, 'kettle', { to: at, room: tea }), ['kettle 1']);
    assert.ok((await texts(ada, 'kettle', { from: at })).includes('kettle 2'));
    assert.deepEqual(await texts(ada, 'kettle', { from: '2100-01-01T00:00:00Z' }), []);
  });
});

test('pages bring everything once, newest first, over all rooms and lanes', async (t) => {
  const { ada } = await chat(t).users('ada');
  const rooms = await Promise.all(Array.from({ length: 9 }, (_, i) => ada.createRoom(`tea ${i}`)));
  const sent = [];
  for (let i = 0; i < 45; i++) sent.push((await ada.post(rooms[(i * 7) % 9], `kettle ${i}`)).message.text);
  await both(async () => {
    const found = [];
    for (let after, more = true; more; ) {
      const { items, has_more: has, next } = await page(ada, 'kettle', { limit: 7, after });
      assert.equal(has, next !== undefined);
      found.push(...items.map(({ message }) => message.text));
      [after, more] = [next, has];
    }
    assert.deepEqual(found, sent.toReversed?.() ?? [...sent].reverse());
  });
});

test('what the background has read in part is found once', async (t) => {
  const { ada } = await chat(t).users('ada');
  const tea = await ada.createRoom('tea');
  await ada.post(tea, 'kettle 1');
  await allIsRead();
  await ada.post(tea, 'kettle 2');
  assert.deepEqual(await texts(ada, 'kettle'), ['kettle 2', 'kettle 1']);
});

test('a part of a word, a slip of the pen and signs are found among the newest messages when no word is', async (t) => {
  const { ada } = await chat(t).users('ada');
  const tea = await ada.createRoom('tea');
  for (const text of ['the teakettles are on', 'well... 50% off! \\o/ _a_', 'nothing']) await ada.post(tea, text);
  const one = async (q) => {
    const { items } = await page(ada, q);
    assert.equal(items.length, 1, `${q}: ${JSON.stringify(items)}`);
    return [items[0].message.text, marked(items[0])];
  };
  assert.deepEqual(await one('kettle'), ['the teakettles are on', ['kettle']]);
  assert.deepEqual(await one('TEAket'), ['the teakettles are on', ['teaket']]);
  assert.deepEqual(await one('taekettles'), ['the teakettles are on', ['teakettles']]);
  assert.deepEqual(await one('50%'), ['well... 50% off! \\o/ _a_', ['50']], 'a word after all');
  assert.deepEqual(await one('! \\'), ['well... 50% off! \\o/ _a_', ['! \\']]);
  assert.deepEqual(await one('...'), ['well... 50% off! \\o/ _a_', ['...']]);
});

test('an excerpt is the part around what was found, and its ranges are those of JavaScript', async (t) => {
  const { ada } = await chat(t).users('ada');
  const tea = await ada.createRoom('tea');
  await ada.post(tea, `${'🍵 drink '.repeat(300)}the <b>Kettle</b> & kettledrum, kettle ${'on and on '.repeat(300)}`);
  const { items } = await page(ada, 'kettle');
  const { text } = items[0].excerpt;
  assert.ok(text.length < 300 && text.startsWith('…') && text.endsWith('…'), text);
  assert.deepEqual(marked(items[0]), ['Kettle', 'kettle'], 'not the beginning of kettledrum');
  assert.match(text, /the <b>Kettle<\/b> & kettledrum/);
});

test('hostile queries are harmless', async (t) => {
  const { ada } = await chat(t).users('ada');
  const tea = await ada.createRoom('tea');
  await ada.post(tea, 'kettle');
  const hostile = ["'", '"', '\\', ':*', "a' | 'b", '!!', '& | ! ( ) <-> :*', '-', '-kettle', '""', '\u0001', '***=', '***:', '(?', '.*', '%', '_', '\'; DROP TABLE users; --',
    'a\u0000'.slice(0, 1), '🍵'.repeat(200), 'or or or', '<script>', '(((((((((((', 'x:A', "''", 'é\u0301', '\u202e', ' ', '\t\n', '-'.repeat(200), '" '.repeat(100), 'a '.repeat(100), 'a or '.repeat(40), '"a" '.repeat(50), '-a '.repeat(66), '-"'.repeat(100), '- '.repeat(100), 'a-'.repeat(100)];
  for (const q of hostile) {
    const answer = await ada.ask('GET', `/search/messages?${query({ q })}`);
    assert.equal(answer.status, 200, `${JSON.stringify(q)}: ${answer.text}`);
  }
  for (const q of ['', 'x'.repeat(201), 'x'.repeat(16 * 1024)]) {
    const { problem } = await refused(page(ada, q), 400, 'out_of_range');
    assert.equal(problem.errors[0].field, 'q');
  }
  assert.equal((await ada.ask('GET', '/search/messages?q=a%00b')).status, 400);
  assert.equal((await ada.ask('GET', '/search/messages?q=%ff')).status, 400);
  for (const [name, value, code] of [['after', 'x', 'out_of_range'], ['after', 'w-1-2', 'out_of_range'], ['after', 'w-9223372036854775807-1-1', 'out_of_range'], ['from', 'x', 'wrong_type'], ['to', '1', 'wrong_type'], ['sender', 'x', 'wrong_type'], ['room', '-1', 'wrong_type'], ['limit', '201', 'out_of_range']]) {
    const { problem } = await refused(ada.get(`/search/messages?${query({ q: 'kettle', [name]: value })}`), 400, code);
    assert.equal(problem.errors[0].field, name);
  }
  assert.equal((await refused(ada.get('/search/messages'), 400, 'missing')).problem.errors[0].field, 'q');
  assert.deepEqual(await texts(ada, 'kettle', { sender: { id: '1' } }), [], 'nobody said it');
  await refused(page(ada, 'kettle', { room: { id: '4711' } }), 404, 'not_found');
});

test('texts that take too long to be read together are read in the end', async (t) => {
  const { ada } = await chat(t).users('ada');
  const tea = await ada.createRoom('tea');
  const long = (i) => Array.from({ length: 2_000 }, (_, n) => `w${(n * 7919 + i * 104_729) % 1_000_003}`).join(' ').slice(0, 16_000);
  const { apis } = await running();
  for (const api of apis) {
    api.env.PARLEY_SEARCH_TIMEOUT_MS = '200';
    await api.restart();
  }
  for (let i = 0; i < 60; i++) await ada.post(tea, long(i));
  await allIsRead();
  for (const api of apis) {
    api.env.PARLEY_SEARCH_TIMEOUT_MS = '20000';
    await api.restart();
  }
});

/** Puts messages into a room behind the API's back, `say` is an expression of SQL over their `seq`; answers the lane. Nobody is told. */
async function fill(room, count, say) {
  const servers = await running();
  const lane = LANES[Number((BigInt(room.id) >> 12n) & 1023n)];
  const [[last]] = await servers.sql(`SELECT max(seq) FROM ${lane}.events WHERE room_id = ${room.id}`);
  await servers.sql(`INSERT INTO ${lane}.events (room_id, seq, kind, sender_id, nonce, digest, body, message_no, room_mention_no, created_at)
    SELECT room_id, seq + n, 'message', sender_id, decode(md5(room_id || ' ' || n), 'hex'), '', json_build_object('text', (SELECT ${say} FROM (SELECT n AS seq) x)), message_no + n, 0,
    created_at + n * interval '1 millisecond' FROM ${lane}.events, generate_series(1, ${count}) n WHERE room_id = ${room.id} AND seq = ${last}`);
  return lane;
}

const queue = async (lane, ...rooms) =>
  (await running()).sql(`INSERT INTO ${lane}.search_queue VALUES ('[${rooms.map(({ id }) => `[${id},1]`)}]')`);

/** Two rooms in one lane, the first one of the lower id. */
async function twoOfALane(person) {
  const laneOf = ({ id }) => (BigInt(id) >> 12n) & 1023n;
  const first = await person.createRoom('large');
  for (;;) {
    const second = await person.createRoom('small');
    if (laneOf(second) === laneOf(first)) return [first, second];
  }
}

test('a large room that was not read yet leaves the others their share of what a search looks through', async (t) => {
  const { ada } = await chat(t).users('ada');
  const [large, small] = await twoOfALane(ada);
  await ada.post(small, 'tea');
  await allIsRead();
  await fill(large, 6_000, "'cocoa ' || seq");
  const lane = await fill(small, 1, "'the kettle'");
  assert.deepEqual(await texts(ada, 'kettle'), ['the kettle']);
  await queue(lane, large, small);
  await allIsRead();
});

test('in a large room what is common is found newest first, and what is rare however old it is', async (t) => {
  const { ada } = await chat(t).users('ada');
  const tea = await ada.createRoom('tea');
  const first = await ada.post(tea, 'the kettle and a cup');
  const lane = await fill(tea, 6_000, "'cup ' || seq");
  await queue(lane, tea);
  await allIsRead();
  for (const narrow of [{ room: tea }, { room: tea, from: first.created_at }, { from: first.created_at }, {}]) {
    assert.deepEqual(await texts(ada, 'kettle', narrow), ['the kettle and a cup'], JSON.stringify(narrow));
    const { items, next } = await page(ada, 'cup', { ...narrow, limit: 3 });
    assert.deepEqual(items.map(({ message }) => message.text), ['cup 6000', 'cup 5999', 'cup 5998'], JSON.stringify(narrow));
    assert.deepEqual(await texts(ada, 'cup', { ...narrow, limit: 2, after: next }), ['cup 5997', 'cup 5996']);
    assert.deepEqual(await texts(ada, '"cup 17"', { ...narrow }), ['cup 17']);
  }
});

test('however many batches were written, they are read for search at once', async (t) => {
  const { ada } = await chat(t).users('ada');
  const servers = await running();
  const tea = await ada.createRoom('tea');
  await ada.post(tea, 'tea');
  await allIsRead();
  const lane = await fill(tea, 50, "'cup ' || seq");
  await servers.sql(`INSERT INTO ${lane}.search_queue SELECT json_build_array(json_build_array(${tea.id}, 1)) FROM generate_series(1, 20000)`);
  await eventually(async () => (await servers.sql(`SELECT 1 FROM ${lane}.search_queue LIMIT 1`)).length === 0, 'the queue is empty', 30_000);
  await allIsRead();
});

test('a large room that is being read for search keeps no other one waiting', async (t) => {
  const { ada } = await chat(t).users('ada');
  const servers = await running();
  const [large, small] = await twoOfALane(ada);
  const lane = await fill(large, 30_000, "'cocoa ' || seq");
  const [[last]] = await servers.sql(`SELECT max(seq) FROM ${lane}.events WHERE room_id = ${large.id}`);
  await fill(small, 1, "'the kettle'");
  await queue(lane, large, small);
  const [read] = await eventually(async () => {
    const rows = await servers.sql(`SELECT coalesce((SELECT seq FROM ${lane}.searchable WHERE room_id = ${large.id}), 0) FROM ${lane}.searchable
      WHERE room_id = ${small.id} AND seq = (SELECT max(seq) FROM ${lane}.events WHERE room_id = ${small.id})`);
    return rows.length > 0 && rows[0];
  }, 'the small room is read', 30_000);
  assert.ok(Number(read) < Number(last), 'and the large one is not yet');
  await ada.deleteRoom(large); // nobody waits for it
});

test('of what was read for search nothing is left when its room is deleted', async (t) => {
  const { ada } = await chat(t).users('ada');
  const servers = await running();
  const tea = await ada.createRoom('tea');
  await ada.post(tea, 'kettle');
  await allIsRead();
  const lane = LANES[Number((BigInt(tea.id) >> 12n) & 1023n)];
  /* as somebody leaves it who read the log before the deletion, and writes after what was in it has gone */
  await servers.sql(`INSERT INTO ${lane}.words SELECT room_id, 4711, sender_id, created_at, edited_at, words FROM ${lane}.words WHERE room_id = ${tea.id}`);
  await ada.deleteRoom(tea);
  await eventually(async () => (await servers.sql(`SELECT 1 FROM ${lane}.rooms WHERE id = ${tea.id} AND cleared_at IS NOT NULL`)).length === 1, 'the room is cleared', 30_000);
  assert.deepEqual(await servers.sql(`SELECT 1 FROM ${lane}.words WHERE room_id = ${tea.id} UNION ALL SELECT 1 FROM ${lane}.searchable WHERE room_id = ${tea.id}`), []);
});

test('of one person one search is at work and one waits, which gives way to a newer one', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const servers = await running();
  const tea = await ada.createRoom('tea', { members: [bob] });
  await ada.post(tea, 'kettle');
  const holding = servers.sql(`BEGIN; LOCK TABLE ${LANES.map((lane) => `${lane}.words`).join(', ')} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)`).catch(() => {});
  const held = async (granted) => Number((await servers.sql(`SELECT count(*) FROM pg_locks WHERE relation = 'lane_000.words'::regclass AND mode = 'AccessShareLock' AND NOT granted`))[0][0]) >= granted;
  await eventually(async () => (await servers.sql("SELECT 1 FROM pg_locks WHERE relation = 'lane_003.words'::regclass AND mode = 'AccessExclusiveLock' AND granted")).length > 0, 'the tables are locked');
  const ask = (q) => ada.ask('GET', `/search/messages?${query({ q })}`);
  const first = ask('kettle');
  await eventually(() => held(1), 'the first search is at work');
  const others = [ask('kettle'), ask('kettle')];
  const refusal = await Promise.race(others);
  assert.deepEqual([refusal.status, refusal.body.code, refusal.body.limit, refusal.headers['retry-after']], [429, 'too_many_requests', 'search', '1']);
  await servers.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'lane_003.words'::regclass AND mode = 'AccessExclusiveLock'");
  await holding;
  const statuses = [await first, ...(await Promise.all(others))].map(({ status }) => status).sort();
  assert.deepEqual(statuses, [200, 200, 429]);
  assert.deepEqual(await texts(bob, 'kettle'), ['kettle']);
});

test('an API whose search.language PostgreSQL does not know is not ready, and says why', async (t) => {
  const { apis: [api] } = await running();
  t.after(async () => {
    delete api.env.PARLEY_SEARCH_LANGUAGE;
    await api.restart();
  });
  api.env.PARLEY_SEARCH_LANGUAGE = 'klingon';
  await api.stop();
  await api.start({ wait: false });
  const { status, body } = await eventually(async () => {
    const answer = await exchange(api.origin, 'GET', '/ready').catch(() => null);
    return answer?.body?.log === 'up' && answer.body.database === 'up' && answer;
  }, 'all else is ready');
  assert.deepEqual([status, body.status, body.search], [503, 'down', 'down']);
  await eventually(() => /db: SET default_text_search_config = 'klingon': /.test(api.tail()), 'the log says why');
});

test('somebody in ten thousand rooms is answered in time', async (t) => {
  const { ada } = await chat(t).users('ada');
  const servers = await running();
  const tea = await ada.createRoom('tea');
  await ada.post(tea, 'the only kettle');
  for (const [number, lane] of LANES.entries()) {
    await servers.sql(`INSERT INTO ${lane}.rooms (id, kind, name, created_by, created_at, member_count)
      SELECT (1000000 + i) * 4194304::bigint + ${number} * 4096, 'private', 'many ' || i, ${ada.id}, now(), 1 FROM generate_series(1, 2500) i`);
    await servers.sql(`INSERT INTO ${lane}.members (room_id, user_id, role, joined_at, seq, message_no, changed_at)
      SELECT id, ${ada.id}, 'owner', now(), 1, 0, now() FROM ${lane}.rooms WHERE name LIKE 'many %'`);
    await servers.sql(`INSERT INTO ${lane}.events (room_id, seq, kind, sender_id, nonce, digest, body, message_no, room_mention_no, created_at)
      SELECT id, n, CASE n WHEN 1 THEN 'room' ELSE 'message' END::public.event_kind, ${ada.id}, decode(md5(id || ' ' || n), 'hex'), '', json_build_object('text', 'cocoa ' || n), n - 1, 0, now() FROM ${lane}.rooms, generate_series(1, 4) n WHERE name LIKE 'many %'`);
  }
  const once = async (q, count) => {
    const start = performance.now();
    assert.equal((await page(ada, q, { limit: 200 })).items.length, count, q);
    const took = performance.now() - start;
    t.diagnostic(`${q}: ${took.toFixed()} ms`);
    assert.ok(took < 4_000, `${took} ms`);
  };
  await once('kettle', 1);
  await once('cocoa', 200);
  for (const lane of LANES)
    await servers.sql(`INSERT INTO ${lane}.search_queue SELECT json_agg(json_build_array(id, 1)) FROM (SELECT id, row_number() OVER () / 100 AS part FROM ${lane}.rooms) r GROUP BY part`);
  await allIsRead();
  await once('kettle', 1);
  await once('cocoa', 200);
  await once('"cocoa 3" -tea', 200);
});
