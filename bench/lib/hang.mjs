// hang: what a Redis that hangs (SIGSTOP) costs a request. One client asks one thing after the other, over one connection; each request
// counts for the phase in which it ended. Who waited for Redis reads the database afterwards: against requests that are bypassed, which
// read it too, the wait is seen alone.
import { Person, nonce } from '../../tests/flow/harness/person.js';
import { exchange } from '../../tests/flow/harness/http.js';
import { openDatabase, serveApi } from './api.mjs';
import { exceed, median } from './report.mjs';

export const title = 'A hanging Redis, redis.timeout_ms = 45';

const ROOMS = 20;
const HANG_MS = 5_000;
const FLUSHES = 10; // while warming up: the statements of a cold cache are prepared before it is needed
const BACK_WITHIN_MS = 10_000;
const WAITED_MS = 25; // whoever took longer waited for Redis
const MUST_MS = 50;
const PHASES = ['fine', 'hanging', 'coming back', 'warm again'];

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Somebody with 20 rooms that have a message each. */
async function settle(port) {
  const origin = `http://127.0.0.1:${port}`;
  const body = { login: `hang.${nonce()}`, password: 'correct horse', name: 'Ada' };
  const answer = await exchange(origin, 'POST', '/v1/users', { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  if (answer.status !== 201) throw new Error(`POST /v1/users: ${answer.status} ${answer.text}`);
  const person = new Person({ servers: { apis: [{ origin }] } }, answer.body);
  const rooms = [];
  for (let i = 0; i < ROOMS; i++) {
    rooms.push(await person.createRoom(`room ${i}`));
    await person.post(rooms[i], 'first');
  }
  return { person, rooms, origin };
}

/** Asks until `load.phase` is null; answers a list of {phase, kind, ms}. */
async function ask({ person, rooms }, load) {
  const asked = [];
  const kinds = {
    'GET /v1/rooms': () => person.get('/rooms'),
    'GET /v1/me': () => person.get('/me'),
    'POST messages': (i) => person.post(rooms[i % ROOMS], 'on and on'),
  };
  for (let i = 0; load.phase !== null; i++)
    for (const [kind, request] of Object.entries(kinds)) {
      const start = performance.now();
      await request(i);
      const ms = performance.now() - start;
      if (load.phase !== null && load.phase !== 'warming up') asked.push({ phase: load.phase, kind, ms });
    }
  return asked;
}

async function untilBack(origin) {
  const start = performance.now();
  for (;;) {
    const { body } = await exchange(origin, 'GET', '/ready');
    const ms = performance.now() - start;
    if (body.cache === 'up') return ms;
    if (ms > BACK_WITHIN_MS) throw new Error('the API did not find Redis again');
    await sleep(5);
  }
}

/** The phases; answers how long the API took to find Redis again. */
async function disturb(redis, origin, load, seconds) {
  for (let i = 0; i < FLUSHES; i++) {
    await redis.command('FLUSHALL');
    await sleep(100);
  }
  load.phase = 'fine';
  await sleep(seconds * 1000);
  load.phase = 'hanging';
  redis.pause();
  await sleep(HANG_MS);
  load.phase = 'coming back';
  redis.resume();
  const back_ms = await untilBack(origin);
  await sleep(100); // the first to ask fills the cache
  load.phase = 'warm again';
  await sleep(seconds * 1000);
  return back_ms;
}

function summary(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  return { requests: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) };
}

async function round(stage, url, redis, seconds) {
  const { server, port } = await serveApi(stage, url, redis);
  const place = await settle(port);
  const load = { phase: 'warming up' };
  const asking = ask(place, load);
  asking.catch(() => {}); // whoever awaits it below is told
  let back_ms;
  try {
    back_ms = await Promise.race([disturb(redis, place.origin, load, seconds), asking.then(() => Promise.reject(new Error('nobody asks')))]);
  } finally {
    load.phase = null;
    redis.resume();
  }
  const asked = await asking;
  await stage.end(server);

  const kinds = {};
  for (const { kind } of asked)
    kinds[kind] ??= Object.fromEntries(PHASES.map((phase) => [phase, summary(asked.filter((a) => a.kind === kind && a.phase === phase).map((a) => a.ms))]));
  const waited = (during) => asked.filter(({ phase, ms }) => phase === during && ms > WAITED_MS).length;
  return { back_ms, kinds, waited: { fine: waited('fine'), hanging: waited('hanging') } };
}

function printPhases(rounds) {
  const line = (cells) => console.log(cells.map((cell, i) => (i < 2 ? cell.padEnd(14) : cell.padStart(9))).join('  '));
  line(['request', 'Redis', 'requests', 'p50 ms', 'p99 ms', 'max ms', 'worst max']);
  for (const kind of Object.keys(rounds[0].kinds).sort())
    for (const phase of PHASES) {
      const of = (figure) => rounds.map(({ kinds }) => kinds[kind][phase][figure]);
      const times = [...['p50', 'p99', 'max'].map((figure) => median(of(figure))), Math.max(...of('max'))];
      line([kind, phase, String(Math.round(median(of('requests')))), ...times.map((ms) => ms.toFixed(2))]);
    }
}

/** Lines of the report; those of a kind of request keep the figures of all phases. */
function rowsOf(rounds) {
  const figures = (kind, phase, figure) => rounds.map(({ kinds }) => kinds[kind][phase][figure]);
  const slowest = (scenario, kind, yardstick) => exceed({ scenario, unit: 'ms', yardstick, parley: figures(kind, 'hanging', 'max'), must: MUST_MS });
  const ofKind = (kind) => ({
    ...slowest(`${kind}: slowest, against p99 with Redis`, kind, figures(kind, 'fine', 'p99')),
    rounds: rounds.map(({ kinds }) => kinds[kind]),
  });
  const chats = 'GET /v1/rooms';
  return [
    ...Object.keys(rounds[0].kinds).sort().map(ofKind),
    slowest(`${chats}: slowest, against p50 while bypassed`, chats, figures(chats, 'hanging', 'p50')),
    exceed({ scenario: 'requests that waited', unit: 'of a hang', yardstick: rounds.map(({ waited }) => waited.fine), parley: rounds.map(({ waited }) => waited.hanging) }),
    exceed({ scenario: `${chats}: p50 while bypassed`, unit: 'ms', yardstick: figures(chats, 'fine', 'p50'), parley: figures(chats, 'hanging', 'p50') }),
    exceed({ scenario: `${chats}: p50 when warm again`, unit: 'ms', yardstick: figures(chats, 'fine', 'p50'), parley: figures(chats, 'warm again', 'p50') }),
  ];
}

export async function run(stage, { samples, seconds }) {
  const [{ url }, redis] = await Promise.all([openDatabase(stage), stage.redis()]);
  const rounds = [];
  for (let i = 0; i < samples; i++) {
    rounds.push(await stage.calmly(() => round(stage, url, redis, seconds)));
    const { kinds, waited, back_ms } = rounds[i];
    const slowest = Math.max(...Object.values(kinds).map(({ hanging }) => hanging.max));
    console.log(`hang ${i + 1}/${samples}: slowest ${slowest.toFixed(1)} ms, ${waited.hanging} waited, Redis found again after ${back_ms.toFixed(0)} ms`);
  }
  console.log('\nmedians of the rounds:');
  printPhases(rounds);
  return rowsOf(rounds);
}
