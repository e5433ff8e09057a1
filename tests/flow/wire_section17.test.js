// The worked exchanges of the protocol's reference, section 17, over bare sockets and bare HTTP: the same bytes both ways apart from
// ids, versions, epochs and times, and from the order of an object's members, which says nothing.
import assert from 'node:assert/strict';
import { Alone, DELIMITED, Socket, Stream, exchange, test } from './harness/index.js';

const kept = { history_size: 100, history_ttl: '300s', force_recovery: true };
const CONFIG = {
  http_stream: { enabled: true },
  client: { ping_interval: '1s', pong_timeout: '900ms', close_ms: 300 },
  channel: {
    without_namespace: {},
    namespaces: [
      { name: 'news', ...kept, allow_subscribe_for_client: true, allow_publish_for_client: true, allow_history_for_client: true,
        allow_presence_for_client: true, presence: true },
      { name: 'user', ...kept },
      { name: 'prices', ...kept, allow_subscribe_for_client: true, allowed_delta_types: ['fossil'], delta_publish: true },
    ],
  },
};

const UUID = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';

/** JSON without a space, and with an object's members in the order of the alphabet. */
function canonical(text) {
  const sorted = (value) => {
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.map(sorted);
    return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
  };
  return JSON.stringify(sorted(JSON.parse(text)));
}

/** Asserts that `line` is `template`, in which <uuid>, <version>, <seconds> stand for any such. */
function assertLine(line, template) {
  assert.equal(line.length, JSON.stringify(JSON.parse(line)).length, `no space in ${line}`);
  const pattern = canonical(template).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('<uuid>', UUID).replaceAll('<version>', '[^"]+').replaceAll('"<seconds>"', '[0-9]+');
  assert.match(canonical(line), new RegExp(`^${pattern}$`));
}

async function publish(gateway, channel, from, to) {
  const commands = Array.from({ length: to - from + 1 }, (_, i) => ({ publish: { channel, data: { n: from + i } } }));
  await gateway.api('batch', { commands });
  return (await gateway.api('history', { channel })).epoch;
}

const CONNECTED = '{"client":"<uuid>","version":"<version>","ping":"<seconds>","pong":true}';

/** Both replies of a publish: its push may come before or after. */
async function assertBoth(socket, ...templates) {
  const lines = [await socket.text(), await socket.text()];
  if (lines[0].includes('"push"') !== templates[0].includes('"push"')) lines.reverse();
  templates.forEach((template, i) => assertLine(lines[i], template));
}

test('17.1: connect and recovery in one frame, publish, ping, end', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const epoch = await publish(gateway, 'news:go', 1, 6);
  const socket = await Socket.open(t, gateway.url);
  socket.send(`{"connect":{"token":"${gateway.token({ sub: '42' })}","name":"js"},"id":1}\n` +
    `{"subscribe":{"channel":"news:go","flag":1,"recover":true,"offset":4,"epoch":"${epoch}"},"id":2}`);
  assertLine(await socket.text(), `{"id":1,"connect":${CONNECTED}}`);
  assertLine(await socket.text(), `{"id":2,"subscribe":{"recoverable":true,"positioned":true,"epoch":"${epoch}","offset":4,"was_recovering":true,` +
    '"recovered":true,"publications":[{"data":{"n":5},"offset":5},{"data":{"n":6},"offset":6}]}}');
  socket.send('{"publish":{"channel":"news:go","data":{"n":7}},"id":3}');
  await assertBoth(socket, '{"push":{"channel":"news:go","pub":{"data":{"n":7},"info":{"user":"42","client":"<uuid>"},"offset":7}}}', '{"id":3,"publish":{}}');
  assert.equal(await socket.text(), '{}');
  socket.send('{}');
  assert.equal(await socket.text(), '{}', 'the next ping: the pong was taken');
  await gateway.api('disconnect', { user: '42' });
  assert.deepEqual(await socket.finished(), { code: 3503, reason: 'force disconnect' });
});

test('17.2: failed recovery, an error, and what the server API does', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const epoch = await publish(gateway, 'news:go', 1, 7);
  const userEpoch = await publish(gateway, 'user:1', 1, 12);
  const socket = await Socket.open(t, gateway.url);
  socket.send(`{"connect":{"token":"${gateway.token({ sub: '1' })}"},"id":1}`);
  await socket.text();
  socket.send('{"subscribe":{"channel":"news:go","recover":true,"offset":4,"epoch":"oldEpoch"},"id":5}');
  assertLine(await socket.text(), `{"id":5,"subscribe":{"recoverable":true,"positioned":true,"epoch":"${epoch}","offset":7,"was_recovering":true}}`);
  socket.send('{"subscribe":{"channel":"secret"},"id":6}');
  assertLine(await socket.text(), '{"id":6,"error":{"code":103,"message":"permission denied"}}');
  await gateway.api('subscribe', { user: '1', channel: 'user:1' });
  assertLine(await socket.text(), `{"push":{"channel":"user:1","subscribe":{"recoverable":true,"positioned":true,"epoch":"${userEpoch}","offset":12}}}`);
  await gateway.api('publish', { channel: 'user:1', data: { hi: 1 } });
  assertLine(await socket.text(), '{"push":{"channel":"user:1","pub":{"data":{"hi":1},"offset":13}}}');
  await gateway.api('unsubscribe', { user: '1', channel: 'user:1' });
  assertLine(await socket.text(), '{"push":{"channel":"user:1","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}}');
  await gateway.api('refresh', { user: '1', expire_at: Math.floor(Date.now() / 1000) + 300 });
  assertLine(await socket.text(), '{"push":{"refresh":{"expires":true,"ttl":"<seconds>"}}}');
});

