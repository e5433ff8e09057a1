// One API on core 0, its database and its Redis: what a measurement through HTTP begins with.
import crypto from 'node:crypto';
import path from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { BIN, ROOT } from '../../tests/flow/harness/folders.js';
import { freePorts } from '../../tests/flow/harness/ports.js';

const run = promisify(execFile);

const secret = () => crypto.randomBytes(24).toString('hex');

/** A new cluster with one migrated database in it. */
export async function openDatabase(stage) {
  const postgres = await stage.postgres();
  const url = await postgres.createDatabase('bench');
  await run(path.join(BIN, 'parley'), ['migrate'], { env: { ...process.env, PARLEY_DB_URL: url, PARLEY_SCHEMA_DIR: path.join(ROOT, 'schema') } });
  return { postgres, url };
}

/** Answers {server, port, tokenSecret, busPort, busKey}; the server has one thread and is ended by the caller. */
export async function serveApi(stage, url, redis) {
  const [port] = await freePorts(1);
  const [bus] = await freePorts(2);
  const [tokenSecret, busKey] = [secret(), secret()];
  const env = {
    PARLEY_DB_URL: url,
    PARLEY_REDIS_PORT: String(redis.port),
    PARLEY_REDIS_PASSWORD: redis.password,
    PARLEY_TOKEN_SECRET: tokenSecret,
    PARLEY_REFRESH_SECRET: secret(),
    PARLEY_BUS_LISTEN: `tcp://127.0.0.1:${bus}`,
    PARLEY_BUS_KEY: busKey,
    PARLEY_HTTP_PORT: String(port),
    PARLEY_API_THREADS: '1',
    PARLEY_LIMITS_EXEMPT: '127.0.0.0/8', // all load comes from here
  };
  const server = await stage.serve('parley-api', { env, port, isReady: () => isReady(port) });
  return { server, port, tokenSecret, busPort: bus, busKey };
}

async function isReady(port) {
  return (await fetch(`http://127.0.0.1:${port}/ready`)).ok;
}
