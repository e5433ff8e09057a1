// Channels of the operator's own namespaces on the bus: streams and presence in Redis, asked for over two APIs, with two gateways.
import assert from 'node:assert/strict';
import { Line, chat, configure, eventually, exchange, running, test } from './harness/index.js';

const API_KEY = 'operator-channels';

const OPEN = {
  allow_subscribe_for_client: true, allow_publish_for_client: true, allow_presence_for_client: true, allow_history_for_client: true,
};

configure({
  gateway: {
    PARLEY_GATEWAY_THREADS: '2',
    PARLEY_HTTP_API_KEY: API_KEY,
    PARLEY_HTTP_STREAM_ENABLED: 'true',
    PARLEY_CLIENT_CHANNEL_LIMIT: '5000',
    PARLEY_CLIENT_CHANNEL_POSITION_CHECK_DELAY: '200ms',
    PARLEY_CHANNEL_NAMESPACES: JSON.stringify([
      { name: 'news', ...OPEN, history_size: 10, history_ttl: '300s', force_recovery: true, allow_wildcard_subscribe: true },
      { name: 'cache', ...OPEN, history_size: 10, history_ttl: '300s', force_recovery: true, force_recovery_mode: 'cache', auto_cache_recover: true },
      { name: 'delta', ...OPEN, history_size: 10, history_ttl: '300s', force_recovery: true, allowed_delta_types: ['fossil'], delta_publish: true },
      { name: 'lounge', ...OPEN, presence: true, join_leave: true, force_push_join_leave: true },
      { name: 'plain', ...OPEN, history_size: 10, history_ttl: '300s' },
      { name: 'bare', ...OPEN },
      { name: 'many', ...OPEN, allow_wildcard_subscribe: true },
    ]),
  },
});

let channels = 0;
const fresh = (namespace) => `${namespace}:${++channels}`;

/** Two people, each on a gateway of their own. */
async function two(t) {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const [here, there] = await Promise.all([ada.connect({ gateway: 0 }), bob.connect({ gateway: 1 })]);
  return { ada, bob, here, there };
}

async function callApi(gateway, method, params) {
  const { gateways } = await running();
  return await exchange(gateways[gateway].origin, 'POST', `/api/${method}`, {
    headers: { 'content-type': 'application/json', 'x-api-key': API_KEY },
    body: JSON.stringify(params),
  });
}

/** The result of a method of a gateway's server API. */
async function api(gateway, method, params = {}) {
  const answer = await callApi(gateway, method, params);
  assert.equal(answer.body?.error, undefined, `${method}: ${answer.text}`);
  return answer.body.result;
}

const numbers = (device, channel) => device.publications(channel).map(({ data }) => data.n);
const arrive = (device, channel, wanted) =>
  device.until(() => numbers(device, channel).length >= wanted.length, `${wanted} in ${channel}`)
    .then(() => assert.deepEqual(numbers(device, channel), wanted));

/** The second 'subscribed' of a channel. */
const resubscribed = (device, channel) =>
  device.until(() => device.seen.filter((entry) => entry.what === 'subscribed' && entry.channel === channel)[1], `${channel} once more`);

const clientOf = (device) => device.seen.find(({ what }) => what === 'connected').client;

test('what is published through one gateway is heard through the other, in order, with its position and its publisher', async (t) => {
  const { bob, here, there } = await two(t);
  const channel = fresh('news');
  const start = await here.subscribe(channel);
  assert.deepEqual([start.positioned, start.recoverable, start.streamPosition.offset], [true, true, 0]);
  for (let n = 1; n <= 20; n++) await there.publish(channel, { n });
  await arrive(here, channel, Array.from({ length: 20 }, (_, i) => i + 1));
  const [first] = here.publications(channel);
  assert.deepEqual([first.offset, first.info.user], [1, bob.id]);
});

