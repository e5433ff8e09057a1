// The admin page over HTTP: who is let in, and what can be done there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Alone } from './harness/alone.js';
import { exchange } from './harness/http.js';
import { Wire } from './harness/wire.js';

const PASSWORD = 'kettle is on';
const CONFIG = {
  admin: { enabled: true, password: PASSWORD, secret: 'signs sessions of tests' },
  client: { insecure: true },
  channel: { without_namespace: { presence: true, history_size: 10, history_ttl: '60s' } },
};

/** A person at the page of a gateway: a browser's headers, and its cookie. */
class Visitor {
  constructor(gateway) {
    this.gateway = gateway;
    this.cookie = null;
  }

  ask(method, path, { body, headers = { origin: this.gateway.operator } } = {}) {
    const cookie = this.cookie === null ? {} : { cookie: `theme=dark; ${this.cookie}; lang=en` };
    return exchange(this.gateway.operator, method, `/admin${path}`, {
      headers: { ...cookie, ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  }

  async logIn(password = PASSWORD, options = {}) {
    const answer = await this.ask('POST', '/login', { body: { password }, ...options });
    if (answer.status === 204) this.cookie = answer.headers['set-cookie'][0].split(';')[0];
    return answer;
  }

  /** A method of the server API, through the page's door. */
  async call(method, params) {
    const answer = await this.ask('POST', '/api', { body: { method, params } });
    assert.equal(answer.status, 200, answer.text);
    return answer.body;
  }
}

async function begin(t, config = CONFIG) {
  const gateway = await Alone.start(t, config);
  return { gateway, visitor: new Visitor(gateway) };
}

async function beginInside(t) {
  const { gateway, visitor } = await begin(t);
  assert.equal((await visitor.logIn()).status, 204);
  return { gateway, visitor };
}

/** A client in `channel`: its Wire, and its id. */
async function listen(t, gateway, channel) {
  const wire = await Wire.open(t, gateway);
  wire.send({ id: 1, connect: { token: gateway.token({ sub: 'ada' }) } }, { id: 2, subscribe: { channel } });
  assert.ok((await wire.reply(2)).subscribe);
  return { wire, id: (await wire.reply(1)).connect.client };
}

const pushOf = (wire, kind) =>
  wire.happened.until(() => wire.happened.list.map(({ push }) => push?.[kind]).find((push) => push !== undefined), `push of ${kind}`);

test('the page is there for everybody, runs nothing from elsewhere and cannot be framed', async (t) => {
  const { visitor } = await begin(t);
  for (const path of ['', '/']) {
    const { status, headers, text } = await visitor.ask('GET', path);
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    const policy = headers['content-security-policy'];
    const nonce = /script-src 'nonce-([0-9a-f]{32})'/.exec(policy)[1];
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.ok(text.includes(`<script nonce="${nonce}">`) && text.includes(`<style nonce="${nonce}">`));
    assert.ok(!text.includes('@NONCE@'));
    assert.deepEqual(text.match(/(src|href|action)=["']?(https?:)?\/\//g), null);
  }
  const [one, two] = await Promise.all([visitor.ask('GET', ''), visitor.ask('GET', '')]);
  assert.notEqual(one.headers['content-security-policy'], two.headers['content-security-policy']);
});

test('nothing is told and nothing done without the password', async (t) => {
  const { visitor } = await begin(t);
  assert.equal((await visitor.ask('GET', '/state')).status, 401);
  assert.equal((await visitor.ask('POST', '/api', { body: { method: 'info', params: {} } })).status, 401);
  for (const password of ['', 'kettle is of', `${PASSWORD} `, null, 7]) {
    const { status, headers } = await visitor.logIn(password);
    assert.ok(status === 401 || status === 400, `${status} for ${password}`);
    assert.equal(headers['set-cookie'], undefined);
  }
  assert.equal((await visitor.ask('GET', '/state')).status, 401);
});

test('the cookie is for a day, for the page alone, and out of reach of scripts and other sites', async (t) => {
  const { visitor } = await begin(t);
  const attributes = (await visitor.logIn()).headers['set-cookie'][0].split('; ').slice(1);
  assert.deepEqual(attributes, ['Path=/admin', 'Max-Age=86400', 'HttpOnly', 'SameSite=Strict']);
  const { origin } = visitor.gateway;
  const behindTls = await visitor.logIn(PASSWORD, { headers: { origin, 'x-forwarded-proto': 'https' } });
  assert.match(behindTls.headers['set-cookie'][0], /; Secure$/);
  assert.equal((await visitor.ask('GET', '/state')).status, 200);
  const out = await visitor.ask('POST', '/logout');
  assert.equal(out.status, 204);
  assert.match(out.headers['set-cookie'][0], /^parley_admin=; Path=\/admin; Max-Age=0; /);
});

test('after ten wrong passwords even the right one has to wait', async (t) => {
  const { visitor } = await begin(t);
  for (let i = 0; i < 10; i++) assert.equal((await visitor.logIn(`guess ${i}`)).status, 401);
  const answer = await visitor.logIn();
  assert.equal(answer.status, 429);
  assert.equal(answer.headers['retry-after'], '60');
});

test('right passwords are not counted', async (t) => {
  const { visitor } = await begin(t);
  for (let i = 0; i < 12; i++) assert.equal((await visitor.logIn()).status, 204);
});

test('a session that was forged or spoilt is none', async (t) => {
  const { gateway, visitor } = await beginInside(t);
  const good = visitor.cookie;
  const [, payload] = good.split('.');
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
  const own = gateway.token({ aud: 'parley-admin', exp: 4e9 }, CONFIG.admin.secret); // the secret is only a part of the key
  for (const cookie of [`${good}x`, good.slice(0, -4), `parley_admin=${none}.${payload}.`, `parley_admin=${own}`, 'parley_admin=', 'parley_admin']) {
    visitor.cookie = cookie;
    assert.equal((await visitor.ask('GET', '/state')).status, 401, cookie);
  }
  visitor.cookie = good;
  assert.equal((await visitor.ask('GET', '/state')).status, 200);
});

test('a session holds at every gateway of the same secret, until the password changes', async (t) => {
  const { visitor } = await beginInside(t);
  const same = await Alone.start(t, CONFIG);
  const changed = await Alone.start(t, { ...CONFIG, admin: { ...CONFIG.admin, password: 'another' } });
  const unsigned = await Alone.start(t, { ...CONFIG, admin: { enabled: true, password: PASSWORD } });
  for (const [gateway, status] of [[same, 200], [changed, 401], [unsigned, 401]]) {
    visitor.gateway = gateway;
    assert.equal((await visitor.ask('GET', '/state')).status, status);
  }
});

test('a page of another site can neither act nor log anybody in', async (t) => {
  const { gateway, visitor } = await beginInside(t);
  const from = (headers) => visitor.ask('POST', '/api', { body: { method: 'publish', params: { channel: 'news', data: {} } }, headers });
  const { origin } = gateway;
  for (const headers of [
    {},
    { origin: 'null' },
    { origin: 'https://evil.example' },
    { origin: origin.replace('127.0.0.1', 'localhost') },
    { origin: `${origin}1` },
    { origin, 'sec-fetch-site': 'cross-site' },
    { origin, 'sec-fetch-site': 'same-site' },
    { origin, 'sec-fetch-site': 'none' },
  ])
    assert.equal((await from(headers)).status, 403, JSON.stringify(headers));
  assert.equal((await from({ origin })).status, 200);
  assert.equal((await from({ 'sec-fetch-site': 'same-origin' })).status, 200);
  assert.equal((await visitor.logIn(PASSWORD, { headers: { origin: 'https://evil.example' } })).status, 403);
  assert.equal((await visitor.ask('POST', '/logout', { headers: { origin: 'https://evil.example' } })).status, 403);
});

test('the state tells what is going on', async (t) => {
  const { gateway, visitor } = await beginInside(t);
  const before = (await visitor.ask('GET', '/state')).body;
  await listen(t, gateway, 'news');
  await visitor.call('publish', { channel: 'news', data: { n: 1 } });
  const { node, connections, subscriptions, counters } = (await visitor.ask('GET', '/state')).body;
  assert.equal(node.id, before.node.id);
  assert.deepEqual([node.broker, node.threads, node.ready], ['memory', 1, true]);
  assert.deepEqual([connections, subscriptions], [1, 1]);
  assert.equal(counters.connects - before.counters.connects, 1);
  assert.equal(counters.commands - before.counters.commands, 2);
  assert.ok(counters.bytes_received > 0 && counters.messages_sent > 0);
});

test('what is published, broadcast, looked up and ended there happens', async (t) => {
  const { gateway, visitor } = await beginInside(t);
  const { wire, id } = await listen(t, gateway, 'news');
  assert.equal((await visitor.call('publish', { channel: 'news', data: { n: 1 } })).result.offset, 1);
  assert.deepEqual((await pushOf(wire, 'pub')).data, { n: 1 });
  const { responses } = (await visitor.call('broadcast', { channels: ['news', 'sport'], data: { n: 2 } })).result;
  assert.deepEqual(responses.map(({ result }) => result.offset), [2, 1]);
  const { publications } = (await visitor.call('history', { channel: 'news', limit: 5, reverse: true })).result;
  assert.deepEqual(publications.map(({ data }) => data), [{ n: 2 }, { n: 1 }]);
  assert.deepEqual(Object.keys((await visitor.call('presence', { channel: 'news' })).result.presence), [id]);
  assert.deepEqual(await visitor.call('unsubscribe', { user: 'ada', channel: 'news' }), { result: {} });
  assert.equal((await pushOf(wire, 'unsubscribe')).code, 2000);
  assert.deepEqual(await visitor.call('disconnect', { client: id }), { result: {} });
  assert.equal((await wire.closed()).code, 3503);
});

test('an error of a method is told as the server API tells it', async (t) => {
  const { visitor } = await beginInside(t);
  assert.equal((await visitor.call('publish', { channel: 'nope:x', data: {} })).error.code, 102);
  assert.equal((await visitor.call('dance', {})).error.code, 104);
});

test('without a password wanted, only other sites are refused', async (t) => {
  const { visitor } = await begin(t, { ...CONFIG, admin: { enabled: true, insecure: true } });
  assert.equal((await visitor.ask('GET', '/state')).status, 200);
  assert.deepEqual(await visitor.call('publish', { channel: 'a', data: {} }).then(({ error }) => error), undefined);
  assert.equal((await visitor.ask('POST', '/api', { body: {}, headers: { origin: 'https://evil.example' } })).status, 403);
});

test('paths and methods that it does not know are told apart', async (t) => {
  const { visitor } = await beginInside(t);
  assert.equal((await visitor.ask('GET', '/login')).status, 405);
  assert.equal((await visitor.ask('POST', '/state', { body: {} })).status, 405);
  assert.equal((await visitor.ask('GET', '/other')).status, 404);
  assert.equal((await visitor.ask('GET', 'x')).status, 404);
});

test('there is no page unless it was asked for', async (t) => {
  const { visitor } = await begin(t, {});
  assert.equal((await visitor.ask('GET', '')).status, 404);
  assert.equal((await visitor.ask('GET', '/state')).status, 404);
});
