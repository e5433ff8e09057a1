// Section 1 of the protocol's reference with bare HTTP and bare sockets: upgrades, streams, emulation, origins, unidirectional transports.
import assert from 'node:assert/strict';
import { Alone, EVENTS, Socket, Stream, exchange, raw, test } from './harness/index.js';

const CONFIG = {
  http_stream: { enabled: true }, sse: { enabled: true }, init: { enabled: true }, health: { enabled: true },
  uni_websocket: { enabled: true }, uni_sse: { enabled: true }, uni_http_stream: { enabled: true },
  client: { close_ms: 300, ping_interval: '1s', pong_timeout: '900ms', allow_anonymous_connect_without_token: true, allowed_origins: ['https://*.example', 'http://localhost:*'] },
  channel: {
    without_namespace: { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true },
    namespaces: [{ name: 'stream', history_size: 10, history_ttl: '300s', force_recovery: true }],
  },
};

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const json = { 'content-type': 'application/json' };
const CONNECT = '{"id":1,"connect":{}}';

const sse = (command) => `/connection/sse?cf_connect=${encodeURIComponent(command)}`;

test('the first known subprotocol that was offered is taken, and the format follows from it or the query', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const rows = [
    [undefined, '', '', 'json'], ['centrifuge-json', '', 'centrifuge-json', 'json'], ['centrifuge-protobuf', '', 'centrifuge-protobuf', 'protobuf'],
    [['other', 'centrifuge-protobuf', 'centrifuge-json'], '', 'centrifuge-protobuf', 'protobuf'], [undefined, '?format=protobuf', '', 'protobuf'],
    [undefined, '?cf_protocol=protobuf', '', 'protobuf'], [undefined, '?cf_protocol_version=v2', '', 'json'],
  ];
  for (const [protocols, query, protocol, format] of rows) {
    const socket = await Socket.open(t, `${gateway.url}${query}`, { protocols });
    const label = JSON.stringify([protocols, query]);
    assert.equal(socket.ws.protocol, protocol, label);
    socket.send(format === 'json' ? CONNECT : Buffer.from('0408012200', 'hex'));
    const answer = await socket.bytes();
    assert.equal(answer.toString('latin1').startsWith('{"id":1'), format === 'json', label);
    assert.equal(socket.isBinary ?? false, format === 'protobuf', label);
  }
  const upgrade = (lines) => raw(gateway.port, `GET /connection/websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${lines}\r\n`, { until: /\r\n\r\n/ });
  for (const lines of ['', 'Sec-WebSocket-Protocol: \r\n', 'Sec-WebSocket-Protocol: other\r\n']) {
    const answer = await upgrade(lines);
    assert.match(answer, /^HTTP\/1\.1 101 /, lines);
    assert.match(answer, /s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
    assert.doesNotMatch(answer, /sec-websocket-protocol/i, lines);
  }
});

test('requests that are none of a transport\'s have the status of the reference', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const rows = [
    ['POST', '/connection/websocket', 405], ['GET', '/connection/websocket', 400], ['GET', '/connection/http_stream', 405], ['PUT', '/connection/http_stream', 405],
    ['OPTIONS', '/connection/http_stream', 204], ['GET', '/connection/sse', 400], ['GET', '/connection/sse?cf_connect=', 400], ['PUT', '/connection/sse', 405],
    ['GET', '/emulation', 405], ['OPTIONS', '/emulation', 204], ['POST', '/emulation', 400, ''], ['POST', '/emulation', 400, 'nonsense'], ['POST', '/emulation', 404, '{}'],
    ['GET', '/connection/init', 200], ['GET', '/health', 200], ['GET', '/connection/none', 404], ['GET', '/', 404],
  ];
  for (const [method, path, status, body] of rows)
    assert.equal((await exchange(gateway.origin, method, path, { headers: json, body })).status, status, `${method} ${path}`);
  assert.equal((await exchange(gateway.origin, 'GET', '/connection/init')).text, '{}');
  assert.equal((await exchange(gateway.origin, 'GET', '/health')).text, '{}');
  const plain = await Alone.start(t, {});
  for (const path of ['/connection/http_stream', '/connection/sse', '/emulation', '/connection/uni_sse', '/connection/uni_http_stream', '/connection/init'])
    assert.equal((await exchange(plain.origin, 'POST', path, { headers: json, body: CONNECT })).status, 404, `${path} is off unless enabled`);
});

