// Tokens of connections and subscriptions as the public client uses them, over each transport and format.
import assert from 'node:assert/strict';
import { Alone, Client, TRANSPORTS, Wire, allTransports, overEach, test } from './harness/index.js';

const CONFIG = allTransports({
  client: {
    expired_close_delay: '1s', expired_sub_close_delay: '1s', presence_update_interval: '100ms',
    subscribe_to_user_personal_channel: { enabled: true, personal_channel_namespace: 'personal' },
  },
  channel: {
    without_namespace: { presence: true, allow_presence_for_subscriber: true },
    namespaces: [
      { name: 'personal' },
      { name: 'news', allow_subscribe_for_client: true },
      { name: 'stream', history_size: 10, history_ttl: '300s', force_recovery: true, presence: true, allow_presence_for_subscriber: true },
    ],
  },
});

const now = () => Math.floor(Date.now() / 1000);

test('a token says who the connection is', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const info = { name: 'Ada', colours: ['red'] };
    const client = await Client.connect(t, gateway, over, { token: gateway.token({ sub: 'ada', info }) });
    const token = gateway.token({ sub: 'ada', channel: 'talk', info: { role: 'host' } });
    await client.subscribe('talk', { token });
    const [shown] = Object.values((await client.presence('talk')).clients);
    assert.deepEqual([shown.user, shown.connInfo, shown.chanInfo], ['ada', info, { role: 'host' }]);
    client.library.disconnect();
  });
});

test('a token that cannot be believed ends the connection with 3500, none with 3501', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const [head, body, signature] = gateway.token({ sub: 'ada' }).split('.');
  const other = Buffer.from(JSON.stringify({ sub: 'eve' })).toString('base64url');
  const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
  const tokens = [
    'nonsense', `${head}.${body}.`, `${head}.${other}.${signature}`, `${none}.${body}.`, `${head}.${body}.${signature.slice(0, -4)}AAAA`,
    gateway.token({ sub: 'ada' }, 'another key'), gateway.token({ sub: 'ada', channel: 'news:1' }), gateway.token({ sub: 7 }),
  ];
  await overEach(t, async (t, over) => {
    for (const token of tokens)
      await assert.rejects(Client.connect(t, gateway, over, { token }), { code: 3500 }, token);
    await assert.rejects(Client.connect(t, gateway, over), { code: 3501 });
  });
});

test('an expired token is answered 109, and the client connects with a fresh one', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const tokens = [gateway.token({ sub: 'ada', nbf: now() + 100 }), gateway.token({ sub: 'ada' })];
    const client = Client.make(t, gateway, over, { token: gateway.token({ sub: 'ada', exp: now() - 10 }), getToken: async () => tokens.shift() });
    await client.connected();
    const refusals = client.all('error').map(({ error }) => [error.code, error.message]);
    assert.deepEqual(refusals, [[109, 'token expired'], [109, 'token expired']]);
    assert.equal(tokens.length, 0, 'both were asked for');
    const stale = await Client.connect(t, gateway, over, { token: gateway.token({ sub: 'ada', exp: now() - 10 }) }).catch(({ code }) => code);
    assert.equal(stale, 1, 'without another token the client gives up as unauthorized');
  });
});

test('a connection that expires is refreshed by its client and lives on', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await Promise.all(TRANSPORTS.map(async (over) => {
    const getToken = async () => {
      client.happened.add({ what: 'asked' });
      return gateway.token({ sub: 'ada', ...(client.all('asked').length < 2 ? { exp: now() + 2 } : {}) });
    };
    const client = Client.make(t, gateway, over, { token: gateway.token({ sub: 'ada', exp: now() + 2 }), getToken });
    await client.connected();
    await client.until(() => client.all('asked').length === 2, 'two refreshes');
    await client.settle();
    assert.equal(client.all('connected').length, 1, over.name);
    assert.deepEqual(client.all('error'), []);
  }));
});

test('a connection that nobody refreshes is closed with 3005', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await Promise.all(TRANSPORTS.map(async (over) => {
    const client = await Client.connect(t, gateway, over, {
      token: gateway.token({ sub: 'ada', exp: now() + 2 }),
      getToken: () => new Promise(() => {}), // the application's server hangs
    });
    await client.until(() => client.all('connecting').some(({ code, reason }) => code === 3005 && reason === 'connection expired'), '3005');
  }));
});

test('expire_at counts instead of exp, and 0 means never', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const rows = [
    [{ exp: now() + 100 }, { expires: true, ttl: 100 }],
    [{ exp: now() + 100, expire_at: 0 }, {}],
    [{ exp: now() + 100, expire_at: now() + 500 }, { expires: true, ttl: 500 }],
    [{ expire_at: now() + 500 }, { expires: true, ttl: 500 }],
    [{ exp: now() + 3600 * 24 * 400 }, { expires: true, ttl: 3600 * 24 * 365 }], // at most a year
    [{}, {}],
  ];
  for (const [claims, expected] of rows) {
    const wire = await Wire.open(t, gateway);
    wire.send({ id: 1, connect: { token: gateway.token({ sub: 'ada', ...claims }) } });
    const { expires, ttl } = (await wire.reply(1)).connect;
    const label = JSON.stringify(claims);
    assert.equal(expires, expected.expires, label);
    assert.ok(expected.ttl === undefined ? ttl === undefined : Math.abs(ttl - expected.ttl) <= 2, `${label}: ${ttl}`);
  }
  const past = await Wire.open(t, gateway);
  past.send({ id: 1, connect: { token: gateway.token({ sub: 'ada', expire_at: now() - 5 }) } });
  assert.equal((await past.reply(1)).error.code, 110);
});

