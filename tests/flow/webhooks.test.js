// What a gateway alone tells the operator's servers: which events, signed, in order, and again until they are taken.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { Alone, HANG, Line, Said, Target, eventually, test } from './harness/index.js';

const SECRET = 'secret of the webhook';
const KINDS = ['connect', 'disconnect', 'subscribe', 'unsubscribe', 'occupied', 'vacated'];

async function start(t, { hook = {}, hooks, ...config } = {}) {
  const target = await Target.start(t);
  target.on('/hook', {});
  const gateway = await Alone.start(t, {
    gateway: { node: 'gw1', threads: 2, drain_ms: 200 },
    channel: { without_namespace: { allow_subscribe_for_client: true } },
    webhooks: hooks?.(target) ?? [{ url: target.url('/hook'), secret: SECRET, delay: '10ms', retry_max: '200ms', ...hook }],
    ...config,
  });
  return { target, gateway };
}

/** All events that `path` was told and has taken, in the order in which they came. */
const eventsOf = (target, path = '/hook') => target.all(path).flatMap(({ body }) => body.events);
const untilEvents = (target, count, path = '/hook') => target.until(path, () => eventsOf(target, path).length >= count && eventsOf(target, path), `${count} events`);

test('all six kinds are told, in order for each connection and each channel', async (t) => {
  const { target, gateway } = await start(t);
  const line = await Line.user(t, gateway, 'ada', { channels: ['lobby'] });
  await line.subscribe('tea');
  await line.ask({ unsubscribe: { channel: 'tea' } });
  await gateway.api('disconnect', { user: 'ada', disconnect: { code: 4000, reason: 'bye' } });
  await line.closed();
  const events = await untilEvents(target, 10);
  assert.equal(events.length, 10);
  const client = { user: 'ada', client: line.client };
  const told = events.map(({ id, time_ms: time, ...rest }) => {
    assert.match(id, /^[0-9a-f]{16}-[0-9]+$/);
    assert.ok(Math.abs(time - Date.now()) < 60_000);
    return rest;
  });
  assert.deepEqual(told.filter(({ client: id }) => id), [
    { type: 'connect', ...client, transport: 'websocket' },
    { type: 'subscribe', ...client, channel: 'lobby' },
    { type: 'subscribe', ...client, channel: 'tea' },
    { type: 'unsubscribe', ...client, channel: 'tea' },
    { type: 'unsubscribe', ...client, channel: 'lobby' },
    { type: 'disconnect', ...client, code: 4000, reason: 'bye' },
  ]);
  for (const channel of ['lobby', 'tea'])
    assert.deepEqual(told.filter((event) => !event.client && event.channel === channel), [{ type: 'occupied', channel }, { type: 'vacated', channel }]);
  assert.ok(target.all('/hook').every(({ body }) => body.node === 'gw1'));
  assert.equal(new Set(events.map(({ id }) => id)).size, 10, 'each has an id of its own');
  assert.deepEqual(KINDS.filter((kind) => !told.some(({ type }) => type === kind)), []);
});

test('a channel is occupied by its first subscriber and vacated by its last, whichever thread they are on', async (t) => {
  const { target, gateway } = await start(t, { hook: { events: ['occupied', 'vacated'] } });
  for (let round = 1; round <= 3; round++) {
    const lines = await Promise.all(Array.from({ length: 6 }, (_, i) => Line.user(t, gateway, `user ${i}`)));
    for (const line of lines) await line.subscribe('tea');
    for (const line of lines) await line.ask({ unsubscribe: { channel: 'tea' } });
    const events = await untilEvents(target, 2 * round);
    assert.deepEqual(events.map(({ type }) => type), Array(round).fill(['occupied', 'vacated']).flat());
  }
});

test('a connection that does not come to be is not told', async (t) => {
  const { target, gateway } = await start(t);
  const bad = await Line.open(t, gateway);
  bad.connect({ token: gateway.token({ sub: 'bob', channels: ['nowhere:x', 'lobby'] }) });
  const wrong = await Line.open(t, gateway);
  wrong.connect({ token: 'x' });
  assert.equal((await wrong.closed())[0], 3500);
  const line = await Line.user(t, gateway, 'ada');
  const events = await untilEvents(target, 1);
  assert.deepEqual(events.filter(({ user }) => user !== undefined).map(({ type, client }) => [type, client]), [['connect', line.client]]);
});

test('a batch is signed, with its time, by the secret of the webhook', async (t) => {
  const { target, gateway } = await start(t);
  await Line.user(t, gateway, 'ada');
  const { headers, text } = await target.next('/hook');
  const [, time, signature] = /^t=([0-9]+),v1=([0-9a-f]{64})$/.exec(headers['x-parley-signature']);
  assert.equal(signature, crypto.createHmac('sha256', SECRET).update(`${time}.${text}`).digest('hex'));
  assert.ok(Math.abs(time - Date.now() / 1000) < 60);
  assert.equal(headers['content-type'], 'application/json');
});

