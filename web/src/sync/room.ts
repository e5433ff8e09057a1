import type { Api } from './api.js';
import { Live } from './live.js';
import { RoomLog } from './log.js';
import { asToldToAll } from './message.js';
import type { Skipped } from './log.js';
import type { Outbox } from './outbox.js';
import { Problem, explain, isTemporary } from './problem.js';
import { Reader } from './reader.js';
import { Signal } from './signal.js';
import type { Socket } from './socket.js';
import { withSettings } from './store.js';
import type { ChatStore } from './store.js';
import { backoffMs, sleep } from './time.js';
import { Timeline } from './timeline.js';
import type { Facade, LogEvent, Member, Message, RoomInfo, Snapshot } from './types.js';

/** Further behind than this, a new snapshot is cheaper than the log. */
const FAR_BEHIND = 2_000;
/** Another log than the one before is begun no faster: APIs and gateways learn of it one after the other. */
const RESTART_SPACING_MS = 2_000;
/** A timeline that grows much beyond this forgets its oldest messages. */
const WINDOW_MOST = 5_000;

/** Going back to one message reads so much at most. */
const BACK_PAGE = 200;
const BACK_MOST_PAGES = 10;

export interface RoomOptions {
  /**
   * So many events may be read one by one when the room was not followed for a while; beyond, the room
   * begins again with a snapshot and `skipped` says what did not come. Infinity: they are always read.
   */
  farBehind?: number;
}

export type RoomState =
  | 'loading'
  | 'open'
  | 'stranger' /* a public room that one has not joined */
  | 'gone' /* no such room, or removed from it */
  | 'failed'; /* see `error`; open() tries again */

/**
 * One room on screen: snapshot first, then the log from exactly there, so that nothing falls between.
 * Who wants events rather than a state (to store them, to count them) takes a RoomLog instead.
 */
export class Room {
  readonly changed = new Signal();
  /** Events in order, each once, as they become part of the log. */
  readonly happened = new Signal<LogEvent>();
  /** Events that never come on `happened`, since a snapshot has taken their place. */
  readonly skipped: Signal<Skipped>;
  readonly timeline: Timeline;
  readonly log: RoomLog;
  state: RoomState = 'loading';
  error = '';
  /** Of 'gone': leave, kick or ban, if that is what happened. */
  reason = '';
  info: RoomInfo | null = null;
  me: Member | null = null;
  readonly members = new Map<string, Member>();
  live: Live | null = null;
  loadingOlder = false;

  private reader: Reader | null = null;
  private closed = false;
  private opening: Promise<void> | null = null;
  private restartedAt = 0;
  private mark = 0;
  private readonly stopListening: (() => void)[];

  constructor(
    readonly id: string,
    private readonly api: Api,
    private readonly socket: Socket,
    private readonly chats: ChatStore,
    readonly outbox: Outbox /* outlives the room: what failed waits for the next visit */,
    { farBehind = FAR_BEHIND }: RoomOptions = {},
  ) {
    this.timeline = new Timeline(chats.myId);
    this.log = new RoomLog(id, api, socket, farBehind);
    this.skipped = this.log.skipped;
    this.log.happened.on((event) => this.digest(event));
    this.log.replaced.on(() => void this.restart());
    this.log.outrun.on(() => void this.restart());
    this.log.refused.on((error) => this.refuse(error));
    this.stopListening = [
      outbox.changed.on(() => this.changed.emit()),
      outbox.stored.on((event) => this.log.hear(event.seq)),
    ];
  }

  /** Loads the snapshot and follows the room from there; tries until it succeeds or is refused. */
  open(): Promise<void> {
    this.opening ??= this.load().finally(() => (this.opening = null));
    return this.opening;
  }

  close(): void {
    this.closed = true;
    this.log.close();
    this.endLive();
    for (const stop of this.stopListening) stop();
  }

