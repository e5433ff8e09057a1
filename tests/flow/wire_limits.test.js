// Sections 6 and 14 of the protocol's reference on bare sockets: pings and pongs, and what becomes of who goes beyond a limit.
import assert from 'node:assert/strict';
import { Alone, DELIMITED, Socket, Stream, eventually, exchange, test } from './harness/index.js';

const open = { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true, allow_publish_for_client: true, allow_publish_for_anonymous: true };
const anonymous = { allow_anonymous_connect_without_token: true, close_ms: 300 };

function configure({ client, ...rest } = {}) {
  return { http_stream: { enabled: true }, sse: { enabled: true }, client: { ...anonymous, ...client }, channel: { without_namespace: open }, ...rest };
}

async function connected(t, gateway, { query = '', connect = {}, ...options } = {}) {
  const socket = await Socket.open(t, `${gateway.url}${query}`, options);
  socket.send(JSON.stringify({ id: 1, connect }));
  socket.result = JSON.parse(await socket.text()).connect;
  return socket;
}

const subscribe = (id, channel) => JSON.stringify({ id, subscribe: { channel } });

test('pings come every interval, whatever else is going on, and are answered by pongs', async (t) => {
  const gateway = await Alone.start(t, configure({ client: { ping_interval: '1s', pong_timeout: '800ms' } }));
  const socket = await connected(t, gateway);
  assert.deepEqual([socket.result.ping, socket.result.pong], [1, true]);
  const begin = Date.now();
  const times = [];
  while (times.length < 3) {
    if ((await socket.text()) !== '{}') continue;
    times.push(Date.now() - begin);
    socket.send('{}');
  }
  assert.ok(times[0] >= 450, `the first at a random point of the second half: ${times}`);
  for (const i of [1, 2]) assert.ok(times[i] - times[i - 1] >= 700, `${times}`); // how late a busy machine is says nothing
  assert.ok(times[2] < 6000, `${times}`);
});

test('who does not answer a ping is closed with 3012, who answers twice or unasked with 3501', async (t) => {
  const gateway = await Alone.start(t, configure({ client: { ping_interval: '1s', pong_timeout: '300ms' } }));
  const [mute, eager] = await Promise.all([connected(t, gateway), connected(t, gateway)]);
  await eager.text();
  eager.send('{}');
  eager.send('{}');
  assert.deepEqual(await eager.finished(), { code: 3501, reason: 'bad request' });
  assert.deepEqual(await mute.finished(), { code: 3012, reason: 'no pong' });
});

test('native pings take the place of the protocol\'s when a client wants them', async (t) => {
  const gateway = await Alone.start(t, configure({ client: { ping_interval: '1s', pong_timeout: '500ms' } }));
  const socket = await connected(t, gateway, { query: '?cf_ws_frame_ping_pong=true' });
  assert.deepEqual([socket.result.ping, socket.result.pong], [undefined, undefined]);
  await socket.pings.until(() => socket.pings.list.length >= 2, 'two native pings'); // ws answers them
  socket.send('{"id":2,"rpc":{"method":"x"}}');
  assert.equal(JSON.parse(await socket.text()).id, 2, 'and no ping of the protocol came');
});

test('without an interval there are no pings', async (t) => {
  const gateway = await Alone.start(t, configure({ client: { ping_interval: '-1' } }));
  const socket = await connected(t, gateway);
  assert.deepEqual([socket.result.ping, socket.result.pong], [undefined, undefined]);
  socket.send('{}');
  assert.equal((await socket.finished()).code, 3501, 'no pong is asked for');
});

test('one client follows no more channels than it may', async (t) => {
  const gateway = await Alone.start(t, configure({ client: { channel_limit: 3 } }));
  const socket = await connected(t, gateway);
  socket.send([2, 3, 4, 5].map((id) => subscribe(id, `c${id}`)).join('\n'));
  for (const id of [2, 3, 4]) assert.equal(await socket.text(), `{"id":${id},"subscribe":{}}`);
  assert.equal(await socket.text(), '{"id":5,"error":{"code":106,"message":"limit exceeded"}}');
  socket.send('{"id":6,"unsubscribe":{"channel":"c2"}}\n' + subscribe(7, 'c7'));
  assert.equal(await socket.text(), '{"id":6,"unsubscribe":{}}');
  assert.equal(await socket.text(), '{"id":7,"subscribe":{}}');
  const given = await Socket.open(t, gateway.url);
  given.send(JSON.stringify({ id: 1, connect: { token: gateway.token({ sub: 'ada', channels: ['a', 'b', 'c', 'd'] }) } }));
  assert.deepEqual(await given.finished(), { code: 3505, reason: 'channel limit' });
});

