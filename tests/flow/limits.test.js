// How often one may ask: token buckets that all APIs share through Redis, and each keeps by itself while Redis is away.
import assert from 'node:assert/strict';
import { chat, configure, eventually, exchange, nonce, running, test } from './harness/index.js';

const PER_MINUTE = 1; // a token takes a minute to come back: longer than a test is at it, on a machine that is busy, too
const BURST = 3;
const ROOM_BURST = 5;
const ACCOUNT_BURST = 8;

configure({
  gateways: 1,
  api: {
    PARLEY_HTTP_METRICS: 'true',
    PARLEY_HTTP_TRUSTED_PROXIES: '127.0.0.0/8', // the tests are a proxy, and give the addresses
    PARLEY_REDIS_TIMEOUT_MS: '50',
    PARLEY_REDIS_RETRY_MS: '100',
    PARLEY_LIMITS_EXEMPT: '192.0.2.0/24, 2001:db8:e::/48',
    PARLEY_LIMITS_REGISTER_PER_MINUTE: '0',
    PARLEY_LIMITS_SEND_PER_MINUTE: String(PER_MINUTE),
    PARLEY_LIMITS_SEND_BURST: String(BURST),
    PARLEY_LIMITS_SEND_ROOM_PER_MINUTE: String(PER_MINUTE),
    PARLEY_LIMITS_SEND_ROOM_BURST: String(ROOM_BURST),
    PARLEY_LIMITS_ACCOUNT_PER_MINUTE: String(PER_MINUTE),
    PARLEY_LIMITS_ACCOUNT_BURST: String(ACCOUNT_BURST),
    PARLEY_LIMITS_WRITE_PER_MINUTE: '60',
    PARLEY_LIMITS_WRITE_BURST: '40',
    PARLEY_LIMITS_SEARCH_PER_MINUTE: String(PER_MINUTE),
    PARLEY_LIMITS_SEARCH_BURST: String(BURST),
    PARLEY_LIMITS_SIGN_IN_PER_MINUTE: String(PER_MINUTE),
    PARLEY_LIMITS_SIGN_IN_BURST: String(BURST),
  },
});

const from = (address) => ({ headers: { 'x-forwarded-for': address } });

const send = (person, room, options) => person.ask('POST', `/rooms/${room.id}/messages`, { text: 'tea', nonce: nonce() }, options);

async function counter(name) {
  const { apis } = await running();
  const pages = await Promise.all(apis.map(({ origin }) => exchange(origin, 'GET', '/metrics')));
  return pages.reduce((sum, { text }) => sum + Number(new RegExp(`^parley_api_${name}_total (\\d+)$`, 'm').exec(text)[1]), 0);
}

/** Asks until it is refused; answers the refusal, which must be as it has to be, and how many passed. */
async function exhaust(ask, limit) {
  for (let passed = 0; ; passed++) {
    assert.ok(passed < 50, `${limit} is never refused`);
    const answer = await ask(passed);
    if (answer.status !== 429) continue;
    assert.deepEqual([answer.body.code, answer.body.limit, answer.headers['content-type']], ['too_many_requests', limit, 'application/problem+json']);
    assert.ok(Number(answer.headers['retry-after']) >= 1 && Number(answer.headers['retry-after']) <= 60 / PER_MINUTE, answer.headers['retry-after']);
    return { passed, answer };
  }
}

test('the sends of a person are counted for all APIs together, and a refused one changes nothing', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const before = await counter('limited_send');
  const { passed, answer } = await exhaust((i) => send(ada, room, { api: i % 2 }), 'send');
  assert.equal(passed, BURST);
  assert.match(answer.headers.ratelimit, /"send";r=0;t=\d+/);
  assert.match(answer.headers['ratelimit-policy'], new RegExp(`"send";q=${BURST};w=${(BURST * 60) / PER_MINUTE}`));
  for (const api of [0, 1]) assert.equal((await send(ada, room, { api })).status, 429);
  assert.equal(await counter('limited_send'), before + 3);
  assert.equal((await send(bob, room)).status, 201, 'others are not held by it');
  assert.equal((await ada.texts(room)).length, BURST + 1);
});

