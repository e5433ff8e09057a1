// What a gateway alone has beyond Centrifugo's free edition: capabilities, wildcards, blocking and revoking, limits of users.
import assert from 'node:assert/strict';
import { Alone, Line, codeOf, eventually, test } from './harness/index.js';

const now = () => Math.floor(Date.now() / 1000);
const WITHIN_MS = 1_000; // of an order reaching live sockets

const CHANNELS = {
  without_namespace: { allow_subscribe_for_client: true, allow_publish_for_subscriber: true, presence: true, history_size: 10, history_ttl: '60s' },
  namespaces: [
    { name: 'closed', presence: true, history_size: 10, history_ttl: '60s' },
    { name: 'news', allow_wildcard_subscribe: true, allow_subscribe_for_client: true, allow_publish_for_client: true, history_size: 10, history_ttl: '60s' },
    { name: 'secret', allow_wildcard_subscribe: true },
  ],
};

const start = (t, client = {}, more = {}) => Alone.start(t, { gateway: { threads: 2 }, channel: CHANNELS, client, ...more });

/** What this connection may do in a channel: a subset of 'sub pub prs hst'. */
async function allowed(line, channel) {
  const commands = { prs: { presence: { channel } }, hst: { history: { channel } }, pub: { publish: { channel, data: {} } }, sub: { subscribe: { channel } } };
  const may = [];
  for (const [word, command] of Object.entries(commands)) {
    const reply = await line.ask(command);
    assert.equal(reply.closed, undefined, `${channel} ${word}: ${JSON.stringify(reply)}`);
    if (reply.error) assert.equal(reply.error.code, 103, `${word}: ${JSON.stringify(reply)}`);
    else may.push(word);
  }
  await line.ask({ unsubscribe: { channel } });
  return may.sort().join(' ');
}

// ---- capabilities ----

test('capabilities of the token allow what they say, where they say it', async (t) => {
  const gateway = await start(t);
  const caps = [
    { channels: ['closed:exact', 'closed:other'], allow: ['sub', 'hst'] },
    { channels: ['closed:game-*'], match: 'wildcard', allow: ['sub', 'pub'] },
    { channels: ['^closed:(red|blue)[0-9]+$'], match: 'regex', allow: ['prs'] },
    { channels: ['closed:exact'], allow: ['prs'] },
  ];
  const line = await Line.user(t, gateway, 'ada', { caps });
  const table = {
    'closed:exact': 'hst prs sub', 'closed:other': 'hst sub', 'closed:exact2': '', 'closed:game-1': 'pub sub', 'closed:game': '', 'xclosed:game-1': undefined,
    'closed:red7': 'prs', 'closed:red': '', 'closed:green7': '', 'closed:*': '',
  };
  for (const [channel, expected] of Object.entries(table))
    if (expected !== undefined) assert.equal(await allowed(line, channel), expected, channel);
  assert.equal(codeOf(await line.ask({ subscribe: { channel: 'xclosed:game-1' } })), 102, 'a namespace that is not there stays so');
  const without = await Line.user(t, gateway, 'bob');
  for (const channel of Object.keys(table)) if (channel.startsWith('closed')) assert.equal(await allowed(without, channel), '', channel);
});

test('capabilities add to what the namespace allows, also to private channels', async (t) => {
  const gateway = await start(t);
  const line = await Line.user(t, gateway, 'ada', { caps: [{ channels: ['$closed:mine'], allow: ['sub'] }] });
  assert.equal(await allowed(line, '$closed:mine'), 'sub');
  assert.equal(await allowed(line, 'open'), 'sub', 'as without them');
  assert.equal(codeOf(await line.ask({ subscribe: { channel: '$closed:his' } })), 103);
});

