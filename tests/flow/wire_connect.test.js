// Sections 5, 7 and 11 of the protocol's reference on bare sockets: who may connect, what the reply says, and what streams remember.
import assert from 'node:assert/strict';
import { Alone, Socket, eventually, test } from './harness/index.js';

const kept = { history_size: 5, history_ttl: '300s', force_recovery: true };
const channel = {
  without_namespace: { allow_subscribe_for_client: true },
  namespaces: [
    { name: 'stream', ...kept, allow_subscribe_for_client: true },
    { name: 'brief', ...kept, history_ttl: '1s', allow_subscribe_for_client: true },
    { name: 'cache', ...kept, force_recovery_mode: 'cache', allow_tags_filter: true, allow_subscribe_for_client: true },
    { name: 'shut', ...kept, presence: true },
    { name: 'person', presence: true },
    { name: 'guests', allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true },
  ],
};

async function start(t, client = {}, rest = {}) {
  return Alone.start(t, { client: { close_ms: 300, ...client }, channel, ...rest });
}

/** The connect reply: its result or its error; or how the connection ended. */
async function attempt(t, gateway, connect, options) {
  const socket = await Socket.open(t, gateway.url, options);
  socket.send(JSON.stringify({ id: 1, connect }));
  const first = await Promise.race([socket.text(), socket.finished()]).catch(() => socket.end);
  if (typeof first !== 'string') return first;
  const { connect: result, error } = JSON.parse(first);
  return error ?? Object.assign(socket, { result });
}

async function ask(socket, command) {
  socket.send(JSON.stringify(command));
  for (;;) {
    const reply = JSON.parse(await socket.text());
    if (reply.id === command.id) return reply;
  }
}

test('who has no token is refused, anonymous, or whom a header names, as the configuration says', async (t) => {
  const rows = [
    [{}, {}, 3501],
    [{ allow_anonymous_connect_without_token: true }, {}, ''],
    [{ insecure: true }, {}, ''],
    [{ user_id_http_header: 'X-User-Id' }, { 'x-user-id': 'ada' }, 'ada'],
    [{ user_id_http_header: 'X-User-Id' }, {}, 3501],
  ];
  for (const [client, headers, expected] of rows) {
    const gateway = await start(t, client, { channel: { without_namespace: { presence: true } } });
    const answer = await attempt(t, gateway, {}, { headers });
    const label = JSON.stringify([client, headers]);
    if (typeof expected === 'number') {
      assert.equal(answer.code, expected, label);
      continue;
    }
    await gateway.api('subscribe', { user: expected, channel: 'who' });
    const users = async () => Object.values((await gateway.api('presence', { channel: 'who' })).presence).map(({ user }) => user);
    await eventually(async () => (await users()).length === 1, label);
    assert.deepEqual(await users(), [expected], label);
  }
});

test('a token that is given counts, whatever else would let its bearer in', async (t) => {
  const gateway = await start(t, { allow_anonymous_connect_without_token: true, user_id_http_header: 'X-User-Id' });
  for (const [token, code] of [['nonsense', 3500], [gateway.token({ sub: 'ada', exp: 1 }), 109], [gateway.token({ sub: 'ada', nbf: 4e9 }), 109]])
    assert.equal((await attempt(t, gateway, { token }, { headers: { 'x-user-id': 'bob' } })).code, code);
  const strict = await start(t, { disallow_anonymous_connection_tokens: true });
  assert.equal((await attempt(t, strict, { token: strict.token({ sub: '' }) })).code, 3507);
  assert.ok((await attempt(t, strict, { token: strict.token({ sub: 'ada' }) })).result);
});

test('an anonymous user may what anonymous users may', async (t) => {
  const gateway = await start(t, { allow_anonymous_connect_without_token: true });
  for (const connect of [{}, { token: gateway.token({ sub: '' }) }]) {
    const socket = await attempt(t, gateway, connect);
    assert.deepEqual((await ask(socket, { id: 2, subscribe: { channel: 'guests:1' } })).subscribe, {});
    assert.equal((await ask(socket, { id: 3, subscribe: { channel: 'stream:1' } })).error.code, 103);
  }
});

test('the connect reply tells the time when asked to, and nothing that was not asked for', async (t) => {
  const gateway = await start(t, { connect_include_server_time: true });
  const { result } = await attempt(t, gateway, { token: gateway.token({ sub: 'ada' }) });
  assert.ok(Math.abs(result.time - Date.now()) < 5_000);
  const plain = await start(t);
  const { result: bare } = await attempt(t, plain, { token: plain.token({ sub: 'ada' }), name: 'js', version: '1', data: { a: 1 }, headers: { x: 'y' }, flag: 1, dict: 'd', profile: 'p' });
  assert.deepEqual(Object.keys(bare).sort(), ['client', 'ping', 'pong', 'version']);
});

test('a known name of a namespace is needed: in a token it is error 102, in the client\'s positions 3501', async (t) => {
  const gateway = await start(t);
  assert.equal((await attempt(t, gateway, { token: gateway.token({ sub: 'ada', channels: ['nowhere:1'] }) })).code, 102);
  assert.equal((await attempt(t, gateway, { token: gateway.token({ sub: 'ada' }), subs: { 'nowhere:1': { recover: true } } })).code, 3501);
});

