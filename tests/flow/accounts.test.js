import assert from 'node:assert/strict';
import { chat, eventually, exchange, idOf, refused, running, test } from './harness/index.js';

/* What docs/design.md promises. */
const REVOKED_WITHIN_MS = 1_000;

const json = { 'content-type': 'application/json' };

async function postJson(path, body, { api = 0, headers = {} } = {}) {
  const { apis } = await running();
  return exchange(apis[api].origin, 'POST', `/v1${path}`, { headers: { ...json, ...headers }, body: JSON.stringify(body) });
}

/** True once both APIs answer 401 to the person's access token. */
const isRefusedEverywhere = (person) => async () => {
  const answers = await Promise.all([0, 1].map((api) => person.ask('GET', '/me', undefined, { api })));
  return answers.every(({ status }) => status === 401);
};

test('who registers can sign in with the same login and password, and is the same person', async (t) => {
  const { ada } = await chat(t).users('ada');
  const again = await ada.signInAgain({ device: 'laptop', api: 1 });
  assert.equal(again.id, ada.id);
  assert.notEqual(again.session.id, ada.session.id);
  const me = await again.get('/me');
  assert.equal(me.id, ada.id);
  assert.equal(me.login, ada.login);
  assert.equal(me.name, 'ada');
  assert.ok(!JSON.stringify(me).includes('password'));
});

test('an unknown login and a wrong password get the same answer', async (t) => {
  const { ada } = await chat(t).users('ada');
  const wrong = await postJson('/sessions', { login: ada.login, password: 'not the password' });
  const unknown = await postJson('/sessions', { login: 'nobody.here', password: 'not the password' });
  assert.equal(wrong.status, 401);
  assert.equal(wrong.body.code, 'bad_credentials');
  const plain = ({ status, body }) => ({ status, ...body, request_id: null });
  assert.deepEqual(plain(unknown), plain(wrong));
});

test('a login is given away once, also when many ask for it at the same moment over both APIs', async (t) => {
  const { ada } = await chat(t).users('ada');
  const body = { login: `raced.${ada.login}`, password: 'correct horse', name: 'racer' };
  const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => postJson('/users', body, { api: i % 2 })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(9).fill(409)]);
  for (const { body: problem } of answers.filter(({ status }) => status === 409)) assert.equal(problem.code, 'login_taken');
});

test('a refresh brings new tokens, which work on both APIs', async (t) => {
  const { ada } = await chat(t).users('ada');
  const first = ada.tokens;
  await ada.refresh({ api: 1 });
  assert.notEqual(ada.tokens.refresh_token, first.refresh_token);
  assert.equal((await ada.get('/me', { api: 0 })).id, ada.id);
  assert.equal((await ada.get('/me', { api: 1 })).id, ada.id);
  await ada.refresh({ api: 0 });
});

test('a refresh whose answer was lost can be asked again and gets the same successor', async (t) => {
  const { ada } = await chat(t).users('ada');
  const old = { refresh_token: ada.tokens.refresh_token };
  const lost = await ada.refresh({ api: 0 });
  const { tokens } = await ada.call('POST', '/sessions/refresh', old, { token: null, api: 1 });
  assert.equal(tokens.refresh_token, lost.refresh_token);
  await ada.refresh(); // with the successor: the session lives
});

test('many refreshes of one token at once get the same successor', async (t) => {
  const { ada } = await chat(t).users('ada');
  const body = { refresh_token: ada.tokens.refresh_token };
  const ask = (_, i) => ada.call('POST', '/sessions/refresh', body, { token: null, api: i % 2 });
  const answers = await Promise.all(Array.from({ length: 10 }, ask));
  assert.equal(new Set(answers.map(({ tokens }) => tokens.refresh_token)).size, 1);
});

test('a refresh token used after its successor was used ends the session and its sockets', async (t) => {
  const { ada } = await chat(t).users('ada');
  const stolen = { refresh_token: ada.tokens.refresh_token };
  const devices = [await ada.connect({ gateway: 0 }), await ada.connect({ gateway: 1 })];
  await ada.refresh();
  await ada.refresh();
  await refused(ada.call('POST', '/sessions/refresh', stolen, { token: null, api: 1 }), 401, 'refresh_reused');
  await eventually(isRefusedEverywhere(ada), 'the access token is refused', REVOKED_WITHIN_MS);
  for (const device of devices) assert.equal((await device.disconnected(REVOKED_WITHIN_MS)).code, 3500);
  await assert.rejects(ada.refresh(), { status: 401 });
});

