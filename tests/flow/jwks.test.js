// Keys of tokens: an identity provider's set by its URL, public keys as PEM, two secrets, and the claims that must be there.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { promisify } from 'node:util';
import { Alone, DIE, HANG, Line, Said, TOKEN_KEY, Target, codeOf, eventually, test } from './harness/index.js';

const now = () => Math.floor(Date.now() / 1000);
const generate = promisify(crypto.generateKeyPair);

const KINDS = {
  RS256: { type: 'rsa', options: { modulusLength: 2048 }, hash: 'sha256' },
  RS512: { type: 'rsa', options: { modulusLength: 2048 }, hash: 'sha512' },
  ES256: { type: 'ec', options: { namedCurve: 'P-256' }, hash: 'sha256' },
  ES384: { type: 'ec', options: { namedCurve: 'P-384' }, hash: 'sha384' },
  EdDSA: { type: 'ed25519', options: {}, hash: null },
};

/** A key of a provider: signs tokens, and shows itself as a JWK or PEM. */
async function makeKey(alg, kid) {
  const { type, options, hash } = KINDS[alg];
  const { publicKey, privateKey } = await generate(type, options);
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' },
    pem: publicKey.export({ type: 'spki', format: 'pem' }),
    token(claims, header = {}) {
      const parts = [{ alg, typ: 'JWT', ...(kid && { kid }), ...header }, claims];
      const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
      const signature = crypto.sign(hash, Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${text}.${signature.toString('base64url')}`;
    },
  };
}

async function start(t, keys, { token = {}, ...client } = {}) {
  const provider = await Target.start(t);
  provider.on('/keys', { keys: keys.map(({ jwk }) => jwk) });
  const gateway = await Alone.start(t, {
    client: { token: { hmac_secret_key: '', jwks_public_endpoint: provider.url('/keys'), ...token }, ...client },
    channel: { without_namespace: { allow_subscribe_for_client: true } },
  });
  return { provider, gateway };
}

/** 'in', or the code of the error or of the end. */
async function come(t, gateway, token) {
  const line = await Line.open(t, gateway);
  const reply = await line.connect({ token });
  return reply.connect ? 'in' : reply.closed?.code ?? codeOf(reply);
}

test('tokens are good that a key of the set has signed, by each algorithm', async (t) => {
  const keys = await Promise.all(Object.keys(KINDS).map((alg) => makeKey(alg, `key ${alg}`)));
  const { provider, gateway } = await start(t, keys);
  for (const key of keys) assert.equal(await come(t, gateway, key.token({ sub: 'ada' })), 'in', key.jwk.alg);
  const other = await makeKey('ES256', 'key ES256');
  assert.equal(await come(t, gateway, other.token({ sub: 'ada' })), 3500, 'another key of the same name');
  assert.equal(await come(t, gateway, keys[0].token({ sub: 'ada' }, { kid: 'key ES256' })), 3500, 'an algorithm that is not of the key');
  assert.equal(await come(t, gateway, keys[4].token({ sub: 'ada' }, { kid: undefined })), 'in', 'without a name: the only one that fits');
  assert.equal(await come(t, gateway, gateway.token({ sub: 'ada' }, keys[0].pem)), 3500, 'a public key is no secret');
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"ada"}').toString('base64url')}.`;
  assert.equal(await come(t, gateway, none), 3500);
  assert.equal(await come(t, gateway, keys[2].token({ sub: 'ada', exp: now() - 1 })), 109);
  assert.ok(provider.all('/keys').length <= 4, `fetched ${provider.all('/keys').length} times`);
});

test('a provider may change its keys: a new one is fetched when it is first seen, once for all who wait', async (t) => {
  const [old, young] = await Promise.all([makeKey('ES256', 'old'), makeKey('ES256', 'young')]);
  const { provider, gateway } = await start(t, [old]);
  assert.equal(await come(t, gateway, old.token({ sub: 'ada' })), 'in');
  assert.equal(provider.all('/keys').length, 1);
  provider.on('/keys', { keys: [young.jwk] });
  await eventually(async () => (await come(t, gateway, young.token({ sub: 'ada' }))) === 'in', 'the new key');
  assert.equal(provider.all('/keys').length, 2);
  assert.deepEqual([...new Set(await Promise.all(Array.from({ length: 20 }, () => come(t, gateway, young.token({ sub: 'bob' })))))], ['in']);
  assert.equal(provider.all('/keys').length, 2);
});

test('a key that nobody knows is asked for once, and then refused', async (t) => {
  const key = await makeKey('EdDSA', 'key'), stranger = await makeKey('EdDSA', 'stranger');
  const { provider, gateway } = await start(t, [key]);
  assert.equal(await come(t, gateway, key.token({ sub: 'ada' })), 'in');
  const answers = await Promise.all(Array.from({ length: 20 }, () => come(t, gateway, stranger.token({ sub: 'eve' }))));
  assert.deepEqual([...new Set(answers)], [3500]);
  assert.ok(provider.all('/keys').length <= 2, `fetched ${provider.all('/keys').length} times`);
  assert.equal(await come(t, gateway, key.token({ sub: 'ada' })), 'in');
});

test('who comes while the set is being fetched waits for it', async (t) => {
  const key = await makeKey('ES256', 'key');
  const provider = await Target.start(t);
  let show;
  provider.on('/keys', () => new Promise((resolve) => (show = () => resolve({ keys: [key.jwk] }))));
  const gateway = await Alone.start(t, { client: { token: { hmac_secret_key: '', jwks_public_endpoint: provider.url('/keys') } } });
  await provider.next('/keys');
  const waiting = Promise.all(Array.from({ length: 5 }, () => come(t, gateway, key.token({ sub: 'ada' }))));
  const gone = await Line.open(t, gateway);
  gone.connect({ token: key.token({ sub: 'ada' }) });
  gone.wire.socket.terminate();
  await eventually(async () => (await gateway.metrics()).parley_gateway_connections === 5, 'five wait');
  show();
  assert.deepEqual(await waiting, Array(5).fill('in'));
  assert.equal(provider.all('/keys').length, 1);
});

test('without its provider a gateway answers 100, keeps those who are there, and recovers', async (t) => {
  const key = await makeKey('ES256', 'key');
  const { provider, gateway } = await start(t, []);
  await provider.close();
  assert.equal(await come(t, gateway, key.token({ sub: 'ada' })), 100);
  await provider.open();
  for (const answer of [DIE, new Said(500), new Said(200, 'no JSON'), { keys: [] }, { keys: [{ kty: 'oct', k: 'AAAA', kid: 'key' }] }]) {
    provider.on('/keys', answer);
    assert.equal(await come(t, gateway, key.token({ sub: 'ada' })), 100);
  }
  provider.on('/keys', { keys: [key.jwk] });
  await eventually(async () => (await come(t, gateway, key.token({ sub: 'ada' }))) === 'in', 'it recovers');
  const line = await Line.connect(t, gateway, { token: key.token({ sub: 'ada', exp: now() + 60 }) });
  await provider.close();
  assert.ok((await line.ask({ refresh: { token: key.token({ sub: 'ada', exp: now() + 120 }) } })).refresh.expires, 'the keys at hand stay good');
  const stranger = await makeKey('ES256', 'stranger');
  await eventually(async () => (await come(t, gateway, stranger.token({ sub: 'ada' }))) === 100, 'the set is asked for again');
  assert.equal(codeOf(await line.ask({ refresh: { token: stranger.token({ sub: 'ada' }) } })), 100, 'the client tries again later');
});

test('a provider that hangs keeps nobody else waiting, nor the gateway from ending', async (t) => {
  const provider = await Target.start(t);
  provider.on('/keys', HANG);
  const gateway = await Alone.start(t, { client: { stale_close_delay: '1s', token: { jwks_public_endpoint: provider.url('/keys') } } });
  await provider.next('/keys');
  const key = await makeKey('ES256', 'key');
  const waiting = come(t, gateway, key.token({ sub: 'ada' }));
  assert.equal(await come(t, gateway, gateway.token({ sub: 'bob' })), 'in', 'the secret is here');
  assert.equal(await waiting, 100, 'in half of stale_close_delay');
  provider.close();
  assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
});

test('public keys may be given as PEM', async (t) => {
  const [rsa, ec, other] = await Promise.all([makeKey('RS256'), makeKey('ES256'), makeKey('ES256')]);
  const gateway = await Alone.start(t, { client: { token: { rsa_public_key: rsa.pem, ecdsa_public_key: ec.pem } } });
  const tokens = [rsa, ec, other].map((key) => key.token({ sub: 'ada' }));
  assert.deepEqual([await come(t, gateway, tokens[0]), await come(t, gateway, tokens[1]), await come(t, gateway, tokens[2])], ['in', 'in', 3500]);
  assert.equal(await come(t, gateway, gateway.token({ sub: 'ada' })), 'in', 'beside the secret');
  assert.equal(await come(t, gateway, gateway.token({ sub: 'ada' }, rsa.pem)), 3500, 'a public key is no secret');
});

test('the previous secret is good until its time is over', async (t) => {
  const key = (until) => ({ token: { hmac_previous_secret_key: 'the one before', ...(until && { hmac_previous_secret_key_valid_until: until }) } });
  for (const [until, expected] of [[0, 'in'], [now() + 60, 'in'], [now() - 1, 3500]]) {
    const gateway = await Alone.start(t, { client: key(until) });
    assert.equal(await come(t, gateway, gateway.token({ sub: 'ada' }, 'the one before')), expected, String(until));
    assert.equal(await come(t, gateway, gateway.token({ sub: 'ada' })), 'in');
  }
});

test('audience, issuer and the claim of the user are what the operator wants', async (t) => {
  const cases = [
    [{ audience: 'app', issuer: 'https://id.example' }, { in: [{ aud: 'app', iss: 'https://id.example' }, { aud: ['x', 'app'], iss: 'https://id.example' }],
      out: [{}, { aud: 'app' }, { aud: 'other', iss: 'https://id.example' }, { aud: 'app', iss: 'https://id.example/' }] }],
    [{ audience_regex: '^app-[0-9]+$', issuer_regex: '^https://[a-z]+\\.example$' }, { in: [{ aud: 'app-1', iss: 'https://id.example' }, { aud: ['x', 'app-22'], iss: 'https://a.example' }],
      out: [{ aud: 'app-', iss: 'https://id.example' }, { aud: 'app-1', iss: 'http://id.example' }, { aud: 'app-1' }] }],
  ];
  for (const [token, expected] of cases) {
    const gateway = await Alone.start(t, { client: { token } });
    for (const claims of expected.in) assert.equal(await come(t, gateway, gateway.token({ sub: 'ada', ...claims })), 'in', JSON.stringify(claims));
    for (const claims of expected.out) assert.equal(await come(t, gateway, gateway.token({ sub: 'ada', ...claims })), 3500, JSON.stringify(claims));
  }
  const gateway = await Alone.start(t, { client: { token: { user_id_claim: 'user_id' } } });
  await Line.connect(t, gateway, { token: gateway.token({ sub: 'not this one', user_id: 'ada' }) });
  await gateway.api('disconnect', { user: 'ada' });
  assert.equal(await come(t, gateway, gateway.token({ sub: 'ada' })), 3500, 'the claim must be there');
});

test('subscription tokens may have keys of their own', async (t) => {
  const [key, own] = await Promise.all([makeKey('ES256', 'key'), makeKey('EdDSA', 'key')]);
  const provider = await Target.start(t);
  provider.on('/own', { keys: [own.jwk] });
  provider.on('/keys', { keys: [key.jwk] });
  const gateway = await Alone.start(t, { client: {
    token: { hmac_secret_key: '', jwks_public_endpoint: provider.url('/keys') },
    subscription_token: { enabled: true, jwks_public_endpoint: provider.url('/own'), hmac_secret_key: 'of subscriptions' },
  } });
  const line = await Line.connect(t, gateway, { token: key.token({ sub: 'ada' }) });
  const subscribe = (channel, token) => line.ask({ subscribe: { channel, token } });
  const claims = (channel) => ({ sub: 'ada', channel });
  await eventually(async () => (await subscribe('$a', own.token(claims('$a')))).subscribe, 'the set of subscriptions');
  assert.ok((await subscribe('$b', gateway.token(claims('$b'), 'of subscriptions'))).subscribe);
  assert.equal(codeOf(await subscribe('$c', key.token(claims('$c')))), 103, 'a key of connections');
  assert.equal(codeOf(await subscribe('$c', gateway.token(claims('$c'), TOKEN_KEY))), 103);
  assert.equal(await come(t, gateway, gateway.token({ sub: 'ada' }, 'of subscriptions')), 3500, 'and the other way round');
});