test('positions in connect recover what the client may have, and leave out the rest', async (t) => {
  const gateway = await start(t);
  for (const n of [1, 2, 3]) await gateway.api('broadcast', { channels: ['stream:1', 'stream:2', 'shut:1', 'shut:2'], data: n });
  const position = async (name) => [name, { recover: true, offset: 1, epoch: (await gateway.api('history', { channel: name })).epoch }];
  const subs = Object.fromEntries(await Promise.all(['stream:1', 'shut:1', 'shut:2'].map(position)));
  const { result } = await attempt(t, gateway, { token: gateway.token({ sub: 'ada', channels: ['shut:1', 'stream:2'] }), subs });
  assert.deepEqual(Object.keys(result.subs).sort(), ['shut:1', 'stream:1', 'stream:2']);
  for (const name of ['shut:1', 'stream:1']) {
    const { was_recovering: wasRecovering, recovered, publications, offset } = result.subs[name];
    assert.deepEqual([wasRecovering, recovered, publications.map(({ data }) => data), offset], [true, true, [2, 3], 1], name);
  }
  assert.deepEqual([result.subs['stream:2'].recovered, result.subs['stream:2'].offset], [undefined, 3]);
});

test('with a single personal connection the older one makes room', async (t) => {
  const gateway = await start(t, { subscribe_to_user_personal_channel: { enabled: true, personal_channel_namespace: 'person', single_connection: true } });
  const first = await attempt(t, gateway, { token: gateway.token({ sub: 'ada' }) });
  const other = await attempt(t, gateway, { token: gateway.token({ sub: 'bob' }) });
  const second = await attempt(t, gateway, { token: gateway.token({ sub: 'ada' }) });
  assert.deepEqual(await first.finished(), { code: 3504, reason: 'connection limit' });
  for (const socket of [other, second]) assert.deepEqual((await ask(socket, { id: 2, subscribe: { channel: 'still' } })).subscribe, {});
});

test('what is kept goes with its time or by the API; where the stream stands stays', async (t) => {
  const gateway = await start(t);
  const socket = await attempt(t, gateway, { token: gateway.token({ sub: 'ada' }) });
  for (const name of ['brief:1', 'stream:1']) {
    await gateway.api('broadcast', { channels: [name], data: 1 });
    const before = await gateway.api('history', { channel: name, limit: -1 });
    assert.equal(before.publications.length, 1);
    if (name === 'stream:1') await gateway.api('history_remove', { channel: name });
    await eventually(async () => (await gateway.api('history', { channel: name, limit: -1 })).publications.length === 0, 'nothing kept');
    const { subscribe } = await ask(socket, { id: 2, subscribe: { channel: name, recover: true, offset: 1, epoch: before.epoch } });
    assert.deepEqual([subscribe.recovered, subscribe.offset, subscribe.epoch], [true, 1, before.epoch], 'where the client was is the top');
    const { offset, epoch } = await gateway.api('publish', { channel: name, data: 2 });
    assert.deepEqual([offset, epoch], [2, before.epoch]);
    await socket.text();
    await ask(socket, { id: 3, unsubscribe: { channel: name } });
    const late = await ask(socket, { id: 4, subscribe: { channel: name, recover: true, offset: 0, epoch } });
    assert.deepEqual([late.subscribe.recovered, late.subscribe.offset], [undefined, 2], 'the first is gone');
  }
});

test('a publication without history has no offset and is no gap', async (t) => {
  const gateway = await start(t);
  const socket = await attempt(t, gateway, { token: gateway.token({ sub: 'ada' }) });
  await ask(socket, { id: 2, subscribe: { channel: 'stream:skip' } });
  await gateway.api('publish', { channel: 'stream:skip', data: 1 });
  await gateway.api('publish', { channel: 'stream:skip', data: 'unkept', skip_history: true });
  await gateway.api('publish', { channel: 'stream:skip', data: 2 });
  const heard = [];
  for (let i = 0; i < 3; i++) heard.push(JSON.parse(await socket.text()).push.pub);
  assert.deepEqual(heard.map(({ data, offset }) => [data, offset]), [[1, 1], ['unkept', undefined], [2, 2]]);
  assert.deepEqual((await gateway.api('history', { channel: 'stream:skip', limit: -1 })).publications.map(({ data }) => data), [1, 2]);
});

test('a cache with a filter gives the latest that passes', async (t) => {
  const gateway = await start(t);
  const tags = (parity) => ({ parity });
  for (const [data, parity] of [[1, 'odd'], [2, 'even'], [3, 'odd']]) await gateway.api('publish', { channel: 'cache:1', data, tags: tags(parity) });
  const socket = await attempt(t, gateway, { token: gateway.token({ sub: 'ada' }) });
  const tf = { key: 'parity', cmp: 'eq', val: 'even' };
  const { subscribe } = await ask(socket, { id: 2, subscribe: { channel: 'cache:1', recover: true, tf } });
  assert.deepEqual([subscribe.recovered, subscribe.publications.map(({ data, offset }) => [data, offset])], [true, [[2, 2]]]);
});
