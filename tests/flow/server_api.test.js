import assert from 'node:assert/strict';
import net from 'node:net';
import { Alone, API_KEY, Wire, eventually, exchange, test } from './harness/index.js';

const CONFIG = {
  gateway: { threads: 2 },
  channel: {
    without_namespace: {
      presence: true, history_size: 10, history_ttl: '300s', allowed_delta_types: ['fossil'],
      allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true,
    },
    namespaces: [
      { name: 'bare', allow_subscribe_for_client: true },
      { name: 'object', publication_data_format: 'json_object' },
      { name: 'binary', publication_data_format: 'binary', history_size: 10, history_ttl: '300s' },
    ],
  },
  client: { allow_anonymous_connect_without_token: true },
};

const ANY_EPOCH = /"epoch":"[A-Za-z]{8}"/g;
const start = (t, more = {}) => Alone.start(t, { ...CONFIG, ...more });
const withoutEpoch = (text) => text.replace(ANY_EPOCH, '"epoch":"E"');

/** A connected client; `claims` null: an anonymous one. Answers its wire, with `client`. */
async function connect(t, gateway, claims = { sub: 'ada' }) {
  const wire = await Wire.open(t, gateway);
  wire.send({ id: 1, connect: claims === null ? {} : { token: gateway.token(claims) } });
  const reply = await wire.reply(1);
  assert.ok(reply.connect, JSON.stringify(reply));
  return Object.assign(wire, { client: reply.connect.client, gateway });
}

async function subscribe(wire, channel, options = {}) {
  wire.send({ id: 2, subscribe: { channel, ...options } });
  const reply = await wire.reply(2);
  assert.ok(reply.subscribe, JSON.stringify(reply));
  return reply.subscribe;
}

const pushes = (wire, kind) => wire.happened.list.filter(({ push }) => push?.[kind]).map(({ push }) => push);

/** The `count`th push of this kind. */
const push = (wire, kind, count = 1) => wire.happened.until(() => pushes(wire, kind)[count - 1], `push ${kind} ${count}`);

/** All that was sent to this client so far has arrived: a command behind it is answered. */
async function settle(wire) {
  const id = (wire.lastId = (wire.lastId ?? 1000) + 1);
  wire.send({ id, unsubscribe: { channel: 'none' } });
  await wire.reply(id);
}

/** How `api` fails: its error's code. */
const code = (call) => call.then((result) => assert.fail(JSON.stringify(result)), (error) => error.code);

// ---- transport ----

test('a call needs the key, in a header of its own, in Authorization or in the query', async (t) => {
  const gateway = await start(t);
  const status = async (options) => (await gateway.ask('info', {}, { key: null, ...options })).status;
  for (const options of [{ key: API_KEY }, { headers: { authorization: `apikey ${API_KEY}` } },
    { headers: { authorization: `ApiKey ${API_KEY}` } }, { query: `api_key=${API_KEY}` }])
    assert.equal(await status(options), 200, JSON.stringify(options));
  for (const options of [{}, { key: '' }, { key: `${API_KEY}x` }, { key: API_KEY.slice(1) }, { headers: { authorization: API_KEY } },
    { headers: { authorization: `bearer ${API_KEY}` } }, { query: 'api_key=' }, { query: 'api_key=wrong' }])
    assert.equal(await status(options), 401, JSON.stringify(options));
  assert.equal((await gateway.metrics()).parley_gateway_api_refused_total, 8);
});

test('without a key in the settings nobody may call, unless the API is insecure', async (t) => {
  const closed = await start(t, { http_api: { key: undefined } });
  for (const key of [null, '', 'x']) assert.equal((await closed.ask('info', {}, { key })).status, 401);
  const open = await start(t, { http_api: { key: undefined, insecure: true } });
  assert.equal((await open.ask('publish', { channel: 'a', data: 1 }, { key: null })).status, 200);
  const off = await start(t, { http_api: { disabled: true } });
  assert.equal((await off.ask('publish', { channel: 'a', data: 1 })).status, 404);
  const elsewhere = await start(t, { http_api: { handler_prefix: '/server/api' } });
  assert.deepEqual(await elsewhere.api('publish', { channel: 'bare:a', data: 1 }), {});
  assert.equal((await exchange(elsewhere.origin, 'POST', '/api/publish', { headers: { 'x-api-key': API_KEY }, body: '{}' })).status, 404);
});