test('a stream begins with its headers, also when connect fails', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const expired = JSON.stringify({ id: 1, connect: { token: gateway.token({ sub: 'ada', exp: 1 }) } });
  for (const command of [CONNECT, expired]) {
    const streams = [
      await Stream.open(t, gateway.origin, 'POST', '/connection/http_stream', { headers: json, body: command }),
      await Stream.open(t, gateway.origin, 'POST', '/connection/sse', { headers: json, body: command, cut: EVENTS }),
      await Stream.open(t, gateway.origin, 'GET', sse(command), { cut: EVENTS }),
    ];
    for (const [i, stream] of streams.entries()) {
      assert.equal(stream.status, 200);
      const { 'cache-control': cache, pragma, expire, 'x-accel-buffering': buffering, 'content-type': type } = stream.headers;
      assert.deepEqual([cache, pragma, expire, buffering], ['private, no-cache, no-store, must-revalidate, max-age=0', 'no-cache', '0', 'no']);
      if (i > 0) assert.equal(type, 'text/event-stream; charset=utf-8');
      const text = await stream.text();
      assert.match(text, i === 0 ? /^\{"id":1.*\}\n$/ : /^\r\ndata: \{"id":1.*\}\n\n$/);
      assert.equal(/"error":\{"code":109/.test(text), command === expired);
    }
  }
});

test('commands of one POST are handled in order; several clients do not mix', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const clients = [];
  for (let i = 0; i < 3; i++) {
    const stream = await Stream.open(t, gateway.origin, 'POST', '/connection/http_stream', { headers: json, body: CONNECT });
    clients.push({ stream, ...JSON.parse(await stream.text()).connect });
  }
  assert.equal(new Set(clients.map(({ node }) => node)).size, 1);
  for (const { session, node } of clients) assert.match(session + node, new RegExp(`${UUID.source.slice(1, -1)}${UUID.source.slice(1)}`));
  await Promise.all(clients.map(async ({ stream, session, node }, i) => {
    const ids = Array.from({ length: 50 }, (_, n) => 100 * (i + 1) + n);
    const data = ids.map((id) => JSON.stringify({ id, rpc: { method: 'x' } })).join('\n');
    for (const type of ['application/json', 'text/plain']) {
      const answer = await exchange(gateway.origin, 'POST', '/emulation', { headers: { 'content-type': type }, body: JSON.stringify({ session, node, data }) });
      assert.equal(answer.status, 204);
      for (const id of ids) assert.equal(JSON.parse(await stream.text()).id, id);
    }
  }));
});

test('an unknown session of a known node is 204, an unknown node 404', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const stream = await Stream.open(t, gateway.origin, 'POST', '/connection/http_stream', { headers: json, body: CONNECT });
  const { session, node } = JSON.parse(await stream.text()).connect;
  const other = '00000000-0000-4000-8000-000000000000';
  const rows = [[session, node, 204], [other, node, 204], ['nonsense', node, 204], [session, other, 404], [session, 'nonsense', 404]];
  for (const [its, of, status] of rows) {
    const body = JSON.stringify({ session: its, node: of, data: '{"id":2,"rpc":{"method":"x"}}' });
    assert.equal((await exchange(gateway.origin, 'POST', '/emulation', { headers: json, body })).status, status, body);
  }
  assert.equal(JSON.parse(await stream.text()).id, 2);
  const bad = JSON.stringify({ session, node, data: 'nonsense' });
  assert.equal((await exchange(gateway.origin, 'POST', '/emulation', { headers: json, body: bad })).status, 204);
  assert.equal(await stream.text(), '{"push":{"disconnect":{"code":3501,"reason":"bad request"}}}\n');
  assert.equal(await stream.finished(), 'end');
});

test('pages of other origins are kept out, and those of allowed ones told so', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const rows = [
    [undefined, true], ['https://chat.example', true], ['https://CHAT.Example', true], ['https://a.b.example', true], ['http://localhost:8080', true],
    ['https://example', false], ['http://chat.example', false], ['https://chat.example.evil', false], ['null', false],
  ];
  for (const [origin, isAllowed] of rows) {
    const headers = { ...json, ...(origin && { origin }) };
    const label = `${origin}`;
    const opened = await Socket.open(t, gateway.url, { headers: origin ? { origin } : {} }).then(() => true, ({ message }) => message);
    if (isAllowed) assert.equal(opened, true, label);
    else assert.match(opened, /403/, label);
    for (const path of ['/connection/http_stream', '/connection/sse', '/emulation']) {
      const asked = await exchange(gateway.origin, 'OPTIONS', path, { headers: { ...headers, 'access-control-request-headers': 'content-type, x-own' } });
      const { 'access-control-allow-origin': allowed, 'access-control-allow-credentials': credentials, 'access-control-allow-headers': names,
        'access-control-max-age': age, 'access-control-allow-methods': methods } = asked.headers;
      assert.equal(asked.status, 204);
      assert.deepEqual([allowed, credentials, names], isAllowed && origin ? [origin, 'true', 'content-type, x-own'] : [undefined, undefined, undefined], `${path} ${label}`);
      if (isAllowed) assert.deepEqual([age, methods], ['300', 'POST, OPTIONS']);
    }
    const stream = await Stream.open(t, gateway.origin, 'POST', '/connection/http_stream', { headers, body: CONNECT });
    assert.equal(stream.headers['access-control-allow-origin'], isAllowed ? origin : undefined, label);
  }
  const none = await Alone.start(t, {});
  await assert.rejects(Socket.open(t, none.url, { headers: { origin: none.origin } }), /403/);
  await Socket.open(t, none.url);
});

