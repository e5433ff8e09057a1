// What an API does when a bound of its own is reached: it says so, counts it, and goes on.
import assert from 'node:assert/strict';
import { chat, configure, eventually, exchange, nonce, running, test } from './harness/index.js';

const together = (count, ask) => Promise.all(Array.from({ length: count }, (_, i) => ask(i)));

configure({
  apis: 1,
  gateways: 1,
  api: {
    PARLEY_HTTP_METRICS: 'true',
    PARLEY_HASH_PARALLEL: '1',
    PARLEY_HASH_QUEUE: '1',
    PARLEY_HASH_MEMORY_KIB: '8192',
    PARLEY_API_TASKS_MAX: '40',
    PARLEY_BATCH_OUTBOX_MAX: '10',
    PARLEY_BATCH_ROWS_MAX: '1',
    PARLEY_BUS_KEEP_BYTES: '1',
  },
});

/** A counter or gauge of the API. */
async function valueOf(name) {
  const { apis } = await running();
  const { status, headers, text } = await exchange(apis[0].origin, 'GET', '/metrics');
  assert.deepEqual([status, headers['content-type']], [200, 'text/plain; version=0.0.4; charset=utf-8']);
  return Number(new RegExp(`^parley_api_${name} (\\d+)$`, 'm').exec(text)[1]);
}

/** Those of `answers` that were refused as busy; all others have a 2xx. */
function busy(answers) {
  const refusals = answers.filter(({ status }) => status > 299);
  for (const { status, body } of refusals) assert.deepEqual([status, body.code], [503, 'busy']);
  return refusals.length;
}

test('more passwords than may wait are refused, and counted', async (t) => {
  const { ada } = await chat(t).users('ada');
  const before = await valueOf('hash_busy_total');
  const answers = await together(12, () => ada.ask('POST', '/sessions', { login: ada.login, password: ada.password }, { token: null }));
  const refusals = busy(answers);
  assert.ok(refusals > 0 && refusals < 12, `${refusals}`);
  assert.equal((await valueOf('hash_busy_total')) - before, refusals);
  await ada.signInAgain();
});

test('more requests than may be at work are refused, and counted', async (t) => {
  const { ada } = await chat(t).users('ada');
  const before = [await valueOf('requests_total'), await valueOf('requests_busy_total')];
  const { redis } = await running();
  redis.pause(); // each waits for it, up to redis.timeout_ms
  t.after(() => redis.resume());
  const refusals = busy(await together(400, () => ada.ask('GET', '/rooms?limit=100')));
  redis.resume();
  assert.ok(refusals > 0 && refusals < 400, `${refusals}`);
  assert.equal((await valueOf('requests_busy_total')) - before[1], refusals);
  assert.equal((await valueOf('requests_total')) - before[0], 400);
  await ada.get('/me');
});

test('a lane whose outbox is full takes nothing until some of it is marked, and loses nothing', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const { redis } = await running();
  const room = await ada.createRoom('tea');
  await eventually(async () => (await valueOf('outbox_rows')) === 0, 'nothing is left of what came before');
  const before = await valueOf('outbox_busy_total');
  const sent = [];
  const send = async () => {
    const answer = await ada.ask('POST', `/rooms/${room.id}/messages`, { text: `${sent.length}`, nonce: nonce() });
    if (answer.status === 201) sent.push(answer.body.seq);
    return answer;
  };
  redis.pause();
  t.after(() => redis.resume());
  await together(30, () => bob.ask('DELETE', `/rooms/${room.id}/bans/${ada.id}`));
  assert.equal(await valueOf('outbox_rows'), 0, 'what is refused writes none');
  for (let i = 0, answer; (answer = await send()).status !== 503; i++) assert.ok(i < 5_000, answer.text);
  assert.ok((await valueOf('outbox_busy_total')) > before);
  assert.ok((await valueOf('outbox_rows')) >= 10);
  redis.resume();
  await eventually(async () => (await send()).status === 201, 'room in the outbox');
  await eventually(async () => (await valueOf('outbox_rows')) === 0, 'all is marked');
  const log = await ada.log(room);
  assert.deepEqual(log.filter(({ kind }) => kind === 'message').map(({ seq }) => seq), sent);
});

test('what is sent and is more than bus.keep_bytes is counted', async (t) => {
  const { ada } = await chat(t).users('ada');
  const before = await valueOf('replay_forgotten_total');
  await ada.createRoom('tea');
  assert.ok((await valueOf('replay_forgotten_total')) > before);
  assert.equal(await valueOf('replay_bytes'), 0);
});

test('/metrics can be turned off, and takes no other method', async () => {
  const { apis } = await running();
  assert.equal((await exchange(apis[0].origin, 'POST', '/metrics')).status, 405);
  apis[0].env.PARLEY_HTTP_METRICS = 'false';
  await apis[0].restart();
  const { headers } = await exchange(apis[0].origin, 'GET', '/metrics');
  assert.doesNotMatch(headers['content-type'], /0\.0\.4/);
  apis[0].env.PARLEY_HTTP_METRICS = 'true';
  await apis[0].restart();
  await valueOf('requests_total');
});