test('who was away gets what was missed from another gateway, also when an API was killed meanwhile', async (t) => {
  const { here, there } = await two(t);
  const { apis } = await running();
  const channel = fresh('news');
  await here.subscribe(channel);
  await there.publish(channel, { n: 1 });
  await arrive(here, channel, [1]);
  await here.offline();
  await there.publish(channel, { n: 2 });
  await apis[0].kill();
  await eventually(() => there.publish(channel, { n: 3 }), 'a publication through the other API');
  await here.online({ gateway: 1 });
  await arrive(here, channel, [1, 2, 3]);
  const again = await resubscribed(here, channel);
  assert.deepEqual([again.wasRecovering, again.recovered], [true, true]);
  await apis[0].start();
});

test('who missed more than the stream keeps is told so', async (t) => {
  const { here, there } = await two(t);
  const channel = fresh('news');
  await here.subscribe(channel);
  await there.publish(channel, { n: 0 });
  await arrive(here, channel, [0]);
  await here.offline();
  for (let n = 1; n <= 12; n++) await there.publish(channel, { n });
  await here.online({ gateway: 1 });
  const again = await resubscribed(here, channel);
  assert.deepEqual([again.wasRecovering, again.recovered, again.streamPosition.offset], [true, false, 13]);
});

test('many publish at once through all gateways, while an API is killed: the order is one for all, without gaps', async (t) => {
  const { here, there } = await two(t);
  const { apis } = await running();
  const channel = fresh('news');
  await Promise.all([here, there].map((device) => device.subscribe(channel)));
  const COUNT = 200;
  const publish = async (device, n) => await eventually(() => device.publish(channel, { n }), 'a publication');
  const all = Array.from({ length: COUNT }, (_, n) => publish(n % 2 ? here : there, n));
  await Promise.all(all.slice(0, COUNT / 4));
  await apis[0].kill();
  await Promise.all(all);
  await apis[0].start();
  const last = async (device) => {
    const { offset } = await there.client.history(channel, { limit: 0 });
    await device.until(() => device.publications(channel).at(-1)?.offset === offset, `publication ${offset}`);
  };
  await Promise.all([here, there].map(last));
  for (const device of [here, there]) {
    const offsets = device.publications(channel).map(({ offset }) => offset);
    assert.deepEqual(offsets, offsets.map((_, i) => i + 1));
  }
  assert.deepEqual(numbers(here, channel), numbers(there, channel));
  assert.equal(new Set(numbers(here, channel)).size, COUNT);
});

test('history is read from either end and from a position, and removed for all', async (t) => {
  const { here, there } = await two(t);
  const channel = fresh('news');
  await here.subscribe(channel);
  for (let n = 1; n <= 4; n++) await there.publish(channel, { n });
  const read = async (device, options) => (await device.client.history(channel, options)).publications.map(({ data }) => data.n);
  assert.deepEqual(await read(there, { limit: 10 }), [1, 2, 3, 4]);
  assert.deepEqual(await read(here, { limit: 2, reverse: true }), [4, 3]);
  const { epoch, offset } = await there.client.history(channel, { limit: 0 });
  assert.equal(offset, 4);
  assert.deepEqual(await read(there, { limit: 10, since: { offset: 2, epoch } }), [3, 4]);
  assert.deepEqual(await read(there, { limit: 10, reverse: true, since: { offset: 3, epoch } }), [2, 1]);
  await assert.rejects(there.client.history(channel, { limit: 1, since: { offset: 1, epoch: 'other' } }), { code: 112 });
  await api(0, 'history_remove', { channel });
  assert.deepEqual(await read(there, { limit: 10 }), []);
  const kept = await there.client.history(channel, { limit: 0 });
  assert.deepEqual([kept.offset, kept.epoch], [4, epoch]);
});

