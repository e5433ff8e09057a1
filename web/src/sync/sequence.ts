import type { LogEvent, Position } from './types.js';

/** Events that wait for a hole to be filled, at most; those beyond are read again by HTTP. */
const AHEAD_MOST = 2_000;

/**
 * The order of one room's log. Takes events as they come, late, twice or ahead of others, and gives out
 * each once, in the order of their numbers, none left out: what is given out depends on which events
 * came, never on how.
 */
export class Sequence {
  /** All up to this number were given out. */
  top = 0;
  /** Names the log that the numbers are of; '' while that is not known. */
  epoch = '';

  /** leave() was called and start() not yet. */
  isVoid = false;

  private newest = 0; /* the highest number that was heard of */
  private readonly ahead = new Map<number, LogEvent>();

  /** How many events are known to exist that were not given out. */
  get missing(): number {
    return Math.max(0, this.newest - this.top);
  }

  /**
   * Goes on after `offset`, forward only within one log; returns the events that waited and come next.
   * A position of another log than before begins that log.
   */
  start({ offset, epoch }: Position): LogEvent[] {
    if (epoch !== this.epoch && this.epoch !== '') this.leave(epoch);
    const isFirst = this.isVoid || this.epoch === '';
    this.epoch = epoch;
    this.isVoid = false;
    this.top = isFirst ? offset : Math.max(this.top, offset);
    for (const seq of this.ahead.keys()) if (seq <= this.top) this.ahead.delete(seq);
    return this.drain();
  }

  /** The numbers are of the log `epoch` from now on: nothing is given out until start() says from where. */
  leave(epoch: string): void {
    this.ahead.clear();
    this.newest = 0;
    this.epoch = epoch;
    this.isVoid = true;
  }

  /** The log goes up to `seq` at least. */
  hear(seq: number): void {
    this.newest = Math.max(this.newest, seq);
  }

  /** The log ends here: what was heard of before `heard` was read is not in it. */
  endsHere(heard: number): void {
    if (this.newest === heard) this.newest = this.top;
  }

  /** What hear() was told, at most. */
  get heard(): number {
    return this.newest;
  }

  /** Takes an event and returns those that it lets out, in order. */
  take(event: LogEvent): LogEvent[] {
    if (!this.isVoid && event.seq <= this.top) return [];
    this.hear(event.seq);
    const isNext = !this.isVoid && event.seq === this.top + 1;
    if (isNext || this.ahead.size < AHEAD_MOST) this.ahead.set(event.seq, event);
    return isNext ? this.drain() : [];
  }

  private drain(): LogEvent[] {
    const out: LogEvent[] = [];
    for (let next; (next = this.ahead.get(this.top + 1)) !== undefined; out.push(next)) {
      this.ahead.delete(next.seq);
      this.top = next.seq;
    }
    return out;
  }
}