test('a token with capabilities that cannot be is no good', async (t) => {
  const gateway = await start(t);
  for (const caps of [{}, [{ channels: ['a'], allow: ['everything'] }], [{ channels: ['('], match: 'regex', allow: ['sub'] }], [{ channels: 'a', allow: ['sub'] }]]) {
    const line = await Line.open(t, gateway);
    line.connect({ token: gateway.token({ sub: 'ada', caps }) });
    assert.deepEqual(await line.closed(), [3500, 'invalid token'], JSON.stringify(caps));
  }
});

test('a refreshed token brings its own capabilities', async (t) => {
  const gateway = await start(t);
  const line = await Line.user(t, gateway, 'ada', { exp: now() + 60, caps: [{ channels: ['closed:a'], allow: ['sub'] }] });
  const token = gateway.token({ sub: 'ada', exp: now() + 120, caps: [{ channels: ['closed:b'], allow: ['sub'] }] });
  assert.ok((await line.ask({ refresh: { token } })).refresh.expires);
  assert.deepEqual([await allowed(line, 'closed:a'), await allowed(line, 'closed:b')], ['', 'sub']);
});

// ---- wildcards ----

test('who subscribes to a pattern hears all channels that match, each publication with its channel', async (t) => {
  const gateway = await start(t);
  const line = await Line.user(t, gateway, 'ada');
  const result = await line.subscribe('news:*', { recoverable: true, positioned: true });
  assert.deepEqual([result.recoverable, result.positioned], [undefined, undefined], 'a pattern has no position');
  await line.subscribe('news:go');
  for (const channel of ['news:go', 'news:c', 'open', '$news:private', 'closed:x']) await gateway.api('publish', { channel, data: channel, tags: { a: 'b' } });
  await gateway.api('publish', { channel: 'news:end', data: 'end' });
  await line.push('pub', 4);
  await line.settle();
  const heard = line.pushes('pub').map(({ channel, data }) => [channel, data]);
  assert.deepEqual(heard.filter(([channel]) => channel === 'news:go'), [['news:go', 'news:go']]);
  const matched = line.pushes('pub').filter(({ channel }) => channel === 'news:*').map((pub) => [pub.matched, pub.data, pub.tags?.a]);
  assert.deepEqual(matched, [['news:go', 'news:go', 'b'], ['news:c', 'news:c', 'b'], ['news:end', 'end', undefined]]);
});

test('a pattern matches as its stars say, and does not leave its namespace', async (t) => {
  const gateway = await start(t);
  const line = await Line.user(t, gateway, 'ada');
  await line.subscribe('news:*.eu.*');
  for (const channel of ['news:a.eu.b', 'news:.eu.', 'news:a.us.b', 'news:eu.b']) await gateway.api('publish', { channel, data: 1 });
  await line.settle();
  assert.deepEqual(line.pushes('pub').map(({ matched }) => matched), ['news:a.eu.b', 'news:.eu.']);
  assert.equal(codeOf(await line.ask({ subscribe: { channel: 'secret:*' } })), 103, 'the namespace must let clients in');
  assert.equal(codeOf(await line.ask({ subscribe: { channel: 'n*:x' } })), 102);
  await line.subscribe('*');
  await gateway.api('publish', { channel: 'open', data: 'a byte like others' });
  await gateway.api('publish', { channel: 'news:a.eu.b', data: 'not here' });
  await line.settle();
  assert.equal(line.pushes('pub').length, 3, 'where the namespace has no wildcards * is a name');
});

test('capabilities open patterns that they cover whole', async (t) => {
  const gateway = await start(t);
  const line = await Line.user(t, gateway, 'ada', { caps: [
    { channels: ['secret:team-*'], match: 'wildcard', allow: ['sub'] }, { channels: ['secret:.*'], match: 'regex', allow: ['pub'] },
  ] });
  await line.subscribe('secret:team-*');
  await line.subscribe('secret:team-a-*');
  for (const channel of ['secret:*', 'secret:t*']) assert.equal(codeOf(await line.ask({ subscribe: { channel } })), 103, channel);
  assert.equal(codeOf(await line.ask({ publish: { channel: 'secret:*', data: 1 } })), 103, 'a regular expression never means a pattern');
  assert.ok((await line.ask({ publish: { channel: 'secret:x', data: 1 } })).publish);
});