test('presence, joins and leaves are of both gateways', async (t) => {
  const { ada, bob, here, there } = await two(t);
  const channel = fresh('lounge');
  await here.subscribe(channel);
  await here.until(() => here.seen.find(({ what, info }) => what === 'join' && info.user === ada.id), 'the own join');
  await there.subscribe(channel);
  await here.until(() => here.seen.find(({ what, info }) => what === 'join' && info.user === bob.id), 'the join of the other');
  const users = async (device) => Object.values((await device.presence(channel)).clients).map(({ user }) => user).sort();
  const both = [ada.id, bob.id].sort();
  await eventually(async () => (await users(there)).length === 2, 'both in presence');
  assert.deepEqual(await users(here), both);
  const stats = await here.client.presenceStats(channel);
  assert.deepEqual([stats.numClients, stats.numUsers], [2, 2]);
  there.close();
  await here.until(() => here.seen.find(({ what, info }) => what === 'leave' && info.user === bob.id), 'the leave');
  await eventually(async () => (await users(here)).length === 1, 'one in presence');
  await assert.rejects(here.presence(fresh('bare')), { code: 108 });
});

test('of 20,000 who are there, a back end gets the list, a client how many', async (t) => {
  const { ada, here } = await two(t);
  const { redis } = await running();
  const channel = fresh('lounge');
  await here.subscribe(channel);
  const key = await eventually(async () => (await redis.keys()).find((name) => name.endsWith(`:presence:${channel}`)), 'presence in Redis');
  const info = JSON.stringify({ name: 'somebody' });
  for (let page = 0; page < 40; page++) {
    const entries = Array.from({ length: 500 }, (_, i) => {
      const n = page * 500 + i, user = `u${n % 7000}`;
      return [`client-${n}`, `1 ${Date.now()} 1 ${user.length} ${info.length}\n${user}${info}`];
    });
    await redis.command('HSET', key, ...entries.flat());
  }
  const stats = await here.client.presenceStats(channel);
  assert.deepEqual([stats.numClients, stats.numUsers], [20001, 7001]);
  assert.deepEqual(await api(1, 'presence_stats', { channel }), { num_clients: 20001, num_users: 7001 });
  const { presence } = await api(1, 'presence', { channel });
  assert.equal(Object.keys(presence).length, 20001);
  assert.deepEqual(presence['client-19999'], { user: 'u5999', client: 'client-19999', conn_info: { name: 'somebody' } });
  assert.equal(presence[clientOf(here)].user, ada.id);
  await assert.rejects(here.presence(channel), { code: 106 }); // more than its queue takes
  assert.equal((await here.client.presenceStats(channel)).numUsers, 7001, 'and it is still there');
});

test('who left a busy channel long ago is no burden to Redis', async (t) => {
  const { here, there } = await two(t);
  const { redis } = await running();
  const channel = fresh('lounge');
  await here.subscribe(channel);
  const isKey = (key) => key.endsWith(`:presence:${channel}`);
  const key = await eventually(async () => (await redis.keys()).find(isKey), 'presence in Redis');
  await redis.command('HSET', key, 'ghost', '1 1000 0 2 0\n');
  await eventually(async () => {
    await there.subscribe(channel);
    await there.unsubscribe(channel);
    return (await redis.command('HEXISTS', key, 'ghost')) === '0';
  }, 'the ghost to go');
  assert.deepEqual(Object.keys((await here.presence(channel)).clients), [clientOf(here)]);
});

test('a channel in cache mode begins with its latest publication', async (t) => {
  const { here, there } = await two(t);
  const channel = fresh('cache');
  for (let n = 1; n <= 3; n++) await there.publish(channel, { n });
  await here.subscribe(channel);
  await arrive(here, channel, [3]);
  await there.subscribe(channel);
  await arrive(there, channel, [3]);
  await here.offline();
  await there.publish(channel, { n: 4 });
  await there.publish(channel, { n: 5 });
  await here.online({ gateway: 1 });
  await arrive(here, channel, [3, 5]);
});

test('deltas are made by each gateway, and come out as what was published', async (t) => {
  const { here, there } = await two(t);
  const channel = fresh('delta');
  const text = 'the kettle is on and the tea is nearly ready '.repeat(20);
  await here.subscribe(channel, { delta: 'fossil' });
  for (let n = 1; n <= 4; n++) await there.publish(channel, { n, text });
  await arrive(here, channel, [1, 2, 3, 4]);
  for (const { data } of here.publications(channel)) assert.equal(data.text, text);
});

