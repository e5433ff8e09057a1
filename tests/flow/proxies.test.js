// A gateway alone and the operator's back end: who is asked what, and what comes of the answer (protocol reference, section 15).
import assert from 'node:assert/strict';
import { Alone, DIE, HANG, Line, Said, Target, codeOf, eventually, test } from './harness/index.js';

const now = () => Math.floor(Date.now() / 1000);
const base64 = (text) => Buffer.from(text).toString('base64');

/** A gateway whose proxies are all at one target: /connect, /refresh, /subscribe, /publish, /sub_refresh, /rpc. */
async function start(t, { client = {}, channel = {}, proxy = {}, ...more } = {}) {
  const back = await Target.start(t);
  const at = (kind) => ({ endpoint: back.url(`/${kind}`), timeout: '2s', ...proxy });
  const gateway = await Alone.start(t, {
    channel: {
      without_namespace: { allow_subscribe_for_client: true, allow_publish_for_client: true, allow_subscribe_for_anonymous: true },
      proxy: { subscribe: at('subscribe'), publish: at('publish'), sub_refresh: at('sub_refresh') },
      namespaces: [
        { name: 'asked', subscribe_proxy_enabled: true, publish_proxy_enabled: true, sub_refresh_proxy_enabled: true,
          history_size: 10, history_ttl: '60s', presence: true, allow_presence_for_subscriber: true, allow_history_for_subscriber: true },
        { name: 'cache', history_size: 1, history_ttl: '60s', force_recovery: true, force_recovery_mode: 'cache' },
      ],
      ...channel,
    },
    client: {
      proxy: { connect: { enabled: true, ...at('connect') }, refresh: { enabled: true, ...at('refresh') } },
      presence_update_interval: '50ms',
      expired_sub_close_delay: '0s',
      ...client,
    },
    rpc: { proxy: at('rpc'), without_namespace: { proxy_enabled: true }, namespaces: [{ name: 'mute' }] },
    ...more,
  });
  back.on('/connect', { result: { user: 'ada' } });
  return { back, gateway };
}

// ---- connect ----

test('who comes without a token is who the connect proxy says, with all that it says', async (t) => {
  const { back, gateway } = await start(t);
  back.on('/connect', { result: {
    user: 'ada', info: { name: 'Ada' }, data: { hello: ['there'] }, channels: ['lobby', 'asked:tea'],
    subs: { 'asked:tea': { info: { seat: 3 }, data: { menu: 1 }, override: { presence: { value: true } } } },
  } });
  const line = await Line.connect(t, gateway, { name: 'flow', version: '1.2', data: { key: 'x' }, subs: { mine: { recover: true } } });
  const { body } = await back.next('/connect');
  assert.deepEqual(body, {
    client: line.client, transport: 'websocket', protocol: 'json', encoding: 'json', name: 'flow', version: '1.2', data: { key: 'x' }, channels: ['mine'],
  });
  assert.deepEqual(line.result.data, { hello: ['there'] });
  assert.deepEqual(Object.keys(line.result.subs).sort(), ['asked:tea', 'lobby', 'mine']);
  assert.deepEqual(line.result.subs['asked:tea'].data, { menu: 1 });
  assert.equal(line.result.expires, undefined);
  const { presence } = await gateway.api('presence', { channel: 'asked:tea' });
  assert.deepEqual(presence, { [line.client]: { user: 'ada', client: line.client, conn_info: { name: 'Ada' }, chan_info: { seat: 3 } } });
});

test('a wish for a channel that may not be is passed over; for one of a namespace that is not there it ends with 3501', async (t) => {
  const { gateway } = await start(t);
  const line = await Line.connect(t, gateway, { subs: { 'cache:x': {}, lobby: {} } });
  assert.deepEqual(Object.keys(line.result.subs), ['lobby']);
  const wrong = await Line.open(t, gateway);
  wrong.connect({ subs: { 'nowhere:x': {} } });
  assert.deepEqual(await wrong.closed(), [3501, 'bad request']);
});

test('who has a token is not asked about', async (t) => {
  const { back, gateway } = await start(t);
  await Line.user(t, gateway, 'bob');
  assert.equal(back.all('/connect').length, 0);
});

