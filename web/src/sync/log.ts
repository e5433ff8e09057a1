import type { SubscribedContext, UnsubscribedContext } from 'centrifuge';
import type { Api } from './api.js';
import type { Follower } from './channel.js';
import { isTemporary } from './problem.js';
import { Sequence } from './sequence.js';
import { Signal } from './signal.js';
import type { Socket } from './socket.js';
import { backoffMs, sleep } from './time.js';
import type { LogEvent, Position } from './types.js';

/** How long stragglers may take before a hole is asked for. */
const GAP_PATIENCE_MS = 400;
const PAGE = 1_000;
const RETRY_MOST_MS = 10_000;

type State =
  | 'idle' /* start() was not called yet */
  | 'following'
  | 'void' /* the server has another log now, or we are too far behind: start() says where to go on */
  | 'ended' /* the API refuses us the room; resume() tries again */
  | 'closed';

/** Events `from` to `to` will not come. */
export interface Skipped {
  from: number;
  to: number;
}

/**
 * Follows one room's log from a position on: every event, each once, in order, whatever happens to the
 * socket, the gateways and us meanwhile. Whoever keeps `position` beside what it stored can go on from
 * there after any absence.
 *
 * The own position is what counts. The server sends what was missed with the subscription as long as
 * that is little; when it says that it did not (`recovered: false`), the library stands at the end of
 * the log already, and the pages of /events are read from the own position until they meet it.
 */
export class RoomLog {
  readonly happened = new Signal<LogEvent>();
  /** Backup restored, standby promoted: every number that was kept is void. Drop it all, call start(). */
  readonly replaced = new Signal<{ epoch: string }>();
  /** More than `most` events behind. Nothing comes until start() says from where to go on. */
  readonly outrun = new Signal<Position>();
  /** No longer there to be read, as far as one can see from here; told after the fact. */
  readonly skipped = new Signal<Skipped>();
  /** The API refuses us the room (Problem 403, 404) or us altogether (SignedOut). */
  readonly refused = new Signal<unknown>();

  private readonly sequence = new Sequence();
  private state: State = 'idle';
  private subscription: Follower | null = null;
  private heardEpoch = ''; /* of the log that the subscription's publications are of */
  private gapTimer: ReturnType<typeof setTimeout> | undefined;
  private filling = false;

  constructor(
    readonly id: string,
    private readonly api: Api,
    private readonly socket: Socket,
    private readonly most = Infinity,
  ) {}

  /** All events up to here have been told. */
  get position(): Position {
    return { offset: this.sequence.top, epoch: this.sequence.epoch };
  }

  /** Everything that exists, as far as is known, has been told. */
  get isWhole(): boolean {
    return this.state === 'following' && this.sequence.missing === 0;
  }

  /**
   * Goes on after `position`: one's own, a snapshot's `as_of`, or {offset: 0, epoch: ''} for all that
   * ever happened. Within one log only forward.
   */
  start(position: Position): void {
    if (this.state === 'closed') return;
    const goesOn = this.state !== 'idle' && !this.sequence.isVoid && this.sequence.epoch === position.epoch;
    const before = this.sequence.top;
    const ready = this.sequence.start(position);
    this.state = 'following';
    if (this.heardEpoch !== position.epoch) this.unsubscribe();
    if (goesOn) this.tellSkipped(before, position.offset);
    this.tell(ready);
    this.follow();
  }

  /** After `refused`, when things have changed: goes on where it was. */
  resume(): void {
    if (this.state !== 'ended') return;
    this.state = 'following';
    this.follow();
  }

  /** The log is known to go up to `seq` (an answer of the API says so): it will be fetched if nobody sends it. */
  hear(seq: number): void {
    this.sequence.hear(seq);
    this.expectFill();
  }

  /** We have lost the room: nothing more comes unless resume() or start() is called. */
  end(): void {
    if (this.state === 'closed') return;
    this.state = 'ended';
    this.unsubscribe();
  }

  close(): void {
    this.end();
    this.state = 'closed';
  }

  private follow(): void {
    if (this.sequence.epoch === '') void this.fill(); /* the first page says which log this is */
    else if (this.subscription === null) this.subscribe();
    else this.expectFill();
  }

