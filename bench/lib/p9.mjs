// P9: messages of 128 bytes stored and acknowledged, 256 senders with one under way each: through the API over HTTP, and by the same
// two statements from a bare libpq loop.
import { serveApi } from './api.mjs';
import { Database } from './database.mjs';
import { compare } from './report.mjs';

export const title = 'P9 messages stored and acknowledged, 256 senders';

const SCENARIOS = { 'one hot room': 'hot_file', '1,000 rooms': 'many_file' };
const PEOPLE = 256; // each has one connection
const ROOMS = 1000;
const MEMBERS = 16; // of each of the 1,000; everybody is in the hot one
const SEED = { people: PEOPLE, rooms: ROOMS, members: MEMBERS };

async function libpq(stage, database, file, seconds) {
  await database.seed(SEED);
  const args = [`--senders=${database.files[file]}`, `--seconds=${seconds}`];
  const sample = await stage.generate('bench-libpq-loop', { env: { PARLEY_DB_URL: database.url }, args, core: 0 });
  await database.verify(sample, 'libpq loop');
  return sample;
}

async function api(stage, database, redis, file, seconds) {
  await database.seed(SEED);
  const { server, port, tokenSecret } = await serveApi(stage, database.url, redis);
  const args = [`--senders=${database.files[file]}`, `--seconds=${seconds}`, `--port=${port}`, `--pid=${server.pid}`];
  const sample = await stage.generate('bench-send', { env: { PARLEY_TOKEN_SECRET: tokenSecret }, args });
  await stage.end(server);
  await database.verify(sample, 'API');
  return sample;
}

export async function run(stage, { samples, seconds }) {
  const [database, redis] = await Promise.all([Database.open(stage), stage.redis()]);
  const rows = [];
  for (const [scenario, file] of Object.entries(SCENARIOS)) {
    const taken = { libpq: [], api: [] };
    for (let i = 0; i < samples; i++) {
      taken.libpq.push(await stage.calmly(() => libpq(stage, database, file, seconds)));
      taken.api.push(await stage.calmly(() => api(stage, database, redis, file, seconds)));
      console.log(`P9 ${scenario} ${i + 1}/${samples}: ${taken.libpq[i].per_wall_s}/s (libpq loop), ${taken.api[i].per_wall_s}/s (API)`);
    }
    const rates = (list) => list.map((sample) => sample.per_wall_s);
    rows.push(compare({ scenario, unit: 'messages per s', yardstick: rates(taken.libpq), parley: rates(taken.api), must: 0.5, aim: 0.7 }));
  }
  return rows;
}
