// What those see who watch a gateway: /metrics, /health and /ready, on a listener of their own or not.
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { Alone } from './harness/alone.js';
import { exchange } from './harness/http.js';
import { freePort } from './harness/ports.js';
import { eventually } from './harness/wait.js';
import { Wire } from './harness/wire.js';

const OPERATORS = ['/health', '/ready', '/metrics', '/admin', '/admin/state'];

const statusOf = async (origin, path) => (await exchange(origin, 'GET', path)).status;

/** With an internal listener; `more`: of the configuration. */
async function begin(t, more = {}) {
  return await Alone.start(t, {
    http_server: { internal_port: await freePort() },
    admin: { enabled: true, password: 'tea' },
    ...more,
  });
}

test('with one listener all is there', async (t) => {
  const gateway = await Alone.start(t, { admin: { enabled: true, password: 'tea' } });
  for (const path of OPERATORS) assert.notEqual(await statusOf(gateway.origin, path), 404, path);
  assert.ok(await gateway.api('publish', { channel: 'a', data: {} }));
});

test('with two what is the operator’s is on the inner one alone', async (t) => {
  const gateway = await begin(t);
  for (const path of OPERATORS) {
    assert.equal(await statusOf(gateway.origin, path), 404, path);
    assert.notEqual(await statusOf(gateway.operator, path), 404, path);
  }
  assert.equal((await exchange(gateway.origin, 'POST', '/api/publish')).status, 404);
  assert.ok(await gateway.api('publish', { channel: 'a', data: {} }));
});

test('with two clients are on the outer one alone', async (t) => {
  const gateway = await begin(t);
  assert.notEqual(await statusOf(gateway.origin, '/connection/websocket'), 404);
  assert.equal(await statusOf(gateway.operator, '/connection/websocket'), 404);
});

test('the server API is on both when it is external', async (t) => {
  const gateway = await begin(t, { http_api: { external: true } });
  assert.equal((await exchange(gateway.origin, 'POST', '/api/publish')).status, 401);
  assert.ok(await gateway.api('publish', { channel: 'a', data: {} }));
  assert.equal(await statusOf(gateway.origin, '/metrics'), 404);
});