test('without a stream nothing is kept, and without a wish for positions none is given', async (t) => {
  const { here, there } = await two(t);
  for (const namespace of ['bare', 'plain']) {
    const channel = fresh(namespace);
    const start = await here.subscribe(channel);
    assert.deepEqual([start.positioned, start.recoverable], [false, false]);
    for (let n = 1; n <= 3; n++) await there.publish(channel, { n });
    await arrive(here, channel, [1, 2, 3]);
  }
  await assert.rejects(there.client.history(fresh('bare'), { limit: 1 }), { code: 108 });
});

test('when Redis forgets, subscribers hear of it, also when nobody publishes', async (t) => {
  const { here, there } = await two(t);
  const { redis } = await running();
  const channel = fresh('news');
  await here.subscribe(channel);
  await there.publish(channel, { n: 1 });
  await arrive(here, channel, [1]);
  await redis.command('FLUSHALL');
  const again = await resubscribed(here, channel);
  assert.deepEqual([again.wasRecovering, again.recovered, again.streamPosition.offset], [true, false, 0]);
  await there.publish(channel, { n: 2 });
  await arrive(here, channel, [1, 2]);
});

test('while Redis is away publications are refused for now, and all goes on afterwards', async (t) => {
  const { here, there } = await two(t);
  const { redis } = await running();
  const channel = fresh('news');
  const bare = fresh('bare');
  await here.subscribe(channel);
  await here.subscribe(bare);
  await redis.stop();
  await assert.rejects(there.publish(channel, { n: 1 }), { code: 100, temporary: true });
  await there.publish(bare, { n: 7 }); // needs none
  await arrive(here, bare, [7]);
  await redis.start(); // empty
  await eventually(() => there.publish(channel, { n: 2 }), 'a publication');
  const again = await resubscribed(here, channel);
  assert.deepEqual([again.wasRecovering, again.recovered], [true, false]);
  await there.publish(channel, { n: 3 });
  await here.until(() => numbers(here, channel).at(-1) === 3, 'the publication');
});

test('a pattern hears all channels that match, through either gateway', async (t) => {
  const { here, there } = await two(t);
  await here.subscribe('news:p*');
  await there.publish('news:p1', { n: 1 });
  await there.publish('news:q1', { n: 2 });
  await there.publish('news:p2', { n: 3 });
  await arrive(here, 'news:p*', [1, 3]);
});

test('a publication to a pattern goes to all channels that match and have listeners', async (t) => {
  const { here, there } = await two(t);
  const [first, second, other] = ['news:all:1', 'news:all:2', 'news:one:3'];
  await here.subscribe(first);
  await there.subscribe(second);
  await there.subscribe(other);
  await here.publish('news:all:*', { n: 1 });
  await arrive(here, first, [1]);
  await arrive(there, second, [1]);
  await there.publish(other, { n: 2 });
  await arrive(there, other, [2]);
});

/** 5,000 names of 250 bytes: more than one gateway can tell in one answer (1 MiB). */
const manyNames = (begin) => Array.from({ length: 5_000 }, (_, n) => `${begin}${n}:`.padEnd(250, '.'));

test('a publication to a pattern reaches all channels, however many there are', async (t) => {
  const { ada, here } = await two(t);
  const { gateways } = await running();
  const begin = `${fresh('many')}:`;
  const names = manyNames(begin);
  const line = await Line.connect(t, gateways[1], { token: ada.tokens.access_token });
  await line.subscribeAll(names);
  await here.publish(`${begin}*`, { n: 1 });
  const pushes = await line.pushesUpTo('pub', names.length, 60_000);
  assert.deepEqual(pushes.map(({ channel }) => channel).sort(), [...names].sort());
  const { channels: found } = await api(0, 'channels', { pattern: `${begin}*` });
  assert.deepEqual(Object.keys(found).sort(), [...names].sort());
});

