// The programs of one test file: two APIs and two gateways over a database and a Redis of its own.
import crypto from 'node:crypto';
import path from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { BIN, ROOT, logFolder } from './folders.js';
import { Clock } from './clock.js';
import { exchange } from './http.js';
import { freePort, freePorts } from './ports.js';
import { Program } from './program.js';
import { Postgres, Redis } from './stores.js';

const run = promisify(execFile);

let databases = 0;

/* Enough for what is tested; real ones cost a quarter of a second of CPU each. */
const CHEAP_PASSWORDS = { PARLEY_HASH_OPS: '1', PARLEY_HASH_MEMORY_KIB: '64' };

/* A machine that is busy with tests must not look like a Redis that hangs; outage.test.js sets what is real. */
const PATIENCE_WITH_REDIS = { PARLEY_REDIS_TIMEOUT_MS: '1000' };

/* All tests come from the same address, and do in a second what people do in a day; limits.test.js sets what is real. */
const NO_LIMITS = { PARLEY_LIMITS_EXEMPT: '127.0.0.0/8, sockets' };

export class Servers {
  /**
   * `ownPostgres`: a cluster for this file alone, which it may stop. `standby`: one with a synchronous standby, which failOver() makes the primary.
   * `postgresSettings`: of that cluster. `smallDisk`: its database lies on a disk of so many megabytes: `disk`.
   * `clocks`: each program has a wall clock of its own: `clock.set()`.
   * `api`, `gateway`: further options of the programs, as environment, or a function of the program's
   * number and the gateways' ports that gives them.
   */
  constructor({ apis = 2, gateways = 2, api = {}, gateway = {}, ownPostgres = false, standby = false, postgresSettings = [], smallDisk = 0, clocks = false } = {}) {
    this.wanted = { apis, gateways, api, gateway, ownPostgres, standby, postgresSettings, smallDisk, clocks };
    this.logs = logFolder();
    this.redis = new Redis();
    this.tokenSecret = secret();
    this.apis = [];
    this.gateways = [];
  }

  get programs() {
    return [...this.apis, ...this.gateways];
  }

  /** Gets everything ready; programs run when this resolves, unless `programs` is false. */
  async start({ programs = true } = {}) {
    await Promise.all([this.startDatabase(), this.redis.start()]);
    await this.plan();
    if (programs) await Promise.all(this.programs.map((program) => program.start()));
  }

  /** In the cluster that run.js shares among all files, or one of our own. */
  async startDatabase() {
    const { ownPostgres, standby, postgresSettings, smallDisk } = this.wanted;
    const shared = ownPostgres || standby || smallDisk || postgresSettings.length > 0 ? null : process.env.PARLEY_TEST_POSTGRES;
    this.postgres = shared ? Postgres.at(shared) : new Postgres('pg', postgresSettings);
    if (smallDisk) this.disk = this.postgres.smallDisk(smallDisk);
    if (!this.postgres.data) await this.postgres.start();
    if (smallDisk) await this.postgres.sql(`CREATE TABLESPACE small LOCATION '${this.disk.folder}'`);
    this.databaseName = `flow_${path.basename(this.logs)}_${process.pid}_${++databases}`.replace(/\W/g, '_');
    this.database = await this.postgres.createDatabase(this.databaseName, smallDisk ? 'TABLESPACE small' : '');
    await run(path.join(BIN, 'parley'), ['migrate'], { env: { ...process.env, ...this.databaseEnv() } });
    if (standby) await this.startStandby();
  }

  async startStandby() {
    this.standby = this.postgres.standby();
    await this.standby.start();
    await this.postgres.waitForStandby();
    this.database = this.database.replace(/(@127\.0\.0\.1:\d+)/, `$1,127.0.0.1:${this.standby.port}`) + '?target_session_attrs=read-write';
  }

  /** `end(primary)` ends or hangs it, `meanwhile()` is done without any, and the standby takes over. */
  async failOver(end, meanwhile = async () => {}) {
    await end(this.postgres);
    await meanwhile();
    await this.standby.promote();
    [this.postgres, this.standby] = [this.standby, this.postgres];
  }

