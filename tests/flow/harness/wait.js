// Waiting without sleeping: a probe is asked again whenever something happened, or, where nobody
// tells us, every few milliseconds.

export const PATIENCE_MS = 10_000;

/** Things that happened, in order, and those who wait for one of them. */
export class Happenings {
  constructor(name) {
    this.name = name;
    this.list = [];
    this.waiting = new Set();
  }

  add(what) {
    this.list.push(what);
    for (const ask of [...this.waiting]) ask();
  }

  /** Resolves with the first truthy answer of `probe()`, which is asked now and after each happening. */
  until(probe, label, patienceMs = PATIENCE_MS) {
    return new Promise((resolve, reject) => {
      const finish = (settle, value) => {
        clearTimeout(timer);
        this.waiting.delete(ask);
        settle(value);
      };
      const ask = () => {
        try {
          const answer = probe();
          if (answer) finish(resolve, answer);
        } catch (error) {
          finish(reject, error);
        }
      };
      const timer = setTimeout(() => {
        const last = this.list.slice(-8).map((entry) => `\n  ${JSON.stringify(entry).slice(0, 300)}`);
        finish(reject, new Error(`${this.name}: no ${label} in ${patienceMs} ms; the last of ${this.list.length}:${last.join('')}`));
      }, patienceMs);
      this.waiting.add(ask);
      ask();
    });
  }
}

/**
 * Asks `probe` until it answers something truthy, which is returned; a probe that throws counts as
 * not yet. For states that nobody announces.
 */
export async function eventually(probe, label, patienceMs = PATIENCE_MS) {
  const end = Date.now() + patienceMs;
  for (let last; ; ) {
    try {
      const answer = await probe();
      if (answer) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`not within ${patienceMs} ms: ${label}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

/**
 * Tries assertions until they hold, for a second at most: for what another API answers from Redis, which hears of a send a
 * moment after its sender.
 */
export async function soon(check, patienceMs = 1_000) {
  for (const end = Date.now() + patienceMs; ; )
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
}

/** Does `step(i)` again and again until stop(), or until the test ends; stop() throws what a step threw. */
export function meanwhile(t, step) {
  let going = true;
  const work = (async () => {
    for (let i = 0; going; i++) await step(i);
  })();
  work.catch(() => {}); // stop() tells
  t.after(() => (going = false));
  return async () => {
    going = false;
    await work;
  };
}