test('while a gateway does not answer, nobody is told that all gateways did', async (t) => {
  const { bob, here, there } = await two(t);
  const { gateways } = await running();
  const begin = `${fresh('many')}:`;
  await here.subscribe(`${begin}here`);
  await there.subscribe(`${begin}there`);
  gateways[1].pause();
  await assert.rejects(here.publish(`${begin}*`, { n: 1 }), { code: 100, temporary: true });
  for (const [method, params] of [['user_status', { users: [bob.id] }], ['channels', {}], ['connections', { user: bob.id }]])
    assert.deepEqual((await callApi(0, method, params)).body.error, { code: 100, message: 'not all gateways answered' }, method);
  gateways[1].resume();
  await eventually(() => here.publish(`${begin}*`, { n: 2 }), 'a publication');
  await arrive(here, `${begin}here`, [2]);
  await arrive(there, `${begin}there`, [2]);
  assert.equal((await api(0, 'user_status', { users: [bob.id] })).statuses[0].online, true);
});

test('a gateway that stops is asked as long as it has clients, and not waited for afterwards', async (t) => {
  const { bob, there } = await two(t);
  const { gateways } = await running();
  const isOnline = async () => (await api(0, 'user_status', { users: [bob.id] })).statuses[0].online;
  const stopped = gateways[1].stop();
  while (gateways[1].isRunning) await isOnline();
  await stopped;
  await there.until(() => there.seen.filter(({ what }) => what === 'connecting').length > 1, 'the end of the connection');
  assert.equal(await isOnline(), false);
  await gateways[1].start();
});

test('the server API publishes once for one idempotency key, and skips older versions, whichever gateway is asked', async (t) => {
  const { here } = await two(t);
  const channel = fresh('news');
  await here.subscribe(channel);
  const first = await api(0, 'publish', { channel, data: { n: 1 }, idempotency_key: 'k', tags: { lang: 'go' } });
  const second = await api(1, 'publish', { channel, data: { n: 2 }, idempotency_key: 'k' });
  assert.deepEqual([first.offset, second], [1, first]);
  await api(0, 'publish', { channel, data: { n: 3 }, version: 7 });
  await api(1, 'publish', { channel, data: { n: 4 }, version: 6 });
  await api(1, 'publish', { channel, data: { n: 5 }, version: 8 });
  await arrive(here, channel, [1, 3, 5]);
  assert.deepEqual(here.publications(channel)[0].tags, { lang: 'go' });
  const history = await api(1, 'history', { channel, limit: -1 });
  assert.deepEqual(history.publications.map(({ data }) => data.n), [1, 3, 5]);
});

test('orders reach connections on every gateway', async (t) => {
  const { bob, here, there } = await two(t);
  const channel = fresh('news');
  await api(0, 'subscribe', { user: bob.id, channel });
  await eventually(async () => (await api(0, 'channels', { pattern: channel })).channels[channel]?.num_clients === 1, 'the subscription');
  await here.publish(channel, { n: 1 });
  await arrive(there, channel, [1]);
  await api(0, 'unsubscribe', { user: bob.id, channel });
  await eventually(async () => Object.keys((await api(0, 'channels', { pattern: channel })).channels).length === 0, 'the end of it');
  await api(0, 'disconnect', { user: bob.id, disconnect: { code: 4501, reason: 'bye' } });
  const end = await there.disconnected();
  assert.deepEqual([end.code, end.reason], [4501, 'bye']);
});

test('who is blocked is kept out by gateways that started later, whatever else was killed, until the block is lifted', async (t) => {
  const { ada, bob, there } = await two(t);
  const { apis, gateways, programs } = await running();
  await api(0, 'block_user', { user: bob.id });
  assert.equal((await there.disconnected()).code, 3507);
  await Promise.all([apis[1].kill(), ...gateways.map((gateway) => gateway.kill())]);
  await Promise.all([gateways[0].start(), gateways[1].start()]);
  for (const gateway of [0, 1]) {
    await assert.rejects(bob.connect({ gateway }), /refused with 3507/);
    await ada.connect({ gateway });
  }
  await Promise.all(programs.filter(({ isRunning }) => isRunning).map((program) => program.kill()));
  await Promise.all(programs.map((program) => program.start()));
  await assert.rejects(bob.connect({ gateway: 1 }), /refused with 3507/);
  await api(0, 'unblock_user', { user: bob.id });
  await bob.connect({ gateway: 1 });
  await gateways[0].restart();
  await bob.connect({ gateway: 0 });
});

