// PostgreSQL and Redis of our own, started by the very scripts that deploy/up uses.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { ROOT, dataFolder } from './folders.js';
import { compilePreload } from './preload.js';
import { freePort } from './ports.js';
import { eventually } from './wait.js';

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
    this.beginning = ['start']; // the command that starts it
    this.env = process.env;
  }

  async start() {
    this.port ??= await freePort();
    living.add(this);
    const [command, ...about] = this.beginning;
    await run(this.script, [command, this.folder, ...about, String(this.port), ...this.settings], { env: this.env });
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
  /** `settings`: further ones of the server, `name=value`. */
  constructor(name = 'pg', settings = []) {
    /* A standby asks for its primary five times a second: its commits wait for it. */
    super('postgres', name, ['fsync=off', 'full_page_writes=off', 'shared_buffers=64MB', 'wal_retrieve_retry_interval=200ms', ...settings]);
  }

  /** Not started: a copy of this running cluster, which follows it by streaming. */
  standby(name = `${path.basename(this.folder)}_standby`) {
    const made = new Postgres(name);
    made.beginning = ['standby', this.folder];
    return made;
  }

  /** All of its processes stand still, as when its machine hangs; only the kernel still takes connections. Until remove(). */
  freeze() {
    this.frozen = [this.pid, ...fs.readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').trim().split(' ').map(Number)];
    for (const pid of this.frozen) process.kill(pid, 'SIGSTOP');
  }

  /** Ends it, frozen or not, and removes its data. */
  async remove() {
    for (const pid of this.frozen ?? []) process.kill(pid, 'SIGKILL');
    await run(this.script, ['remove', this.folder]);
    living.delete(this);
    this.frozen = this.pid = null;
  }

  /** Commits wait for a standby, from the moment when there is one that they can wait for. */
  async waitForStandby() {
    await this.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
    await this.sql('SELECT pg_reload_conf()');
    await eventually(
      async () => (await this.sql("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'")).length > 0,
      'a synchronous standby',
    );
  }

  async promote() {
    await run(this.script, ['promote', this.folder]);
  }

  /**
   * Before the first start(): a folder for a tablespace, on a disk of its own of so many megabytes. It is memory that is mounted
   * for this server alone, in namespaces that any user may make, and goes with it; where these may not be made (inside a chroot), the
   * server is told so by what it writes with (full_disk.c). Answers {folder, fill(), free()}.
   */
  smallDisk(megabytes) {
    fs.mkdirSync(this.folder, { recursive: true });
    const folder = path.join(this.folder, 'small');
    const bin = path.join(this.folder, 'bin');
    fs.mkdirSync(folder);
    fs.mkdirSync(bin);
    const real = fs.readdirSync('/usr/lib/postgresql').sort((a, b) => a - b).map((version) => `/usr/lib/postgresql/${version}/bin`).at(-1);
    for (const program of fs.readdirSync(real).filter((name) => name !== 'postgres'))
      fs.symlinkSync(path.join(real, program), path.join(bin, program));
    this.env = { ...this.env, PARLEY_POSTGRES_BIN: bin };
    const wrap = (script) => fs.writeFileSync(path.join(bin, 'postgres'), script, { mode: 0o755 });
    if (!mayMount()) {
      const flag = path.join(this.folder, 'disk_is_full');
      fs.chmodSync(folder, 0o700);
      if (process.getuid() === 0) execFileSync('chown', ['postgres:', folder]); // whom deploy/postgres makes the server's user
      wrap(withFullDisk(path.join(real, 'postgres'), folder, flag, this.folder));
      return { folder, fill: async () => fs.writeFileSync(flag, ''), free: async () => fs.rmSync(flag) };
    }
    wrap(onSmallDisk(path.join(real, 'postgres'), folder, megabytes));
    const write = (rows) => this.sql(`COPY (SELECT repeat('x', 8191) FROM generate_series(1, ${rows})) TO '${path.join(folder, 'ballast')}'`);
    const fill = () => assert.rejects(write(megabytes * 128), /No space left on device/);
    return { folder, fill, free: () => write(0) };
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

  /** A new database of role `parley`; answers its URL. `where`: TABLESPACE ... */
  async createDatabase(name, where = '') {
    await this.sql(`CREATE DATABASE ${name} OWNER parley ${where}`);
    return `postgresql://parley:${this.password}@127.0.0.1:${this.port}/${name}`;
  }

  /** As superuser: rows, each a list of texts. */
  async sql(statement, database = 'postgres') {
    const where = ['-h', this.data, '-p', String(this.port), '-U', 'postgres', '-d', database];
    const { stdout } = await run('psql', ['-X', '-q', '-A', '-t', '-F', '\t', '-v', 'ON_ERROR_STOP=1', ...where, '-c', statement]);
    return stdout.split('\n').filter(Boolean).map((line) => line.split('\t'));
  }
}

const mayMount = () => spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'true']).status === 0;

/** A `postgres` whose disk at `folder` is full while the file `flag` is there. */
function withFullDisk(postgres, folder, flag, place) {
  const library = compilePreload('full_disk', place);
  return `#!/bin/bash
FULL_DISK_FOLDER='${folder}' FULL_DISK_FLAG='${flag}' LD_PRELOAD='${library}' exec '${postgres}' "$@"
`;
}

/** A `postgres` that finds a small disk at `folder`. Where it mounts it is root, and then no longer: PostgreSQL refuses to run as root. */
function onSmallDisk(postgres, folder, megabytes) {
  return `#!/bin/bash
set -e
[ "$1" = --inside ] || exec unshare --user --map-root-user --mount "$0" --inside "$(id -u)" "$(id -g)" "$@"
mount -t tmpfs -o size=${megabytes}m,mode=700 tmpfs '${folder}'
exec unshare --user --map-user="$2" --map-group="$3" '${postgres}' "\${@:4}"
`;
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
