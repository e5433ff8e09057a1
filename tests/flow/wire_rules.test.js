// Sections 4 and 13 of the protocol's reference on a bare socket: what comes of each bad or refused request, and in which order.
import assert from 'node:assert/strict';
import { Alone, Socket, test } from './harness/index.js';

const kept = { history_size: 10, history_ttl: '300s' };
const open = { allow_subscribe_for_client: true, allow_publish_for_client: true };
const CONFIG = {
  client: { close_ms: 300, channel_limit: 20 },
  channel: {
    without_namespace: { allow_subscribe_for_client: true },
    namespaces: [
      { name: 'open', ...open, ...kept, presence: true, allow_presence_for_client: true, allow_history_for_client: true },
      { name: 'bare', ...open, allow_presence_for_client: true, allow_history_for_client: true },
      { name: 'shut', presence: true, ...kept },
      { name: 'heard', ...kept, presence: true, allow_subscribe_for_client: true, allow_publish_for_subscriber: true,
        allow_history_for_subscriber: true, allow_presence_for_subscriber: true },
      { name: 'object', ...open, publication_data_format: 'json_object' },
      { name: 'binary', ...open, publication_data_format: 'binary' },
      { name: 'users', allow_user_limited_channels: true },
      { name: 'regex', ...open, channel_regex: '^([a-z]|é)+$' },
    ],
  },
};

const BAD = { code: 3501, reason: 'bad request' };

async function connected(t, gateway, { query = '', ...options } = {}) {
  const socket = await Socket.open(t, `${gateway.url}${query}`, options);
  socket.send(`{"id":1,"connect":{"token":"${gateway.token({ sub: 'ada' })}"}}`);
  const { connect } = JSON.parse(await socket.text());
  return Object.assign(socket, { client: connect.client });
}

/** Sends commands, as one frame; answers the reply to the last of them, or how the connection ended. */
async function outcome(socket, ...commands) {
  socket.send(commands.map((command) => (typeof command === 'string' ? command : JSON.stringify(command))).join('\n'));
  const last = commands.at(-1).id;
  for (;;) {
    const line = await Promise.race([socket.text(), socket.finished()]).catch(() => socket.end);
    if (typeof line !== 'string') return line;
    const reply = JSON.parse(line);
    if (reply.id === last) return reply.error ?? reply;
  }
}

test('what is no command ends the connection with 3501', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const frames = [
    '', '\n', '\n\n', ' ', 'nonsense', '{', '}', '[]', '5', '"text"', 'null', '{"id":2,"publish"}', '{"id":"two","publish":{"channel":"open:1","data":1}}',
    '{"id":-1,"publish":{"channel":"open:1","data":1}}', '{"id":4294967296,"publish":{"channel":"open:1","data":1}}', '{"id":2,"publish":[]}',
    '{"id":2,"publish":{"channel":7,"data":1}}', '{"id":2,"publish":{"channel":"open:1","data":}}', '{"id":2,"publish":{"channel":"open:1","data":01}}',
    '{"id":2,"publish":{"channel":"\\ud800","data":1}}', `{"id":2,"rpc":{"method":"x","data":${'['.repeat(5000)}`,
    '{}', '{"id":0,"publish":{"channel":"open:1","data":1}}', '{"publish":{"channel":"open:1","data":1}}', // pongs that nobody asked for
    '{"id":2,"ping":{}}', '{"id":2}', '{"id":2,"unknown":{}}', '{"id":2,"connect":{}}',
    ...['subscribe', 'unsubscribe', 'publish', 'presence', 'presence_stats', 'history', 'sub_refresh'].map((method) => `{"id":2,"${method}":{}}`),
    '{"id":2,"rpc":{"method":"x"}}\n\n{"id":3,"rpc":{"method":"x"}}',
    '{"id":2,"subscribe":{"channel":"open:1","delta":"xdelta"}}', '{"id":2,"refresh":{}}', '{"id":2,"refresh":{"token":""}}',
  ];
  for (const frame of frames) {
    const socket = await connected(t, gateway);
    socket.send(frame);
    assert.deepEqual(await socket.finished(), BAD, JSON.stringify(frame.slice(0, 80)));
  }
  for (const first of ['{"id":1,"subscribe":{"channel":"open:1"}}', '{"id":1,"publish":{"channel":"open:1","data":1}}', '{}', '{"id":1}', 'x']) {
    const socket = await Socket.open(t, gateway.url);
    socket.send(first);
    assert.deepEqual(await socket.finished(), BAD, `before connect: ${first}`);
  }
  for (const send of ['{"send":{"data":{}}}', '{"id":2,"send":{"data":{}}}']) {
    const socket = await connected(t, gateway);
    socket.send(send);
    assert.deepEqual(await socket.finished(), { code: 3508, reason: 'not available' }, send);
  }
});

