import type { SubscribedContext, Subscription, UnsubscribedContext } from 'centrifuge';
import type { Api } from './api.js';
import { Live } from './live.js';
import type { Outbox } from './outbox.js';
import { Problem, explain, isTemporary } from './problem.js';
import { Reader } from './reader.js';
import { Signal } from './signal.js';
import type { Socket } from './socket.js';
import type { ChatStore } from './store.js';
import { backoffMs, sleep } from './time.js';
import { Timeline } from './timeline.js';
import type { LogEvent, Member, RoomInfo, Snapshot } from './types.js';

/** How long stragglers may take before a hole is asked for. */
const GAP_PATIENCE_MS = 400;
const FILL_PAGE = 500;
/** Further behind than this, a new snapshot is cheaper than the log. */
const FILL_PAGES = 4;

export type RoomState =
  | 'loading'
  | 'open'
  | 'stranger' /* a public room that one has not joined */
  | 'gone' /* no such room, or removed from it */
  | 'failed'; /* see `error`; open() tries again */

/**
 * One room on screen: snapshot first, then the log from exactly there, so that nothing falls between.
 * The timeline's own `top` is the position that counts: after a recovery that failed, the library's
 * position is already the newest, and the log is read by HTTP until it meets the live stream.
 */
export class Room {
  readonly changed = new Signal();
  /** Events in order, each once, as they become part of the log. */
  readonly happened = new Signal<LogEvent>();
  readonly timeline = new Timeline();
  state: RoomState = 'loading';
  error = '';
  /** Of 'gone': leave, kick or ban, if that is what happened. */
  reason = '';
  info: RoomInfo | null = null;
  me: Member | null = null;
  readonly members = new Map<string, Member>();
  live: Live | null = null;
  loadingOlder = false;

  private subscription: Subscription | null = null;
  private reader: Reader | null = null;
  private gapTimer: ReturnType<typeof setTimeout> | undefined;
  private filling = false;
  private closed = false;
  private mark = 0;
  private readonly stopListening: (() => void)[];

  constructor(
    readonly id: string,
    private readonly api: Api,
    private readonly socket: Socket,
    private readonly chats: ChatStore,
    readonly outbox: Outbox /* outlives the room: what failed waits for the next visit */,
  ) {
    this.stopListening = [
      outbox.changed.on(() => this.changed.emit()),
      outbox.stored.on((event) => this.apply(event)),
    ];
  }