test('the sends to a room are counted for all of its members together', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const room = await ada.createRoom('tea', { members: [bob, cy] });
  const other = await cy.createRoom('cocoa');
  for (let i = 0; i < ROOM_BURST; i++) assert.equal((await send([ada, bob][i % 2], room, { api: i % 2 })).status, 201);
  await exhaust(() => send(cy, room), 'send_room');
  assert.equal((await send(cy, other)).status, 201, 'what the room refused has not been taken from the person');
});

test('whoever is no member cannot use up what members may send', async (t) => {
  const { ada, bob, cy, dee } = await chat(t).users('ada', 'bob', 'cy', 'dee');
  const room = await ada.createRoom('tea');
  const open = await ada.createRoom('open', { kind: 'public' });
  for (const stranger of [bob, cy])
    for (let i = 0; i < BURST; i++) assert.equal((await send(stranger, room, { api: i % 2 })).status, 404);
  for (const stranger of [dee]) for (let i = 0; i < BURST; i++) assert.equal((await send(stranger, open)).status, 403);
  for (const api of [0, 1]) assert.equal((await send(ada, room, { api })).status, 201);
  assert.equal((await send(ada, open)).status, 201);
});

test('sends over a socket are counted as those over HTTP are, by publish and by RPC', async (t) => {
  const { ada } = await chat(t).users('ada');
  const room = await ada.createRoom('tea');
  const phone = await ada.connect({ rooms: [room] });
  assert.equal((await send(ada, room)).status, 201);
  await phone.publish(room, { text: 'tea', nonce: nonce() });
  await phone.rpc('messages.send', { room: room.id, text: 'tea', nonce: nonce() });
  assert.equal((await send(ada, room)).status, 429);
  const refusals = [
    phone.publish(room, { text: 'tea', nonce: nonce() }),
    phone.rpc('messages.send', { room: room.id, text: 'tea', nonce: nonce() }),
  ];
  for (const refusal of refusals)
    await assert.rejects(refusal, ({ code, message, temporary }) => code === 460 && message === 'too_many_requests' && temporary === true);
  assert.equal((await ada.texts(room)).length, BURST);
});

test('sign-ins are counted by address, and one too many is refused before its body is looked at', async (t) => {
  const { ada } = await chat(t).users('ada');
  const signIn = (address, body = { login: ada.login, password: 'a wrong one' }) => ada.ask('POST', '/sessions', body, { token: null, ...from(address) });
  const { passed } = await exhaust(() => signIn('198.51.100.1'), 'sign_in');
  assert.equal(passed, BURST);
  assert.equal((await signIn('198.51.100.1', { login: ada.login, password: ada.password })).status, 429);
  const { apis } = await running();
  const nonsense = { headers: { ...from('198.51.100.1').headers, 'content-type': 'application/json' }, body: '{' };
  assert.equal((await exchange(apis[0].origin, 'POST', '/v1/sessions', nonsense)).status, 429);
  assert.equal((await signIn('198.51.100.2', { login: ada.login, password: ada.password })).status, 201);
});

test('of several lines of addresses the last one is that of the proxy: nobody adds one in front', async (t) => {
  const { ada } = await chat(t).users('ada');
  const signIn = (...lines) => ada.ask('POST', '/sessions', { login: ada.login, password: 'a wrong one' }, { token: null, ...from(lines) });
  for (const pretended of ['192.0.2.77', '203.0.113.1', 'nonsense', '']) await signIn(pretended, '198.51.100.21');
  assert.equal((await signIn('203.0.113.2', '198.51.100.21')).status, 429);
  assert.equal((await signIn('198.51.100.21, 198.51.100.22')).status, 401);
  const again = await ada.ask('POST', '/sessions', { login: ada.login, password: ada.password }, { token: null, ...from(['192.0.2.77', '198.51.100.23']) });
  assert.equal(again.body.session.ip, '198.51.100.23');
});