test('what is no call is told by its status and a line of text', async (t) => {
  const gateway = await start(t);
  for (const verb of ['GET', 'PUT', 'DELETE', 'OPTIONS']) assert.equal((await gateway.ask('info', {}, { verb })).status, 405, verb);
  const deep = `${'['.repeat(40)}${']'.repeat(40)}`;
  for (const body of ['', ' ', '{', '[]', '1', 'null', '{}{}', '{"channel":"a",}', '\xff', `{"channel":"a","data":${deep}}`, '{"a":"\\ud800"}']) {
    const answer = await gateway.ask('publish', {}, { body });
    assert.deepEqual([answer.status, answer.headers['content-type'].split(';')[0]], [400, 'text/plain'], body);
  }
  const large = await gateway.ask('publish', { channel: 'bare:a', data: 'x'.repeat(8 << 20) });
  assert.equal(large.status, 413);
  assert.deepEqual(await gateway.api('publish', { channel: 'bare:a', data: 'x'.repeat((8 << 20) - 100) }), {});
  assert.equal(await code(gateway.api('nope', {})), 104);
});

test('in transport mode an error is the body, under a status of its own', async (t) => {
  const byHeader = { headers: { 'x-centrifugo-error-mode': 'transport' } };
  const gateway = await start(t);
  const strict = await start(t, { http_api: { error_mode: 'transport' } });
  await strict.api('publish', { channel: 'a', data: 1 });
  const rows = [
    ['publish', { channel: 'nope:x', data: 1 }, 404, '{"code":102,"message":"unknown channel"}'],
    ['nope', {}, 404, '{"code":104,"message":"method not found"}'],
    ['publish', { data: 1 }, 400, '{"code":107,"message":"bad request"}'],
    ['presence', { channel: 'bare:x' }, 400, '{"code":108,"message":"not available"}'],
    ['history', { channel: 'a', since: { offset: 1, epoch: 'other' } }, 416, '{"code":112,"message":"unrecoverable position"}'],
  ];
  for (const [method, params, status, text] of rows) {
    for (const answer of [await strict.ask(method, params), await gateway.ask(method, params, byHeader)])
      assert.deepEqual([answer.status, answer.text], [status, text], method);
    const plain = await gateway.ask(method, params);
    assert.deepEqual([plain.status, plain.text], [200, `{"error":${text}}`], method);
  }
  assert.equal((await gateway.ask('publish', { channel: 'bare:a', data: 1 }, byHeader)).text, '{"result":{}}');
});

test('a stream of commands is answered line by line, in its order', async (t) => {
  const gateway = await start(t);
  const ask = async (body) => withoutEpoch((await gateway.ask('', {}, { body })).text);
  assert.equal(await ask('{"id":1,"method":"publish","params":{"channel":"a","data":1}}'), '{"id":1,"result":{"offset":1,"epoch":"E"}}');
  assert.equal(
    await ask('{"id":7,"method":0,"params":{"channel":"a","data":2}} \n\t {"method":"PRESENCE_stats","params":{"channel":"a"}}{"id":8,"method":"nope"}\n'),
    '{"id":7,"result":{"offset":2,"epoch":"E"}}\n{"result":{"num_clients":0,"num_users":0}}\n{"id":8,"error":{"code":104,"message":"method not found"}}',
  );
  const numbers = ['publish', 'broadcast', 'unsubscribe', 'disconnect', 'presence', 'presence_stats', 'history', 'history_remove',
    'channels', 'info', 'rpc', 'subscribe', 'refresh'];
  for (const [method, name] of numbers.entries())
    assert.equal(await ask(JSON.stringify({ id: 1, method, params: {} })), await ask(JSON.stringify({ id: 1, method: name, params: {} })), name);
  assert.match(await ask('{"method":13}'), /"code":104/);
  assert.match(await ask('{"params":{"channel":"bare:a","data":"}\\"{"}}'), /^\{"result":\{\}\}$/, 'without a method it publishes');
  const before = (await gateway.api('history', { channel: 'a' })).offset;
  const good = '{"method":"publish","params":{"channel":"a","data":3}}';
  for (const body of ['', '  ', '[]', `${good}x`, `${good}{`, `${good}{"a":}`, `${good}{"method":{}}`, `${good}{"id":-1}`, `${good}{"id":4294967296}`])
    assert.equal((await gateway.ask('', {}, { body })).status, 400, body);
  assert.equal((await gateway.api('history', { channel: 'a' })).offset, before, 'nothing of a broken stream is done');
});