test('a block that a slow API carries out late does not undo the unblocking since', async (t) => {
  const { bob, there } = await two(t);
  const servers = await running();
  const [slow] = servers.apis;
  await api(1, 'info'); // whoever answers this is asked first
  slow.pause();
  await api(0, 'block_user', { user: bob.id });
  await api(1, 'block_user', { user: bob.id });
  assert.equal((await there.disconnected()).code, 3507);
  await api(0, 'unblock_user', { user: bob.id });
  const again = await bob.connect({ gateway: 1 });
  slow.resume();
  await eventually(() => slow.ready(), 'the slow one goes on');
  for (let i = 0; i < 20; i++) assert.equal((await bob.ask('GET', '/me', undefined, { api: 0 })).status, 200); // what waited for it is done
  assert.deepEqual(await servers.sql(`SELECT count(*) FILTER (WHERE is_lifted), count(*) FROM bans WHERE who = convert_to('${bob.id}', 'UTF8')`), [['1', '1']]);
  assert.equal(again.client.state, 'connected');
  await bob.connect({ gateway: 0 });
});

test('a token that was revoked while a gateway was paused is refused by it at once', async (t) => {
  const { bob } = await chat(t).users('bob');
  const { gateways } = await running();
  gateways[1].pause();
  await api(0, 'invalidate_user_tokens', { user: bob.id, issued_before: Math.floor(Date.now() / 1000) + 60 });
  gateways[1].resume();
  await assert.rejects(bob.connect({ gateway: 1 }), /refused with 3500/);
});

test('surveys are of all gateways', async (t) => {
  const { ada, bob, here, there } = await two(t);
  const channel = fresh('news');
  await eventually(() => api(0, 'channels'), 'APIs that know all gateways');
  await Promise.all([here, there].map((device) => device.subscribe(channel)));
  for (const gateway of [0, 1]) {
    assert.deepEqual((await api(gateway, 'channels', { pattern: channel })).channels, { [channel]: { num_clients: 2 } });
    const { nodes } = await api(gateway, 'info');
    assert.equal(nodes.length, 2);
    for (const [user, device] of [[ada.id, here], [bob.id, there]]) {
      const { connections } = await api(gateway, 'connections', { user });
      assert.deepEqual(Object.keys(connections), [clientOf(device)]);
      const { transport, protocol, channels: followed, ...rest } = connections[clientOf(device)];
      assert.deepEqual([rest.user, transport, protocol, followed], [user, 'websocket', 'json', [channel]]);
    }
  }
});

test('commands of an emulated connection may come to another gateway', async (t) => {
  const { ada } = await chat(t).users('ada');
  const { gateways } = await running();
  const answer = await fetch(`${gateways[0].origin}/connection/http_stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `${JSON.stringify({ id: 1, connect: { token: ada.tokens.access_token } })}\n`,
  });
  assert.equal(answer.status, 200);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  t.after(() => reader.cancel());
  let text = '';
  const reply = async (id) => {
    for (;;) {
      const found = text.split('\n').filter(Boolean).map((line) => JSON.parse(line)).find((message) => message.id === id);
      if (found) return found;
      text += (await reader.read()).value;
    }
  };
  const { session, node } = (await reply(1)).connect;
  const send = (to, command, as = session) => exchange(gateways[1].origin, 'POST', '/emulation', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ session: as, node: to, data: JSON.stringify(command) }),
  });
  const channel = fresh('news');
  assert.equal((await send(node, { id: 2, subscribe: { channel } })).status, 204);
  assert.equal((await reply(2)).subscribe.positioned, true);
  const madeUp = session.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
  assert.equal((await send(node, { id: 3, ping: {} }, madeUp)).status, 404, 'a session that no gateway made is not passed on');
  assert.equal((await send('nobody', { id: 3, ping: {} })).status, 404);
});