test('a connect proxy without a result leaves it to the settings: 3501, or the anonymous user', async (t) => {
  const { back, gateway } = await start(t);
  back.on('/connect', { result: null });
  const refused = await Line.open(t, gateway);
  refused.connect();
  assert.deepEqual(await refused.closed(), [3501, 'bad request']);
  const open = await start(t, { client: { allow_anonymous_connect_without_token: true, proxy: { connect: { enabled: true, endpoint: back.url('/connect') } } } });
  await Line.connect(t, open.gateway);
  back.on('/connect', {});
  await Line.connect(t, open.gateway);
});

test('errors and disconnects of the connect proxy reach the client as they are', async (t) => {
  const { back, gateway } = await start(t);
  back.on('/connect', { error: { code: 1000, message: 'not today', temporary: true } });
  const refused = await Line.open(t, gateway);
  assert.deepEqual((await refused.connect()).error, { code: 1000, message: 'not today', temporary: true });
  back.on('/connect', { result: { user: 'x' }, error: { code: 1001, message: 'no' }, disconnect: { code: 4501, reason: 'go away' } });
  const ended = await Line.open(t, gateway);
  ended.connect();
  assert.deepEqual(await ended.closed(), [4501, 'go away'], 'a disconnect goes before an error, that before a result');
  back.on('/connect', { result: { user: 'ada', expire_at: now() - 10 } });
  assert.equal(codeOf(await (await Line.open(t, gateway)).connect()), 110);
});

test('a back end that fails, lies or dies is error 100, and those who need none of it notice nothing', async (t) => {
  const { back, gateway } = await start(t, { proxy: { timeout: '300ms' } });
  const bystander = await Line.user(t, gateway, 'bob');
  await bystander.subscribe('lobby');
  const answers = [
    HANG, DIE, new Said(500, '{"result":{"user":"x"}}'), new Said(302, '', { location: back.url('/elsewhere') }), new Said(200, 'no JSON'), new Said(200, ''),
    new Said(200, '[]'), { result: [] }, { result: { user: 7 } }, { result: { user: 'x'.repeat(256) } }, { result: { caps: { not: 'a list' } } },
    { error: { message: 'no code' } }, { disconnect: { code: 1000, reason: 'not his to use' } }, new Said(200, `{"result":{"data":"${'x'.repeat(2 << 20)}"}}`),
  ];
  for (const answer of answers) {
    back.on('/connect', answer);
    const line = await Line.open(t, gateway);
    const asked = line.connect();
    await back.next('/connect');
    await bystander.settle();
    assert.deepEqual((await asked).error, { code: 100, message: 'internal server error', temporary: true }, String(answer.text ?? JSON.stringify(answer)).slice(0, 80));
  }
  await back.close();
  assert.equal(codeOf(await (await Line.open(t, gateway)).connect()), 100);
  await bystander.settle();
  await back.open();
  back.on('/connect', { result: { user: 'ada' } });
  await Line.connect(t, gateway);
  assert.equal(back.all('/elsewhere').length, 0, 'redirects are not followed');
});

test('a client that goes while the back end thinks about it is forgotten', async (t) => {
  const { back, gateway } = await start(t);
  let answer;
  back.on('/connect', () => new Promise((resolve) => (answer = resolve)));
  const line = await Line.open(t, gateway);
  line.connect();
  await back.next('/connect');
  line.wire.socket.terminate();
  await eventually(async () => (await gateway.metrics()).parley_gateway_connections === 0, 'it is gone');
  answer({ result: { user: 'ada', channels: ['lobby'] } });
  back.on('/connect', { result: { user: 'ada' } });
  const next = await Line.connect(t, gateway);
  await next.subscribe('lobby');
  assert.equal((await gateway.metrics()).parley_gateway_subscribes_total, 1, 'the channel it was to have is not followed');
});