test('an address of IPv6 counts by its first 64 bits', async (t) => {
  const { ada } = await chat(t).users('ada');
  const signIn = (address) => ada.ask('POST', '/sessions', { login: ada.login, password: 'a wrong one' }, { token: null, ...from(address) });
  const { passed } = await exhaust((i) => signIn(`2001:db8:1:1::${i + 1}`), 'sign_in');
  assert.equal(passed, BURST);
  assert.equal((await signIn('2001:db8:1:2::1')).status, 401);
});

test('addresses that are exempt are not held, and nobody can pretend to have one', async (t) => {
  const { ada } = await chat(t).users('ada');
  const signIn = (address) => ada.ask('POST', '/sessions', { login: ada.login, password: 'a wrong one' }, { token: null, ...from(address) });
  for (let i = 0; i <= BURST; i++) for (const address of ['192.0.2.77', '2001:db8:e:f::1']) assert.equal((await signIn(address)).status, 401);
  await exhaust(() => signIn('192.0.2.77, 198.51.100.3'), 'sign_in');
});

test('wrong passwords for one account are counted wherever they come from, and hold nobody where it was used lately', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  let house = 0;
  const signIn = (login, password, address = `198.51.101.${++house}`) => ada.ask('POST', '/sessions', { login, password }, { token: null, api: house % 2, ...from(address) });
  const home = '198.51.101.200';
  for (let i = 0; i < BURST; i++) assert.equal((await signIn(ada.login, ada.password, home)).status, 201, 'who knows it takes nothing');
  for (const login of [ada.login, 'nobody-has-this-one']) assert.equal((await exhaust(() => signIn(login, 'a wrong one'), 'account')).passed, ACCOUNT_BURST);
  assert.equal((await signIn(ada.login, ada.password)).status, 429, 'who guesses right is not told');
  assert.equal((await signIn(bob.login, bob.password)).status, 201);
  await exhaust(() => signIn(ada.login, ada.password, home), 'sign_in');
  const other = await ada.ask('POST', '/sessions', { login: ada.login, password: ada.password }, { token: null, ...from('127.0.0.1') });
  assert.equal(other.status, 201, 'the account was made there');
});

test('a room that is made with many members costs more than one with few', async (t) => {
  const { ada } = await chat(t).users('ada');
  const make = (count) => ada.ask('POST', '/rooms', { kind: 'private', name: 'tea', members: Array.from({ length: count }, (_, i) => String(4_000_000 + i)) });
  const left = async (count) => Number(/"write";r=(\d+)/.exec((await make(count)).headers.ratelimit)[1]);
  const before = await left(0);
  await left(1_000);
  assert.ok((await left(0)) <= before - 12 + 3, 'a token for each hundred'); // one comes back each second
  const refusal = await make(3_900);
  assert.deepEqual([refusal.status, refusal.body.limit], [429, 'write']);
});

test('looking for people and rooms does not use up searches, nor do they cost nothing', async (t) => {
  const { ada } = await chat(t).users('ada');
  for (let i = 0; i <= BURST; i++)
    for (const path of ['/users', '/rooms/public', '/groups/public']) {
      const answer = await ada.ask('GET', `${path}?q=te`);
      assert.equal(answer.status, 200);
      assert.match(answer.headers.ratelimit, /^"find";/, path);
    }
  assert.match((await ada.ask('GET', '/rooms/public')).headers.ratelimit, /^"read";/);
  assert.equal((await exhaust(() => ada.ask('GET', '/search/messages?q=tea'), 'search')).passed, BURST);
  for (const path of ['/rooms/public', '/groups/public']) {
    assert.equal((await ada.ask('GET', `${path}?q=${'%F0%9F%8D%B5'.repeat(100)}`)).status, 200);
    const { status, body } = await ada.ask('GET', `${path}?q=${'x'.repeat(101)}`);
    assert.deepEqual([status, body.code, body.errors[0].field], [400, 'out_of_range', 'q']);
  }
});

