// permessage-deflate with `ws`, an implementation that is not ours: what is compressed, and what may not be sent.
import assert from 'node:assert/strict';
import zlib from 'node:zlib';
import { Alone, Line, eventually, test } from './harness/index.js';

const LIMIT = 4096;

const start = (t, websocket = {}) => Alone.start(t, {
  websocket: { compression: true, compression_min_size: 200, message_size_limit: LIMIT, ...websocket },
  client: { insecure: true }, // everybody may do everything
  channel: { without_namespace: { history_size: 10, history_ttl: '60s' } },
});

const connect = (t, gateway, perMessageDeflate) => Line.connect(t, gateway, {}, { perMessageDeflate });

/** How many bytes of frames came since, counted below what `ws` makes of them. */
function counter(line) {
  const { _socket: socket } = line.wire.socket;
  const from = socket.bytesRead;
  return () => socket.bytesRead - from;
}

const LONG = { text: 'the same words again and again, '.repeat(500) };

test('it is granted without context takeover, to those who offer it, where it is on', async (t) => {
  const [on, off] = [await start(t), await start(t, { compression: false })];
  const granted = (line) => line.wire.socket.extensions;
  const line = await connect(t, on, true);
  const { params } = Object.values(line.wire.socket._extensions)[0];
  assert.deepEqual([granted(line), params.server_no_context_takeover, params.client_no_context_takeover], ['permessage-deflate', true, true]);
  assert.equal(granted(await connect(t, on, false)), '');
  assert.equal(granted(await connect(t, off, true)), '');
});

test('large messages are compressed, small ones are not, and who did not ask gets all as it is', async (t) => {
  const gateway = await start(t);
  const [small, plain] = [await connect(t, gateway, true), await connect(t, gateway, false)];
  for (const line of [small, plain]) await line.subscribe('news');
  const counts = [small, plain].map(counter);
  await gateway.api('publish', { channel: 'news', data: LONG });
  for (const line of [small, plain]) assert.deepEqual((await line.push('pub')).data, LONG);
  assert.ok(counts[0]() < 500, `${counts[0]()} bytes`);
  assert.ok(counts[1]() > 16_000, `${counts[1]()} bytes`);
  const little = [small, plain].map(counter);
  await gateway.api('publish', { channel: 'news', data: 'a'.repeat(100) });
  for (const line of [small, plain]) await line.push('pub', 2);
  assert.deepEqual([little[0](), little[0]() > 100], [little[1](), true]);
});

test('one broadcast reaches many, compressed or not', async (t) => {
  const gateway = await start(t);
  const lines = await Promise.all(Array.from({ length: 60 }, (_, i) => connect(t, gateway, i % 3 !== 0)));
  await Promise.all(lines.map((line) => line.subscribe('news')));
  const sent = Array.from({ length: 20 }, (_, n) => ({ n, ...LONG }));
  for (const data of sent) await gateway.api('publish', { channel: 'news', data });
  await Promise.all(lines.map((line) => line.push('pub', sent.length)));
  for (const line of lines) assert.deepEqual(line.pushes('pub').map(({ data, offset }) => [data, offset]), sent.map((data, n) => [data, n + 1]));
});

test('compressed commands are understood, up to ten times the limit for what they say', async (t) => {
  const gateway = await start(t);
  const line = await connect(t, gateway, { threshold: 0 });
  await line.subscribe('news');
  const data = 'x'.repeat(9 * LIMIT);
  assert.ok((await line.ask({ publish: { channel: 'news', data } })).publish);
  assert.equal((await line.push('pub')).data, data);
});

test('a bomb is 1009, and costs nobody else anything', async (t) => {
  const gateway = await start(t);
  const [bystander, line] = [await connect(t, gateway, true), await connect(t, gateway, { threshold: 0 })];
  const bomb = { publish: { channel: 'news', data: 'x'.repeat(50_000_000) } };
  assert.ok(zlib.deflateRawSync(JSON.stringify(bomb)).length > LIMIT);
  line.wire.send({ id: 99, publish: { channel: 'news', data: 'x'.repeat(11 * LIMIT) } });
  assert.equal((await line.closed())[0], 1009);
  const other = await connect(t, gateway, { threshold: 0 });
  other.wire.send({ id: 99, ...bomb });
  assert.equal((await other.closed())[0], 1009);
  await bystander.settle();
  await eventually(async () => (await gateway.metrics()).parley_gateway_connections === 1, 'they are gone');
});

test('a payload that is no deflate ends its connection', async (t) => {
  const gateway = await start(t);
  const line = await connect(t, gateway, true);
  const { _socket: socket } = line.wire.socket;
  const mask = Buffer.from([0, 0, 0, 0]), payload = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]);
  socket.write(Buffer.concat([Buffer.from([0xc1, 0x80 | payload.length]), mask, payload]));
  assert.ok([1002, 1007].includes((await line.closed())[0]));
  await connect(t, gateway, true);
});