test('headers go along as the operator lists them, and a client cannot pretend any', async (t) => {
  const { back, gateway } = await start(t, { proxy: {
    http_headers: ['Cookie', 'X-Real-Ip'], emulated_headers: ['Authorization', 'X-Real-Ip'], http: { static_headers: { 'X-Secret': 'of the operator' } },
  } });
  await Line.connect(t, gateway, { headers: { authorization: 'Bearer x', 'x-real-ip': '6.6.6.6', 'x-secret': 'mine', cookie: 'forged', other: 'y', 'bad name': 'z' } },
    { headers: { cookie: 'session=1', 'x-real-ip': '1.2.3.4', 'x-secret': 'mine too', 'user-agent': 'flow' } });
  const { headers } = await back.next('/connect');
  assert.deepEqual(pick(headers, ['cookie', 'x-real-ip', 'authorization', 'x-secret', 'other', 'user-agent', 'content-type']), {
    cookie: 'session=1', 'x-real-ip': '1.2.3.4', authorization: 'Bearer x', 'x-secret': 'of the operator', other: undefined, 'user-agent': 'parley-gateway', 'content-type': 'application/json',
  });
  back.on('/rpc', { result: {} });
  const other = await Line.user(t, gateway, 'bob', {}, { headers: { cookie: 'session=2' } });
  await other.ask({ rpc: { method: 'x' } });
  assert.equal((await back.next('/rpc')).headers.cookie, 'session=2', 'a client with a token brings its headers too');
});

test('emulated headers reach the other proxies where the connect proxy is off', async (t) => {
  const back = await Target.start(t);
  back.on('/rpc', { result: {} });
  const gateway = await Alone.start(t, { rpc: { proxy: { endpoint: back.url('/rpc'), emulated_headers: ['X-Key'] }, without_namespace: { proxy_enabled: true } } });
  const line = await Line.connect(t, gateway, { token: gateway.token({ sub: 'ada' }), headers: { 'X-Key': 'of the client' } });
  await line.ask({ rpc: { method: 'x' } });
  assert.equal((await back.next('/rpc')).headers['x-key'], 'of the client');
});

function pick(from, names) {
  return Object.fromEntries(names.map((name) => [name, from[name]]));
}

test('a user may be named by a header of the request', async (t) => {
  const gateway = await Alone.start(t, { client: { user_id_http_header: 'X-User-Id' }, channel: { without_namespace: { presence: true } } });
  const line = await Line.connect(t, gateway, {}, { headers: { 'x-user-id': 'ada' } });
  await gateway.api('subscribe', { user: 'ada', channel: 'lobby' });
  await line.push('subscribe');
  assert.equal((await gateway.api('presence', { channel: 'lobby' })).presence[line.client].user, 'ada');
  const nobody = await Line.open(t, gateway);
  nobody.connect();
  assert.deepEqual(await nobody.closed(), [3501, 'bad request']);
});

test('what the connect proxy lets a user do counts as the caps of a token', async (t) => {
  const { back, gateway } = await start(t);
  back.on('/connect', { result: { user: 'ada', caps: [{ channels: ['cache:*'], match: 'wildcard', allow: ['sub', 'pub'] }] } });
  const line = await Line.connect(t, gateway);
  await line.subscribe('cache:a');
  assert.ok((await line.ask({ publish: { channel: 'cache:a', data: 1 } })).publish);
  const bob = await Line.user(t, gateway, 'bob');
  assert.equal(codeOf(await bob.ask({ subscribe: { channel: 'cache:a' } })), 103);
});

test('a server-side subscription of the connect proxy ends when it said, and may begin with the latest publication', async (t) => {
  const { back, gateway } = await start(t);
  await gateway.api('publish', { channel: 'cache:a', data: { n: 1 } });
  back.on('/connect', { result: { user: 'ada', subs: { 'cache:a': { cache_recover: true, expire_at: now() + 2 } } } });
  const line = await Line.connect(t, gateway);
  assert.deepEqual(line.result.subs['cache:a'].publications.map(({ data }) => data), [{ n: 1 }]);
  assert.equal(line.result.subs['cache:a'].recovered, true);
  assert.deepEqual(await line.closed(), [3006, 'subscription expired']);
});

// ---- refresh ----