test('what is published to a pattern reaches every channel that is there and matches', async (t) => {
  const gateway = await start(t);
  const [ada, bob] = [await Line.user(t, gateway, 'ada'), await Line.user(t, gateway, 'bob')];
  await ada.subscribe('news:a.eu');
  await bob.subscribe('news:b.us');
  await bob.subscribe('news:*');
  await gateway.api('publish', { channel: 'news:c.eu', data: 'kept, with nobody there' });
  await gateway.api('publish', { channel: 'news:*.eu', data: { for: 'eu' } });
  assert.deepEqual((await ada.push('pub')).data, { for: 'eu' });
  await bob.settle();
  assert.deepEqual(bob.pushes('pub').map(({ channel, matched }) => [channel, matched]).sort(),
    [['news:*', 'news:a.eu'], ['news:*', 'news:c.eu'], ['news:*', 'news:c.eu']]);
  assert.equal((await gateway.api('history', { channel: 'news:c.eu', limit: -1 })).publications.length, 2);
  assert.ok((await ada.ask({ publish: { channel: 'news:*', data: 'to all' } })).publish);
  assert.equal((await ada.push('pub', 2)).data, 'to all');
});

test('a pattern and a list of channels are of all channels, however many there are', async (t) => {
  const gateway = await start(t, { channel_limit: 5_000 });
  const line = await Line.user(t, gateway, 'ada');
  const names = Array.from({ length: 5_000 }, (_, n) => `news:${n}:`.padEnd(250, '.'));
  await line.subscribeAll(names);
  await gateway.api('publish', { channel: 'news:*', data: 1 });
  await line.pushesUpTo('pub', names.length, 60_000);
  const found = Object.keys((await gateway.api('channels', { pattern: 'news:*' })).channels);
  assert.deepEqual(found.sort(), names.sort());
});

// ---- who may come ----

test('a blocked user is sent away at once and kept out until unblocked', async (t) => {
  const gateway = await start(t);
  const lines = await Promise.all(Array.from({ length: 6 }, () => Line.user(t, gateway, 'ada')));
  const bob = await Line.user(t, gateway, 'bob');
  await gateway.api('block_user', { user: 'ada' });
  for (const line of lines) assert.deepEqual(await line.closed(WITHIN_MS), [3507, 'permission denied']);
  const again = await Line.open(t, gateway);
  again.connect({ token: gateway.token({ sub: 'ada' }) });
  assert.deepEqual(await again.closed(), [3507, 'permission denied']);
  await bob.settle();
  await gateway.api('unblock_user', { user: 'ada' });
  await eventually(async () => Line.user(t, gateway, 'ada'), 'ada is let in again');
});

test('a block ends by itself', async (t) => {
  const gateway = await start(t);
  await gateway.api('block_user', { user: 'ada', expire_at: now() - 1 });
  await Line.user(t, gateway, 'ada');
  await gateway.api('block_user', { user: 'bob', expire_at: now() + 60 });
  await eventually(async () => {
    const line = await Line.open(t, gateway);
    return (await line.connect({ token: gateway.token({ sub: 'bob' }) })).closed?.code === 3507;
  }, 'bob is blocked');
});

test('a revoked token is no good any more, wherever it is in use', async (t) => {
  const gateway = await start(t);
  const claims = { sub: 'ada', jti: 'token 1' };
  const [stolen, mine] = [await Line.user(t, gateway, 'ada', claims), await Line.user(t, gateway, 'ada', { jti: 'token 2' })];
  await gateway.api('revoke_token', { uid: 'token 1' });
  assert.deepEqual(await stolen.closed(WITHIN_MS), [3500, 'invalid token']);
  const again = await Line.open(t, gateway);
  again.connect({ token: gateway.token(claims) });
  assert.deepEqual(await again.closed(), [3500, 'invalid token']);
  await mine.settle();
  assert.equal((await mine.ask({ refresh: { token: gateway.token({ ...claims, exp: now() + 60 }) } })).closed.code, 3500);
});