  /** Loads the snapshot and follows the room from there; tries until it succeeds or is refused. */
  async open(): Promise<void> {
    if (this.state !== 'open') this.enter('loading');
    this.reason = '';
    const snapshot = await this.fetchSnapshot();
    if (snapshot === null) return;
    this.takeSnapshot(snapshot);
    this.follow(snapshot);
    this.reader = new Reader(this.api, this.id, snapshot.cursor.seq, ({ cursor, changed_at }) =>
      this.chats.applyCursor(this.id, cursor, changed_at),
    );
    this.enter('open');
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.gapTimer);
    this.unfollow();
    for (const stop of this.stopListening) stop();
  }

  send(text: string): void {
    this.outbox.add(text);
    this.live?.stoppedTyping();
  }

  /** All up to the end of the log is really before the person's eyes. */
  seen(): void {
    this.reader?.seen(this.timeline.top);
  }

  async loadOlder(): Promise<void> {
    if (this.loadingOlder || !this.timeline.hasOlder) return;
    this.loadingOlder = true;
    this.changed.emit();
    try {
      const page = await this.api.messagesBefore(this.id, this.timeline.olderBefore);
      this.timeline.prepend(page.items, page.has_more);
    } catch {
      await sleep(1_000); /* scrolling asks again */
    }
    this.loadingOlder = false;
    this.changed.emit();
  }

  async addMember(userId: string): Promise<void> {
    this.putMember(await this.api.addMember(this.id, userId));
  }

  async removeMember(userId: string): Promise<void> {
    await this.api.removeMember(this.id, userId);
    this.members.delete(userId);
    this.changed.emit();
  }

  async join(): Promise<void> {
    await this.api.join(this.id);
    await this.open();
  }

  /** `room_removed` said so, and why. */
  lost(reason = ''): void {
    this.unfollow();
    this.reason = reason;
    this.enter('gone');
  }

  private enter(state: RoomState, error = ''): void {
    this.state = state;
    this.error = error;
    this.changed.emit();
  }

  private refuse(error: unknown): void {
    const status = error instanceof Problem ? error.status : 0;
    if (status === 403) return this.enter('stranger');
    if (status === 404) this.chats.drop(this.id);
    this.enter(status === 404 ? 'gone' : 'failed', explain(error));
  }

  /** null: refused, or closed meanwhile. */
  private async fetchSnapshot(): Promise<Snapshot | null> {
    for (let attempt = 0; !this.closed; attempt++) {
      this.mark = this.chats.mark();
      try {
        const snapshot = await this.api.snapshot(this.id);
        return this.closed ? null : snapshot;
      } catch (error) {
        if (!isTemporary(error)) {
          this.refuse(error);
          return null;
        }
        this.error = explain(error);
        this.changed.emit();
        await sleep(backoffMs(attempt));
      }
    }
    return null;
  }

  private takeSnapshot({ room, me, members, messages, cursor, as_of }: Snapshot): void {
    this.info = room;
    this.me = me;
    this.members.clear();
    for (const member of members) this.members.set(member.user.id, member);
    this.chats.meet(...members.map(({ user }) => user));
    const applied = this.timeline.reset(messages, as_of);
    for (const { nonce } of messages) if (nonce !== undefined) this.outbox.confirm(nonce);
    this.outbox.settle(this.timeline.top);
    this.chats.applyList([{ room, cursor, last_message: messages.at(-1) }], this.mark);
    for (const event of applied) this.digest(event);
  }

  private follow({ as_of }: Snapshot): void {
    this.unfollow();
    const subscription = this.socket.open(`room:${this.id}`, { since: as_of });
    subscription.on('publication', ({ data }) => this.apply(data as LogEvent));
    subscription.on('subscribed', (context) => this.onSubscribed(context));
    subscription.on('unsubscribed', (context) => void this.onUnsubscribed(context));
    subscription.on('error', () => {}); /* the library tries again by itself */
    this.subscription = subscription;
    subscription.subscribe();
    this.live = new Live(this.socket, this.id, this.chats.myId);
    this.live.changed.on(() => this.changed.emit());
  }

  private unfollow(): void {
    if (this.subscription !== null) this.socket.close(this.subscription);
    this.live?.close();
    this.subscription = this.live = null;
  }

  private onSubscribed({ wasRecovering, recovered, streamPosition }: SubscribedContext): void {
    if (streamPosition?.epoch && streamPosition.epoch !== this.timeline.epoch) void this.restart();
    else if (wasRecovering && !recovered) void this.fill();
  }

  /** Means no more than "not followed now": whether one was removed, the API says. */
  private async onUnsubscribed({ code }: UnsubscribedContext): Promise<void> {
    await sleep(backoffMs(code === 103 ? 2 : 0, 1_000));
    if (!this.closed && this.state === 'open') await this.open();
  }

  private apply(event: LogEvent): void {
    if (this.closed) return;
    const applied = this.timeline.apply(event);
    for (const each of applied) this.digest(each);
    if (this.timeline.hasGap) this.expectFill();
    this.outbox.settle(this.timeline.top);
    if (applied.length > 0) this.changed.emit();
  }

  private digest(event: LogEvent): void {
    const { kind, message, member, room } = event;
    if (message?.nonce !== undefined && message.sender.id === this.chats.myId) this.outbox.confirm(message.nonce);
    if (kind === 'message' && event.sender) this.live?.finished(event.sender.id);
    if ((kind === 'join' || kind === 'role') && member) this.putMember({ ...member, role: member.role ?? 'member' });
    if ((kind === 'leave' || kind === 'kick' || kind === 'ban') && member) this.members.delete(member.user.id);
    if (kind === 'room' && room && this.info) this.info = { ...this.info, ...room };
    this.chats.applyEvent(event);
    this.happened.emit(event);
  }

  private putMember(member: Member): void {
    this.members.set(member.user.id, member);
    this.chats.meet(member.user);
    this.changed.emit();
  }

  private expectFill(): void {
    this.gapTimer ??= setTimeout(() => {
      this.gapTimer = undefined;
      if (this.timeline.hasGap) void this.fill();
    }, GAP_PATIENCE_MS);
  }

  /** Reads the log by HTTP from the own position until it meets the live stream. */
  private async fill(): Promise<void> {
    if (this.filling || this.closed) return;
    this.filling = true;
    try {
      if (!(await this.fillPages())) await this.restart();
    } catch (error) {
      if (isTemporary(error)) setTimeout(() => void this.fill(), 2_000);
    }
    this.filling = false;
  }

  /** False: too far behind, or another log than the one that we know. */
  private async fillPages(): Promise<boolean> {
    for (let page = 0; page < FILL_PAGES; page++) {
      const { items, has_more, epoch } = await this.api.eventsAfter(this.id, this.timeline.top, FILL_PAGE);
      if (epoch !== this.timeline.epoch) return false;
      for (const event of items) this.apply(event);
      if (!has_more) return true;
    }
    return false;
  }

  private async restart(): Promise<void> {
    const snapshot = await this.fetchSnapshot();
    if (snapshot === null) return;
    this.takeSnapshot(snapshot);
    this.changed.emit();
  }
}