test('at its end a connection is asked about, and lives on with what is said; its client knows of nothing', async (t) => {
  const { back, gateway } = await start(t, { proxy: { include_connection_meta: true } });
  back.on('/connect', { result: { user: 'ada', expire_at: now() + 2, meta: { org: 5 }, channels: ['asked:tea'] } });
  back.on('/refresh', { result: { expire_at: now() + 3600, info: { name: 'Ada' }, meta: { org: 6 } } });
  const line = await Line.connect(t, gateway);
  assert.deepEqual([line.result.expires, line.result.ttl], [undefined, undefined]);
  const { body } = await back.next('/refresh');
  assert.deepEqual(body, { client: line.client, transport: 'websocket', protocol: 'json', encoding: 'json', user: 'ada', meta: { org: 5 } });
  back.on('/rpc', { result: {} });
  await eventually(async () => {
    await line.ask({ rpc: { method: 'who' } });
    return back.all('/rpc').at(-1).body.meta.org === 6;
  }, 'the new meta');
  back.on('/publish', { result: {} });
  await line.ask({ publish: { channel: 'asked:tea', data: {} } });
  assert.deepEqual((await line.push('pub')).info, { user: 'ada', client: line.client, conn_info: { name: 'Ada' } });
  assert.equal((await line.ask({ refresh: { token: gateway.token({ sub: 'ada' }) } })).closed.code, 3501, 'the client has no say in it');
});

test('a connection ends with 3005 when the refresh proxy says so, and stays while it says nothing', async (t) => {
  const { back, gateway } = await start(t);
  back.on('/connect', { result: { user: 'ada', expire_at: now() + 2 } });
  const answers = { gone: { result: { expired: true } }, silent: {}, late: { result: { expire_at: now() - 5 } }, banned: { disconnect: { code: 4600, reason: 'banned' } },
    broken: new Said(503), wrong: { error: { code: 1000, message: 'no' } } };
  const lines = {};
  back.on('/refresh', ({ body }) => answers[Object.keys(lines).find((name) => lines[name].client === body.client)]);
  for (const name of Object.keys(answers)) lines[name] = await Line.connect(t, gateway);
  const ends = await Promise.all(['gone', 'silent', 'late', 'banned'].map((name) => lines[name].closed()));
  assert.deepEqual(ends, [[3005, 'connection expired'], [3005, 'connection expired'], [3005, 'connection expired'], [4600, 'banned']]);
  await back.until('/refresh', (seen) => seen.length >= 6, 'all were asked about');
  await lines.broken.settle();
  await lines.wrong.settle();
  assert.equal(back.all('/refresh').length, 6, 'once each');
});

// ---- subscribe and sub_refresh ----

test('the subscribe proxy decides, and says what the subscription is like', async (t) => {
  const { back, gateway } = await start(t);
  const line = await Line.user(t, gateway, 'ada');
  back.on('/subscribe', { result: { info: { seat: 1 }, data: { topic: 'tea' }, override: { force_recovery: { value: true } } } });
  const result = await line.subscribe('asked:tea', { data: { please: true } });
  assert.deepEqual((await back.next('/subscribe')).body, { client: line.client, transport: 'websocket', protocol: 'json', encoding: 'json', user: 'ada', channel: 'asked:tea', data: { please: true } });
  assert.deepEqual([result.data, result.recoverable], [{ topic: 'tea' }, true]);
  assert.deepEqual((await line.ask({ presence: { channel: 'asked:tea' } })).presence.presence[line.client].chan_info, { seat: 1 });
  back.on('/subscribe', { error: { code: 400, message: 'not you' } });
  assert.deepEqual((await line.ask({ subscribe: { channel: 'asked:b' } })).error, { code: 400, message: 'not you' });
  back.on('/subscribe', new Said(500));
  assert.equal(codeOf(await line.ask({ subscribe: { channel: 'asked:b' } })), 100);
  back.on('/subscribe', { result: { expire_at: now() - 1 } });
  assert.equal(codeOf(await line.ask({ subscribe: { channel: 'asked:b' } })), 110);
  back.on('/subscribe', { disconnect: { code: 4500, reason: 'bye' } });
  line.ask({ subscribe: { channel: 'asked:b' } });
  assert.deepEqual(await line.closed(), [4500, 'bye']);
});