test('a name may be as long as the configuration says', async (t) => {
  const gateway = await Alone.start(t, configure({ channel: { without_namespace: open, max_length: 20 } }));
  const socket = await connected(t, gateway);
  socket.send(`${subscribe(2, 'x'.repeat(20))}\n${subscribe(3, 'x'.repeat(21))}`);
  assert.equal(await socket.text(), '{"id":2,"subscribe":{}}');
  assert.equal(await socket.text(), '{"id":3,"error":{"code":107,"message":"bad request"}}');
});

test('who does not connect in time is stale', async (t) => {
  const gateway = await Alone.start(t, configure({ client: { stale_close_delay: '200ms' } }));
  const socket = await Socket.open(t, gateway.url);
  assert.deepEqual(await socket.finished(), { code: 3502, reason: 'stale' });
});

test('who reads too slowly is closed, and nobody else is hurt', async (t) => {
  const gateway = await Alone.start(t, configure({ client: { queue_max_size: 65_536 }, websocket: { write_timeout: '60s' } }));
  const [slow, quick] = [await connected(t, gateway), await connected(t, gateway)];
  for (const socket of [slow, quick]) socket.send(subscribe(2, 'flood'));
  for (const socket of [slow, quick]) await socket.text();
  slow.ws.pause();
  const data = 'x'.repeat(60_000);
  let sent = 0;
  await eventually(async () => {
    for (let i = 0; i < 20; i++, sent++) await gateway.api('publish', { channel: 'flood', data });
    return Object.entries(await gateway.metrics()).some(([name, count]) => /disconnect.*"3008"/.test(name) && count === 1);
  }, 'a disconnect with 3008');
  for (let i = 0; i < sent; i++) await quick.text();
  await eventually(async () => (await gateway.metrics()).parley_gateway_connections === 1, 'the other alone');
});

test('a client whose socket takes nothing for longer than a write may is dropped', async (t) => {
  const gateway = await Alone.start(t, configure({ client: { queue_max_size: 100_000_000 }, websocket: { write_timeout: '200ms' } }));
  const slow = await connected(t, gateway);
  slow.send(subscribe(2, 'flood'));
  await slow.text();
  slow.ws.pause();
  const data = 'x'.repeat(60_000);
  await eventually(async () => {
    for (let i = 0; i < 20; i++) await gateway.api('publish', { channel: 'flood', data });
    return (await gateway.metrics()).parley_gateway_connections === 0;
  }, 'its end');
});

test('more connections than there may be are 503 before the upgrade; of one user, 3504', async (t) => {
  const few = await Alone.start(t, configure({ client: { connection_limit: 2 } }));
  const [first] = [await connected(t, few), await connected(t, few)];
  await assert.rejects(Socket.open(t, few.url), /503/);
  const stream = await exchange(few.origin, 'POST', '/connection/http_stream', { body: '{"id":1,"connect":{}}' });
  assert.equal(stream.status, 503);
  assert.match(stream.headers['retry-after'], /^[1-5]$/);
  assert.equal(stream.headers.connection, 'close');
  first.ws.close();
  await first.finished();
  await eventually(() => connected(t, few), 'room for another');

  const slow = await Alone.start(t, configure({ client: { connection_rate_limit: 1 } }));
  const attempts = await Promise.allSettled(Array.from({ length: 5 }, () => Socket.open(t, slow.url)));
  const refused = attempts.filter(({ status }) => status === 'rejected');
  assert.ok(refused.length >= 3, `${refused.length} of 5 refused`);
  for (const { reason } of refused) assert.match(reason.message, /503/);

  const alone = await Alone.start(t, configure({ client: { user_connection_limit: 2 } }));
  const connect = (sub) => ({ token: alone.token({ sub }) });
  for (let i = 0; i < 2; i++) await connected(t, alone, { connect: connect('ada') });
  const third = await Socket.open(t, alone.url);
  third.send(JSON.stringify({ id: 1, connect: connect('ada') }));
  assert.deepEqual(await third.finished(), { code: 3504, reason: 'connection limit' });
  await connected(t, alone, { connect: connect('bob') });
});

