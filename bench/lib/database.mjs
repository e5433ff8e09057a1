// The database of measurements through the API.
import fs from 'node:fs';
import path from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ROOT } from '../../tests/flow/harness/folders.js';
import { openDatabase } from './api.mjs';

const run = promisify(execFile);

/** A cluster with a migrated database that bench/seed.sql fills, and the files of people that it writes. */
export class Database {
  static async open(stage) {
    const { postgres, url } = await openDatabase(stage);
    const database = new Database(stage, postgres, url);
    for (const file of Object.values(database.files)) fs.writeFileSync(file, '');
    return database;
  }

  constructor(stage, postgres, url) {
    const where = { PGHOST: '127.0.0.1', PGPORT: String(postgres.port), PGUSER: 'parley', PGDATABASE: 'bench' };
    this.env = { ...process.env, ...where, PGPASSWORD: postgres.password };
    this.url = url;
    this.files = { hot_file: path.join(stage.folder, 'hot'), many_file: path.join(stage.folder, 'many') };
  }

  async psql(file, variables = {}) {
    const words = Object.entries(variables).flatMap(([name, value]) => ['-v', `${name}=${value}`]);
    const { stdout } = await run('psql', ['-X', '-q', '-A', '-t', '-F', ' ', '-v', 'ON_ERROR_STOP=1', ...words, '-f', path.join(ROOT, 'bench', file)], { env: this.env });
    return stdout.trim();
  }

  /** People and rooms from nothing: see seed.sql. */
  async seed({ people, rooms, members, hot_messages = 0, messages = 0 }) {
    await this.psql('seed.sql', { people, rooms, members, hot_messages, messages, ...this.files });
  }

  /** Every acknowledged message is there, no other is, and no room's numbers have a hole. */
  async verify(sample, who) {
    const [stored, broken] = (await this.psql('verify.sql')).split(' ').map(Number);
    if (stored !== sample.acknowledged || broken !== 0 || sample.refused !== 0)
      throw new Error(`${who}: ${stored} stored, ${sample.acknowledged} acknowledged, ${sample.refused} refused, ${broken} rooms with holes`);
  }
}
