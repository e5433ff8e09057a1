// The operator's command against a real database and real programs.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { chat, configure, eventually, running, test } from './harness/index.js';
import { BIN, ROOT, dataFolder } from './harness/folders.js';

configure({ apis: 1, gateways: 1 });

/** Runs `parley WORDS...`; answers {status, out, err}. */
async function parley(words, env = {}) {
  const servers = await running();
  const known = {
    ...process.env,
    ...servers.databaseEnv(),
    PARLEY_REDIS_PORT: String(servers.redis.port),
    PARLEY_REDIS_PASSWORD: servers.redis.password,
    PARLEY_TOKEN_SECRET: servers.tokenSecret,
    PARLEY_API_URL: servers.apis[0].origin,
    PARLEY_GATEWAYS_URL: servers.gateways.map(({ origin }) => origin).join(','),
    PARLEY_BUS_URLS: servers.apis[0].env.PARLEY_BUS_LISTEN,
    ...env,
  };
  return await new Promise((resolve) => {
    execFile(path.join(BIN, 'parley'), words, { env: known }, (error, out, err) => resolve({ status: error ? error.code : 0, out, err }));
  });
}

let databases = 0;

/** The environment that names a new, empty database. */
async function emptyDatabase() {
  const { postgres, databaseName } = await running();
  return { PARLEY_DB_URL: await postgres.createDatabase(`${databaseName}_${++databases}`) };
}

/** A copy of the schema's files, to be spoilt. */
function copyOfSchema() {
  const folder = path.join(dataFolder(), 'schema');
  fs.cpSync(path.join(ROOT, 'schema'), folder, { recursive: true });
  return folder;
}

const lanes = async (env) => (await parley(['lanes'], env)).out.trim().split('\n').slice(1).map((line) => line.trim().split(/ +/));

test('a second migration changes nothing', async () => {
  const env = await emptyDatabase();
  assert.equal((await parley(['migrate', '--lanes', '3'], env)).status, 0);
  const first = await lanes(env);
  assert.equal(first.length, 3);
  const second = await parley(['migrate', '--lanes', '5'], env);
  assert.deepEqual([second.status, second.out], [0, 'nothing to do: the schema is complete\n']);
  assert.deepEqual(await lanes(env), first);
});

test('of many migrations at once each file is applied by one', async () => {
  const env = await emptyDatabase();
  const runs = await Promise.all(Array.from({ length: 6 }, () => parley(['migrate'], env)));
  for (const { status, err } of runs) assert.equal(status, 0, err);
  assert.equal(runs.filter(({ out }) => out.includes('applied in')).length, 1);
  assert.equal((await lanes(env)).length, 4);
});

test('a file that fails leaves nothing of itself, and its line is named', async () => {
  const env = { ...(await emptyDatabase()), PARLEY_SCHEMA_DIR: copyOfSchema() };
  const broken = path.join(env.PARLEY_SCHEMA_DIR, '9000_broken.sql');
  fs.writeFileSync(broken, 'CREATE TABLE public.half (a int);\nCREATE TABEL whole ();\n');
  const failed = await parley(['migrate'], env);
  assert.equal(failed.status, 1);
  assert.match(failed.err, /^parley: 9000_broken\.sql line 2: ERROR: .*TABEL/);
  fs.writeFileSync(broken, 'CREATE TABLE public.half (a int);\n');
  assert.equal((await parley(['migrate'], env)).status, 0);
});

test('a new file reaches lanes that are there, and a lane never appears half made', async () => {
  const env = { ...(await emptyDatabase()), PARLEY_SCHEMA_DIR: copyOfSchema() };
  assert.equal((await parley(['migrate', '--lanes', '2'], env)).status, 0);
  const before = (await lanes(env)).map(([, , version]) => Number(version));
  fs.writeFileSync(path.join(env.PARLEY_SCHEMA_DIR, 'lane', '9000_more.sql'), 'CREATE TABLE {lane}.more (a int);\n');
  assert.equal((await parley(['migrate'], env)).status, 0);
  assert.deepEqual((await lanes(env)).map(([, , version]) => Number(version)), before.map((version) => version + 1));
  fs.writeFileSync(path.join(env.PARLEY_SCHEMA_DIR, 'lane', '9001_fails.sql'), 'CREATE TABLE {lane}.more (again int);\n');
  assert.equal((await parley(['lanes', 'add'], env)).status, 1);
  assert.equal((await lanes(env)).length, 2);
});