test('a connection goes by the token that it was refreshed with', async (t) => {
  const gateway = await start(t);
  const line = await Line.user(t, gateway, 'ada', { jti: 'first', exp: now() + 60 });
  await line.ask({ refresh: { token: gateway.token({ sub: 'ada', jti: 'second', exp: now() + 120 }) } });
  await gateway.api('revoke_token', { uid: 'first' });
  await line.settle();
  await gateway.api('revoke_token', { uid: 'second' });
  assert.deepEqual(await line.closed(WITHIN_MS), [3500, 'invalid token']);
});

test('a user\'s tokens issued before a time are no good any more', async (t) => {
  const gateway = await start(t);
  const [old, unsaid, young] = [await Line.user(t, gateway, 'ada', { iat: now() - 100 }), await Line.user(t, gateway, 'ada'), await Line.user(t, gateway, 'ada', { iat: now() - 10 })];
  const bob = await Line.user(t, gateway, 'bob', { iat: now() - 100 });
  await gateway.api('invalidate_user_tokens', { user: 'ada', issued_before: now() - 50 });
  for (const line of [old, unsaid]) assert.deepEqual(await line.closed(WITHIN_MS), [3500, 'invalid token']);
  await young.settle();
  await bob.settle();
  const again = await Line.open(t, gateway);
  again.connect({ token: gateway.token({ sub: 'ada', iat: now() - 60 }) });
  assert.deepEqual(await again.closed(), [3500, 'invalid token']);
  await Line.user(t, gateway, 'ada', { iat: now() });
  await gateway.api('invalidate_user_tokens', { user: 'ada' });
  assert.deepEqual(await young.closed(WITHIN_MS), [3500, 'invalid token'], 'without a time: all issued before now');
});

test('revoked subscription tokens end their subscriptions, and nothing else', async (t) => {
  const gateway = await start(t);
  const line = await Line.user(t, gateway, 'ada', { iat: now() });
  const token = (channel, claims) => gateway.token({ sub: 'ada', channel, ...claims });
  const first = token('$closed:a', { jti: 'sub 1' }), second = token('$closed:b', { iat: now() - 10 });
  await line.subscribe('$closed:a', { token: first });
  await line.subscribe('$closed:b', { token: second });
  await line.subscribe('open');
  await gateway.api('revoke_token', { uid: 'sub 1' });
  assert.deepEqual(await line.push('unsubscribe', 1, WITHIN_MS), { channel: '$closed:a', code: 2502, reason: 'state invalidated' });
  assert.equal(codeOf(await line.ask({ subscribe: { channel: '$closed:a', token: first } })), 103);
  await gateway.api('invalidate_user_tokens', { user: 'ada', channel: '$closed:b', issued_before: now() });
  assert.deepEqual(await line.push('unsubscribe', 2, WITHIN_MS), { channel: '$closed:b', code: 2502, reason: 'state invalidated' });
  assert.equal(codeOf(await line.ask({ subscribe: { channel: '$closed:b', token: second } })), 103);
  await line.subscribe('$closed:b', { token: token('$closed:b', { iat: now() + 1 }) });
  await line.subscribe('$closed:c', { token: token('$closed:c', { iat: now() - 10 }) });
  assert.equal(line.pushes('unsubscribe').length, 2);
  await gateway.api('disconnect', { user: 'ada' });
  assert.deepEqual(await line.closed(), [3503, 'force disconnect']);
});

test('a subscription goes by the token that it was refreshed with', async (t) => {
  const gateway = await start(t);
  const line = await Line.user(t, gateway, 'ada');
  const token = (jti) => gateway.token({ sub: 'ada', channel: '$closed:a', jti, exp: now() + 60 });
  await line.subscribe('$closed:a', { token: token('first') });
  await line.ask({ sub_refresh: { channel: '$closed:a', token: token('second') } });
  await gateway.api('revoke_token', { uid: 'first' });
  await line.settle();
  assert.equal(line.pushes('unsubscribe').length, 0);
  await gateway.api('revoke_token', { uid: 'second' });
  assert.deepEqual(await line.push('unsubscribe', 1, WITHIN_MS), { channel: '$closed:a', code: 2502, reason: 'state invalidated' });
});

