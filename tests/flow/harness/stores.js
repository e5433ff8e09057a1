// PostgreSQL and Redis of our own, started by the very scripts that deploy/up uses.
import fs from 'node:fs';
import path from 'node:path';
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { ROOT, dataFolder } from './folders.js';
import { freePort } from './ports.js';

const run = promisify(execFile);
const living = new Set();
let ownFolder = null;

process.on('exit', () => {
  for (const store of living) store.removeNow();
  if (ownFolder) fs.rmSync(ownFolder, { recursive: true, force: true });
});
for (const [signal, number] of Object.entries({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }))
  process.once(signal, () => process.exit(128 + number)); // 'exit' above cleans up

/** One server that a script of deploy/ starts and stops; it ends with this process. */
class Store {
  constructor(script, name, settings) {
    ownFolder ??= dataFolder();
    this.script = path.join(ROOT, 'deploy', script);
    this.folder = path.join(ownFolder, name);
    this.settings = settings;
  }

  async start() {
    this.port ??= await freePort();
    living.add(this);
    await run(this.script, ['start', this.folder, String(this.port), ...this.settings]);
    this.pid = Number(this.read('pid').split(' ')[0]);
    this.password = this.read('password');
  }

  async stop(how = []) {
    this.resume();
    await run(this.script, ['stop', this.folder, ...how]);
    this.pid = null;
  }

  pause() {
    process.kill(this.pid, 'SIGSTOP');
  }

  resume() {
    try {
      if (this.pid) process.kill(this.pid, 'SIGCONT');
    } catch {
      /* it has ended */
    }
  }

  /** For the end of this process, when nothing can be waited for. */
  removeNow() {
    this.resume();
    try {
      execFileSync(this.script, ['remove', this.folder], { stdio: 'ignore' });
    } catch (error) {
      process.stderr.write(`${this.script} remove ${this.folder}: ${error.message}\n`);
    }
  }

  read(name) {
    return fs.readFileSync(path.join(this.folder, name), 'utf8').trim();
  }
}

export class Postgres extends Store {
  constructor(name = 'pg') {
    super('postgres', name, ['fsync=off', 'full_page_writes=off', 'shared_buffers=64MB']);
  }

  async start() {
    await super.start();
    this.data = fs.existsSync(path.join(this.folder, 'data_is_in')) ? this.read('data_is_in') : path.join(this.folder, 'data');
  }

  /** A cluster that another process started: where it is, as `address` gave it. */
  static at(address) {
    return Object.assign(Object.create(Postgres.prototype), JSON.parse(address));
  }

  get address() {
    return JSON.stringify({ port: this.port, data: this.data, password: this.password });
  }

  /** A new database of role `parley`; answers its URL. */
  async createDatabase(name) {
    await this.sql(`CREATE DATABASE ${name} OWNER parley`);
    return `postgresql://parley:${this.password}@127.0.0.1:${this.port}/${name}`;
  }

  /** As superuser: rows, each a list of texts. */
  async sql(statement, database = 'postgres') {
    const where = ['-h', this.data, '-p', String(this.port), '-U', 'postgres', '-d', database];
    const { stdout } = await run('psql', ['-X', '-q', '-A', '-t', '-F', '\t', '-v', 'ON_ERROR_STOP=1', ...where, '-c', statement]);
    return stdout.split('\n').filter(Boolean).map((line) => line.split('\t'));
  }
}

export class Redis extends Store {
  constructor(name = 'redis') {
    super('redis', name, []);
  }

  /** One command; answers what redis-cli prints. */
  async command(...words) {
    const env = { ...process.env, REDISCLI_AUTH: this.password };
    const { stdout } = await run('redis-cli', ['-h', '127.0.0.1', '-p', String(this.port), ...words], { env });
    return stdout.trim();
  }

  async keys() {
    return (await this.command('--scan')).split('\n').filter(Boolean);
  }
}
