// T22: gateways fail one after the other, until those that are left cannot take everybody.
import assert from 'node:assert/strict';
import { chat, configure, eventually, exchange, running, test } from '../flow/harness/index.js';
import { PATIENCE_MS, chatter, come, everybodyHas } from './load/herd.js';
import { Plain } from './load/plain.js';

const GATEWAYS = 3;
const LIMIT = 1000; // connections of one gateway
const CLIENTS = GATEWAYS * LIMIT * 0.6;
const ROOMS = 10;
const PER_SECOND = 50; // over all rooms: each client gets five a second
const RETRY_AFTER_MAX_S = 5;

configure({ apis: 2, gateways: GATEWAYS, gateway: { PARLEY_HTTP_CONNECTION_LIMIT: String(LIMIT) } });

/** Devices of one person, each sent to one living gateway after the other, as a balancer does that looks whether they live. */
async function crowd(t) {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const { gateways } = await running();
  const rooms = await Promise.all(Array.from({ length: ROOMS }, (_, i) => ada.createRoom(`tea ${i}`, { members: [bob] })));
  const next = (turn) => {
    const living = gateways.filter(({ isRunning }) => isRunning);
    return living[turn % living.length];
  };
  const clients = Array.from({ length: CLIENTS }, (_, i) => {
    let turn = i;
    const client = new Plain(bob, rooms[i % ROOMS].id, () => (client.gateway = next(turn++)).url);
    return client;
  });
  await come(t, clients);
  return { ada, rooms, clients, gateways };
}

const counterOf = (text, name) => Number(new RegExp(`^parley_gateway_${name}_total (\\d+)$`, 'm').exec(text)[1]);

test('T22 a shrinking fleet: the last gateway refuses what it cannot hold, early and with a hint, and serves those that it holds', async (t) => {
  const { ada, rooms, clients, gateways } = await crowd(t);
  const talk = chatter(ada, rooms, PER_SECOND);
  await eventually(() => clients.every(({ seqs }) => seqs.length > 0), 'a first message', PATIENCE_MS);
  const last = gateways[2];

  await gateways[0].kill();
  await eventually(() => clients.every(({ isOpen, gateway }) => isOpen && gateway !== gateways[0]), 'two hold all', PATIENCE_MS);
  assert.ok(clients.every(({ refusals }) => refusals.length === 0), 'and refuse nobody');
  const settled = new Set(clients.filter(({ gateway }) => gateway === last));

  await gateways[1].kill();
  const held = () => clients.filter(({ isOpen, gateway }) => isOpen && gateway === last);
  await eventually(() => held().length === LIMIT && clients.every(({ isOpen, refusals }) => isOpen || refusals.length > 0),
    'the last one is full, and the others know', PATIENCE_MS);
  const accepted = held(), endings = accepted.map(({ ends }) => ends.length), heard = accepted.map(({ seqs }) => seqs.length);
  const refusals = () => clients.reduce((sum, client) => sum + client.refusals.length, 0);
  const before = refusals();
  await eventually(() => accepted.every(({ seqs }, i) => seqs.length >= heard[i] + 10), 'ten more messages for each', PATIENCE_MS);
  await eventually(() => refusals() > before + 100, 'while others are refused', PATIENCE_MS);
  assert.deepEqual(accepted.map(({ ends }) => ends.length), endings, 'none of those that it held was dropped for another');
  for (const client of settled) assert.ok(client.isOpen, 'nor one that it had before');

  await gateways[0].start();
  await eventually(() => clients.every(({ isOpen }) => isOpen), 'a place for everybody', PATIENCE_MS);
  const { sent } = await talk.stop();
  await everybodyHas(clients, sent);
  assert.ok(clients.every(({ isRecovered, ends }) => isRecovered || ends.length === 0), 'each was told truthfully that it missed nothing');
  const all = clients.flatMap((client) => client.refusals);
  assert.deepEqual([...new Set(all.map(({ status }) => status))], [503]);
  const hints = new Set(all.map(({ retryAfter_s }) => retryAfter_s));
  assert.ok(hints.size > 1 && [...hints].every((hint) => hint >= 1 && hint <= RETRY_AFTER_MAX_S), `spread: ${[...hints]}`);

  accepted.slice(0, 10).forEach((client) => client.close()); // or we would be refused ourselves
  const { text } = await eventually(async () => {
    const answer = await exchange(last.origin, 'GET', '/metrics');
    return answer.status === 200 && answer;
  }, 'counters');
  assert.equal(counterOf(text, 'connections_opened'), LIMIT, 'nobody else got so far as to be a client');
  assert.equal(counterOf(text, 'handshakes_refused'), 0, 'who was refused had not to be understood first');
  t.diagnostic(`${all.length} refusals, ${counterOf(text, 'questions')} questions`);
});