test('each family is explained once, and each of its lines is there once', async (t) => {
  const hook = { url: 'http://127.0.0.1:1/hook', events: ['connect'] };
  const gateway = await Alone.start(t, { webhooks: [hook, hook], client: { proxy: { connect: { enabled: true, endpoint: 'http://127.0.0.1:1/' } } } });
  await gateway.api('publish', { channel: 'a', data: {} });
  const lines = (await exchange(gateway.origin, 'GET', '/metrics')).text.trimEnd().split('\n');
  const once = (list) => assert.deepEqual(list.filter((line, i) => list.indexOf(line) !== i), []);
  const families = lines.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ')[2]);
  once(families);
  assert.deepEqual(lines.filter((line) => line.startsWith('# HELP ')).map((line) => line.split(' ')[2]), families);
  const series = lines.filter((line) => !line.startsWith('#'));
  for (const line of series) assert.match(line, /^parley_gateway_[a-z_]+(\{([a-z]+="[^"]*",?)+\})? [0-9.]+$/);
  once(series.map((line) => line.slice(0, line.lastIndexOf(' '))));
  for (const line of series) assert.ok(families.includes(/^[a-z_]+/.exec(line)[0].replace(/_(bucket|sum|count)$/, '')), line);
});

test('connections, subscriptions, messages and bytes are counted by transport', async (t) => {
  const gateway = await Alone.start(t, { client: { insecure: true } });
  const wire = await Wire.open(t, gateway);
  const label = '{transport="websocket",protocol="json"}';
  wire.send({ id: 1, connect: {} }, { id: 2, subscribe: { channel: 'news' } });
  await wire.reply(2);
  await gateway.api('publish', { channel: 'news', data: {} });
  await wire.happened.until(() => wire.happened.list.some(({ push }) => push), 'publication');
  const now = await gateway.metrics();
  assert.equal(now.parley_gateway_connections, 1);
  assert.equal(now.parley_gateway_subscriptions, 1);
  assert.equal(now[`parley_gateway_messages_received_total${label}`], 1);
  assert.equal(now[`parley_gateway_messages_sent_total${label}`], 3);
  assert.ok(now[`parley_gateway_bytes_received_total${label}`] > 60);
  assert.ok(now[`parley_gateway_bytes_sent_total${label}`] > 100);
  assert.equal(now['parley_gateway_api_commands_total{method="publish",error="0"}'], 1);
  wire.socket.close();
  await eventually(async () => (await gateway.metrics()).parley_gateway_connections === 0, 'no connection');
  const then = await gateway.metrics();
  assert.equal(then.parley_gateway_subscriptions, 0);
  assert.equal(then[`parley_gateway_transport_connections_closed_total${label}`], 1);
});

test('a subscription that was ended is not counted twice', async (t) => {
  const gateway = await Alone.start(t, { client: { insecure: true } });
  const wire = await Wire.open(t, gateway);
  wire.send({ id: 1, connect: {} }, { id: 2, subscribe: { channel: 'a' } }, { id: 3, subscribe: { channel: 'b' } });
  wire.send({ id: 4, unsubscribe: { channel: 'a' } }, { id: 5, unsubscribe: { channel: 'a' } });
  await wire.reply(5);
  assert.equal((await gateway.metrics()).parley_gateway_subscriptions, 1);
  wire.socket.close();
  await eventually(async () => (await gateway.metrics()).parley_gateway_subscriptions === 0, 'none left');
  assert.equal((await gateway.metrics()).parley_gateway_subscriptions_ended_total, 2);
});

test('each command with a reply is timed, errors and goodbyes are counted by code', async (t) => {
  const gateway = await Alone.start(t, { client: { insecure: true } });
  const wire = await Wire.open(t, gateway);
  wire.send(
    { id: 1, connect: {} },
    { id: 2, subscribe: { channel: 'a' } },
    { id: 3, subscribe: { channel: 'nope:x' } },
    { id: 4, history: { channel: 'a' } },
    { id: 5, rpc: { method: 'dance' } },
    { id: 6, presence: { channel: 'nope:x' } },
  );
  await wire.reply(6);
  wire.send({ id: 7, connect: {} });
  assert.equal((await wire.closed()).code, 3501);
  const now = await gateway.metrics();
  const count = (command) => now[`parley_gateway_command_duration_seconds_count{command="${command}"}`];
  assert.deepEqual(['connect', 'subscribe', 'history', 'rpc', 'presence', 'publish'].map(count), [1, 2, 1, 1, 1, 0]);
  assert.equal(now['parley_gateway_command_duration_seconds_bucket{command="subscribe",le="+Inf"}'], 2);
  assert.equal(now['parley_gateway_errors_total{code="102"}'], 2);
  assert.equal(now['parley_gateway_errors_total{code="108"}'], 2);
  assert.equal(now['parley_gateway_disconnects_total{code="3501"}'], 1);
});

test('connections beyond http.connection_limit are ended and counted', async (t) => {
  const gateway = await begin(t, { http: { connection_limit: 2 } });
  const sockets = Array.from({ length: 5 }, () => net.connect(gateway.port, '127.0.0.1').on('error', () => {}).resume());
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  await Promise.any(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  await eventually(async () => (await gateway.metrics()).parley_gateway_connections_refused_total > 0, 'refused ones');
});

test('while clients are said goodbye the inner listener says so', async (t) => {
  const gateway = await begin(t, { client: { insecure: true }, gateway: { drain_ms: 3000 } });
  const wires = await Promise.all(Array.from({ length: 4 }, () => Wire.open(t, gateway)));
  wires.forEach((wire) => wire.send({ id: 1, connect: {} }));
  await Promise.all(wires.map((wire) => wire.reply(1)));
  const ended = gateway.stop();
  await Promise.any(wires.map((wire) => wire.closed()));
  assert.equal(await statusOf(gateway.operator, '/ready'), 503);
  assert.equal(await statusOf(gateway.operator, '/health'), 200);
  assert.equal((await ended).code, 0);
});
