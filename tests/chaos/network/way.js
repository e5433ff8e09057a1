import { Frames } from './frames.js';

/** One that is held back to be overtaken goes on after this, when nobody comes. */
const OVERTAKEN_MS = 50;

/**
 * One direction of a connection: from a socket to its other end, as the trouble of the day lets it. `trouble` is shared with whoever
 * makes it: {isSilent, delayMs, drop, duplicate, reorder}, the last three probabilities of each frame.
 */
export class Way {
  constructor(from, to, { isBus, trouble, random }) {
    Object.assign(this, { from, to, trouble, random });
    this.frames = isBus ? new Frames() : null;
    this.held = null; // a frame that waits to be overtaken
    this.queue = []; // delayed: {due, bytes}
    from.on('data', (bytes) => this.take(bytes));
    to.on('drain', () => from.resume());
  }

  take(bytes) {
    if (this.trouble.isSilent) return; // the connection is broken at the end of it
    if (this.frames === null) this.send(bytes);
    else for (const frame of this.frames.take(bytes)) this.takeFrame(frame);
  }

  takeFrame({ bytes, isHello }) {
    const { drop, duplicate, reorder } = this.trouble;
    if (isHello) return this.send(bytes);
    if (drop > 0 && this.random.chance(drop)) return;
    if (this.held === null && reorder > 0 && this.random.chance(reorder)) return this.hold(bytes);
    this.send(bytes);
    if (duplicate > 0 && this.random.chance(duplicate)) this.send(bytes);
    this.release();
  }

  hold(bytes) {
    this.held = bytes;
    this.timer = setTimeout(() => this.release(), OVERTAKEN_MS);
  }

  release() {
    if (this.held === null) return;
    clearTimeout(this.timer);
    const bytes = this.held;
    this.held = null;
    this.send(bytes);
  }

  /** Nothing overtakes what was delayed. */
  send(bytes) {
    const due = Math.max(this.queue.at(-1)?.due ?? 0, Date.now() + this.trouble.delayMs);
    if (this.trouble.delayMs === 0 && this.queue.length === 0) this.write(bytes);
    else if (this.queue.push({ due, bytes }) === 1) this.wait();
  }

  wait() {
    setTimeout(() => this.sendDue(), Math.max(0, this.queue[0].due - Date.now()));
  }

  sendDue() {
    while (this.queue.length > 0 && this.queue[0].due <= Date.now()) this.write(this.queue.shift().bytes);
    if (this.queue.length > 0) this.wait();
  }

  write(bytes) {
    if (!this.to.destroyed && !this.to.write(bytes)) this.from.pause();
  }
}