  send(text: string, replyTo?: Message): void {
    this.outbox.add(text, undefined, replyTo);
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
      await this.readOlder();
    } catch {
      await sleep(1_000); /* scrolling asks again */
    }
    this.loadingOlder = false;
    this.changed.emit();
  }

  /** False: message `seq` is further back than a screen should hold. What fails is thrown. */
  async loadBackTo(seq: number): Promise<boolean> {
    for (let pages = 0; this.timeline.hasOlder && this.timeline.olderBefore > seq; pages++) {
      if (pages === BACK_MOST_PAGES || this.closed) return false;
      await this.readOlder(BACK_PAGE);
    }
    this.changed.emit();
    return true;
  }

  private async readOlder(limit?: number): Promise<void> {
    const before = this.timeline.olderBefore;
    const page = await this.api.messagesBefore(this.id, before, limit);
    /* A window that has moved meanwhile has another edge, which this page does not touch. */
    if (this.timeline.olderBefore === before) this.timeline.prepend(page.items, page.has_more);
  }

  /* What comes of them is in the log, in its place: an answer may be overtaken by what came later. */

  async addMember(userId: string): Promise<void> {
    await this.api.addMember(this.id, userId);
  }

  async removeMember(userId: string): Promise<void> {
    await this.api.removeMember(this.id, userId);
  }

  async join(): Promise<void> {
    await this.api.join(this.id);
    await this.open();
  }

  /** `room_removed` said so, and why. */
  lost(reason = ''): void {
    this.log.end();
    this.endLive();
    this.reason = reason;
    this.enter('gone');
  }

  /** `room_added` said so: what was refused, or is being refused just now, is asked again. */
  async gained(): Promise<void> {
    await this.opening;
    if (!this.closed && (this.state === 'gone' || this.state === 'stranger')) await this.open();
  }

  private enter(state: RoomState, error = ''): void {
    this.state = state;
    this.error = error;
    this.changed.emit();
  }

  private refuse(error: unknown): void {
    this.log.end();
    this.endLive();
    const status = error instanceof Problem ? error.status : 0;
    if (status === 403) return this.enter('stranger');
    if (status === 404) this.chats.drop(this.id);
    this.enter(status === 404 ? 'gone' : 'failed', explain(error));
  }

  private beStranger({ room }: Facade): void {
    this.log.end();
    this.endLive();
    this.info = room;
    this.enter('stranger');
  }

  /** null: refused, or closed meanwhile. */
  private async fetchSnapshot(): Promise<Snapshot | null> {
    for (let attempt = 0; !this.closed; attempt++) {
      this.mark = this.chats.mark();
      try {
        const snapshot = await this.api.snapshot(this.id);
        if (this.closed) return null;
        if ('as_of' in snapshot) return snapshot;
        this.beStranger(snapshot);
        return null;
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

  private async load(): Promise<void> {
    if (this.state !== 'open') this.enter('loading');
    this.reason = '';
    const snapshot = await this.fetchSnapshot();
    if (snapshot === null) return;
    this.takeSnapshot(snapshot);
    this.startLive();
    this.reader = new Reader(this.api, this.id, snapshot.cursor.seq, ({ cursor, changed_at, mentions }) =>
      this.chats.applyCursor(this.id, cursor, changed_at, mentions),
    );
    this.enter('open');
  }

  /** The log has moved on too far, or there is another one: the screen shows the present state. */
  private async restart(): Promise<void> {
    const rest = this.restartedAt + RESTART_SPACING_MS - Date.now();
    if (rest > 0) await sleep(rest);
    this.restartedAt = Date.now();
    const snapshot = await this.fetchSnapshot();
    if (snapshot === null) return;
    this.takeSnapshot(snapshot);
    this.changed.emit();
  }

  private takeSnapshot({ room, me, members, messages, cursor, as_of }: Snapshot): void {
    const { offset, epoch } = this.log.position;
    const isOld = epoch === as_of.epoch && as_of.offset < offset; /* the log got ahead of it */
    if (!isOld) {
      this.info = room;
      this.me = me;
      this.members.clear();
      for (const member of members) this.members.set(member.user.id, member);
      this.timeline.reset(messages, as_of.offset);
    }
    this.chats.meet(...members.map(({ user }) => user));
    for (const { nonce, sender } of messages)
      if (nonce !== undefined && sender.id === this.chats.myId) this.outbox.confirm(nonce);
    this.outbox.settle(this.timeline.top);
    const last = messages.at(-1);
    this.chats.applyList([{ room, cursor, last_message: last && asToldToAll(last) }], this.mark);
    this.log.start(as_of);
  }

  private startLive(): void {
    this.endLive();
    this.live = new Live(this.socket, this.id, this.chats.myId);
    this.live.changed.on(() => this.changed.emit());
  }

  private endLive(): void {
    this.live?.close();
    this.live = null;
  }

  private digest(event: LogEvent): void {
    const { kind, message, member, room } = event;
    this.timeline.apply(event);
    this.timeline.trim(WINDOW_MOST);
    if (message?.nonce !== undefined && message.sender.id === this.chats.myId) this.outbox.confirm(message.nonce);
    if (kind === 'message' && event.sender) this.live?.finished(event.sender.id);
    if (kind === 'join') this.count(1);
    if (kind === 'leave' || kind === 'kick' || (kind === 'ban' && this.members.has(member?.user.id ?? ''))) this.count(-1);
    if ((kind === 'join' || kind === 'role') && member) this.putMember({ ...member, role: member.role ?? 'member' });
    if ((kind === 'leave' || kind === 'kick' || kind === 'ban') && member) this.members.delete(member.user.id);
    if (kind === 'room' && room && this.info) this.info = withSettings(this.info, room);
    this.chats.applyEvent(event);
    this.outbox.settle(event.seq);
    this.happened.emit(event);
    if (room?.deleted_at !== undefined) this.lost('room_deleted');
    this.changed.emit();
  }

  private count(by: number): void {
    if (this.info?.member_count !== undefined) this.info = { ...this.info, member_count: this.info.member_count + by };
  }

  private putMember(member: Member): void {
    this.members.set(member.user.id, member);
    this.chats.meet(member.user);
    if (member.user.id === this.chats.myId && this.me !== null) this.me = { ...this.me, silent_until: undefined, ...member };
  }
}
