/** What all who work pass before each thing they do: closed, they finish what is under way and wait. */
export class Gate {
  constructor() {
    this.isShut = false;
    this.isOver = false;
    this.waiting = [];
    this.under = new Set();
  }

  /** False: go home. */
  async open() {
    while (this.isShut && !this.isOver) await new Promise((resolve) => this.waiting.push(resolve));
    return !this.isOver;
  }

  async busy(work) {
    this.under.add(work);
    try {
      return await work;
    } finally {
      this.under.delete(work);
    }
  }

  /** Resolves when nothing is under way any more. */
  async shut() {
    this.isShut = true;
    await Promise.allSettled([...this.under]);
  }

  reopen() {
    this.isShut = false;
    for (const wake of this.waiting.splice(0)) wake();
  }

  async end() {
    await this.shut();
    this.isOver = true;
    this.reopen();
  }
}
