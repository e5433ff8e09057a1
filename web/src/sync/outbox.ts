import type { Api } from './api.js';
import { Problem, SignedOut, explain, isTemporary } from './problem.js';
import { Signal } from './signal.js';
import { backoffMs, sleep } from './time.js';
import type { LogEvent } from './types.js';

const ATTEMPTS = 4;

/** A message that is drawn and not yet part of the log. */
export interface Pending {
  nonce: string;
  text: string;
  createdAt: string;
  state: 'sending' | 'sent' | 'failed';
  /** Why it failed, for people. */
  error?: string;
  /** Its number in the log, once it is stored. */
  seq?: number;
  /** It failed for want of an answer: sent again by itself once the connection is back. */
  isTemporary?: boolean;
}

/**
 * The own messages of one room on their way, one at a time and in order. A send whose outcome is
 * unknown is repeated under the same nonce, which the server stores once.
 */
export class Outbox {
  readonly changed = new Signal();
  /** The server's answers, which may be ahead of the live stream. */
  readonly stored = new Signal<LogEvent>();
  private items: Pending[] = [];
  private working = false;

  constructor(
    private readonly api: Api,
    private readonly roomId: string,
  ) {}

  get pending(): readonly Pending[] {
    return this.items;
  }

  add(text: string): void {
    const nonce = newNonce();
    this.items = [...this.items, { nonce, text, createdAt: new Date().toISOString(), state: 'sending' }];
    this.changed.emit();
    void this.work();
  }

  retry(nonce: string): void {
    this.update(nonce, { state: 'sending', error: undefined });
    void this.work();
  }

  /** The connection is back. */
  retryTemporary(): void {
    for (const item of this.items) if (item.state === 'failed' && item.isTemporary) this.retry(item.nonce);
  }

  discard(nonce: string): void {
    this.items = this.items.filter((item) => item.nonce !== nonce);
    this.changed.emit();
  }

  /** The log has this message: the drawn one gives way to it. */
  confirm(nonce: string): void {
    if (this.has(nonce)) this.discard(nonce);
  }

  /** The log is known up to `top`. */
  settle(top: number): void {
    for (const { nonce, seq } of this.items) if (seq !== undefined && seq <= top) this.discard(nonce);
  }

  private has(nonce: string): boolean {
    return this.items.some((item) => item.nonce === nonce);
  }

  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    for (let item; (item = this.items.find(({ state }) => state === 'sending')) !== undefined; )
      await this.deliver(item);
    this.working = false;
  }

  private async deliver({ nonce, text }: Pending): Promise<void> {
    /* No longer there: its event arrived although the answer was lost. */
    for (let attempt = 0; this.has(nonce); attempt++) {
      try {
        const event = await this.api.send(this.roomId, nonce, text);
        this.update(nonce, { state: 'sent', seq: event.seq });
        this.stored.emit(event);
        return;
      } catch (error) {
        if (!isTemporary(error) || attempt + 1 >= ATTEMPTS) return this.fail(nonce, error);
        await sleep(Math.max(backoffMs(attempt), (error as Problem).retryAfterMs));
      }
    }
  }

  private fail(nonce: string, error: unknown): void {
    const isRetriable = isTemporary(error) || error instanceof SignedOut;
    this.update(nonce, { state: 'failed', error: explain(error), isTemporary: isRetriable });
  }

  private update(nonce: string, change: Partial<Pending>): void {
    this.items = this.items.map((item) => (item.nonce === nonce ? { ...item, ...change } : item));
    this.changed.emit();
  }
}

/** 128 random bits. Not crypto.randomUUID(), which is missing where the page comes over plain http. */
function newNonce(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