test('a database that newer files made is left alone', async () => {
  const env = await emptyDatabase();
  const newer = copyOfSchema();
  fs.writeFileSync(path.join(newer, 'lane', '9000_more.sql'), 'CREATE TABLE {lane}.more (a int);\n');
  assert.equal((await parley(['migrate'], { ...env, PARLEY_SCHEMA_DIR: newer })).status, 0);
  const refused = await parley(['migrate'], env);
  assert.equal(refused.status, 1);
  assert.match(refused.err, /newer parley/);
});

test('a lane that is added to running programs gets rooms', async (t) => {
  const { ada } = await chat(t).users('ada');
  const added = String((await lanes()).length);
  assert.equal((await parley(['lanes', 'add'])).status, 0);
  await eventually(async () => {
    await ada.createRoom('one more');
    return (await lanes()).some(([number, rooms]) => number === added && Number(rooms) > 0);
  }, `a room in lane ${added}`);
});

test('the demo is there once, however often it is seeded', async () => {
  const servers = await running();
  const events = async () => {
    const counts = await Promise.all((await lanes()).map(([number]) => servers.sql(`SELECT count(*) FROM lane_${number.padStart(3, '0')}.events`)));
    return counts.reduce((sum, [[count]]) => sum + Number(count), 0);
  };
  const first = await parley(['seed', '--demo.password', 'only for the demo']);
  assert.equal(first.status, 0, first.err);
  const stored = await events();
  const second = await parley(['seed', '--demo.password', 'only for the demo']);
  assert.equal(second.status, 0, second.err);
  assert.equal(await events(), stored);
  assert.deepEqual(await servers.sql("SELECT login FROM users WHERE login IN ('ada', 'bob', 'cleo', 'dan') ORDER BY 1"), [['ada'], ['bob'], ['cleo'], ['dan']]);
  assert.deepEqual(await servers.sql("SELECT count(*) FROM sessions WHERE device = 'parley seed' AND ended_at IS NULL"), [['0']]);
  const stranger = await parley(['seed', '--demo.password', 'not that of the demo']);
  assert.equal(stranger.status, 1);
  assert.match(stranger.err, /another password/);
});

test('a token of the operator speaks for its user until it expires', async (t) => {
  const { ada } = await chat(t).users('ada');
  const token = (life) => parley(['token', '--user', ada.id, '--session', ada.session.id, '--life', life]);
  const { out } = await token('5m');
  assert.equal((await ada.ask('GET', '/me', undefined, { token: out.trim() })).status, 200);
  const claims = JSON.parse(Buffer.from(out.split('.')[1], 'base64url'));
  assert.deepEqual([claims.sub, claims.sid, claims.exp - claims.iat], [ada.id, ada.session.id, 300]);
  assert.equal((await token('forever')).status, 2);
});

test('a token made for gateways is one that they take', async () => {
  const made = await parley(['gentoken', '--user', '42', '--ttl', '3600', '--channels', 'news,chat', '--info', '{"name": "Ada"}']);
  assert.equal(made.status, 0, made.err);
  const token = made.out.trim();
  const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  assert.deepEqual([claims.sub, claims.channels, claims.info, claims.aud, claims.exp - claims.iat], ['42', ['news', 'chat'], { name: 'Ada' }, 'parley', 3600]);
  const good = await parley(['checktoken', token]);
  assert.deepEqual([good.status, good.out.trim().split('\n').at(-1)], [0, 'valid'], good.err);
  const bad = await parley(['checktoken', token], { PARLEY_CLIENT_TOKEN_HMAC_SECRET_KEY: 'a key of somebody else' });
  assert.equal(bad.status, 1);
  assert.match(bad.out, /not valid: the signature/);
  for (const words of [['--info', '{'], ['--ttl', 'soon'], ['--user', 'x'.repeat(256)]])
    assert.equal((await parley(['gentoken', '--user', '42', ...words])).status, 2);
});

test('a subscription token has the key that subscriptions have', async () => {
  const own = { PARLEY_CLIENT_SUBSCRIPTION_TOKEN_ENABLED: 'true', PARLEY_CLIENT_SUBSCRIPTION_TOKEN_HMAC_SECRET_KEY: 'for subscriptions alone' };
  const token = (await parley(['gensubtoken', '--user', '42', '--channel', '$news', '--ttl', '0'], own)).out.trim();
  const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  assert.deepEqual([claims.sub, claims.channel, claims.exp], ['42', '$news', undefined]);
  const good = await parley(['checktoken', token], own);
  assert.equal(good.status, 0, good.out);
  assert.match(good.out, /subscription token/);
  assert.equal((await parley(['checktoken', token])).status, 1);
});

