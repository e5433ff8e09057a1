// Networks that break and gateways that end, asked to and not, with thousands of clients: all of them come back, and miss and repeat nothing.
import assert from 'node:assert/strict';
import { chat, configure, eventually, exchange, running, test } from '../flow/harness/index.js';
import { PATIENCE_MS, chatter, come, everybodyHas } from './load/herd.js';
import { Plain } from './load/plain.js';

const CLIENTS = 5000;
const DRAIN_MS = 3000;

configure({ apis: 2, gateways: 2, api: { PARLEY_HASH_QUEUE: '1000' }, gateway: { PARLEY_GATEWAY_DRAIN_MS: String(DRAIN_MS) } });

/* Two cores also run the clients: 50 messages a second reach 500 clients each. */
const ROOMS = 10;
const PER_SECOND = 50;

/** Many devices of one person, who follow some rooms of theirs, at first all on gateway 0. */
async function crowd(t) {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const { gateways } = await running();
  const rooms = await Promise.all(Array.from({ length: ROOMS }, (_, i) => ada.createRoom(`tea ${i}`, { members: [bob] })));
  const place = { gateway: 0 };
  const clients = Array.from({ length: CLIENTS }, (_, i) => new Plain(bob, rooms[i % ROOMS].id, () => gateways[place.gateway].url));
  await come(t, clients);
  return { ada, rooms, place, clients };
}

const questionsOf = async (gateway) => {
  const { text } = await exchange(gateway.origin, 'GET', '/metrics');
  return Number(/^parley_gateway_questions_total (\d+)$/m.exec(text)[1]);
};

/* Of T14: 200 messages a second in 100 rooms reach 50 clients each; one room gets more than a client may miss. */
const STORM = { rooms: 100, people: 250, perSecond: 200, flood: 360 };
const RECOVERED_MAX = 300; // client.recovery_max_publications

/** Twenty devices for each of 250 people, each in another of the twenty rooms that its owner is in; half on either gateway. */
async function town(t) {
  const here = chat(t);
  const { gateways, apis } = await running();
  const ada = await here.register('ada');
  const people = await Promise.all(Array.from({ length: STORM.people }, (_, i) => here.register(`bob${i}`, i % apis.length)));
  const perPerson = CLIENTS / STORM.people;
  const roomOf = (i, k) => (i * 7 + k * 5) % STORM.rooms;
  const places = people.flatMap((person, i) => Array.from({ length: perPerson }, (_, k) => ({ person, room: roomOf(i, k) })));
  const rooms = await Promise.all(Array.from({ length: STORM.rooms }, (_, room) =>
    ada.createRoom(`tea ${room}`, { members: places.filter((place) => place.room === room).map(({ person }) => person) })));
  const clients = places.map(({ person, room }, i) => new Plain(person, rooms[room].id, () => gateways[i % gateways.length].url));
  await come(t, clients);
  return { ada, rooms, clients };
}

/** As many messages as somebody cannot miss without being told so; their seqs. */
async function flood(ada, room) {
  const events = [];
  while (events.length < STORM.flood) events.push(...await Promise.all(Array.from({ length: 40 }, (_, i) => ada.post(room, `flood ${i}`))));
  return events.map(({ seq }) => seq);
}

const questionsOfAll = async () => {
  const { gateways } = await running();
  return (await Promise.all(gateways.map(questionsOf))).reduce((a, b) => a + b);
};

test('T14 a resume storm: all who were cut at once come back, are told truthfully whether they missed anything, and have it all', async (t) => {
  const { ada, rooms, clients } = await town(t);
  const talk = chatter(ada, rooms, STORM.perSecond);
  await eventually(() => clients.every(({ seqs }) => seqs.length > 0), 'a first message', PATIENCE_MS);
  clients.forEach((client) => client.close());
  await eventually(() => clients.every(({ isOpen }) => !isOpen), 'all are cut');
  const more = await flood(ada, rooms[0]);
  const before = await questionsOfAll();
  const said = talk.stored;
  clients.forEach((client) => client.connect());
  await eventually(() => clients.every(({ isOpen }) => isOpen), 'all are back', PATIENCE_MS);
  const asked = await questionsOfAll() - before;
  const flowed = talk.stored - said;
  const { sent, rate } = await talk.stop();
  sent.set(rooms[0].id, [...sent.get(rooms[0].id), ...more].sort((a, b) => a - b));
  await everybodyHas(clients, sent);
  for (const { resumes: [{ from, to, isRecovered }, ...others], room } of clients) {
    assert.equal(others.length, 0, 'each came back once');
    assert.equal(isRecovered, room !== rooms[0].id, 'only too much is said to be too much');
    if (!isRecovered) assert.ok(to - from > RECOVERED_MAX, `${to - from} are not too many`);
  }
  assert.ok(flowed > 0, 'messages flowed meanwhile');
  assert.ok(asked < CLIENTS / 5, `${asked} questions for ${CLIENTS} clients`);
  t.diagnostic(`${asked} questions; ${flowed} messages meanwhile, ${rate.toFixed()} a second in all`);
});

test('T46 SIGTERM turns /ready, spreads the closes over its window, loses and repeats nothing, and ends in time', async (t) => {
  const { ada, rooms, place, clients } = await crowd(t);
  const { gateways } = await running();
  const talk = chatter(ada, rooms, PER_SECOND);
  await eventually(() => clients.every(({ seqs }) => seqs.length > 0), 'a first message', PATIENCE_MS);
  place.gateway = 1;
  const from = performance.now();
  const ended = gateways[0].stop();
  await eventually(async () => (await exchange(gateways[0].origin, 'GET', '/ready').catch(() => ({ status: 503 }))).status === 503, 'not ready');
  await eventually(() => clients.every(({ ends }) => ends.length > 0), 'the end of all', PATIENCE_MS);
  const { code } = await ended;
  assert.equal(code, 0);
  const times = clients.map(({ ends }) => ends[0].at_ms - from).sort((a, b) => a - b);
  assert.deepEqual([...new Set(clients.map(({ ends }) => ends[0].code))], [3001]);
  assert.ok(times.at(-1) - times[0] > DRAIN_MS / 2, `spread over ${times.at(-1) - times[0]} ms`);
  const { sent } = await talk.stop();
  await everybodyHas(clients, sent);
  assert.ok(clients.every(({ isRecovered }) => isRecovered), 'each was told truthfully that it missed nothing');
  await gateways[0].start();
});

test('T21 a gateway that is killed: all come back to it at once, and the API is asked little', async (t) => {
  const { ada, rooms, clients } = await crowd(t);
  const { gateways } = await running();
  const talk = chatter(ada, rooms, PER_SECOND);
  await eventually(() => clients.every(({ seqs }) => seqs.length > 0), 'a first message', PATIENCE_MS);
  await gateways[0].kill();
  await gateways[0].start();
  await eventually(() => clients.every(({ isOpen, ends }) => isOpen && ends.length === 1), 'all are back', PATIENCE_MS);
  const asked = await questionsOf(gateways[0]);
  const { sent } = await talk.stop();
  await everybodyHas(clients, sent);
  assert.ok(clients.every(({ isRecovered }) => isRecovered), 'each was told truthfully that it missed nothing');
  assert.ok(asked < CLIENTS / 20, `${asked} questions for ${CLIENTS} clients`);
  t.diagnostic(`${asked} questions`);
});