/** The three unidirectional transports: how each is opened, and its messages read. */
const UNIDIRECTIONAL = {
  uni_websocket: async (t, gateway, request) => {
    const socket = await Socket.open(t, `ws://127.0.0.1:${gateway.port}/connection/uni_websocket`);
    socket.send(request);
    return { next: () => socket.text(), end: () => socket.finished() };
  },
  'uni_websocket, cf_connect': async (t, gateway, request) => {
    const socket = await Socket.open(t, `ws://127.0.0.1:${gateway.port}/connection/uni_websocket?cf_connect=${encodeURIComponent(request)}`);
    return { next: () => socket.text(), end: () => socket.finished() };
  },
  'uni_sse, GET': async (t, gateway, request) => {
    const stream = await Stream.open(t, gateway.origin, 'GET', `/connection/uni_sse?cf_connect=${encodeURIComponent(request)}`, { cut: EVENTS });
    return { next: async () => /^(?:\r\n)?data: (.*)\n\n$/.exec(await stream.text())[1], end: () => stream.finished() };
  },
  'uni_sse, POST': async (t, gateway, request) => {
    const stream = await Stream.open(t, gateway.origin, 'POST', '/connection/uni_sse', { headers: json, body: request, cut: EVENTS });
    return { next: async () => /^(?:\r\n)?data: (.*)\n\n$/.exec(await stream.text())[1], end: () => stream.finished() };
  },
  uni_http_stream: async (t, gateway, request) => {
    const stream = await Stream.open(t, gateway.origin, 'POST', '/connection/uni_http_stream', { headers: json, body: request });
    return { next: async () => (await stream.text()).slice(0, -1), end: () => stream.finished() };
  },
};

test('a unidirectional client says who it is and then only hears', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await Promise.all(Object.entries(UNIDIRECTIONAL).map(async ([name, open]) => {
    const user = `user of ${name}`;
    const channel = `stream:${name}`;
    const client = await open(t, gateway, JSON.stringify({ token: gateway.token({ sub: user, channels: [channel] }), name: 'uni' }));
    const { connect } = JSON.parse(await client.next());
    assert.match(connect.client, UUID);
    assert.match(connect.session, UUID);
    assert.deepEqual([connect.node, connect.ping, connect.pong], [undefined, 1, undefined]);
    assert.equal(connect.subs[channel].recoverable, true);
    await gateway.api('publish', { channel, data: { n: 1 } });
    assert.deepEqual(JSON.parse(await client.next()), { channel, pub: { data: { n: 1 }, offset: 1, epoch: connect.subs[channel].epoch } });
    await gateway.api('subscribe', { user, channel: 'more' });
    assert.equal(await client.next(), '{"channel":"more","subscribe":{}}');
    await gateway.api('unsubscribe', { user, channel: 'more' });
    assert.equal(await client.next(), '{"channel":"more","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}');
    assert.equal(await client.next(), '{}', 'a ping that wants no pong');
    assert.equal(await client.next(), '{}', 'another: nobody missed the pong');
    await gateway.api('disconnect', { user });
    assert.equal(await client.next(), '{"disconnect":{"code":3503,"reason":"force disconnect"}}');
    await client.end();
  }));
});

test('a unidirectional connect that fails is a disconnect', async (t) => {
  const gateway = await Alone.start(t, { ...CONFIG, client: { ...CONFIG.client, allow_anonymous_connect_without_token: false } });
  const rows = [[{ token: 'nonsense' }, 3500], [{}, 3501], [{ token: gateway.token({ sub: 'ada', exp: 1 }) }, null]];
  for (const open of Object.values(UNIDIRECTIONAL))
    for (const [request, code] of rows) {
      const client = await open(t, gateway, JSON.stringify(request));
      const { disconnect } = JSON.parse(await client.next());
      if (code !== null) assert.equal(disconnect.code, code);
      else assert.ok(disconnect.code >= 3000 && disconnect.code < 5000, `of an expired token: ${disconnect.code}`);
      await client.end();
    }
});