// ---- every method ----

const CHANNEL_METHODS = { publish: { data: {} }, presence: {}, presence_stats: {}, history: {}, history_remove: {}, subscribe: { user: 'ada' }, unsubscribe: { user: 'ada' } };

test('what must be there is missed, and namespaces that are not there are unknown', async (t) => {
  const gateway = await start(t);
  for (const [method, params] of Object.entries(CHANNEL_METHODS)) {
    assert.equal(await code(gateway.api(method, { ...params, channel: 'nope:x' })), 102, method);
    assert.equal(await code(gateway.api(method, { ...params, channel: 'x'.repeat(256) })), 107, method);
    assert.equal(await code(gateway.api(method, { ...params, channel: 5 })), 107, method);
    if (method !== 'unsubscribe') assert.equal(await code(gateway.api(method, params)), 107, method);
  }
  for (const [method, params] of [['publish', { channel: 'a' }], ['publish', { channel: 'a', data: null }], ['broadcast', {}],
    ['broadcast', { channels: [], data: 1 }], ['broadcast', { channels: 'a', data: 1 }], ['broadcast', { channels: [1], data: 1 }],
    ['rpc', {}], ['block_user', {}], ['unblock_user', {}], ['revoke_token', {}], ['invalidate_user_tokens', {}]])
    assert.equal(await code(gateway.api(method, params)), 107, `${method} ${JSON.stringify(params)}`);
  for (const [name, wrong] of [['tags', ['a']], ['tags', { a: 1 }], ['version', -1], ['version', 1.5], ['idempotency_key', 1], ['delta', 'yes'],
    ['skip_history', 1], ['b64data', '***'], ['b64data', 'QQ']])
    assert.equal(await code(gateway.api('publish', { channel: 'a', data: 1, [name]: wrong })), 107, name);
  assert.equal(await code(gateway.api('history', { channel: 'a', limit: 2 ** 31 })), 107);
  assert.equal((await gateway.ask('rpc', { method: 'x' })).text, '{"error":{"code":104,"message":"not found"}}');
  for (const method of ['presence', 'presence_stats', 'history', 'history_remove'])
    assert.equal(await code(gateway.api(method, { channel: 'bare:x' })), 108, method);
});

test('answers are those of the reference, byte by byte', async (t) => {
  const gateway = await start(t);
  const ask = async (method, params) => withoutEpoch((await gateway.ask(method, params)).text);
  assert.equal(await ask('publish', { channel: 'news', data: { n: 7 }, tags: { lang: 'go' } }), '{"result":{"offset":1,"epoch":"E"}}');
  assert.equal(await ask('publish', { channel: 'bare:x', data: {} }), '{"result":{}}');
  assert.equal(await ask('publish', { channel: 'nope:x', data: {} }), '{"error":{"code":102,"message":"unknown channel"}}');
  assert.equal(await ask('batch', { commands: [{ publish: { channel: 'a', data: { t: 'x' } } }, { presence: { channel: 'bare:a' } }] }),
    '{"replies":[{"publish":{"offset":1,"epoch":"E"}},{"error":{"code":108,"message":"not available"}}]}');
  assert.equal(await ask('broadcast', { channels: ['news', 'nope:x', 'bare:x', ''], data: 1 }),
    '{"result":{"responses":[{"result":{"offset":2,"epoch":"E"}},{"error":{"code":102,"message":"unknown channel"}},{"result":{}},{"error":{"code":107,"message":"bad request"}}]}}');
  assert.equal(await ask('history', { channel: 'news', limit: -1 }),
    '{"result":{"publications":[{"data":{"n":7},"offset":1,"tags":{"lang":"go"}},{"data":1,"offset":2}],"epoch":"E","offset":2}}');
  assert.equal(await ask('history', { channel: 'news' }), '{"result":{"publications":[],"epoch":"E","offset":2}}');
  assert.equal(await ask('history', { channel: 'empty' }), '{"result":{"publications":[],"epoch":"E","offset":0}}');
  assert.equal(await ask('history_remove', { channel: 'news' }), '{"result":{}}');
  assert.equal(await ask('history', { channel: 'news', limit: -1 }), '{"result":{"publications":[],"epoch":"E","offset":2}}');
  assert.equal(await ask('presence', { channel: 'news' }), '{"result":{"presence":{}}}');
  assert.equal(await ask('presence_stats', { channel: 'news' }), '{"result":{"num_clients":0,"num_users":0}}');
  for (const method of ['disconnect', 'refresh', 'unsubscribe', 'subscribe'])
    assert.equal(await ask(method, { user: 'nobody', channel: 'news' }), '{"result":{}}', method);
  const ada = await connect(t, gateway, { sub: 'ada', info: { name: 'Ada' } });
  await subscribe(ada, 'news');
  assert.equal(await ask('presence', { channel: 'news' }),
    `{"result":{"presence":{"${ada.client}":{"user":"ada","client":"${ada.client}","conn_info":{"name":"Ada"}}}}}`);
  assert.equal(await ask('presence_stats', { channel: 'news' }), '{"result":{"num_clients":1,"num_users":1}}');
});

