import { Centrifuge, UnauthorizedError } from 'centrifuge';
import type { DisconnectedContext, ServerPublicationContext, SubscriptionOptions } from 'centrifuge';
import { Channel } from './channel.js';
import type { Follower } from './channel.js';
import type { Gateways } from './gateways.js';
import { SignedOut } from './problem.js';
import { Signal } from './signal.js';
import { backoffMs, sleep } from './time.js';
import type { Tokens } from './tokens.js';
import type { ChatsLine, UserEvent } from './types.js';

/** Close codes after which the token is in doubt: 3500 invalid token, 101 and 1 unauthorized. */
const TOKEN_IN_DOUBT = new Set([1, 101, 3500]);
const DISCONNECT_CALLED = 0;
/** A connection that lived shorter than this did not do any good: the next one waits longer. */
const PROVEN_AFTER_MS = 10_000;

/**
 * The one connection to a gateway: public `centrifuge` client plus what it leaves to its user, which
 * is another address when one is dead, and coming back after the codes that it takes for final.
 */
export class Socket {
  /** True after each (re)connection, false when one is lost. */
  readonly online = new Signal<boolean>();
  readonly lines = new Signal<ChatsLine>();
  readonly own = new Signal<UserEvent>();

  private readonly client: Centrifuge;
  private readonly channels = new Map<string, Channel>();
  private handed = ''; /* the token that the library holds */
  private finals = 0; /* terminal closes in a row */
  private connectedAt = Infinity;
  private stopped = false;

  constructor(
    private readonly tokens: Tokens,
    private readonly gateways: Gateways,
  ) {
    this.client = new Centrifuge(gateways.current, {
      websocket: gateways.webSocketClass(),
      getToken: () => this.token(),
      name: 'parley-web',
      maxReconnectDelay: 8_000,
    });
    this.client.on('connected', () => this.onConnected());
    this.client.on('connecting', () => this.online.emit(false));
    this.client.on('disconnected', (why) => void this.onDisconnected(why));
    this.client.on('publication', (publication) => this.onPublication(publication));
  }

  get isOnline(): boolean {
    return this.client.state === 'connected';
  }

  start(): void {
    this.client.connect();
  }

  stop(): void {
    this.stopped = true;
    this.client.disconnect();
  }

  /** Not yet subscribed; close() it at the end. `options` count for the first who opens a channel. */
  open(name: string, options: Partial<SubscriptionOptions> = {}): Follower {
    let channel = this.channels.get(name);
    if (channel === undefined) {
      channel = new Channel(this.client, name, options, () => this.channels.delete(name));
      this.channels.set(name, channel);
    }
    return channel.follow();
  }

  /** The library asks when it has no token or a refused one, so never give it the same one twice. */
  private async token(): Promise<string> {
    try {
      this.handed = await this.tokens.renew(this.handed);
      return this.handed;
    } catch (error) {
      throw error instanceof SignedOut ? new UnauthorizedError('signed out') : error;
    }
  }

  private onConnected(): void {
    this.connectedAt = Date.now();
    this.gateways.confirm();
    this.online.emit(true);
  }

  private async onDisconnected(why: DisconnectedContext): Promise<void> {
    this.online.emit(false);
    if (this.stopped || why.code === DISCONNECT_CALLED) return;
    if (Date.now() - this.connectedAt > PROVEN_AFTER_MS) this.finals = 0;
    this.connectedAt = Infinity;
    if (this.finals > 0) this.gateways.abandon(); /* the same one again: perhaps another is better */
    await sleep(this.finals++ === 0 ? 0 : backoffMs(this.finals, 1_000, 30_000));
    if (TOKEN_IN_DOUBT.has(why.code) && !(await this.replaceToken())) return;
    if (!this.stopped) this.client.connect();
  }

  /** False: signed out, which Tokens has told everybody already. */
  private async replaceToken(): Promise<boolean> {
    for (let attempt = 0; !this.stopped; attempt++) {
      try {
        this.client.setToken(await this.token());
        return true;
      } catch (error) {
        if (error instanceof UnauthorizedError) return false;
        await sleep(backoffMs(attempt));
      }
    }
    return false;
  }

  private onPublication({ channel, data }: ServerPublicationContext): void {
    if (channel === 'chats') this.lines.emit(data as ChatsLine);
    else if (channel.startsWith('user:')) this.own.emit(data as UserEvent);
  }
}
