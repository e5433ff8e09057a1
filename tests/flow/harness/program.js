import fs from 'node:fs';
import { spawn } from 'node:child_process';
import { eventually } from './wait.js';

const living = new Set();
process.on('exit', () => {
  for (const program of living) program.kill();
});

/** One server process: started, asked whether it is ready, paused, stopped, killed, started again. */
export class Program {
  /** `ready()` answers true once the program works; `log` is the file that takes all it prints. */
  constructor({ name, command, args = [], env = {}, log, ready }) {
    Object.assign(this, { name, command, args, env, log, ready });
    this.child = null;
    this.exit = null; // {code, signal} of the last run
    this.unexpected = null; // how it ended although nobody asked it to
  }

  get isRunning() {
    return this.child !== null;
  }

  async start({ wait = true } = {}) {
    if (this.child) throw new Error(`${this.name} runs already`);
    this.launch();
    if (wait) await this.untilReady();
  }

  async untilReady() {
    await eventually(async () => {
      if (!this.child) return true;
      return await this.ready();
    }, `${this.name} is ready`);
    if (!this.child) throw new Error(`${this.name} ended at its start: ${JSON.stringify(await this.exit)}\n${this.tail()}`);
  }

  launch() {
    const out = fs.openSync(this.log, 'a');
    // The kernel ends it with us, however we end.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', this.command, ...this.args], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME ?? '/', ...sanitizers(), ...this.env },
      stdio: ['ignore', out, out],
    });
    fs.closeSync(out);
    child.unref();
    this.child = child;
    this.isEnding = false;
    living.add(this);
    this.exit = new Promise((resolve) => {
      const onEnd = (code, signal) => {
        living.delete(this);
        this.child = null;
        if (!this.isEnding) this.unexpected = { code, signal };
        resolve({ code, signal });
      };
      child.once('exit', onEnd);
      child.once('error', () => onEnd(127, null));
    });
  }

  /** kill -9. */
  async kill() {
    this.signal('SIGKILL', true);
    await this.ended();
  }

  /** SIGTERM; resolves with {code, signal} once it has ended. */
  async stop() {
    this.signal('SIGTERM', true);
    return await this.ended();
  }

  pause() {
    this.signal('SIGSTOP');
  }

  resume() {
    this.signal('SIGCONT');
  }

  async restart() {
    if (this.child) await this.stop();
    await this.start();
  }

  signal(name, isEnding = false) {
    if (isEnding) this.isEnding = true;
    this.child?.kill(name);
  }

  async ended() {
    const child = this.child;
    child?.ref(); // or the loop would run empty before the news arrives
    return await this.exit;
  }

  /** The end of what it printed. */
  tail(lines = 25) {
    try {
      return fs.readFileSync(this.log, 'utf8').split('\n').slice(-lines - 1).join('\n');
    } catch {
      return '';
    }
  }
}

function sanitizers() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(ASAN|UBSAN|LSAN|TSAN)_OPTIONS$/.test(name)));
}