// ---- publish ----

test('what is published reaches subscribers with its tags, and without any publisher', async (t) => {
  const gateway = await start(t);
  const ada = await connect(t, gateway);
  await subscribe(ada, 'news');
  const { epoch } = await gateway.api('publish', { channel: 'news', data: { n: 7 }, tags: { lang: 'go', 'a"b': '\n' } });
  assert.deepEqual(await push(ada, 'pub'), { channel: 'news', pub: { data: { n: 7 }, offset: 1, tags: { lang: 'go', 'a"b': '\n' }, epoch } });
  await gateway.api('broadcast', { channels: ['other', 'news'], data: 'to all' });
  assert.deepEqual(await push(ada, 'pub', 2), { channel: 'news', pub: { data: 'to all', offset: 2 } });
});

test('b64data is published as it is, and wins over data', async (t) => {
  const gateway = await start(t);
  const base64 = (text) => Buffer.from(text).toString('base64');
  await gateway.api('publish', { channel: 'news', data: 1, b64data: base64('{"two":2}') });
  await gateway.api('publish', { channel: 'news', data: 1, b64data: '' });
  assert.deepEqual((await gateway.api('history', { channel: 'news', limit: -1 })).publications.map(({ data }) => data), [{ two: 2 }, 1]);
  await gateway.api('publish', { channel: 'binary:x', b64data: base64('\x00\xff') });
  await gateway.api('publish', { channel: 'binary:x' });
  assert.deepEqual((await gateway.api('history', { channel: 'binary:x', limit: -1 })).publications,
    [{ b64data: base64('\x00\xff'), offset: 1 }, { offset: 2 }], 'what is no JSON is told in base64');
});

test('data must be what its namespace asks for', async (t) => {
  const gateway = await start(t);
  assert.deepEqual(await gateway.api('publish', { channel: 'object:x', data: {} }), {});
  for (const params of [{ data: 1 }, { data: [] }, {}, { b64data: Buffer.from('{').toString('base64') }])
    assert.equal(await code(gateway.api('publish', { channel: 'object:x', ...params })), 107, JSON.stringify(params));
  const { responses } = await gateway.api('broadcast', { channels: ['object:x', 'bare:x'], data: 1 });
  assert.deepEqual(responses, [{ error: { code: 107, message: 'bad request' } }, { result: {} }]);
});

test('the same key publishes once in each channel, and answers the same', async (t) => {
  const gateway = await start(t);
  const ada = await connect(t, gateway);
  await subscribe(ada, 'news');
  const send = (data, channel = 'news') => gateway.api('publish', { channel, data, idempotency_key: 'once' });
  const first = await send(1);
  assert.deepEqual([await send(2), await send(3)], [first, first]);
  assert.equal((await send(1, 'other')).offset, 1);
  const { responses } = await gateway.api('broadcast', { channels: ['news', 'third'], data: 4, idempotency_key: 'once' });
  assert.deepEqual([responses[0].result, responses[1].result.offset], [first, 1]);
  await gateway.api('publish', { channel: 'news', data: 'last' });
  await push(ada, 'pub', 2);
  assert.deepEqual(pushes(ada, 'pub').map(({ pub }) => pub.data), [1, 'last']);
});