test('who is blocked while connecting does not come in', async (t) => {
  const gateway = await start(t);
  for (let round = 0; round < 10; round++) {
    const user = `user ${round}`;
    const line = await Line.open(t, gateway);
    line.connect({ token: gateway.token({ sub: user, channels: Array.from({ length: 50 }, (_, i) => `open ${i}`) }) });
    await gateway.api('block_user', { user });
    assert.deepEqual(await line.closed(WITHIN_MS), [3507, 'permission denied'], user);
  }
});

// ---- who is there ----

test('whether users are there is told, with how many connections, or since when they are not', async (t) => {
  const gateway = await start(t);
  const [first, second] = [await Line.user(t, gateway, 'ada'), await Line.user(t, gateway, 'ada')];
  const bob = await Line.user(t, gateway, 'bob');
  const statuses = async (...users) => (await gateway.api('user_status', { users })).statuses;
  assert.deepEqual(await statuses('bob', 'ada', 'eve', 'ada'), [
    { user: 'bob', online: true, connections: 1 }, { user: 'ada', online: true, connections: 2 }, { user: 'eve', online: false, connections: 0 },
  ]);
  first.wire.socket.close();
  await eventually(async () => (await statuses('ada'))[0].connections === 1, 'one is gone');
  second.wire.socket.close();
  await eventually(async () => !(await statuses('ada'))[0].online, 'both are gone');
  const [{ last_seen_s: seen, ...rest }] = await statuses('ada');
  assert.deepEqual(rest, { user: 'ada', online: false, connections: 0 });
  assert.ok(Math.abs(seen - now()) <= 2);
  await bob.settle();
  for (const users of [undefined, [], Array.from({ length: 257 }, (_, i) => `user ${i}`), 'ada', [7]])
    assert.equal(await gateway.api('user_status', { users }).catch(({ code }) => code), 107);
});

// ---- limits ----

const rate = (commands) => ({ enabled: true, ...Object.fromEntries(Object.entries(commands).map(([name, n]) => [name, { buckets: [{ interval: '24h', rate: n }] }])) });

test('commands of a connection beyond its rate are error 111, by kind', async (t) => {
  const gateway = await start(t, { rate_limit: { client_command: rate({ publish: 3, default: 5 }) } });
  const line = await Line.user(t, gateway, 'ada');
  await line.subscribe('open');
  const publish = () => line.ask({ publish: { channel: 'open', data: {} } });
  for (let i = 0; i < 3; i++) assert.ok((await publish()).publish);
  for (let i = 0; i < 3; i++) assert.deepEqual((await publish()).error, { code: 111, message: 'too many requests', temporary: true });
  for (let i = 0; i < 5; i++) assert.ok((await line.ask({ unsubscribe: { channel: 'x' } })).unsubscribe);
  assert.equal(codeOf(await line.ask({ unsubscribe: { channel: 'x' } })), 111);
  const other = await Line.user(t, gateway, 'ada');
  await other.subscribe('open');
  assert.ok((await other.ask({ publish: { channel: 'open', data: {} } })).publish, 'another connection has its own');
});

test('all commands together have a rate, too', async (t) => {
  const gateway = await start(t, { rate_limit: { client_command: rate({ total: 4 }) } });
  const line = await Line.user(t, gateway, 'ada');
  for (let i = 0; i < 4; i++) await line.subscribe(`open ${i}`);
  assert.equal(codeOf(await line.ask({ unsubscribe: { channel: 'x' } })), 111);
});

