// P9: messages of 128 bytes stored and acknowledged, 256 senders with one under way each: through the API over HTTP, and by the same
// two statements from a bare libpq loop.
import fs from 'node:fs';
import path from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ROOT } from '../../tests/flow/harness/folders.js';
import { openDatabase, serveApi } from './api.mjs';
import { compare } from './report.mjs';

const run_ = promisify(execFile);

export const title = 'P9 messages stored and acknowledged, 256 senders';

const SCENARIOS = { 'one hot room': 'hot_file', '1,000 rooms': 'many_file' };
const PEOPLE = 256; // each has one connection
const ROOMS = 1000;
const MEMBERS = 16; // of each of the 1,000; everybody is in the hot one

class Database {
  constructor(stage, postgres, url) {
    const where = { PGHOST: '127.0.0.1', PGPORT: String(postgres.port), PGUSER: 'parley', PGDATABASE: 'bench' };
    this.env = { ...process.env, ...where, PGPASSWORD: postgres.password };
    this.url = url;
    this.files = { hot_file: path.join(stage.folder, 'hot'), many_file: path.join(stage.folder, 'many') };
  }

  async psql(file, variables = {}) {
    const words = Object.entries(variables).flatMap(([name, value]) => ['-v', `${name}=${value}`]);
    const { stdout } = await run_('psql', ['-X', '-q', '-A', '-t', '-F', ' ', '-v', 'ON_ERROR_STOP=1', ...words, '-f', path.join(ROOT, 'bench', file)], { env: this.env });
    return stdout.trim();
  }

  async seed() {
    await this.psql('seed.sql', { people: PEOPLE, rooms: ROOMS, members: MEMBERS, ...this.files });
  }

  /** Every acknowledged message is there, no other is, and no room's numbers have a hole. */
  async verify(sample, who) {
    const [stored, broken] = (await this.psql('verify.sql')).split(' ').map(Number);
    if (stored !== sample.acknowledged || broken !== 0 || sample.refused !== 0)
      throw new Error(`${who}: ${stored} stored, ${sample.acknowledged} acknowledged, ${sample.refused} refused, ${broken} rooms with holes`);
  }
}

async function libpq(stage, database, file, seconds) {
  await database.seed();
  const args = [`--senders=${database.files[file]}`, `--seconds=${seconds}`];
  const sample = await stage.generate('bench-libpq-loop', { env: { PARLEY_DB_URL: database.url }, args, core: 0 });
  await database.verify(sample, 'libpq loop');
  return sample;
}

async function api(stage, database, redis, file, seconds) {
  await database.seed();
  const { server, port, tokenSecret } = await serveApi(stage, database.url, redis);
  const args = [`--senders=${database.files[file]}`, `--seconds=${seconds}`, `--port=${port}`, `--pid=${server.pid}`];
  const sample = await stage.generate('bench-send', { env: { PARLEY_TOKEN_SECRET: tokenSecret }, args });
  await stage.end(server);
  await database.verify(sample, 'API');
  return sample;
}

async function open(stage) {
  const { postgres, url } = await openDatabase(stage);
  const database = new Database(stage, postgres, url);
  for (const file of Object.values(database.files)) fs.writeFileSync(file, '');
  return database;
}

export async function run(stage, { samples, seconds }) {
  const [database, redis] = await Promise.all([open(stage), stage.redis()]);
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
