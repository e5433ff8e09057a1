// P11: from a request to its delivery, one message of 128 bytes at a time, on a machine that does nothing else: through API, PostgreSQL,
// bus and gateway; and the sum of what must happen at least: the two statements of a send and their commit from a bare libpq loop, one
// hop of bare NNG, one write of the ceiling.
import { freePorts } from '../../tests/flow/harness/ports.js';
import { serveApi } from './api.mjs';
import { Database } from './database.mjs';
import { compare } from './report.mjs';
import { onCeiling } from './targets.mjs';

export const title = 'P11 from a request to its delivery, one message at a time';

const SEED = { people: 16, rooms: 1, members: 16 };

async function commit(stage, database, seconds) {
  await database.seed(SEED);
  const args = [`--senders=${database.files.hot_file}`, '--senders-max=1', `--seconds=${seconds}`];
  return (await stage.generate('bench-libpq-loop', { env: { PARLEY_DB_URL: database.url }, args, core: 0 })).mean_ms;
}

async function hop(stage, seconds) {
  const [port] = await freePorts(2);
  return (await stage.generate('bench-nng-hop', { args: [`--port=${port}`, `--seconds=${seconds}`], core: 0 })).mean_ms;
}

async function write(stage, seconds) {
  const { per_wall_s: rate } = await onCeiling(stage, 'bench-fanout', [`--seconds=${seconds}`, '--subscribers=1', '--data-bytes=128']);
  return 1000 / rate;
}

async function serveGateway(stage, { busPort, tokenSecret, busKey }) {
  const [port] = await freePorts(1);
  const env = {
    PARLEY_TOKEN_SECRET: tokenSecret, PARLEY_BUS_KEY: busKey, PARLEY_HTTP_PORT: String(port), PARLEY_GATEWAY_THREADS: '1',
    PARLEY_BUS_APIS: `tcp://127.0.0.1:${busPort}`,
  };
  const isReady = async () => (await fetch(`http://127.0.0.1:${port}/ready`).catch(() => ({ ok: false }))).ok;
  return { gateway: await stage.serve('parley-gateway', { env, port, isReady }), port };
}

async function parley(stage, database, redis, seconds) {
  await database.seed(SEED);
  const api = await serveApi(stage, database.url, redis);
  const { gateway, port } = await serveGateway(stage, api);
  const args = [`--senders=${database.files.hot_file}`, `--seconds=${seconds}`, `--port=${api.port}`, `--gateway-port=${port}`, `--pid=${api.server.pid}`];
  const sample = await stage.generate('bench-deliver', { env: { PARLEY_TOKEN_SECRET: api.tokenSecret }, args });
  await stage.end(gateway);
  await stage.end(api.server);
  return sample.mean_ms;
}

export async function run(stage, { samples, seconds }) {
  const [database, redis] = await Promise.all([Database.open(stage), stage.redis()]);
  const parts = { commit: [], hop: [], write: [] };
  const [bare, whole] = [[], []];
  for (let i = 0; i < samples; i++) {
    parts.commit.push(await stage.calmly(() => commit(stage, database, seconds)));
    parts.hop.push(await stage.calmly(() => hop(stage, seconds)));
    parts.write.push(await stage.calmly(() => write(stage, seconds)));
    bare.push(parts.commit[i] + parts.hop[i] + parts.write[i]);
    whole.push(await stage.calmly(() => parley(stage, database, redis, seconds)));
    const of = ({ commit: c, hop: h, write: w }) => `${c[i].toFixed(3)} + ${h[i].toFixed(3)} + ${w[i].toFixed(3)}`;
    console.log(`P11 ${i + 1}/${samples}: ${of(parts)} ms (commit, hop, write), ${whole[i].toFixed(3)} ms (Parley)`);
  }
  return [compare({ scenario: 'one message at a time', unit: 'ms', yardstick: bare, parley: whole, must: 2, aim: 1.4, isCost: true })];
}