test('a subscription that a proxy gave is asked about at its end: it is renewed, or ends with 2501', async (t) => {
  const { back, gateway } = await start(t);
  const line = await Line.user(t, gateway, 'ada');
  back.on('/subscribe', () => ({ result: { expire_at: now() + 2 } }));
  back.on('/sub_refresh', ({ body }) => ({ result: body.channel === 'asked:kept' ? { expire_at: now() + 3600, info: { seat: 2 } } : { expired: true } }));
  const kept = await line.subscribe('asked:kept');
  await line.subscribe('asked:ended');
  assert.equal(kept.expires, undefined, 'the client has nothing to do');
  const ended = await line.push('unsubscribe');
  assert.deepEqual(ended, { channel: 'asked:ended', code: 2501, reason: 'subscription expired' });
  await back.until('/sub_refresh', (seen) => seen.length === 2, 'both were asked about');
  assert.deepEqual(back.all('/sub_refresh').map(({ body }) => [body.user, body.channel]).sort(), [['ada', 'asked:ended'], ['ada', 'asked:kept']]);
  back.on('/publish', { result: {} });
  await line.ask({ publish: { channel: 'asked:kept', data: {} } });
  assert.deepEqual((await line.push('pub')).info.chan_info, { seat: 2 });
  assert.equal(line.pushes('unsubscribe').length, 1);
  const token = gateway.token({ sub: 'ada', channel: 'asked:kept', exp: now() + 60 });
  assert.equal((await line.ask({ sub_refresh: { channel: 'asked:kept', token } })).closed.code, 3501);
});

// ---- publish ----

test('the publish proxy may replace what is published, tag it, keep it out of the history, or refuse it', async (t) => {
  const { back, gateway } = await start(t);
  const line = await Line.user(t, gateway, 'ada');
  back.on('/subscribe', { result: {} });
  await line.subscribe('asked:tea');
  const publish = (data) => line.ask({ publish: { channel: 'asked:tea', data } });
  back.on('/publish', { result: { data: { text: 'mild' }, tags: { lang: 'en' } } });
  assert.deepEqual((await publish({ text: 'rude' })).publish, {});
  assert.deepEqual((await back.next('/publish')).body, { client: line.client, transport: 'websocket', protocol: 'json', encoding: 'json', user: 'ada', channel: 'asked:tea', data: { text: 'rude' } });
  const first = await line.push('pub', 1);
  assert.deepEqual([first.data, first.tags, first.offset, first.info.user], [{ text: 'mild' }, { lang: 'en' }, 1, 'ada']);
  back.on('/publish', { result: { skip_history: true } });
  await publish({ text: 'as it is' });
  const second = await line.push('pub', 2);
  assert.deepEqual([second.data, second.offset], [{ text: 'as it is' }, undefined]);
  back.on('/publish', { result: { version: 7, version_epoch: 'a' } });
  await publish(1);
  back.on('/publish', { result: { version: 6, version_epoch: 'a' } });
  await publish(2);
  back.on('/publish', {});
  await publish(3);
  assert.deepEqual([(await line.push('pub', 3)).data, (await line.push('pub', 4)).data], [1, 3], 'an older version is passed over');
  back.on('/publish', { error: { code: 1234, message: 'language!' } });
  assert.deepEqual((await publish({})).error, { code: 1234, message: 'language!' });
  back.on('/publish', DIE);
  assert.equal(codeOf(await publish({})), 100);
  back.on('/publish', { disconnect: { code: 4501, reason: 'enough' } });
  assert.equal((await publish({})).closed.code, 4501);
});

// ---- rpc ----

