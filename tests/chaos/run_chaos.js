import fs from 'node:fs';
import { CHECKERS } from './checkers/index.js';
import { Crowd } from './load/crowd.js';
import { History, readHistory } from './history.js';
import { Network } from './network/network.js';
import { Servers } from '../flow/harness/servers.js';
import { finalState, takeStock } from './quiet.js';
import { makeSchedule } from './schedule.js';
import { pause } from './load/pause.js';
import { untilHealed } from './healing.js';

/** How often everybody is asked to stand still, so that unread counts can be compared. */
const QUIET_EVERY_MS = 60_000;

/** So that gaps are told and filled by pages, too, nobody being away for three hundred events. */
const FORGETFUL = { PARLEY_CLIENT_RECOVERY_MAX_PUBLICATIONS: '5' };

const API = { PARLEY_TOKEN_LIFE_S: '86400', PARLEY_REDIS_TIMEOUT_MS: '200' };

/** One run: everything started, used, broken by a schedule, healed, and checked. */
export class Chaos {
  constructor(options, { historyFile, say }) {
    Object.assign(this, { options, say });
    this.history = new History(historyFile);
    this.faults = []; // {nemesis, healedMs}
    this.unhealed = [];
    this.fallen = [];
  }

  /** {faults, counts, checks: [{name, promise, violations}]} */
  async run() {
    const schedule = this.options.schedule ?? makeSchedule(this.options);
    await this.start();
    this.say(`seed ${this.options.seed}: ${schedule.length} faults in ${this.options.minutes} min`);
    this.crowd.work();
    await this.follow(schedule);
    const final = await this.finish();
    return { faults: this.faults, counts: this.history.counts, checks: await this.check(final) };
  }

  async start() {
    const { apis, gateways, clients, rooms, seed, gatewayEnv = {} } = this.options;
    this.servers = new Servers({ standby: true, clocks: true, apis, gateways, api: API, gateway: (i) => ({ ...gatewayEnv, ...(i === 0 && FORGETFUL) }) });
    await this.servers.start({ programs: false });
    this.network = await Network.between(this.servers, seed);
    await Promise.all(this.servers.programs.map((program) => program.start()));
    this.crowd = await Crowd.gather(this.servers, { history: this.history, seed, clients, rooms });
  }

  async follow(schedule) {
    const from = Date.now();
    let quietAt = from + QUIET_EVERY_MS;
    for (const fault of schedule) {
      await pause(Math.max(0, from + fault.at_ms - Date.now()));
      await this.inflict(fault);
      if (Date.now() > quietAt) quietAt = (await this.standStill()) + QUIET_EVERY_MS;
    }
  }

  async inflict({ nemesis, plan, hold_ms }) {
    const op = this.history.begin({ proc: 'nemesis', op: 'fault', name: nemesis.name, target: plan.target, hold_ms });
    await nemesis.begin(this, plan);
    await pause(hold_ms);
    await nemesis.end(this, plan);
    const ended = Date.now();
    const missing = await untilHealed(this.crowd, this.options.healingMs).catch((error) => error.message);
    const healedMs = missing ? Infinity : Date.now() - ended;
    if (missing) this.unhealed.push(`${nemesis.name} of ${plan.target}: ${missing}`);
    op.ok({ healed_ms: healedMs });
    this.faults.push({ nemesis, healedMs });
    await nemesis.after?.(this, plan);
    this.fallen.push(...this.servers.casualties());
    this.say(`  ${nemesis.name}: ${plan.target}, ${hold_ms} ms; ${missing ? `NOT HEALED: ${missing}` : `all well after ${healedMs} ms`}`);
  }

  async standStill() {
    await this.crowd.gate.shut();
    await takeStock(this.crowd, this.options.healingMs).catch((error) => this.unhealed.push(`at a quiet point: ${error.message}`));
    this.crowd.gate.reopen();
    return Date.now();
  }

  /** The final state: everybody has gone home, everything runs and is healed. */
  async finish() {
    await this.crowd.goHome();
    const cursors = await takeStock(this.crowd, this.options.healingMs).catch((error) => {
      this.unhealed.push(`at the end: ${error.message}`);
      return [];
    });
    const final = await finalState(this.crowd, cursors);
    this.fallen.push(...this.servers.casualties());
    this.crowd.leave();
    await this.history.close();
    fs.writeFileSync(this.history.file.replace(/\.jsonl$/, '.final.json'), JSON.stringify(final));
    for (const program of this.servers.programs) await program.stop();
    this.network.close();
    return final;
  }

  /** By the file, as anybody else would who has it. */
  async check(final) {
    const history = await readHistory(this.history.file);
    const checks = CHECKERS.map(({ name, promise, check }) => ({ name, promise, violations: check(history, final).violations }));
    return [
      ...checks,
      { name: 'healing', promise: 'after each fault all is well again within 30 s', violations: this.unhealed },
      { name: 'no-casualties', promise: 'no program ends by itself', violations: this.fallen },
    ];
  }
}