  /** What was the primary before failOver() becomes the standby, at its old address. */
  async rejoin() {
    await this.standby.remove();
    this.standby.beginning = ['standby', this.postgres.folder];
    await this.standby.start();
    await this.postgres.waitForStandby();
  }

  databaseEnv() {
    return { PARLEY_DB_URL: this.database, PARLEY_SCHEMA_DIR: path.join(ROOT, 'schema') };
  }

  async plan() {
    const { apis, gateways } = this.wanted;
    const buses = [];
    for (let i = 0; i < apis; i++) buses.push((await freePorts(2))[0]);
    const gatewayPorts = await freePorts(gateways);
    const common = {
      PARLEY_BUS_KEY: secret(),
      PARLEY_TOKEN_SECRET: this.tokenSecret,
      PARLEY_LOG_FORMAT: 'text',
      PARLEY_LOG_LEVEL: process.env.PARLEY_TEST_LOG_LEVEL ?? 'info',
    };
    const refresh = secret();
    for (const [i, bus] of buses.entries())
      this.apis.push(await this.planApi(i, bus, gatewayPorts, { ...common, PARLEY_REFRESH_SECRET: refresh }));
    for (const [i, port] of gatewayPorts.entries()) this.gateways.push(this.planGateway(i, port, buses, common));
  }

  async planApi(i, bus, gatewayPorts, common) {
    return this.planProgram('parley-api', `api-${i}`, await freePort(), '/ready', {
      ...common,
      ...CHEAP_PASSWORDS,
      ...PATIENCE_WITH_REDIS,
      ...NO_LIMITS,
      ...this.databaseEnv(),
      PARLEY_REDIS_PORT: String(this.redis.port),
      PARLEY_REDIS_PASSWORD: this.redis.password,
      PARLEY_BUS_LISTEN: `tcp://127.0.0.1:${bus}`,
      PARLEY_GATEWAYS: gatewayPorts.map((port) => `ws://{host}:${port}/connection/websocket`).join(','),
      ...further(this.wanted.api, i, gatewayPorts),
    });
  }

  planGateway(i, port, buses, common) {
    const program = this.planProgram('parley-gateway', `gateway-${i}`, port, '/ready', {
      ...common,
      PARLEY_BUS_APIS: buses.map((bus) => `tcp://127.0.0.1:${bus}`).join(','),
      ...further(this.wanted.gateway, i),
    });
    program.url = `ws://127.0.0.1:${port}/connection/websocket`;
    return program;
  }

  planProgram(binary, name, port, readyPath, env) {
    const origin = `http://127.0.0.1:${port}`;
    const program = new Program({
      name,
      command: path.join(BIN, binary),
      env: { ...env, PARLEY_HTTP_PORT: String(port) },
      log: path.join(this.logs, `${name}.log`),
      ready: async () => (await exchange(origin, 'GET', readyPath)).status === 200,
    });
    if (this.wanted.clocks) program.clock = new Clock(name, this.logs);
    Object.assign(program.env, program.clock?.env);
    return Object.assign(program, { port, origin });
  }

  /** Rows of a statement, each a list of texts. */
  sql(statement) {
    return this.postgres.sql(statement, this.databaseName);
  }

  /** An access token of our own making; `claims` replace those of a good one. */
  sign(claims, { key = this.tokenSecret, header = { alg: 'HS256', typ: 'JWT' } } = {}) {
    const now = Math.floor(Date.now() / 1000);
    const parts = [header, { aud: 'parley', iat: now, exp: now + 600, ...claims }];
    const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    return `${text}.${crypto.createHmac('sha256', key).update(text).digest('base64url')}`;
  }

  /** Ends what has ended unasked: a list of sentences, empty when all is well. */
  casualties() {
    const fallen = this.programs.filter((program) => program.unexpected !== null);
    return fallen.map((program) => {
      const how = JSON.stringify(program.unexpected);
      program.unexpected = null;
      return `${program.name} ended by itself: ${how}`;
    });
  }
}

function further(options, ...about) {
  return typeof options === 'function' ? options(...about) : options;
}

function secret() {
  return crypto.randomBytes(24).toString('hex');
}