test('the connections of a user share a rate, on whatever thread they are; anonymous ones do not', async (t) => {
  const gateway = await start(t, { allow_anonymous_connect_without_token: true, rate_limit: { user_command: rate({ unsubscribe: 6 }) } });
  const leave = (line) => line.ask({ unsubscribe: { channel: 'x' } });
  const lines = await Promise.all(Array.from({ length: 6 }, () => Line.user(t, gateway, 'ada')));
  for (const line of lines) assert.ok((await leave(line)).unsubscribe);
  for (const line of lines) assert.equal(codeOf(await leave(line)), 111);
  assert.ok((await leave(await Line.user(t, gateway, 'bob'))).unsubscribe);
  for (let i = 0; i < 8; i++) assert.ok((await leave(await Line.connect(t, gateway))).unsubscribe);
});

test('reconnecting does not begin a user\'s rate anew, and has one itself', async (t) => {
  const gateway = await start(t, { rate_limit: { user_command: rate({ unsubscribe: 1, connect: 3 }) } });
  const first = await Line.user(t, gateway, 'ada');
  assert.ok((await first.ask({ unsubscribe: { channel: 'x' } })).unsubscribe);
  first.wire.socket.close();
  await first.closed();
  const second = await Line.user(t, gateway, 'ada');
  assert.equal(codeOf(await second.ask({ unsubscribe: { channel: 'x' } })), 111);
  await Line.user(t, gateway, 'ada');
  const fourth = await Line.open(t, gateway);
  assert.deepEqual((await fourth.connect({ token: gateway.token({ sub: 'ada' }) })).error, { code: 111, message: 'too many requests', temporary: true });
  await Line.user(t, gateway, 'bob');
});

test('a user has so many connections and no more, on whatever thread they are', async (t) => {
  const gateway = await start(t, { user_connection_limit: 3, allow_anonymous_connect_without_token: true });
  const lines = [];
  for (let i = 0; i < 3; i++) lines.push(await Line.user(t, gateway, 'ada'));
  for (let i = 0; i < 4; i++) {
    const refused = await Line.open(t, gateway);
    refused.connect({ token: gateway.token({ sub: 'ada' }) });
    assert.deepEqual(await refused.closed(), [3504, 'connection limit']);
  }
  for (let i = 0; i < 5; i++) await Line.connect(t, gateway);
  await Line.user(t, gateway, 'bob');
  lines[0].wire.socket.terminate();
  await eventually(async () => {
    const line = await Line.open(t, gateway);
    return (await line.connect({ token: gateway.token({ sub: 'ada' }) })).connect;
  }, 'its place is free again');
});

test('with single_connection a user\'s newest connection ends the others', async (t) => {
  const personal = { enabled: true, single_connection: true, personal_channel_namespace: 'closed' };
  const gateway = await start(t, { subscribe_to_user_personal_channel: personal, allow_anonymous_connect_without_token: true });
  const bob = await Line.user(t, gateway, 'bob');
  const guests = [await Line.connect(t, gateway), await Line.connect(t, gateway)];
  let latest = null;
  for (let i = 0; i < 6; i++) {
    const line = await Line.user(t, gateway, 'ada');
    assert.deepEqual(Object.keys(line.result.subs), ['closed:#ada']);
    if (latest !== null) assert.deepEqual(await latest.closed(WITHIN_MS), [3504, 'connection limit']);
    latest = line;
  }
  for (const line of [latest, bob, ...guests]) await line.settle();
});

test('of many connections of a user at once one stays', async (t) => {
  const personal = { enabled: true, single_connection: true, personal_channel_namespace: 'closed' };
  const gateway = await start(t, { subscribe_to_user_personal_channel: personal });
  const lines = await Promise.all(Array.from({ length: 12 }, () => Line.open(t, gateway)));
  for (const line of lines) line.connect({ token: gateway.token({ sub: 'ada' }) });
  const ended = (line) => line.wire.happened.list.some(({ what }) => what === 'close');
  await eventually(() => lines.filter(ended).length === 11, 'all others are gone');
  await lines.find((line) => !ended(line)).settle();
});