test('what is wrong with a token is named', async () => {
  const key = 'a key of a back end';
  const token = (claims, alg = 'HS256') => {
    const message = [{ alg }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    return `${message}.${createHmac('sha256', key).update(message).digest('base64url')}`;
  };
  const rows = [
    ['abc', /no token/],
    [token({ sub: 42 }), /"sub" is a number/],
    [token({ sub: '42', exp: 1 }), /has expired/],
    [token({ sub: '42', nbf: 4e9 }), /not valid yet/],
    [token({ sub: '42' }, 'none'), /algorithm is not known/],
    [token({ sub: '42' }, 'RS256'), /no key for its algorithm\n.*rsa_public_key/],
    [token({ sub: '42', channel: '' }), /"channel"/],
  ];
  for (const [bad, why] of rows) {
    const { status, out } = await parley(['checktoken', bad], { PARLEY_CLIENT_TOKEN_HMAC_SECRET_KEY: key });
    assert.equal(status, 1);
    assert.match(out, why);
  }
});

test('the doctor names what is wrong, and nothing else', async () => {
  const doctor = async (env) => {
    const { status, out } = await parley(['doctor', '--json'], env);
    const { ok, findings } = JSON.parse(out);
    return { status, ok, failed: findings.filter(({ verdict }) => verdict === 'fail').map(({ subject }) => subject) };
  };
  assert.deepEqual(await doctor(), { status: 1, ok: false, failed: ['durability'] }); // tests run with fsync=off
  const sick = { PARLEY_API_URL: 'http://127.0.0.1:1', PARLEY_REDIS_PASSWORD: 'wrong', ...(await emptyDatabase()) };
  assert.deepEqual(await doctor(sick), { status: 1, ok: false, failed: ['schema', 'durability', 'Redis', 'parley-api'] });
});

test('without a database each command that needs one says so in a line', async () => {
  for (const command of ['migrate', 'lanes']) {
    const { status, out, err } = await parley([command], { PARLEY_DB_URL: 'postgresql://parley@127.0.0.1:1/parley' });
    assert.deepEqual([status, out], [1, '']);
    assert.match(err, /^parley: cannot reach PostgreSQL: .*\n {2}Is PostgreSQL running\?.*\n$/);
  }
});

test('the default configuration of the gateway passes the check, as JSON and as environment', async () => {
  const file = path.join(dataFolder(), 'gateway.json');
  const written = await parley(['defaultconfig']);
  assert.equal(written.status, 0, written.err);
  assert.equal(JSON.parse(written.out).client.ping_interval, '25s');
  fs.writeFileSync(file, written.out);
  const checked = await parley(['checkconfig', '--config', file]);
  assert.deepEqual([checked.status, checked.err], [0, '']);
  assert.match(checked.out, /^client\.ping_interval = 25s {2}# .*gateway\.json: client\.ping_interval$/m);
  const variables = await parley(['defaultenv']);
  const env = Object.fromEntries(variables.out.trim().split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2)));
  assert.equal(env.PARLEY_CLIENT_PING_INTERVAL, '25s');
  assert.equal((await parley(['checkconfig'], env)).status, 0);
});

test('a configuration that cannot be is refused in one line that names the place', async () => {
  const file = path.join(dataFolder(), 'bad.json');
  fs.writeFileSync(file, '{"client": {"channel_limit": "many"}}');
  const { status, out, err } = await parley(['checkconfig', '--config', file]);
  assert.deepEqual([status, out], [2, '']);
  assert.match(err, /^parley-gateway: .*bad\.json: client\.channel_limit: a whole number from 1 to 100000 .*\n$/);
});

test('the commands for the gateway say when it is not there', async () => {
  const alone = path.join(dataFolder(), 'parley');
  fs.copyFileSync(path.join(BIN, 'parley'), alone);
  const { status, err } = await new Promise((resolve) => {
    execFile(alone, ['defaultenv'], (error, out, text) => resolve({ status: error ? error.code : 0, err: text }));
  });
  assert.equal(status, 1);
  assert.match(err, /^parley: cannot run .*parley-gateway: No such file or directory\n {2}It belongs beside parley/);
});
