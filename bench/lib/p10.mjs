// P10: the first page of chat lists of 100 rooms, 64 people with one request under way each, from a cache that knows all: through the
// API, and by the same questions to Redis from a bare hiredis client.
import { serveApi } from './api.mjs';
import { Database } from './database.mjs';
import { compare } from './report.mjs';

export const title = 'P10 chat lists of 100 rooms, 64 people';

const PEOPLE = 256;
const ASKING = 64;
const ROOMS = 1600; // 100 for each person
const MEMBERS = 16;

/** What stands before every key of the API. */
async function prefixOf(redis) {
  const keys = (await redis.command('--scan', '--pattern', '*:rooms:*')).split('\n').filter((key) => /:rooms:\d+$/.test(key));
  if (keys.length < ASKING) throw new Error(`the cache knows ${keys.length} lists only`);
  return keys[0].replace(/rooms:\d+$/, '');
}

async function api(stage, database, redis, seconds) {
  const { server, port, tokenSecret } = await serveApi(stage, database.url, redis);
  const args = [`--senders=${database.files.many_file}`, `--senders-max=${ASKING}`, `--seconds=${seconds}`, `--port=${port}`, `--pid=${server.pid}`];
  const sample = await stage.generate('bench-get', { env: { PARLEY_TOKEN_SECRET: tokenSecret }, args });
  await stage.end(server);
  return sample;
}

async function bare(stage, database, redis, prefix, seconds) {
  const args = [`--senders=${database.files.many_file}`, `--senders-max=${ASKING}`, `--seconds=${seconds}`, `--port=${redis.port}`, `--prefix=${prefix}`];
  return stage.generate('bench-redis-list', { env: { PARLEY_REDIS_PASSWORD: redis.password }, args, core: 0 });
}

export async function run(stage, { samples, seconds }) {
  const [database, redis] = await Promise.all([Database.open(stage), stage.redis()]);
  await database.seed({ people: PEOPLE, rooms: ROOMS, members: MEMBERS, messages: 3 });
  await api(stage, database, redis, 1); // fills the cache
  const prefix = await prefixOf(redis);
  const taken = { redis: [], api: [] };
  for (let i = 0; i < samples; i++) {
    taken.redis.push(await stage.calmly(() => bare(stage, database, redis, prefix, seconds)));
    taken.api.push(await stage.calmly(() => api(stage, database, redis, seconds)));
    console.log(`P10 ${i + 1}/${samples}: ${taken.redis[i].per_wall_s}/s (hiredis), ${taken.api[i].per_wall_s}/s (API)`);
  }
  const rows = (unit, figure, bounds) => {
    const of = (list) => list.map((sample) => sample[figure]);
    return compare({ scenario: '100 rooms, warm', unit, yardstick: of(taken.redis), parley: of(taken.api), ...bounds });
  };
  return [rows('lists per s', 'per_wall_s', { must: 0.5, aim: 0.7 }), rows('lists per CPU s', 'per_cpu_s')];
}