test('what was not taken is sent again, before all that came later', async (t) => {
  const { target, gateway } = await start(t, { hook: { events: ['subscribe'], batch_max: 1, delay: '0s' } });
  const answers = [new Said(500), new Said(503), new Said(429)];
  target.on('/hook', () => answers.shift() ?? {});
  const line = await Line.user(t, gateway, 'ada');
  const channels = ['a', 'b', 'c', 'd'];
  for (const channel of channels) await line.subscribe(channel);
  await untilEvents(target, 7);
  assert.deepEqual(eventsOf(target).map(({ channel }) => channel), ['a', 'a', 'a', 'a', 'b', 'c', 'd']);
  assert.equal(new Set(eventsOf(target).map(({ id }) => id)).size, 4, 'with the same id');
  target.on('/hook', new Said(400));
  await line.subscribe('refused');
  await untilEvents(target, 8);
  target.on('/hook', {});
  await line.subscribe('next');
  assert.deepEqual((await untilEvents(target, 9)).slice(-2).map(({ channel }) => channel), ['refused', 'next'], 'what is refused is not sent again');
});

test('a receiver that is gone gets all of it in order once it is back', async (t) => {
  const { target, gateway } = await start(t, { hook: { events: ['subscribe'] } });
  const line = await Line.user(t, gateway, 'ada');
  await target.close();
  const channels = Array.from({ length: 100 }, (_, i) => `channel ${i}`);
  for (const channel of channels) await line.subscribe(channel);
  await target.open();
  await untilEvents(target, 100);
  assert.deepEqual(eventsOf(target).map(({ channel }) => channel), channels);
});

test('of more than the queue holds the oldest go, and are counted', async (t) => {
  const { target, gateway } = await start(t, { hook: { events: ['subscribe'], queue_max: 3, batch_max: 1, delay: '0s', timeout: '30s' } });
  let release;
  target.on('/hook', () => new Promise((resolve) => (release = resolve)));
  const line = await Line.user(t, gateway, 'ada');
  await line.subscribe('under way');
  await target.next('/hook');
  for (let i = 0; i < 10; i++) await line.subscribe(`channel ${i}`);
  target.on('/hook', {});
  release({});
  await untilEvents(target, 4);
  assert.deepEqual(eventsOf(target).map(({ channel }) => channel), ['under way', 'channel 7', 'channel 8', 'channel 9']);
  const dropped = Object.entries(await gateway.metrics()).filter(([name]) => /^parley_gateway_webhook.*dropped/.test(name));
  assert.deepEqual(dropped.map(([, value]) => value), [7]);
});

test('a receiver that hangs costs its own webhook only', async (t) => {
  const { target, gateway } = await start(t, {
    hooks: (to) => [{ url: to.url('/stuck'), delay: '0s', timeout: '60s' }, { url: to.url('/hook'), delay: '0s', events: ['connect', 'disconnect'] }],
    gateway: { drain_ms: 200 },
  });
  target.on('/stuck', HANG);
  const first = await Line.user(t, gateway, 'ada');
  await target.next('/stuck');
  const second = await Line.user(t, gateway, 'bob');
  await second.subscribe('tea');
  await untilEvents(target, 2);
  first.wire.socket.close();
  assert.deepEqual((await untilEvents(target, 3)).map(({ type, user }) => [type, user]), [['connect', 'ada'], ['connect', 'bob'], ['disconnect', 'ada']]);
  assert.equal(target.all('/stuck').length, 1, 'one request at a time');
  assert.deepEqual(await gateway.stop(), { code: 0, signal: null }, 'and does not keep the gateway from ending');
});

test('the last events are told when the gateway stops', async (t) => {
  const { target, gateway } = await start(t, { hook: { delay: '1m' }, gateway: { threads: 2 } });
  const lines = await Promise.all(Array.from({ length: 20 }, (_, i) => Line.user(t, gateway, `user ${i}`)));
  await Promise.all(lines.map((line) => line.subscribe('tea')));
  await eventually(async () => (await gateway.metrics()).parley_gateway_connections === 20, 'all are there');
  assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
  const events = eventsOf(target);
  const count = (kind) => events.filter(({ type }) => type === kind).length;
  assert.deepEqual(KINDS.map(count), [20, 20, 20, 20, 1, 1]);
  assert.ok(events.filter(({ type }) => type === 'disconnect').every(({ code }) => code === 3001));
});
