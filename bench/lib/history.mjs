// history: pages of 50 messages from anywhere in a room of a million, 64 people with one request under way each: through the API, and as
// JSON that the database makes for bare connections, as many as the API has.
import { serveApi } from './api.mjs';
import { Database } from './database.mjs';
import { compare } from './report.mjs';

export const title = 'History, pages of 50 of a million messages, 64 people';

const PEOPLE = 256;
const ASKING = 64;
const MESSAGES = 1_000_000;
const CONNECTIONS = 3; // db.connections of an API's loop

async function api(stage, database, redis, seconds) {
  const { server, port, tokenSecret } = await serveApi(stage, database.url, redis);
  const args = ['--what=history', `--last-seq=${MESSAGES}`, `--senders=${database.files.hot_file}`, `--senders-max=${ASKING}`,
    `--seconds=${seconds}`, `--port=${port}`, `--pid=${server.pid}`];
  const sample = await stage.generate('bench-get', { env: { PARLEY_TOKEN_SECRET: tokenSecret }, args });
  await stage.end(server);
  return sample;
}

async function bare(stage, database, seconds) {
  const args = [`--last-seq=${MESSAGES}`, `--senders=${database.files.hot_file}`, `--connections=${CONNECTIONS}`, `--seconds=${seconds}`];
  return stage.generate('bench-select-json', { env: { PARLEY_DB_URL: database.url }, args, core: 0 });
}

export async function run(stage, { samples, seconds }) {
  const [database, redis] = await Promise.all([Database.open(stage), stage.redis()]);
  await database.seed({ people: PEOPLE, rooms: 1, members: PEOPLE, hot_messages: MESSAGES });
  const taken = { bare: [], api: [] };
  for (let i = 0; i < samples; i++) {
    taken.bare.push(await stage.calmly(() => bare(stage, database, seconds)));
    taken.api.push(await stage.calmly(() => api(stage, database, redis, seconds)));
    console.log(`history ${i + 1}/${samples}: ${taken.bare[i].per_wall_s}/s (SELECT as JSON), ${taken.api[i].per_wall_s}/s (API)`);
  }
  const rates = (list) => list.map((sample) => sample.per_wall_s);
  return [compare({ scenario: '50 of 1,000,000 messages', unit: 'pages per s', yardstick: rates(taken.bare), parley: rates(taken.api), must: 0.5 })];
}