test('the end of one family leaves the other sessions of that person alone', async (t) => {
  const { ada } = await chat(t).users('ada');
  const laptop = await ada.signInAgain();
  const device = await laptop.connect();
  const stolen = { refresh_token: ada.tokens.refresh_token };
  await ada.refresh();
  await ada.refresh();
  await refused(ada.call('POST', '/sessions/refresh', stolen, { token: null }), 401, 'refresh_reused');
  await eventually(isRefusedEverywhere(ada), 'the access token is refused', REVOKED_WITHIN_MS);
  assert.equal((await laptop.get('/me')).id, ada.id);
  await laptop.refresh();
  await device.settle();
});

test('a refresh token with a changed byte is refused and ends nothing', async (t) => {
  const { ada } = await chat(t).users('ada');
  const token = ada.tokens.refresh_token;
  const forged = token.slice(0, -4) + (token.slice(-4, -3) === 'A' ? 'B' : 'A') + token.slice(-3);
  await assert.rejects(ada.call('POST', '/sessions/refresh', { refresh_token: forged }, { token: null }), { status: 401 });
  await assert.rejects(ada.call('POST', '/sessions/refresh', { refresh_token: 'x' }, { token: null }), { status: 401 });
  await ada.refresh();
});

test('after signing out the access token is refused by both APIs and sockets on both gateways are closed, within a second', async (t) => {
  const { ada } = await chat(t).users('ada');
  const devices = [await ada.connect({ gateway: 0 }), await ada.connect({ gateway: 1 })];
  const answer = await ada.ask('DELETE', '/sessions/current');
  assert.equal(answer.status, 204);
  await Promise.all([
    eventually(isRefusedEverywhere(ada), 'the access token is refused', REVOKED_WITHIN_MS),
    ...devices.map(async (device) => {
      const { code, reason } = await device.disconnected(REVOKED_WITHIN_MS);
      assert.deepEqual([code, reason], [3500, 'session ended']);
    }),
  ]);
  await assert.rejects(ada.connect({ gateway: 1, getToken: async () => '' }), /3500/);
  await assert.rejects(ada.refresh(), { status: 401 });
});

test('a changed password ends all other sessions, over HTTP and on both gateways, within a second; the old one lets nobody in', async (t) => {
  const { ada } = await chat(t).users('ada');
  const others = [await ada.signInAgain({ api: 0 }), await ada.signInAgain({ api: 1 })];
  const here = await ada.connect({ gateway: 0 });
  const devices = await Promise.all(others.map((person, gateway) => person.connect({ gateway })));
  const old = ada.password;
  await ada.changePassword('battery staple', { api: 1 });
  await Promise.all([
    ...others.map((person) => eventually(isRefusedEverywhere(person), 'the access token is refused', REVOKED_WITHIN_MS)),
    ...devices.map(async (device) => assert.equal((await device.disconnected(REVOKED_WITHIN_MS)).code, 3500)),
  ]);
  for (const person of others) await assert.rejects(person.refresh(), { status: 401 });
  await ada.get('/me');
  await here.settle();
  await refused(ada.call('POST', '/sessions', { login: ada.login, password: old }, { token: null }), 401, 'bad_credentials');
  assert.equal((await ada.signInAgain()).id, ada.id);
  assert.deepEqual((await ada.get('/sessions')).items.length, 2);
});

test('a password is changed by who knows the old one, in full, or not at all', async (t) => {
  const { ada } = await chat(t).users('ada');
  const other = await ada.signInAgain();
  await refused(ada.changePassword('battery staple', { from: 'a guess' }), 403, 'wrong_password');
  await refused(ada.changePassword('short'), 400, 'out_of_range');
  await refused(ada.call('POST', '/me/password', { new: 'battery staple' }), 400, 'missing');
  await other.get('/me');
  const old = ada.password;
  await ada.changePassword('battery staple');
  await ada.changePassword('battery staple', { from: old }); // as one asks whose answer was lost
  await refused(ada.changePassword('another staple', { from: old }), 403, 'wrong_password');
});

test('of many who sign in while the password is changed, none stays in with the old one', async (t) => {
  const { ada } = await chat(t).users('ada');
  for (let round = 0; round < 5; round++) {
    const password = ada.password;
    const attempts = Array.from({ length: 12 }, (_, i) => ada.ask('POST', '/sessions', { login: ada.login, password }, { api: i % 2, token: null }));
    await ada.changePassword(`battery staple ${round}`, { api: round % 2 });
    const answers = await Promise.all(attempts);
    for (const { status, body } of answers) {
      if (status === 401) continue;
      assert.equal(status, 201);
      await eventually(async () => (await ada.ask('GET', '/me', undefined, { token: body.tokens.access_token })).status === 401, 'ended');
    }
  }
  assert.equal((await ada.get('/sessions')).items.length, 1);
});