test('an older version is passed over, unless it is of another epoch', async (t) => {
  const gateway = await start(t);
  const send = async (data, version, version_epoch) => (await gateway.api('publish', { channel: 'v', data, version, version_epoch })).offset;
  assert.equal(await send('ten', 10), 1);
  assert.equal(await send('nine', 9), 1, 'the answer is the top');
  assert.equal(await send('ten again', 10), 1);
  assert.equal(await send('eleven', 11, 'first'), 2);
  assert.equal(await send('three of it', 3, 'second'), 3);
  assert.equal(await send('two of it', 2, 'second'), 3);
  const { publications } = await gateway.api('history', { channel: 'v', limit: -1 });
  assert.deepEqual(publications.map(({ data }) => data), ['ten', 'eleven', 'three of it']);
});

test('what skips history has no offset and is not kept', async (t) => {
  const gateway = await start(t);
  const ada = await connect(t, gateway);
  await subscribe(ada, 'news');
  assert.deepEqual(await gateway.api('publish', { channel: 'news', data: 'now only', skip_history: true }), {});
  assert.deepEqual(await push(ada, 'pub'), { channel: 'news', pub: { data: 'now only' } });
  assert.deepEqual((await gateway.api('history', { channel: 'news', limit: -1 })).publications, []);
});

test('a publication is sent as a delta when it was asked for', async (t) => {
  const gateway = await start(t);
  const ada = await connect(t, gateway);
  assert.equal((await subscribe(ada, 'prices', { delta: 'fossil' })).delta, true);
  const text = (price) => `{"price":${price},"symbol":"ABC","venue":"XYZ"}`;
  for (const [price, delta] of [[100, true], [101, true], [102, false]])
    await gateway.ask('publish', {}, { body: `{"channel":"prices","delta":${delta},"data":${text(price)}}` });
  await push(ada, 'pub', 3);
  const [full, delta, undemanded] = pushes(ada, 'pub').map(({ pub }) => pub);
  assert.deepEqual([full.data, delta.data, delta.delta], [text(100), 'f\nB@0,1:1U@C,3uQWtP;', true]);
  assert.deepEqual([undemanded.data, undemanded.delta], [text(102), undefined]);
});

// ---- history ----