  private subscribe(): void {
    const subscription = this.socket.open(`room:${this.id}`, { since: this.position });
    subscription.on('publication', ({ data }) => this.take(data as LogEvent));
    subscription.on('subscribed', (context) => this.onSubscribed(context));
    subscription.on('unsubscribed', (context) => void this.onUnsubscribed(subscription, context));
    subscription.on('error', () => {}); /* the library tries again by itself */
    this.subscription = subscription;
    this.heardEpoch = this.sequence.epoch;
    subscription.subscribe();
  }

  private unsubscribe(): void {
    clearTimeout(this.gapTimer);
    this.gapTimer = undefined;
    this.subscription?.close();
    this.subscription = null;
    this.heardEpoch = '';
  }

  /** What was recovered comes as publications right after this, in the same turn. */
  private onSubscribed({ wasRecovering, recovered, streamPosition }: SubscribedContext): void {
    if (streamPosition?.epoch && streamPosition.epoch !== this.sequence.epoch) {
      this.heardEpoch = streamPosition.epoch;
      this.replace(streamPosition.epoch);
    }
    this.sequence.hear(streamPosition?.offset ?? 0);
    if (wasRecovering && !recovered) void this.fill();
    else this.expectFill();
  }

  /** Means no more than "not followed now": whether one was removed, the API says. */
  private async onUnsubscribed(subscription: Follower, { code }: UnsubscribedContext): Promise<void> {
    await sleep(backoffMs(code === 103 ? 2 : 0, 1_000));
    if (this.subscription !== subscription || this.state !== 'following') return;
    this.unsubscribe();
    await this.fill(true);
    if (this.state === 'following' && this.subscription === null) this.subscribe();
  }

  private take(event: LogEvent): void {
    this.tell(this.sequence.take(event));
    this.expectFill();
  }

  private tell(events: LogEvent[]): void {
    for (const event of events) this.happened.emit(event);
  }

  private tellSkipped(before: number, now: number): void {
    if (now > before) this.skipped.emit({ from: before + 1, to: now });
  }

  private expectFill(): void {
    if (this.sequence.missing === 0 || this.state !== 'following') return;
    this.gapTimer ??= setTimeout(() => {
      this.gapTimer = undefined;
      if (this.sequence.missing > 0) void this.fill();
    }, GAP_PATIENCE_MS);
  }

  /** Reads the log by HTTP from the own position until nothing is known to be missing. */
  private async fill(mayHaveMissed = false): Promise<void> {
    if (this.filling) return;
    this.filling = true;
    for (let failures = 0, wish = mayHaveMissed; this.state === 'following' && (wish || this.isBehind); )
      try {
        if (this.sequence.missing > this.most) this.giveUp();
        else await this.readPage();
        wish = false;
        failures = 0;
      } catch (error) {
        if (isTemporary(error)) await sleep(backoffMs(failures++, 500, RETRY_MOST_MS));
        else this.refuse(error);
      }
    this.filling = false;
    if (this.state === 'following' && this.subscription === null) this.subscribe();
  }

  private get isBehind(): boolean {
    return this.sequence.epoch === '' || this.sequence.missing > 0;
  }

  private async readPage(): Promise<void> {
    const { top, heard, epoch: asked } = this.sequence;
    const { items, has_more, epoch } = await this.api.eventsAfter(this.id, top, PAGE);
    if (this.state !== 'following' || asked !== this.sequence.epoch) return; /* no longer what was asked */
    if (asked === '') this.tell(this.sequence.start({ offset: top, epoch }));
    else if (asked !== epoch) return this.leaveFor(epoch);
    const [first, last] = [items[0], items.at(-1)];
    if (first === undefined || last === undefined) return this.sequence.endsHere(heard);
    if (first.seq > top + 1) this.skipTo(first.seq - 1); /* the log begins later by now */
    for (const event of items) this.tell(this.sequence.take(event));
    if (has_more) this.sequence.hear(last.seq + 1);
  }

  private skipTo(offset: number): void {
    this.tellSkipped(this.sequence.top, offset);
    this.tell(this.sequence.start({ offset, epoch: this.sequence.epoch }));
  }

  private giveUp(): void {
    this.state = 'void';
    this.outrun.emit(this.position);
  }

  private leaveFor(epoch: string): void {
    this.unsubscribe(); /* its publications are of a log that nobody can name */
    this.replace(epoch);
  }

  private replace(epoch: string): void {
    this.sequence.leave(epoch);
    this.state = 'void';
    this.replaced.emit({ epoch });
  }

  private refuse(error: unknown): void {
    this.end();
    this.refused.emit(error);
  }
}
