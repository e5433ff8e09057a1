// What a measurement runs on: servers on core 0, stores and load on our own core, and a folder that goes away with it.
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { BIN, dataFolder } from '../../tests/flow/harness/folders.js';
import { Program } from '../../tests/flow/harness/program.js';
import { Postgres, Redis } from '../../tests/flow/harness/stores.js';
import { busyShare } from './machine.mjs';
import { median } from './report.mjs';

const run = promisify(execFile);
const BOUND_MS = 180_000; // no program of a sample takes longer
const CALM = 0.1; // busy share of the machine below which nobody else disturbs
const ATTEMPTS = 3;

export class Stage {
  /** `patience`: how many seconds a sample waits for a calm machine; `gateway`: a program to run as parley-gateway instead of ours. */
  constructor({ patience = 0, gateway = null } = {}) {
    this.patience = patience;
    this.gateway = gateway;
    this.folder = dataFolder();
    this.programs = new Set();
    this.stores = [];
    this.busy = []; // how much others used beside each sample
  }

  /** A server alone on core 0; unless told otherwise it works once it listens on `port`. */
  async serve(binary, { env = {}, args = [], port, isReady = () => listens(port) }) {
    const program = new Program({
      name: binary,
      command: 'taskset',
      args: ['-c', '0', this.server(binary), ...args],
      env: { ...env, PARLEY_LOG_FORMAT: 'text' },
      log: path.join(this.folder, `${binary}.log`),
      ready: isReady,
    });
    this.programs.add(program);
    await program.start();
    program.pid = program.child.pid;
    return program;
  }

  server(binary) {
    return binary === 'parley-gateway' && this.gateway ? this.gateway : path.join(BIN, binary);
  }

  async end(program) {
    this.programs.delete(program);
    await program.stop();
  }

  /** A load generator, to its end; answers the JSON that it prints. `core`: 0 for a yardstick that takes the server's place. */
  async generate(binary, { env = {}, args = [], core = 1 }) {
    const words = ['-c', String(core), path.join(BIN, binary), ...args];
    try {
      const { stdout } = await run('taskset', words, { env: { ...process.env, ...env }, timeout: BOUND_MS });
      return JSON.parse(stdout);
    } catch (error) {
      throw new Error(`${binary}: ${error.stderr || error.message}${error.stdout ?? ''}`);
    }
  }

  /** Takes a sample while nobody else uses the machine, as far as one can tell before and after; after some attempts, as it is. */
  async calmly(take) {
    for (let attempt = 1; ; attempt++) {
      const before = await this.calm();
      const sample = await take();
      const busy = Math.max(before, await busyShare());
      if (busy < CALM || attempt === ATTEMPTS || this.patience === 0) {
        this.busy.push(busy);
        return sample;
      }
    }
  }

  /** Waits for it, as long as patience lasts; answers how busy the machine is then. */
  async calm() {
    const end = Date.now() + this.patience * 1000;
    for (let inARow = 0; ; ) {
      const busy = await busyShare();
      inARow = busy < CALM ? inARow + 1 : 0;
      if (inARow === 2 || Date.now() >= end) return busy;
    }
  }

  /** PostgreSQL as deploy/up runs it, but no checkpoint in the midst of a sample. */
  async postgres() {
    const postgres = new Postgres();
    postgres.settings = ['max_wal_size=16GB', 'checkpoint_timeout=1h'];
    await postgres.start();
    this.stores.push(postgres);
    return postgres;
  }

  async redis() {
    const redis = new Redis();
    await redis.start();
    this.stores.push(redis);
    return redis;
  }

  foreign() {
    return { median: median(this.busy), most: Math.max(...this.busy) };
  }

  /** The end of the servers' logs, for whoever asks why. */
  logs() {
    const files = fs.readdirSync(this.folder).filter((name) => name.endsWith('.log'));
    return files.map((name) => `${name}:\n${fs.readFileSync(path.join(this.folder, name), 'utf8').slice(-3000)}`).join('\n');
  }

  async clear() {
    for (const program of this.programs) await program.kill();
    for (const store of this.stores) await store.stop(store instanceof Postgres ? ['immediate'] : []);
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket.destroy() && true));
    socket.once('error', () => resolve(false));
  });
}