test('rpc is answered by the proxy of the namespace of its method', async (t) => {
  const back = await Target.start(t);
  const gateway = await Alone.start(t, {
    rpc: { without_namespace: { proxy_enabled: true }, namespaces: [{ name: 'sums', proxy_enabled: true, proxy_name: 'calculator' }, { name: 'mute' }],
      proxy: { endpoint: back.url('/rpc') } },
    proxies: [{ name: 'calculator', endpoint: back.url('/sums') }],
  });
  back.on('/rpc', { result: { data: { here: 'I am' } } });
  back.on('/sums', ({ body }) => ({ result: { data: body.data.reduce((sum, n) => sum + n) } }));
  const line = await Line.user(t, gateway, 'ada');
  const rpc = (method, data) => line.ask({ rpc: { method, data } });
  assert.deepEqual((await rpc('whoever')).rpc, { data: { here: 'I am' } });
  assert.deepEqual((await back.next('/rpc')).body, { client: line.client, transport: 'websocket', protocol: 'json', encoding: 'json', user: 'ada', method: 'whoever' });
  assert.deepEqual((await rpc('sums:add', [1, 2, 3])).rpc, { data: 6 });
  assert.equal((await back.next('/sums')).body.method, 'sums:add');
  assert.equal(codeOf(await rpc('unknown:x')), 104);
  assert.equal(codeOf(await rpc('mute:x')), 108);
  back.on('/rpc', { result: {} });
  assert.deepEqual((await rpc('x')).rpc, {});
  back.on('/rpc', new Said(200, '{"result":{"data":{\n "pretty":\n true}}}'));
  assert.deepEqual((await rpc('x')).rpc, { data: { pretty: true } });
  const none = await Alone.start(t, {});
  assert.equal(codeOf(await (await Line.user(t, none, 'ada')).ask({ rpc: { method: 'x:y' } })), 108);
});

// ---- how it is asked ----

test('with binary encoding payloads go as base64, and bytes that are no JSON end a JSON client', async (t) => {
  const { back, gateway } = await start(t, { proxy: { binary_encoding: true } });
  back.on('/connect', { result: { user: 'ada', b64data: base64('{"n":1}'), b64info: base64('{"name":"Ada"}') } });
  const line = await Line.connect(t, gateway, { data: { key: 'x' } });
  const { body } = await back.next('/connect');
  assert.deepEqual([body.encoding, body.data, body.b64data], ['binary', undefined, base64('{"key":"x"}')]);
  assert.deepEqual(line.result.data, { n: 1 });
  back.on('/rpc', ({ body: asked }) => ({ result: { b64data: asked.b64data } }));
  assert.deepEqual((await line.ask({ rpc: { method: 'echo', data: [1] } })).rpc, { data: [1] });
  back.on('/rpc', { result: { b64data: base64('\x00\x01') } });
  assert.equal((await line.ask({ rpc: { method: 'echo' } })).closed.code, 3506);
  back.on('/connect', { result: { user: 'ada', b64data: base64('{"broken') } });
  const refused = await Line.open(t, gateway);
  assert.equal((await refused.connect()).closed.code, 3506);
  back.on('/connect', { result: { user: 'ada' } });
  back.on('/subscribe', { result: { b64data: base64('nope') } });
  const subscriber = await Line.connect(t, gateway);
  subscriber.ask({ subscribe: { channel: 'asked:x' } });
  assert.deepEqual(await subscriber.closed(), [3506, 'inappropriate protocol']);
});

test('bytes that are no JSON, as what is known of a publisher, end JSON clients that would be shown them', async (t) => {
  const { back, gateway } = await start(t);
  back.on('/connect', { result: { user: 'odd', b64info: base64('\xff\xfe') } });
  const odd = await Line.connect(t, gateway);
  const bystander = await Line.user(t, gateway, 'bob');
  const listener = await Line.user(t, gateway, 'eve');
  await listener.subscribe('lobby');
  assert.ok((await odd.ask({ publish: { channel: 'lobby', data: {} } })).publish);
  assert.deepEqual(await listener.closed(), [3506, 'inappropriate protocol']);
  back.on('/subscribe', { result: {} });
  await odd.ask({ subscribe: { channel: 'asked:x' } });
  await bystander.subscribe('asked:x');
  assert.equal((await bystander.ask({ presence: { channel: 'asked:x' } })).closed.code, 3506);
});