test('a refresh is checked: another user, a bad or an expired token, none at all', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const rows = [
    ['', 3501], ['nonsense', 3500], [gateway.token({ sub: 'eve' }), 3500], [gateway.token({ sub: 'ada', exp: now() - 5 }), 3005],
    [gateway.token({ sub: 'ada', channels: ['another'] }), 3010],
  ];
  for (const [token, code] of rows) {
    const wire = await Wire.open(t, gateway);
    wire.send({ id: 1, connect: { token: gateway.token({ sub: 'ada', exp: now() + 100 }) } }, { id: 2, refresh: { token } });
    assert.equal((await wire.closed()).code, code, token);
  }
  const wire = await Wire.open(t, gateway);
  wire.send({ id: 1, connect: { token: gateway.token({ sub: 'ada', exp: now() + 100 }) } });
  wire.send({ id: 2, refresh: { token: gateway.token({ sub: 'ada', exp: now() + 300 }) } }, { id: 3, refresh: { token: gateway.token({ sub: 'ada' }) } });
  const { expires, ttl } = (await wire.reply(2)).refresh;
  assert.ok(expires && ttl > 295 && ttl <= 300, `${ttl}`);
  assert.deepEqual((await wire.reply(3)).refresh, {}, 'it never expires now');
  const channels = ['news:1', 'news:2'];
  const listener = await Wire.open(t, gateway);
  listener.send({ id: 1, connect: { token: gateway.token({ sub: 'ada', channels }) } });
  listener.send({ id: 2, refresh: { token: gateway.token({ sub: 'ada', channels: ['news:2', 'news:1'] }) } });
  assert.deepEqual((await listener.reply(2)).refresh, {}, 'the same channels in another order');
  listener.send({ id: 3, refresh: { token: gateway.token({ sub: 'ada', channels: ['news:1', 'news:3'] }) } });
  assert.equal((await listener.closed()).code, 3010);
});

test('a private channel opens to a subscription token, for its channel and its user alone', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const tokenOf = (claims) => gateway.token({ sub: 'ada', channel: '$secret', ...claims });
  await overEach(t, async (t, over) => {
    const client = await Client.connect(t, gateway, over, { token: gateway.token({ sub: 'ada' }) });
    await assert.rejects(client.subscribe('$none'), { code: 103 });
    await assert.rejects(client.subscribe('$bad', { token: 'nonsense' }), { code: 103 });
    await assert.rejects(client.subscribe('$key', { token: gateway.token({ sub: 'ada', channel: '$key' }, 'another key') }), { code: 103 });
    const { data } = await client.subscribe('$secret', { token: tokenOf({ data: { hello: 'there' } }) });
    assert.deepEqual(data, { hello: 'there' });
    await gateway.api('publish', { channel: '$secret', data: 'hush' });
    assert.deepEqual(await client.received('$secret', 1), ['hush']);
    for (const token of [tokenOf({ channel: '$other' }), tokenOf({ sub: 'eve' })]) {
      const thief = await Client.connect(t, gateway, over, { token: gateway.token({ sub: 'ada' }) });
      thief.subscription('$secret', { token }).subscribe();
      assert.equal((await thief.next('disconnected')).code, 3500);
    }
  });
});

test('an expired subscription token is answered 109, and the client subscribes with a fresh one', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const client = await Client.connect(t, gateway, over, { token: gateway.token({ sub: 'ada' }) });
    const asked = [];
    const getToken = async ({ channel }) => {
      asked.push(channel);
      return gateway.token({ sub: 'ada', channel });
    };
    await client.subscribe('$late', { token: gateway.token({ sub: 'ada', channel: '$late', exp: now() - 10 }), getToken });
    assert.deepEqual(asked, ['$late']);
    assert.deepEqual(client.all('error', '$late').map(({ error }) => error.code), [109]);
  });
});

test('a subscription that expires is refreshed by its client and lives on', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await Promise.all(TRANSPORTS.map(async (over) => {
    const client = await Client.connect(t, gateway, over, { token: gateway.token({ sub: 'ada' }) });
    const getToken = async () => {
      client.happened.add({ what: 'asked' });
      return gateway.token({ sub: 'ada', channel: '$brief', ...(client.all('asked').length < 2 ? { exp: now() + 2 } : {}) });
    };
    await client.subscribe('$brief', { token: gateway.token({ sub: 'ada', channel: '$brief', exp: now() + 2 }), getToken });
    await client.until(() => client.all('asked').length === 2, 'two refreshes');
    await client.settle();
    await gateway.api('publish', { channel: '$brief', data: over.name });
    await client.until(() => client.data('$brief').includes(over.name), 'a publication');
    assert.equal(client.all('subscribing', '$brief').length, 1, `${over.name} was never unsubscribed`);
  }));
});

