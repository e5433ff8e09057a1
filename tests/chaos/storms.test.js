// Gateways that end, asked to and not, with many clients: all of them come back, and miss and repeat nothing.
import assert from 'node:assert/strict';
import { chat, configure, eventually, exchange, running, test } from '../flow/harness/index.js';
import { Plain } from './load/plain.js';
import { pause } from './load/pause.js';

const CLIENTS = 1000; // two cores also run the clients
const DRAIN_MS = 3000;

configure({ apis: 2, gateways: 2, gateway: { PARLEY_GATEWAY_DRAIN_MS: String(DRAIN_MS) } });

/** Many devices of one person who follow one room, at first all on gateway 0. */
async function crowd(t) {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const { gateways } = await running();
  const tea = await ada.createRoom('tea', { members: [bob] });
  const place = { gateway: 0 };
  const clients = Array.from({ length: CLIENTS }, () => new Plain(bob, tea.id, () => gateways[place.gateway].url));
  t.after(() => clients.forEach((client) => client.close()));
  for (let i = 0; i < CLIENTS; i += 100) {
    clients.slice(i, i + 100).forEach((client) => client.connect());
    await eventually(() => clients.slice(0, i + 100).every(({ isOpen }) => isOpen), 'all of them');
  }
  return { ada, tea, place, clients };
}

/** Sends on and on, until stopped: {stop() -> all that was stored}. */
function chatter(ada, tea) {
  const seqs = [];
  let isOver = false;
  const work = (async () => {
    while (!isOver) {
      seqs.push((await ada.post(tea, `message ${seqs.length}`)).seq);
      await pause(20);
    }
  })();
  return { seqs, stop: () => ((isOver = true), work.then(() => seqs)) };
}

const everybodyHas = (clients, seqs) =>
  eventually(() => clients.every((client) => client.seqs.at(-1) === seqs.at(-1)), 'the last message', 20_000)
    .then(() => clients.forEach((client) => assert.deepEqual(client.seqs, seqs.filter((seq) => seq >= client.seqs[0]), 'each once, in order')));

const questionsOf = async (gateway) => {
  const { text } = await exchange(gateway.origin, 'GET', '/metrics');
  return Number(/^parley_gateway_questions_total (\d+)$/m.exec(text)[1]);
};

test('T46 SIGTERM turns /ready, spreads the closes over its window, loses and repeats nothing, and ends in time', async (t) => {
  const { ada, tea, place, clients } = await crowd(t);
  const { gateways } = await running();
  const talk = chatter(ada, tea);
  await eventually(() => clients.every(({ seqs }) => seqs.length > 0), 'a first message');
  place.gateway = 1;
  const from = performance.now();
  const ended = gateways[0].stop();
  await eventually(async () => (await exchange(gateways[0].origin, 'GET', '/ready').catch(() => ({ status: 503 }))).status === 503, 'not ready');
  await eventually(() => clients.every(({ ends }) => ends.length > 0), 'the end of all', 20_000);
  const { code } = await ended;
  assert.equal(code, 0);
  const times = clients.map(({ ends }) => ends[0].at_ms - from).sort((a, b) => a - b);
  assert.deepEqual([...new Set(clients.map(({ ends }) => ends[0].code))], [3001]);
  assert.ok(times.at(-1) - times[0] > DRAIN_MS / 2, `spread over ${times.at(-1) - times[0]} ms`);
  const seqs = await talk.stop();
  await everybodyHas(clients, seqs);
  assert.ok(clients.every(({ isRecovered }) => isRecovered), 'each was told truthfully that it missed nothing');
  await gateways[0].start();
});

test('T21 a gateway that is killed: all come back to it at once, and the API is asked little', async (t) => {
  const { ada, tea, clients } = await crowd(t);
  const { gateways } = await running();
  const talk = chatter(ada, tea);
  await eventually(() => clients.every(({ seqs }) => seqs.length > 0), 'a first message');
  await gateways[0].kill();
  await gateways[0].start();
  await eventually(() => clients.every(({ isOpen, ends }) => isOpen && ends.length === 1), 'all are back', 30_000);
  const asked = await questionsOf(gateways[0]);
  const seqs = await talk.stop();
  await everybodyHas(clients, seqs);
  assert.ok(clients.every(({ isRecovered }) => isRecovered), 'each was told truthfully that it missed nothing');
  assert.ok(asked < CLIENTS / 2, `${asked} questions for ${CLIENTS} clients`);
});