test('/config says what the limits are', async (t) => {
  const { ada } = await chat(t).users('ada');
  const { rates } = (await ada.get('/config')).limits;
  assert.deepEqual(rates.send, { per_minute: PER_MINUTE, burst: BURST });
  assert.deepEqual(rates.send_room, { per_minute: PER_MINUTE, burst: ROOM_BURST });
  assert.equal(rates.register, undefined, 'what is not limited is not named');
});

/** Until both APIs hear Redis again: something that asks it is counted with what it knows, not alone. */
async function untilShared(person) {
  await eventually(async () => {
    const before = await counter('limits_alone');
    for (const api of [0, 1]) await person.get('/me', { api });
    return (await counter('limits_alone')) === before;
  }, 'Redis asked by both APIs');
}

test('while Redis is stopped each API counts by itself from what it knew, and afterwards they count together', async (t) => {
  const { redis } = await running();
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  assert.equal((await send(ada, room, { api: 0 })).status, 201);
  await redis.stop();
  t.after(() => redis.pid ?? redis.start());
  const before = await counter('limits_alone');
  const alone = await exhaust(() => send(ada, room, { api: 0 }), 'send');
  assert.equal(alone.passed, BURST - 1, 'the first was not forgotten');
  assert.ok((await counter('limits_alone')) > before);
  assert.equal((await send(ada, room, { api: 1 })).status, 201, 'the other API has a bucket of its own');
  await redis.start();
  await untilShared(bob);
  const other = await bob.createRoom('cocoa');
  assert.equal((await exhaust((i) => send(bob, other, { api: i % 2 }), 'send')).passed, BURST);
});

test('a Redis that hangs costs a request no more than its timeout, and refuses nobody', async (t) => {
  const { redis, apis } = await running();
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const setTimeouts = async (ms) => {
    for (const api of apis) {
      api.env.PARLEY_REDIS_TIMEOUT_MS = String(ms);
      await api.restart();
    }
    await untilShared(bob);
  };
  await setTimeouts(2_000); // so long that a busy machine does not look like it
  await bob.chats();
  redis.pause();
  t.after(() => redis.resume());
  const alone = await counter('limits_alone');
  for (const api of [0, 1]) {
    const start = performance.now();
    assert.equal((await bob.ask('GET', '/rooms', undefined, { api })).status, 200); // it asks Redis for a token, then for the list
    const took = performance.now() - start;
    assert.ok(took < 2 * 2_000, `${took} ms at ${apis[api].name}: it waited for Redis twice`);
  }
  assert.equal(await counter('limits_alone'), alone + 2);
  assert.equal((await send(ada, room)).status, 201);
  await exhaust(() => send(ada, room), 'send');
  redis.resume();
  await setTimeouts(50);
});

test('a bucket that is damaged in Redis is counted in memory', async (t) => {
  const { redis } = await running();
  const { ada } = await chat(t).users('ada');
  const room = await ada.createRoom('tea');
  await untilShared(ada);
  assert.equal((await send(ada, room)).status, 201);
  const key = (await redis.keys()).find((name) => name.endsWith(`limits:send:${ada.id}`));
  assert.ok(key, 'the bucket is in Redis');
  await redis.command('DEL', key);
  await redis.command('LPUSH', key, 'nonsense');
  const { passed } = await exhaust(() => send(ada, room), 'send');
  assert.equal(passed, BURST - 1);
});

test('whoever comes through a proxy that is not listed is not exempt as the proxy is', async (t) => {
  const { ada } = await chat(t).users('ada');
  const { apis } = await running();
  apis[1].env.PARLEY_HTTP_TRUSTED_PROXIES = '';
  apis[1].env.PARLEY_LIMITS_EXEMPT = '127.0.0.0/8';
  await apis[1].restart();
  const signIn = (headers) => ada.ask('POST', '/sessions', { login: ada.login, password: 'a wrong one' }, { token: null, api: 1, headers });
  for (let i = 0; i <= BURST; i++) assert.equal((await signIn({})).status, 401);
  await exhaust(() => signIn({ 'x-forwarded-for': '198.51.100.9' }), 'sign_in');
  await exhaust(() => signIn({ forwarded: 'for=198.51.100.9' }), 'sign_in');
});