test('a message larger than the limit is 1009, one of just that size is not', async (t) => {
  const gateway = await Alone.start(t, configure());
  const command = (size) => {
    const frame = '{"id":2,"publish":{"channel":"c","data":""}}';
    return frame.replace('""', `"${'x'.repeat(size - frame.length)}"`);
  };
  const fits = await connected(t, gateway);
  fits.send(command(65_536));
  assert.equal(await fits.text(), '{"id":2,"publish":{}}');
  for (const format of ['json', 'protobuf']) {
    const socket = await Socket.open(t, `${gateway.url}?format=${format}`);
    socket.send(format === 'json' ? command(65_537) : Buffer.alloc(65_537));
    assert.equal((await socket.finished()).code, 1009, format);
  }
});

test('Protobuf that is no command is 3501: cut off, too long, empty before connect; unknown fields are skipped', async (t) => {
  const gateway = await Alone.start(t, configure());
  const hex = (text) => Buffer.from(text.replaceAll(' ', ''), 'hex');
  const connect = hex('04 08 01 22 00');
  const bad = ['00', '80', '05 08 02 22 00', 'ff ff ff ff 0f', 'ff ff ff ff ff ff ff ff ff ff ff', '02 08 02', '04 08 02 ff ff', '06 08 02 3a 02 0a 05',
    '08 08 02 3a 04 0a 02 c3 28', '03 0b 0c 08', '04 08 02 5a 00'];
  for (const bytes of bad) {
    const socket = await Socket.open(t, `${gateway.url}?format=protobuf`);
    socket.send(Buffer.concat([connect]));
    await socket.bytes();
    socket.send(hex(bytes));
    assert.deepEqual(await socket.finished(), { code: 3501, reason: 'bad request' }, bytes);
  }
  const socket = await Socket.open(t, `${gateway.url}?format=protobuf`);
  socket.send(Buffer.concat([connect, hex('0e 08 02 2a 03 0a 01 63 f8 07 05 fa 07 01 78')])); // two commands in a message, fields 127
  await socket.bytes();
  assert.equal((await socket.bytes()).toString('hex'), '0408023200');
});

test('requests with bodies larger than they may be are 413', async (t) => {
  const gateway = await Alone.start(t, configure());
  const big = JSON.stringify({ id: 1, connect: { data: 'x'.repeat(65_536) } });
  for (const path of ['/connection/http_stream', '/connection/sse', '/emulation'])
    assert.equal((await exchange(gateway.origin, 'POST', path, { headers: { 'content-type': 'application/json' }, body: big })).status, 413, path);
  const stream = await Stream.open(t, gateway.origin, 'POST', '/connection/http_stream', {
    headers: { 'content-type': 'application/octet-stream' }, body: Buffer.from('0408012200', 'hex'), cut: DELIMITED,
  });
  assert.equal(stream.status, 200);
  assert.equal((await stream.bytes()).subarray(2, 5).toString('hex'), '08012a');
});

test('a payload that is no JSON ends a client of JSON with 3506 and reaches one of Protobuf', async (t) => {
  const gateway = await Alone.start(t, configure());
  const [json, protobuf] = [await connected(t, gateway), await Socket.open(t, `${gateway.url}?format=protobuf`)];
  json.send(subscribe(2, 'c'));
  await json.text();
  protobuf.send(Buffer.from('04080122000908022a050a0163700100', 'hex').subarray(0, 15));
  await protobuf.bytes();
  await protobuf.bytes();
  await gateway.api('publish', { channel: 'c', b64data: Buffer.from([0xff, 0x00, 0x0a]).toString('base64') });
  assert.deepEqual(await json.finished(), { code: 3506, reason: 'inappropriate protocol' });
  assert.equal((await protobuf.bytes()).toString('hex'), '0c220a120163220522 03ff000a'.replace(' ', ''));
});

test('JSON is relayed in one line, whatever line ends it was published with', async (t) => {
  const gateway = await Alone.start(t, configure());
  const socket = await connected(t, gateway);
  socket.send(subscribe(2, 'c'));
  await socket.text();
  await gateway.api('publish', {}, { body: '{"channel":"c","data":{\r\n  "a" : [1,\n 2],\t"b": "x\\ny"\n}}' });
  assert.equal(await socket.text(), '{"push":{"channel":"c","pub":{"data":{"a":[1,2],"b":"x\\ny"}}}}');
});
