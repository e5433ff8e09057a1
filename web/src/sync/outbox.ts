import type { Api } from './api.js';
import { Problem, explain } from './problem.js';
import { Signal } from './signal.js';
import { backoffMs } from './time.js';
import type { LogEvent, Message } from './types.js';

/** Pauses between attempts grow from half a second to ten. */
const PAUSE_BASE_MS = 1_000;
const PAUSE_MOST_MS = 10_000;
/** A server that asks for more patience than this is asked again all the same. */
const RETRY_AFTER_MOST_MS = 60_000;

/** A message that is drawn and not yet part of the log. */
export interface Pending {
  nonce: string;
  text: string;
  /** Of an answer: what it answers. */
  replyTo?: Message;
  createdAt: string;
  state: 'sending' | 'sent' | 'failed';
  /** Why it was refused, for people. */
  error?: string;
  /** Its number in the log, once it is stored. */
  seq?: number;
  /** Of a refused one: the end of the log at that time, which is where it belongs. */
  after?: number;
}

/**
 * The own messages of one room on their way, one at a time and in order. A send whose outcome is
 * unknown is repeated under the same nonce, which the server stores once, until it is known: later ones
 * wait behind it. Only a refusal lets the next one go on.
 */
export class Outbox {
  readonly changed = new Signal();
  /** The server's answers, which may be ahead of the live stream. */
  readonly stored = new Signal<LogEvent>();
  private items: Pending[] = [];
  private working = false;
  private trouble: Problem | null = null; /* why the first one waits */
  private wake = () => {};
  private end = 0; /* of the log, as far as it is known */

  constructor(
    private readonly api: Api,
    private readonly roomId: string,
  ) {}

  get pending(): readonly Pending[] {
    return this.items;
  }

  /** What is being sent had no success yet and is tried again after a pause. */
  get isWaiting(): boolean {
    return this.trouble !== null;
  }

  /** The same for want of a server, not because it wants us slower. */
  get isUnreachable(): boolean {
    return this.trouble !== null && this.trouble.status !== 429;
  }

  /**
   * Returns the nonce. Who stores what is pending, and after a new start adds it again under its old
   * nonce, sends it once even if the outcome was never known.
   */
  add(text: string, nonce = newNonce(), replyTo?: Message): string {
    if (!this.has(nonce)) this.put({ nonce, text, replyTo, createdAt: new Date().toISOString(), state: 'sending' });
    return nonce;
  }

  /** A refused one is written anew, behind all others. */
  retry(nonce: string): void {
    const failed = this.items.find((item) => item.nonce === nonce && item.state === 'failed');
    if (failed === undefined) return;
    this.items = this.items.filter((item) => item !== failed);
    this.put({ nonce, text: failed.text, replyTo: failed.replyTo, createdAt: new Date().toISOString(), state: 'sending' });
  }

  /** The connection is back: no need to pause any longer, unless the server asked for it. */
  hurry(): void {
    if (this.trouble?.retryAfterMs === 0) this.wake();
  }

  discard(nonce: string): void {
    this.items = this.items.filter((item) => item.nonce !== nonce);
    this.wake();
    this.changed.emit();
  }

  /** The log has this message: the drawn one gives way to it. */
  confirm(nonce: string): void {
    if (this.has(nonce)) this.discard(nonce);
  }

  /** The log is known up to `top`. */
  settle(top: number): void {
    this.end = Math.max(this.end, top);
    for (const { nonce, seq } of this.items) if (seq !== undefined && seq <= top) this.discard(nonce);
  }

  private has(nonce: string): boolean {
    return this.items.some((item) => item.nonce === nonce);
  }

  private put(item: Pending): void {
    this.items = [...this.items, item];
    this.changed.emit();
    void this.work();
  }

  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    for (let item; (item = this.items.find(({ state }) => state === 'sending')) !== undefined; )
      await this.deliver(item);
    this.working = false;
  }

  private async deliver({ nonce, text, replyTo }: Pending): Promise<void> {
    /* No longer there: discarded, or its event arrived although the answer was lost. */
    for (let attempt = 0; this.has(nonce); attempt++) {
      try {
        const event = await this.api.send(this.roomId, nonce, text, replyTo?.seq);
        this.end = Math.max(this.end, event.seq);
        this.endTrouble();
        this.update(nonce, { state: 'sent', seq: event.seq });
        this.stored.emit(event);
        return;
      } catch (error) {
        if (!(error instanceof Problem) || !error.isTemporary) return this.refuse(nonce, error);
        if (this.has(nonce)) await this.pause(attempt, error);
      }
    }
    this.endTrouble();
  }

  private refuse(nonce: string, error: unknown): void {
    this.endTrouble();
    this.update(nonce, { state: 'failed', error: explain(error), after: this.end });
  }

  private async pause(attempt: number, trouble: Problem): Promise<void> {
    this.trouble = trouble;
    this.changed.emit();
    const asked = Math.min(trouble.retryAfterMs, RETRY_AFTER_MOST_MS);
    await new Promise<void>((done) => {
      const timer = setTimeout(done, Math.max(backoffMs(attempt, PAUSE_BASE_MS, PAUSE_MOST_MS), asked));
      this.wake = () => {
        clearTimeout(timer);
        done();
      };
    });
    this.wake = () => {};
  }

  private endTrouble(): void {
    if (this.trouble === null) return;
    this.trouble = null;
    this.changed.emit();
  }

  private update(nonce: string, change: Partial<Pending>): void {
    this.items = this.items.map((item) => (item.nonce === nonce ? { ...item, ...change } : item));
    this.changed.emit();
  }
}

/** 128 random bits. Not crypto.randomUUID(), which is missing where the page comes over plain http. */
export function newNonce(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