test('history is read forward and backward, from a position, as far as it is kept', async (t) => {
  const gateway = await start(t);
  for (let n = 1; n <= 12; n++) await gateway.api('publish', { channel: 'h', data: n });
  const { epoch } = await gateway.api('history', { channel: 'h' });
  const read = async (params) => (await gateway.api('history', { channel: 'h', limit: -1, ...params })).publications.map(({ data }) => data);
  assert.deepEqual(await read({}), [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  assert.deepEqual(await read({ limit: 2 }), [3, 4]);
  assert.deepEqual(await read({ limit: 2, reverse: true }), [12, 11]);
  assert.deepEqual(await read({ since: { offset: 10, epoch } }), [11, 12]);
  assert.deepEqual(await read({ since: { offset: 10, epoch }, reverse: true, limit: 2 }), [9, 8]);
  assert.deepEqual(await read({ since: { offset: 1, epoch }, limit: 1 }), [3], 'what is lost is no error');
  assert.deepEqual(await read({ since: { offset: 11 } }), [12]);
  assert.equal(await code(gateway.api('history', { channel: 'h', since: { offset: 10, epoch: 'other' } })), 112);
  assert.equal(await code(gateway.api('history', { channel: 'h', reverse: true, since: { offset: 0, epoch } })), 107);
});

// ---- what is going on ----

test('channels, connections and nodes are told as they are', async (t) => {
  const gateway = await start(t, { gateway: { threads: 2, name: 'tea' } });
  const [phone, laptop, bob] = [await connect(t, gateway), await connect(t, gateway), await connect(t, gateway, { sub: 'bob' })];
  for (const wire of [phone, laptop, bob]) await subscribe(wire, 'all');
  bob.send({ id: 3, subscribe: { channel: 'bare:bob' } });
  await bob.reply(3);
  assert.deepEqual(await gateway.api('channels'), { channels: { all: { num_clients: 3 }, 'bare:bob': { num_clients: 1 } } });
  assert.deepEqual(await gateway.api('channels', { pattern: 'bare:*' }), { channels: { 'bare:bob': { num_clients: 1 } } });
  assert.deepEqual(await gateway.api('channels', { pattern: 'x*' }), { channels: {} });
  const { connections } = await gateway.api('connections', { user: 'ada' });
  assert.deepEqual(Object.keys(connections).sort(), [phone.client, laptop.client].sort());
  const { connected_at: since, ...connection } = connections[phone.client];
  assert.ok(Math.abs(since - Date.now() / 1000) < 60, since);
  assert.deepEqual(connection, { user: 'ada', transport: 'websocket', protocol: 'json', channels: ['all'] });
  assert.equal(Object.keys((await gateway.api('connections')).connections).length, 3);
  const { nodes: [node, ...others] } = await gateway.api('info');
  assert.deepEqual(others, []);
  assert.deepEqual([node.num_clients, node.num_channels, node.num_subs], [3, 2, 4]);
  assert.ok(node.uid && node.version && node.name);
  laptop.socket.terminate();
  await eventually(async () => (await gateway.api('channels')).channels.all.num_clients === 2, 'one less');
});

// ---- connections of users ----

test('subscribe and unsubscribe reach all connections of a user, with what was given', async (t) => {
  const gateway = await start(t);
  const [phone, laptop, bob] = [await connect(t, gateway), await connect(t, gateway), await connect(t, gateway, { sub: 'bob' })];
  await gateway.api('publish', { channel: 'user-1', data: 'before' });
  await gateway.api('subscribe', { user: 'ada', channel: 'user-1', data: { hi: 1 }, info: { in: 'chan' }, override: { force_recovery: { value: true } } });
  for (const device of [phone, laptop]) {
    const { channel, subscribe: told } = await push(device, 'subscribe');
    assert.deepEqual([channel, told.recoverable, told.positioned, told.offset, told.data], ['user-1', true, true, 1, { hi: 1 }]);
  }
  const { presence } = await gateway.api('presence', { channel: 'user-1' });
  assert.deepEqual(Object.values(presence).map(({ user, chan_info }) => [user, chan_info]), Array(2).fill(['ada', { in: 'chan' }]));
  await gateway.api('publish', { channel: 'user-1', data: { hi: 1 } });
  for (const device of [phone, laptop]) assert.deepEqual(await push(device, 'pub'), { channel: 'user-1', pub: { data: { hi: 1 }, offset: 2 } });
  await gateway.api('unsubscribe', { user: 'ada', channel: 'user-1', client: phone.client });
  assert.deepEqual(await push(phone, 'unsubscribe'), { channel: 'user-1', unsubscribe: { code: 2000, reason: 'server unsubscribe' } });
  await gateway.api('publish', { channel: 'user-1', data: 'after' });
  await push(laptop, 'pub', 2);
  for (const wire of [phone, bob]) await settle(wire);
  assert.equal(pushes(phone, 'pub').length, 1);
  assert.deepEqual(['subscribe', 'pub', 'unsubscribe'].flatMap((kind) => pushes(bob, kind)), []);
});

test('a subscription made by the API recovers from a position', async (t) => {
  const gateway = await start(t);
  const ada = await connect(t, gateway);
  for (let n = 1; n <= 3; n++) await gateway.api('publish', { channel: 'r', data: n });
  const { epoch } = await gateway.api('history', { channel: 'r' });
  await gateway.api('subscribe', { user: 'ada', channel: 'r', recover_since: { offset: 1, epoch }, override: { force_recovery: { value: true } } });
  await push(ada, 'pub', 2);
  assert.deepEqual(pushes(ada, 'pub').map(({ pub }) => pub.data), [2, 3]);
});

test('an empty channel unsubscribes from all', async (t) => {
  const gateway = await start(t);
  const ada = await connect(t, gateway);
  await subscribe(ada, 'one');
  await gateway.api('subscribe', { user: 'ada', channel: 'two' });
  await push(ada, 'subscribe');
  await gateway.api('unsubscribe', { user: 'ada', channel: '' });
  await push(ada, 'unsubscribe', 2);
  assert.deepEqual(pushes(ada, 'unsubscribe').map(({ channel }) => channel).sort(), ['one', 'two']);
});

test('disconnect ends connections with the code and the reason, but not those on the whitelist', async (t) => {
  const gateway = await start(t);
  const [kept, gone, custom] = [await connect(t, gateway), await connect(t, gateway), await connect(t, gateway, { sub: 'bob' })];
  await gateway.api('disconnect', { user: 'ada', whitelist: [kept.client, 'x'] });
  assert.deepEqual(await gone.closed(), { what: 'close', code: 3503, reason: 'force disconnect' });
  await settle(kept);
  await gateway.api('disconnect', { user: 'bob', disconnect: { code: 4100, reason: 'go' } });
  assert.deepEqual(await custom.closed(), { what: 'close', code: 4100, reason: 'go' });
  for (const disconnect of [{ code: 1000 }, { code: 2999 }, { code: 5000 }, { code: 4000, reason: 'x'.repeat(124) }, { code: 4000, reason: '{"reconnect":true}' }])
    assert.equal(await code(gateway.api('disconnect', { user: 'ada', disconnect })), 107, JSON.stringify(disconnect));
  await settle(kept);
});

test('an empty user is the anonymous one; a client alone is found whoever it is', async (t) => {
  const gateway = await start(t);
  const [ada, bob, nobody] = [await connect(t, gateway), await connect(t, gateway, { sub: 'bob' }), await connect(t, gateway, null)];
  await gateway.api('disconnect', { user: '', client: ada.client });
  await gateway.api('disconnect', { user: 'bob', client: ada.client });
  await gateway.api('disconnect', {});
  assert.equal((await nobody.closed()).code, 3503);
  for (const wire of [ada, bob]) await settle(wire);
  await gateway.api('disconnect', { client: ada.client });
  assert.equal((await ada.closed()).code, 3503);
  await settle(bob);
});

test('refresh sets another end, takes it away, or ends the connection', async (t) => {
  const gateway = await start(t);
  const now = Math.floor(Date.now() / 1000);
  const ada = await connect(t, gateway, { sub: 'ada', exp: now + 60 });
  await gateway.api('refresh', { user: 'ada', expire_at: now + 300 });
  const { refresh } = await push(ada, 'refresh');
  assert.deepEqual([refresh.expires, refresh.ttl > 290 && refresh.ttl <= 300], [true, true]);
  await gateway.api('refresh', { user: 'ada', expire_at: 0 });
  assert.deepEqual(await push(ada, 'refresh', 2), { refresh: {} });
  await gateway.api('refresh', { user: 'ada', expired: true });
  assert.deepEqual(await ada.closed(), { what: 'close', code: 3005, reason: 'connection expired' });
  const again = await connect(t, gateway);
  await gateway.api('refresh', { user: 'ada', expire_at: now - 1 });
  assert.equal((await again.closed()).code, 3005);
});

// ---- many at once ----

test('a batch is carried out in order, also when it is parallel its replies are', async (t) => {
  const gateway = await start(t);
  const commands = Array.from({ length: 3000 }, (_, n) => ({ publish: { channel: `c${n % 3}`, data: n } }));
  for (const parallel of [false, true]) {
    const { replies } = await gateway.api('batch', { commands, parallel });
    assert.deepEqual(replies.map(({ publish }, n) => publish.offset - Math.floor(n / 3)), Array(3000).fill(parallel ? 1001 : 1));
  }
  const { publications } = await gateway.api('history', { channel: 'c0', limit: 2, reverse: true });
  assert.deepEqual(publications.map(({ data }) => data), [2997, 2994]);
});

test('each command of a batch fails by itself', async (t) => {
  const gateway = await start(t);
  const commands = [null, 5, {}, { nope: {} }, { publish: null }, { batch: { commands: [] } }, { publish: {} }, { publish: 5 },
    { presence: { channel: 'bare:x' } }, { rpc: { method: 'x' } }, { broadcast: { channels: ['bare:a', 'nope:b'], data: 1 } }];
  const { replies } = await gateway.api('batch', { commands });
  assert.deepEqual(replies.slice(0, -1).map(({ error }) => error.code), [107, 107, 104, 104, 104, 104, 107, 107, 108, 104]);
  assert.deepEqual(replies.at(-1), { broadcast: { responses: [{ result: {} }, { error: { code: 102, message: 'unknown channel' } }] } });
  assert.equal((await gateway.ask('batch', {})).text, '{"replies":[]}');
  assert.equal(await code(gateway.api('batch', { commands: {} })), 107);
});

test('batches, broadcasts and streams have ten thousand at most', async (t) => {
  const gateway = await start(t);
  const many = (count, item) => Array(count).fill(item);
  const command = { publish: { channel: 'bare:a', data: 1 } };
  assert.equal((await gateway.api('broadcast', { channels: many(10_000, 'bare:a'), data: 1 })).responses.length, 10_000);
  assert.equal(await code(gateway.api('broadcast', { channels: many(10_001, 'bare:a'), data: 1 })), 107);
  assert.equal((await gateway.api('batch', { commands: many(10_000, command) })).replies.length, 10_000);
  assert.equal(await code(gateway.api('batch', { commands: many(10_001, command) })), 107);
  const line = '{"params":{"channel":"bare:a","data":1}}\n';
  assert.equal((await gateway.ask('', {}, { body: line.repeat(10_000) })).text.split('\n').length, 10_000);
  assert.equal((await gateway.ask('', {}, { body: line.repeat(10_001) })).status, 400);
});

test('clients are served while parallel batches of broadcasts are carried out', async (t) => {
  const gateway = await start(t);
  const ada = await connect(t, gateway);
  const commands = Array(300).fill({ broadcast: { channels: Array(30).fill('bare:a'), data: 1 } });
  const calls = Array.from({ length: 4 }, () => gateway.api('batch', { commands, parallel: true }));
  await settle(ada);
  for (const { replies } of await Promise.all(calls)) assert.equal(replies.length, 300);
  assert.deepEqual(await gateway.api('publish', { channel: 'bare:a', data: 1 }), {});
});

test('a caller that leaves before its answer hurts nobody', async (t) => {
  const gateway = await start(t);
  const commands = Array(2000).fill({ publish: { channel: 'left', data: 1 } });
  const body = JSON.stringify({ commands });
  for (let i = 0; i < 5; i++) {
    const socket = net.connect(gateway.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`POST /api/batch HTTP/1.1\r\nHost: x\r\nX-API-Key: ${API_KEY}\r\nContent-Length: ${body.length}\r\n\r\n${body}`, () => socket.destroy());
    await new Promise((resolve) => socket.once('close', resolve));
  }
  assert.equal((await gateway.api('presence_stats', { channel: 'left' })).num_clients, 0);
  await eventually(async () => (await gateway.api('history', { channel: 'left' })).offset % 2000 === 0, 'whole batches or none');
});

test('a gateway that stops in the middle of long calls answers them and ends well', async (t) => {
  const gateway = await start(t);
  const commands = Array(10000).fill({ publish: { channel: 'last', data: 1 } });
  const calls = Array.from({ length: 8 }, () => gateway.api('batch', { commands }));
  await eventually(async () => (await gateway.api('history', { channel: 'last' })).offset > 100, 'they are under way');
  assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
  for (const { replies } of await Promise.all(calls)) assert.equal(replies.length, 10000);
});

test('calls are counted by method and error', async (t) => {
  const gateway = await start(t);
  const labels = (method, error) => `parley_gateway_api_commands_total{method="${method}",error="${error}"}`;
  await gateway.api('publish', { channel: 'a', data: 1 });
  await code(gateway.api('publish', { channel: 'nope:a', data: 1 }));
  await gateway.api('batch', { commands: [{ publish: { channel: 'a', data: 1 } }, { nope: {} }] });
  const metrics = await gateway.metrics();
  assert.deepEqual([metrics[labels('publish', 0)], metrics[labels('publish', 102)], metrics[labels('batch', 0)]], [2, 1, 1]);
  assert.deepEqual([metrics.parley_gateway_api_calls_total, metrics.parley_gateway_api_errors_total], [3, 2]);
});