test('17.3: an expired token, history, presence, refresh', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const late = await Socket.open(t, gateway.url);
  const now = Math.floor(Date.now() / 1000);
  late.send(`{"connect":{"token":"${gateway.token({ sub: '42', exp: now - 60 })}"},"id":1}`);
  assertLine(await late.text(), '{"id":1,"error":{"code":109,"message":"token expired"}}');
  await late.finished();

  const epoch = await publish(gateway, 'news:go', 1, 6);
  const socket = await Socket.open(t, gateway.url);
  socket.send(`{"connect":{"token":"${gateway.token({ sub: '42', exp: now + 60 })}"},"id":1}\n{"subscribe":{"channel":"news:go"},"id":2}`);
  const { client } = JSON.parse(await socket.text()).connect;
  await socket.text();
  socket.send('{"publish":{"channel":"news:go","data":{"n":7}},"id":3}');
  await socket.text();
  await socket.text();
  socket.send(`{"history":{"channel":"news:go","limit":2,"since":{"offset":5,"epoch":"${epoch}"}},"id":7}`);
  assertLine(await socket.text(), '{"id":7,"history":{"publications":[{"data":{"n":6},"offset":6},' +
    `{"data":{"n":7},"info":{"user":"42","client":"${client}"},"offset":7}],"epoch":"${epoch}","offset":7}}`);
  socket.send('{"history":{"channel":"news:go"},"id":8}');
  assertLine(await socket.text(), `{"id":8,"history":{"publications":[],"epoch":"${epoch}","offset":7}}`);
  socket.send('{"presence_stats":{"channel":"news:go"},"id":9}');
  assertLine(await socket.text(), '{"id":9,"presence_stats":{"num_clients":1,"num_users":1}}');
  socket.send('{"presence":{"channel":"news:go"},"id":10}');
  assertLine(await socket.text(), `{"id":10,"presence":{"presence":{"${client}":{"user":"42","client":"${client}"}}}}`);
  socket.send(`{"refresh":{"token":"${gateway.token({ sub: '42', exp: now + 3600 })}"},"id":11}`);
  assertLine(await socket.text(), '{"id":11,"refresh":{"expires":true,"ttl":"<seconds>"}}');
});

test('17.4: HTTP streaming with emulation and deltas', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const json = { 'content-type': 'application/json' };
  const stream = await Stream.open(t, gateway.origin, 'POST', '/connection/http_stream', {
    headers: json, body: `{"connect":{"token":"${gateway.token({ sub: '42' })}","name":"js"},"id":1}`,
  });
  assert.equal(stream.status, 200);
  const line = async () => {
    const text = await stream.text();
    assert.ok(text.endsWith('}\n'));
    return text.slice(0, -1);
  };
  const first = await line();
  assertLine(first, `{"id":1,"connect":${CONNECTED.replace('}', ',"session":"<uuid>","node":"<uuid>"}')}}`);
  const { session, node } = JSON.parse(first).connect;
  const data = '{\\"subscribe\\":{\\"channel\\":\\"prices:1\\",\\"flag\\":1,\\"delta\\":\\"fossil\\"},\\"id\\":2}';
  const body = `{"session":"${session}","node":"${node}","data":"${data}"}`;
  assert.equal((await exchange(gateway.origin, 'POST', '/emulation', { headers: json, body })).status, 204);
  const { epoch } = await gateway.api('history', { channel: 'prices:1' });
  assertLine(await line(), `{"id":2,"subscribe":{"epoch":"${epoch}","recoverable":true,"positioned":true,"delta":true}}`);
  for (const price of [100, 101]) await gateway.api('publish', { channel: 'prices:1', data: { price, symbol: 'ABC', venue: 'XYZ' } });
  assertLine(await line(), `{"push":{"channel":"prices:1","pub":{"data":"{\\"price\\":100,\\"symbol\\":\\"ABC\\",\\"venue\\":\\"XYZ\\"}","offset":1,"epoch":"${epoch}"}}}`);
  assertLine(await line(), '{"push":{"channel":"prices:1","pub":{"data":"f\\nB@0,1:1U@C,3uQWtP;","offset":2,"delta":true}}}');
  await gateway.api('disconnect', { user: '42' });
  assertLine(await line(), '{"push":{"disconnect":{"code":3503,"reason":"force disconnect"}}}');
  assert.equal(await stream.finished(), 'end');
});