test('what is unknown within a command is ignored, as is the order of its members', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const socket = await connected(t, gateway);
  const good = [
    '{"publish":{"data":{"n":1},"channel":"open:1"},"id":2}', '{"id":2,"publish":{"channel":"open:1","data":{},"zzz":[{"a":1}]},"extra":null}',
    '{"id":2,"publish":{"channel":"open:1","data":{}}}\n', ' { "id" : 2 , "publish" : { "channel" : "open:1" , "data" : [ 1 , 2 ] } } ',
    '{"id":2,"publish":{"channel":"open:\\u0031","data":"\\u00e9 \\ud83e\\uded6"}}', '{"id":2,"publish":{"channel":"open:1","data":{}},"rpc":null}',
  ];
  for (const frame of good) {
    socket.send(frame);
    assert.equal(await socket.text(), '{"id":2,"publish":{}}', frame);
  }
  socket.send('{"id":3,"publish":{"channel":"open:1","data":1},"subscribe":{"channel":"bare:1"}}');
  assert.equal(await socket.text(), '{"id":3,"subscribe":{}}', 'of two requests the first in the order of the reference counts');
  const binary = await connected(t, gateway);
  binary.send(Buffer.from('{"id":2,"publish":{"channel":"open:1","data":1}}'));
  assert.equal(await binary.text(), '{"id":2,"publish":{}}', 'text in a binary message is the same');
});

test('each refused request has its code, and the connection goes on', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const subscribe = (channel, more = {}) => ({ id: 9, subscribe: { channel, ...more } });
  const publish = (channel, data) => ({ id: 9, publish: { channel, data } });
  const token = (claims) => gateway.token({ sub: 'ada', ...claims });
  const { epoch } = await gateway.api('history', { channel: 'open:1' });
  const rows = [
    [subscribe('x'.repeat(255)), 0], [subscribe('x'.repeat(256)), 107], [subscribe('nowhere:1'), 102], [subscribe('shut:1'), 103],
    [subscribe('ungewöhnlich'), 107], [subscribe('regex:abcé'), 0], [subscribe('regex:ABC'), 107],
    [subscribe('$private'), 103], [subscribe('$open:1'), 103], [subscribe('open:t', { token: 'nonsense' }), 103],
    [subscribe('$t', { token: token({ channel: '$t', exp: 1 }) }), 109], [subscribe('$t', { token: token({}) }), 103],
    [subscribe('users:x#ada'), 0], [subscribe('users:x#bob,ada'), 0], [subscribe('users:x#bob'), 103], [subscribe('users:x#'), 103], [subscribe('users:ada'), 103],
    [subscribe('open:map', { type: 1 }), 103], [subscribe('open:poll', { type: 4 }), 103],
    [subscribe('open:tags', { tf: { key: 'a', cmp: 'ex' } }), 107], [subscribe('open:delta', { delta: 'fossil' }), 0],
    [{ id: 9, unsubscribe: { channel: 'open:never' } }, 0], [{ id: 9, unsubscribe: { channel: 'nowhere:1' } }, 0],
    [publish('open:1', { n: 1 }), 0], [publish('open:1', null), 107], [{ id: 9, publish: { channel: 'open:1' } }, 107],
    [publish('shut:1', {}), 103], [publish('heard:1', {}), 103], [publish('nowhere:1', {}), 102],
    [publish('object:1', {}), 0], [publish('object:1', []), 107], [publish('object:1', 'x'), 107], [{ id: 9, publish: { channel: 'binary:1' } }, 0],
    [{ id: 9, presence: { channel: 'open:1' } }, 0], [{ id: 9, presence: { channel: 'bare:1' } }, 108], [{ id: 9, presence: { channel: 'shut:1' } }, 103],
    [{ id: 9, presence: { channel: 'heard:1' } }, 103], [{ id: 9, presence_stats: { channel: 'bare:1' } }, 108], [{ id: 9, presence: { channel: 'nowhere:1' } }, 102],
    [{ id: 9, history: { channel: 'bare:1' } }, 108], [{ id: 9, history: { channel: 'shut:1' } }, 103], [{ id: 9, history: { channel: 'heard:1' } }, 103],
    [{ id: 9, history: { channel: 'open:1', since: { offset: 0, epoch: 'another' }, limit: 1 } }, 112],
    [{ id: 9, history: { channel: 'open:1', since: { offset: 0, epoch }, limit: 1, reverse: true } }, 107],
    [{ id: 9, history: { channel: 'open:1', since: { offset: 90, epoch }, limit: 1 } }, 0],
    [{ id: 9, rpc: { method: 'x' } }, 108], [{ id: 9, rpc: { method: 'ns:x' } }, 108],
    [{ id: 9, sub_refresh: { channel: 'open:never', token: token({ channel: 'open:never' }) } }, 103],
  ];
  for (const [command, code] of rows) {
    const socket = await connected(t, gateway);
    const answer = await outcome(socket, command);
    assert.equal(answer.code ?? 0, code, `${JSON.stringify(command)}: ${JSON.stringify(answer)}`);
    const still = await outcome(socket, { id: 10, subscribe: { channel: 'still' } });
    assert.deepEqual(still.subscribe, {}, JSON.stringify(command));
    socket.ws.terminate();
  }
});

