import { Problem, SignedOut, problemOf } from './problem.js';
import { Signal } from './signal.js';
import type { TokenSet } from './types.js';

const REFRESH_TIMEOUT_MS = 10_000;

/** Where an application without cookies (native, Node) keeps its refresh token. */
export interface TokenShelf {
  load(): string | null;
  /** Called before the token that it replaces is void: 30 s later at most that one is of no use. */
  save(refreshToken: string): void;
}

/**
 * The access token, held in memory only; the refresh token is a cookie that no script can read, or,
 * where there are no cookies, on a shelf of the application.
 *
 * HTTP calls and the socket share one refresh under way, because the refresh token works once: two
 * refreshes at a time would look like a theft.
 */
export class Tokens {
  /** The session ended: a refresh was refused, or the cookie belongs to another person by now. */
  readonly ended = new Signal();

  private access = '';
  private closed = false;
  private underWay: Promise<string> | null = null;

  constructor(
    private readonly base = '/v1',
    private readonly shelf: TokenShelf | null = null,
  ) {}

  /** Sign-ins ask for a refresh cookie. */
  get useCookie(): boolean {
    return this.shelf === null;
  }

  get current(): string {
    return this.access;
  }

  accept(tokens: TokenSet): void {
    this.access = tokens.access_token;
    if (tokens.refresh_token !== undefined) this.shelf?.save(tokens.refresh_token);
  }

  /**
   * For good: calls still under way must not go on as the person who signs in next, whose cookie
   * takes the place of ours.
   */
  close(): void {
    this.access = '';
    this.closed = true;
  }

  /**
   * A token other than `refused`. Needs no clock: who was refused says which token it used, and a
   * token that somebody else renewed meanwhile is handed out at once.
   * SignedOut: sign in again. Problem: no answer or trouble; try again later.
   */
  renew(refused: string): Promise<string> {
    if (this.closed) return Promise.reject(new SignedOut());
    if (this.access !== '' && this.access !== refused) return Promise.resolve(this.access);
    this.underWay ??= this.refresh().finally(() => (this.underWay = null));
    return this.underWay;
  }

  private async refresh(): Promise<string> {
    const before = this.access;
    const kept = this.shelf?.load();
    if (kept === null) throw this.end();
    const answer = await this.ask(kept === undefined ? {} : { refresh_token: kept });
    if (answer.status === 401) throw this.end();
    if (!answer.ok) throw await problemOf(answer);
    const { tokens } = (await answer.json()) as { tokens: TokenSet };
    if (this.closed) throw new SignedOut();
    if (before !== '' && subject(before) !== subject(tokens.access_token)) throw this.end();
    this.accept(tokens);
    return this.access;
  }

  private async ask(body: object): Promise<Response> {
    try {
      return await fetch(`${this.base}/sessions/refresh`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(REFRESH_TIMEOUT_MS),
      });
    } catch {
      throw new Problem(0, 'unreachable', 'no answer');
    }
  }

  private end(): SignedOut {
    this.access = '';
    if (!this.closed) this.ended.emit();
    return new SignedOut();
  }
}

/** Whose token it is; read for comparison only, the server alone judges tokens. */
function subject(token: string): string {
  try {
    const claims = token.split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/');
    return String((JSON.parse(atob(claims)) as { sub?: unknown }).sub);
  } catch {
    return '';
  }
}