const hex = (text) => Buffer.from(text.replaceAll(/[ |]/g, ''), 'hex');

/** A field: its tag, its length and its bytes; `value` a text, a Buffer or a number below 128. */
function field(number, value) {
  if (typeof value === 'number') return Buffer.from([number << 3, value]);
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}

const message = (...fields) => Buffer.concat([Buffer.from([Buffer.concat(fields).length]), ...fields]);

test('17.5: the bytes of Protobuf', async (t) => {
  const gateway = await Alone.start(t, { ...CONFIG, client: { ...CONFIG.client, allow_anonymous_connect_without_token: true }, channel: {
    namespaces: CONFIG.channel.namespaces.map((namespace) => ({ ...namespace, allow_subscribe_for_anonymous: true, allow_publish_for_anonymous: true })) } });
  const epoch = await publish(gateway, 'news:go', 1, 6);
  const socket = await Socket.open(t, gateway.url, { protocols: 'centrifuge-protobuf' });
  const next = async () => (await socket.bytes()).toString('hex');

  socket.send(hex('08 | 08 01 22 04 22 02 6a 73'));
  const connected = await socket.bytes();
  assert.equal(socket.isBinary, true);
  const client = /[0-9a-f-]{36}/.exec(connected.toString('latin1'))[0];
  const at = connected.indexOf(client) + client.length;
  const version = connected.subarray(at + 2, at + 2 + connected[at + 1]);
  const result = Buffer.concat([field(1, client), field(2, version), field(7, 1), field(8, 1)]);
  assert.equal(connected.toString('hex'), message(field(1, 1), field(5, result)).toString('hex'));

  socket.send(hex('0f | 08 02 2a 0b 0a 07 6e 65 77 73 3a 67 6f 70 01'));
  const subscribed = Buffer.concat([hex('18 01'), field(6, epoch), hex('48 06 50 01')]);
  assert.equal(await next(), message(field(1, 2), field(6, subscribed)).toString('hex'));

  await gateway.api('publish', { channel: 'news:go', data: { n: 7 } });
  assert.equal(await next(), hex('18 | 22 16 12 07 6e 65 77 73 3a 67 6f 22 0b 22 07 7b 22 6e 22 3a 37 7d 30 07').toString('hex'));
  socket.send(hex('0f | 08 07 32 0b 0a 07 6e 65 77 73 3a 67 6f 70 01')); // unsubscribe, so that its own publication does not come
  assert.equal(await next(), hex('04 | 08 07 3a 00').toString('hex'));
  socket.send(hex('16 | 08 03 3a 12 0a 07 6e 65 77 73 3a 67 6f 12 07 7b 22 6e 22 3a 37 7d'));
  assert.equal(await next(), hex('04 | 08 03 42 00').toString('hex'));
  socket.send(message(field(1, 4), field(5, field(1, 'secret'))));
  assert.equal(await next(), hex('19 | 08 04 12 15 08 67 12 11 70 65 72 6d 69 73 73 69 6f 6e 20 64 65 6e 69 65 64').toString('hex'));
  assert.equal(await next(), '00', 'a ping');
  socket.send(hex('00'));
  assert.equal(await next(), '00', 'the next ping: the pong was taken');
});

test('17.4 with Protobuf: the body of the stream is its messages, back to back', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const octets = { 'content-type': 'application/octet-stream' };
  const token = gateway.token({ sub: '42' });
  const connect = Buffer.concat([Buffer.from([0x0a, (token.length & 0x7f) | 0x80, token.length >> 7]), Buffer.from(token)]);
  const command = Buffer.concat([hex('08 01 22'), Buffer.from([(connect.length & 0x7f) | 0x80, connect.length >> 7]), connect]);
  const body = Buffer.concat([Buffer.from([(command.length & 0x7f) | 0x80, command.length >> 7]), command]);
  const stream = await Stream.open(t, gateway.origin, 'POST', '/connection/http_stream', { headers: octets, body, cut: DELIMITED });
  const [, session, node] = (await stream.text()).match(new RegExp(UUID, 'g'));
  const subscribe = hex('0f | 08 02 2a 0b 0a 07 6e 65 77 73 3a 67 6f 70 01');
  const request = Buffer.concat([field(1, node), field(2, session), field(3, subscribe)]);
  assert.equal((await exchange(gateway.origin, 'POST', '/emulation', { headers: octets, body: request })).status, 204);
  assert.equal((await stream.bytes()).subarray(1, 4).toString('hex'), '080232');
  await gateway.api('disconnect', { user: '42' });
  const goodbye = Buffer.concat([hex('08 af 1b'), field(2, 'force disconnect')]);
  assert.equal((await stream.bytes()).toString('hex'), message(field(4, field(11, goodbye))).toString('hex'));
  assert.equal(await stream.finished(), 'end');
});