test('a subscription that nobody refreshes is ended with 2501 and made again', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await Promise.all(TRANSPORTS.map(async (over) => {
    const client = await Client.connect(t, gateway, over, { token: gateway.token({ sub: 'ada' }) });
    const getToken = async () => {
      if (client.all('subscribing', '$ends').length === 1) throw new Error("the application's server is away");
      return gateway.token({ sub: 'ada', channel: '$ends' });
    };
    await client.subscribe('$ends', { token: gateway.token({ sub: 'ada', channel: '$ends', exp: now() + 2 }), getToken });
    await client.until(() => client.all('subscribing', '$ends').some(({ code, reason }) => code === 2501 && reason === 'subscription expired'), '2501');
    await client.until(() => client.all('subscribed', '$ends').length === 2, 'subscription again');
    assert.equal(client.all('connected').length, 1);
  }));
});

test('a sub_refresh is checked: another channel or user, a bad, an expired or no token, no subscription', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const tokenOf = (claims) => gateway.token({ sub: 'ada', channel: '$sub', ...claims });
  const rows = [
    [{ token: 'nonsense' }, 3500], [{ token: tokenOf({ channel: '$x' }) }, 3500], [{ token: tokenOf({ sub: 'eve' }) }, 3500],
    [{ token: tokenOf({ exp: now() - 5 }) }, 3006], [{ token: '' }, 107], [{ channel: '$other', token: tokenOf({ channel: '$other' }) }, 103],
    [{ channel: '', token: tokenOf() }, 0], // centrifuge-python leaves it to the token
    [{ token: tokenOf({ exp: now() + 60 }) }, 0],
  ];
  for (const [request, code] of rows) {
    const wire = await Wire.open(t, gateway);
    wire.send({ id: 1, connect: { token: gateway.token({ sub: 'ada' }) } }, { id: 2, subscribe: { channel: '$sub', token: tokenOf({ exp: now() + 60 }) } });
    const { expires, ttl } = (await wire.reply(2)).subscribe;
    assert.ok(expires && ttl > 55 && ttl <= 60);
    wire.send({ id: 3, sub_refresh: { channel: '$sub', ...request } });
    const label = JSON.stringify(request);
    if (code >= 3000) assert.equal((await wire.closed()).code, code, label);
    else if (code > 0) assert.equal((await wire.reply(3)).error.code, code, label);
    else assert.ok((await wire.reply(3)).sub_refresh, label);
  }
});

test('a token gives server-side subscriptions, with their options; the personal channel is one too', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const listed = await Client.connect(t, gateway, over, { token: gateway.token({ sub: 'ada', channels: ['news:1', 'stream:1'] }) });
    await listed.until(() => listed.all('subscribed').length === 3, 'three subscriptions');
    assert.deepEqual(listed.all('subscribed').map(({ channel }) => channel).sort(), ['news:1', 'personal:#ada', 'stream:1']);
    const subs = { 'stream:2': { data: { a: 1 }, info: { seat: 5 } }, 'news:2': {} };
    const optioned = await Client.connect(t, gateway, over, { token: gateway.token({ sub: 'bob', subs, channels: ['news:3'] }) });
    await optioned.until(() => optioned.all('subscribed').length === 3, 'three subscriptions');
    const second = optioned.all('subscribed', 'stream:2')[0];
    assert.deepEqual([second.data, second.recoverable], [{ a: 1 }, true]);
    assert.deepEqual(optioned.all('subscribed', 'news:3'), [], 'subs wins over channels');
    const [shown] = Object.values((await optioned.presence('stream:2')).clients);
    assert.deepEqual([shown.user, shown.chanInfo], ['bob', { seat: 5 }]);
    await gateway.api('broadcast', { channels: ['stream:1', 'stream:2', 'personal:#ada', 'personal:#bob'], data: 'hello' });
    await listed.until(() => listed.all('publication').length === 2, 'two publications');
    await optioned.until(() => optioned.all('publication').length === 2, 'two publications');
    assert.deepEqual(optioned.all('publication').map(({ channel }) => channel).sort(), ['personal:#bob', 'stream:2']);
    listed.library.disconnect();
    optioned.library.disconnect();
  });
});

test('a token may override a namespace: recovery, positions, presence', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const subs = { 'stream:on': {}, 'stream:off': { override: { force_recovery: { value: false }, presence: { value: false } } } };
  const wire = await Wire.open(t, gateway);
  wire.send({ id: 1, connect: { token: gateway.token({ sub: 'ada', subs }) } });
  const { connect } = await wire.reply(1);
  assert.deepEqual([connect.subs['stream:on'].recoverable, connect.subs['stream:off'].recoverable], [true, undefined]);
  const { presence } = await gateway.api('presence', { channel: 'stream:off' });
  assert.deepEqual(presence, {});
});