test('sessions that end at both APIs at once are known to both', async (t) => {
  const people = Object.values(await chat(t).users(...Array.from({ length: 8 }, (_, i) => `ada${i}`)));
  for (const [i, person] of people.entries()) await person.signOut({ api: (i + 1) % 2 });
  await Promise.all(people.map((person) => eventually(isRefusedEverywhere(person), 'the access token is refused', REVOKED_WITHIN_MS)));
});

test('sessions are listed with the current one marked, and one ends without the others', async (t) => {
  const { ada } = await chat(t).users('ada');
  const phone = await ada.signInAgain({ device: 'phone' });
  const { items } = await ada.get('/sessions');
  assert.deepEqual(items.map(idOf).sort(), [ada.session.id, phone.session.id].sort());
  assert.deepEqual(items.filter((session) => session.is_current).map(idOf), [ada.session.id]);
  assert.equal(items.find(({ id }) => id === phone.session.id).device, 'phone');

  await ada.call('DELETE', `/sessions/${phone.session.id}`);
  await eventually(isRefusedEverywhere(phone), 'the access token is refused', REVOKED_WITHIN_MS);
  assert.deepEqual((await ada.get('/sessions')).items.map(idOf), [ada.session.id]);
});

test('ending all sessions ends one\'s own too', async (t) => {
  const { ada } = await chat(t).users('ada');
  const phone = await ada.signInAgain();
  await ada.call('DELETE', '/sessions');
  for (const person of [ada, phone])
    await eventually(isRefusedEverywhere(person), 'the access token is refused', REVOKED_WITHIN_MS);
});

test('nobody ends the session of somebody else', async (t) => {
  const { ada, eve } = await chat(t).users('ada', 'eve');
  await refused(eve.call('DELETE', `/sessions/${ada.session.id}`), 404, 'not_found');
  assert.equal((await ada.get('/me')).id, ada.id);
  await ada.refresh();
});

test('in cookie mode the refresh token travels in a cookie that no script reads, and in it alone', async (t) => {
  const { ada } = await chat(t).users('ada');
  const signIn = await postJson('/sessions', { login: ada.login, password: ada.password, cookie: true });
  assert.equal(signIn.status, 201);
  assert.equal(signIn.body.tokens.refresh_token, undefined);
  const [cookie] = signIn.headers['set-cookie'];
  assert.match(cookie, /HttpOnly/i);
  assert.match(cookie, /SameSite=Strict/i);
  assert.doesNotMatch(cookie, /Secure|__Host-/i, 'this is plain http');

  const sent = cookie.split(';')[0];
  const refresh = await postJson('/sessions/refresh', {}, { headers: { cookie: sent }, api: 1 });
  assert.equal(refresh.status, 200);
  assert.equal(refresh.body.tokens.refresh_token, undefined);
  const next = refresh.headers['set-cookie'][0].split(';')[0];
  assert.notEqual(next, sent);

  const headers = { ...json, authorization: `Bearer ${refresh.body.tokens.access_token}`, cookie: next };
  const { apis } = await running();
  const out = await exchange(apis[0].origin, 'DELETE', '/v1/sessions/current', { headers });
  assert.equal(out.status, 204);
  assert.equal((await postJson('/sessions/refresh', {}, { headers: { cookie: next } })).status, 401);
});

test('a token that is expired, unsigned, of another key or another audience is refused, by name', async (t) => {
  const { ada } = await chat(t).users('ada');
  const servers = await running();
  const claims = { sub: ada.id, sid: ada.session.id };
  const now = Math.floor(Date.now() / 1000);
  assert.equal((await ada.get('/me', { token: servers.sign(claims) })).id, ada.id, 'the way of signing is right');
  const bad = {
    token_expired: [servers.sign({ ...claims, exp: now - 120 })],
    bad_token: [
      servers.sign(claims, { key: 'another' }),
      servers.sign(claims, { header: { alg: 'none' } }),
      servers.sign(claims, { header: { alg: 'none' } }).replace(/[^.]*$/, ''),
      servers.sign({ ...claims, aud: 'elsewhere' }),
      servers.sign({ sub: ada.id }),
      servers.sign({ ...claims, sub: 'x' }),
      'x',
      'a.b.c',
      'A'.repeat(5_000),
    ],
  };
  for (const [code, tokens] of Object.entries(bad))
    for (const token of tokens) await refused(ada.get('/me', { token }), 401, code);
  await refused(ada.get('/me', { token: null }), 401, 'unauthenticated');
});
