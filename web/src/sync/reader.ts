import type { Api } from './api.js';
import { isTemporary } from './problem.js';
import { backoffMs, sleep } from './time.js';
import type { CursorAnswer } from './types.js';

const SPACING_MS = 1_000;

/** Moves the own cursor of one room: forward only, at most one call a second, the newest wish wins. */
export class Reader {
  private wanted: number;
  private reached: number;
  private moving = false;

  constructor(
    private readonly api: Api,
    private readonly roomId: string,
    start: number,
    private readonly onMoved: (answer: CursorAnswer) => void,
  ) {
    this.wanted = this.reached = start;
  }

  /** All up to `seq` came to the person's attention. */
  seen(seq: number): void {
    if (seq <= this.wanted) return;
    this.wanted = seq;
    if (!this.moving) void this.move();
  }

  private async move(): Promise<void> {
    this.moving = true;
    for (let failures = 0; this.reached < this.wanted; ) {
      const target = this.wanted;
      try {
        this.onMoved(await this.api.moveCursor(this.roomId, target));
        this.reached = target;
        failures = 0;
        await sleep(SPACING_MS);
      } catch (error) {
        if (!isTemporary(error)) break; /* no member any more, signed out: nothing to move */
        await sleep(backoffMs(failures++, 1_000));
      }
    }
    this.moving = false;
  }
}