test('what the token says for back ends goes along where the operator wants it, and never to clients', async (t) => {
  const { back, gateway } = await start(t, { proxy: { include_connection_meta: true } });
  back.on('/rpc', { result: {} });
  const line = await Line.user(t, gateway, 'ada', { meta: { secret: 42 } });
  await line.ask({ rpc: { method: 'x' } });
  assert.deepEqual((await back.next('/rpc')).body.meta, { secret: 42 });
  assert.ok(!JSON.stringify(line.wire.happened.list).includes('secret'));
  const without = await start(t);
  without.back.on('/rpc', { result: {} });
  const other = await Line.user(t, without.gateway, 'ada', { meta: { secret: 42 } });
  await other.ask({ rpc: { method: 'x' } });
  assert.equal((await without.back.next('/rpc')).body.meta, undefined);
});

test('HTTP statuses may mean an error or a disconnect', async (t) => {
  const { back, gateway } = await start(t, { proxy: { http: { status_to_code_transforms: [
    { status_code: 404, to_error: { code: 404, message: 'no such thing', temporary: true } },
    { status_code: 429, to_disconnect: { code: 4429, reason: 'slow down' } },
  ] } } });
  const line = await Line.user(t, gateway, 'ada');
  back.on('/rpc', new Said(404));
  assert.deepEqual((await line.ask({ rpc: { method: 'x' } })).error, { code: 404, message: 'no such thing', temporary: true });
  back.on('/rpc', new Said(400));
  assert.equal(codeOf(await line.ask({ rpc: { method: 'x' } })), 100);
  back.on('/rpc', new Said(429));
  assert.deepEqual((await line.ask({ rpc: { method: 'x' } })).closed, { what: 'close', code: 4429, reason: 'slow down' });
});

test('connections to the back end are used again', async (t) => {
  const { back, gateway } = await start(t);
  back.on('/rpc', { result: {} });
  const line = await Line.user(t, gateway, 'ada');
  for (let i = 0; i < 20; i++) assert.ok((await line.ask({ rpc: { method: 'x' } })).rpc);
  assert.equal(new Set(back.all('/rpc').map(({ connection }) => connection)).size, 1, 'one connection for calls one after the other');
});

test('more calls than proxy.open_max at once are error 100 at once', async (t) => {
  const back = await Target.start(t);
  const gateway = await Alone.start(t, {
    proxy: { open_max: 4 }, rpc: { proxy: { endpoint: back.url('/rpc'), timeout: '30s' }, without_namespace: { proxy_enabled: true } },
  });
  let release;
  const released = new Promise((resolve) => (release = resolve));
  back.on('/rpc', () => released);
  const lines = await Promise.all(Array.from({ length: 6 }, () => Line.user(t, gateway, 'ada')));
  const waiting = lines.slice(0, 4).map((line) => line.ask({ rpc: { method: 'x' } }));
  await back.until('/rpc', (seen) => seen.length === 4, 'four calls');
  for (const line of lines.slice(4)) assert.equal(codeOf(await line.ask({ rpc: { method: 'x' } })), 100);
  assert.equal(back.mostAtOnce, 4);
  release({ result: { data: 1 } });
  assert.deepEqual((await Promise.all(waiting)).map(({ rpc }) => rpc.data), [1, 1, 1, 1]);
});

test('a back end that hangs holds up its own clients alone, and not the end of the gateway', async (t) => {
  const { back, gateway } = await start(t, { proxy: { timeout: '500ms' } });
  back.on('/rpc', HANG);
  back.on('/publish', { result: {} });
  back.on('/subscribe', { result: {} });
  const stuck = await Promise.all(Array.from({ length: 80 }, () => Line.user(t, gateway, 'ada')));
  const other = await Line.user(t, gateway, 'bob');
  const waiting = stuck.map((line) => line.ask({ rpc: { method: 'x' } }));
  await other.subscribe('lobby');
  await other.ask({ publish: { channel: 'lobby', data: 1 } });
  await other.push('pub');
  assert.deepEqual([...new Set((await Promise.all(waiting)).map(codeOf))], [100]);
  stuck[0].ask({ rpc: { method: 'x' } });
  await back.until('/rpc', (seen) => seen.length > 64, 'the last one');
  assert.equal((await gateway.stop()).code, 0);
});