test('who is subscribed may what subscribers may, and a second subscription is 105', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const socket = await connected(t, gateway);
  assert.ok((await outcome(socket, { id: 2, subscribe: { channel: 'heard:1' } })).subscribe);
  assert.equal((await outcome(socket, { id: 3, subscribe: { channel: 'heard:1' } })).code, 105);
  assert.deepEqual((await outcome(socket, { id: 4, publish: { channel: 'heard:1', data: 1 } })).publish, {});
  assert.equal((await outcome(socket, { id: 5, history: { channel: 'heard:1', limit: 1 } })).history.offset, 1);
  assert.equal((await outcome(socket, { id: 6, presence_stats: { channel: 'heard:1' } })).presence_stats.num_clients, 1);
  assert.deepEqual((await outcome(socket, { id: 7, unsubscribe: { channel: 'heard:1' } })).unsubscribe, {});
  assert.equal((await outcome(socket, { id: 8, publish: { channel: 'heard:1', data: 1 } })).code, 103);
  await gateway.api('subscribe', { user: 'ada', channel: 'shut:1' });
  assert.equal(JSON.parse(await socket.text()).push.channel, 'shut:1');
  assert.equal((await outcome(socket, { id: 9, subscribe: { channel: 'shut:1' } })).code, 105, 'also when the server made it');
});

test('after an error reply to connect nothing more is heard, and another command is 3501', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const expired = gateway.token({ sub: 'ada', exp: 1 });
  const socket = await Socket.open(t, gateway.url);
  socket.send(`{"id":1,"connect":{"token":"${expired}"}}\n{"id":2,"subscribe":{"channel":"open:1"}}`);
  assert.equal(await socket.text(), '{"id":1,"error":{"code":109,"message":"token expired"}}');
  socket.send('{"id":3,"rpc":{"method":"x"}}');
  assert.deepEqual(await socket.finished(), BAD);
  assert.equal(socket.list.length, 1);
  const silent = await Socket.open(t, gateway.url);
  silent.send(`{"id":1,"connect":{"token":"${expired}"}}`);
  await silent.finished();
});

test('commands of one frame are answered one by one, in order', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const socket = await connected(t, gateway);
  const ids = Array.from({ length: 300 }, (_, i) => i + 2);
  const command = (id) => [{ id, publish: { channel: 'open:order', data: id } }, { id, history: { channel: 'open:order', limit: 1, reverse: true } },
    { id, presence: { channel: 'open:order' } }, { id, rpc: { method: 'none' } }, { id, unsubscribe: { channel: 'open:order' } }][id % 5];
  socket.send(ids.map((id) => JSON.stringify(command(id))).join('\n'));
  for (const id of ids) assert.equal(JSON.parse(await socket.text()).id, id);
});

test('a channel\'s pushes come behind the subscribe reply and not behind the unsubscribe reply', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const socket = await connected(t, gateway);
  const rounds = 100;
  for (let id = 2; id < 2 + 3 * rounds; id += 3)
    socket.send([{ id, subscribe: { channel: 'open:edge' } }, { id: id + 1, publish: { channel: 'open:edge', data: id } }, { id: id + 2, unsubscribe: { channel: 'open:edge' } }]
      .map((command) => JSON.stringify(command)).join('\n'));
  let isSubscribed = false;
  for (let replies = 0, offset = 0; replies < 3 * rounds;) {
    const { id, push, subscribe, unsubscribe } = JSON.parse(await socket.text());
    if (id !== undefined) replies++;
    if (subscribe) isSubscribed = true;
    if (unsubscribe) isSubscribed = false;
    if (!push) continue;
    assert.ok(isSubscribed, 'a push outside of the subscription');
    assert.ok(push.pub.offset > offset, 'in the order of the stream');
    offset = push.pub.offset;
  }
});
