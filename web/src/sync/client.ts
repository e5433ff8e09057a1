import type { Api } from './api.js';
import { Gateways } from './gateways.js';
import { RoomLog } from './log.js';
import { Outbox } from './outbox.js';
import { Problem, isTemporary } from './problem.js';
import { Room } from './room.js';
import type { RoomOptions } from './room.js';
import { Signal } from './signal.js';
import { Socket } from './socket.js';
import { Statuses } from './status.js';
import { ChatStore } from './store.js';
import { backoffMs, sleep } from './time.js';
import type { Chat, ChatsLine, Config, Relation, User, UserEvent } from './types.js';

/** The chat list is asked for by HTTP alone when the socket takes longer than this. */
const SOCKET_PATIENCE_MS = 2_000;
/** News of different rooms may overtake each other by less than this. */
const OVERTAKING_MS = 60_000;

/**
 * One signed-in person: the socket, the chat list and what keeps it true. The order is the one that
 * loses nothing: connect, then read the list, then what changed in one's own things.
 */
export class Client {
  readonly chats: ChatStore;
  readonly socket: Socket;
  /** A room was taken from us; by whom or why is in the event. */
  readonly roomRemoved = new Signal<UserEvent>();
  /** All positions and numbers that anybody kept are void: the server began another numbering. */
  readonly replaced = new Signal<{ epoch: string }>();
  /** What one has made of others, as far as it was told since the start: contacts and blocks come by api.contacts() and blocks(). */
  readonly relations = new Map<string, Relation>();
  readonly related = new Signal<Relation>();
  /** Of people on screen. */
  readonly statuses: Statuses;
  hasMoreChats = false;
  /** `isConnected` may have changed. */
  readonly connection = new Signal();
  /** The first list is here. */
  isReady = false;

  private readonly gateways: Gateways;
  private readonly rooms = new Set<Room>();
  private readonly logs = new Set<RoomLog>();
  private readonly outboxes = new Map<string, Outbox>();
  private readonly fetching = new Map<string, { again: boolean }>();
  private nextChats: string | undefined;
  private changesSince = '';
  private wholeUntil = ''; /* the list has all that happened before this time, as far down as it goes */
  private epoch = '';
  private syncing = false;
  private syncFails = false;
  private syncAgain = false;
  private stopped = false;

  constructor(
    private readonly api: Api,
    public me: User,
    readonly config: Config,
  ) {
    this.chats = new ChatStore(me.id);
    this.chats.meet(me);
    this.gateways = new Gateways(config.gateways, () => void this.reloadGateways());
    this.socket = new Socket(api.tokens, this.gateways);
    this.statuses = new Statuses(this.socket);
    this.statuses.profiles.on((user) => this.chats.applyProfile(user));
    this.socket.lines.on((line) => this.onLine(line));
    this.socket.own.on((event) => this.onOwn(event));
    this.socket.online.on((isOnline) => {
      if (isOnline) this.onOnline();
      this.connection.emit();
    });
  }

  /** What one says about oneself is `me` from now on. */
  becomes(me: User): void {
    this.me = me;
    this.chats.meet(me);
    this.chats.changed.emit();
  }

  /** The socket lives and, as far as it was asked, the API answers. */
  get isConnected(): boolean {
    return this.socket.isOnline && !this.syncFails && ![...this.outboxes.values()].some((outbox) => outbox.isUnreachable);
  }

  start(): void {
    this.socket.start();
    globalThis.addEventListener?.('online', this.hurry); /* the browser has a network again */
    setTimeout(() => !this.isReady && void this.sync(), SOCKET_PATIENCE_MS);
  }

  stop(): void {
    this.stopped = true;
    globalThis.removeEventListener?.('online', this.hurry);
    for (const room of this.rooms) room.close();
    for (const log of this.logs) log.close();
    this.socket.stop();
  }

  /** For a screen. Give it back to closeRoom(). */
  openRoom(id: string, options: RoomOptions = {}): Room {
    const room = new Room(id, this.api, this.socket, this.chats, this.outbox(id), options);
    room.log.replaced.on(({ epoch }) => this.meetEpoch(epoch));
    this.rooms.add(room);
    void room.open();
    return room;
  }

  /**
   * For a store: every event of the room, once and in order. Listen, then start() it with the position
   * that was stored. Give it back to closeLog(). A room that is followed has no lines on `chats`, so
   * its events are applied to the chat list here.
   */
  openLog(id: string): RoomLog {
    const log = new RoomLog(id, this.api, this.socket);
    log.happened.on((event) => this.chats.applyEvent(event));
    log.replaced.on(({ epoch }) => this.meetEpoch(epoch));
    this.logs.add(log);
    return log;
  }

  closeLog(log: RoomLog): void {
    this.logs.delete(log);
    log.close();
  }

  closeRoom(room: Room): void {
    this.rooms.delete(room);
    room.close();
  }

  async loadMoreChats(): Promise<void> {
    const after = this.nextChats;
    if (after === undefined) return;
    this.nextChats = undefined;
    const mark = this.chats.mark();
    try {
      const page = await this.api.chats(after);
      this.keepPage(page);
      this.chats.applyList(page.items, mark);
    } catch {
      this.nextChats = after;
    }
  }

  /** Archived chats are not in the list: all of them are read when somebody wants to see them. */
  async loadArchived(): Promise<void> {
    const mark = this.chats.mark();
    for (let after: string | undefined, more = true; more; ) {
      const page = await this.api.chats(after, true);
      this.chats.applyList(page.items, mark);
      after = page.next;
      more = page.has_more && after !== undefined;
    }
  }

  async leaveRoom(id: string): Promise<void> {
    await this.api.leave(id);
    this.chats.drop(id);
    this.loseRoom(id, 'leave');
  }

  /** Makes sure that a room which one has just made or joined is in the list; tries until it is known. */
  async fetchChat(id: string): Promise<void> {
    const running = this.fetching.get(id);
    if (running !== undefined) {
      running.again = true; /* what is under way may be older than what we were told just now */
      return;
    }
    const round = { again: false };
    this.fetching.set(id, round);
    for (let failures = 0; !this.stopped; ) {
      const isDone = await this.tryFetchChat(id);
      if (isDone && !round.again) break;
      round.again = false;
      if (!isDone) await sleep(backoffMs(failures++));
    }
    this.fetching.delete(id);
  }

  /** False: no answer. */
  private async tryFetchChat(id: string): Promise<boolean> {
    const mark = this.chats.mark();
    try {
      const snapshot = await this.api.snapshot(id, 1);
      if (!('as_of' in snapshot)) {
        this.chats.drop(id); /* public, and not ours */
        return true;
      }
      const { room, cursor, messages, members, notify, archived, pinned } = snapshot;
      this.chats.meet(...members.map(({ user }) => user));
      this.chats.applyList([{ room, cursor, notify, archived, pinned, last_message: messages.at(-1) }], mark);
    } catch (error) {
      if (isTemporary(error)) return false;
      if (error instanceof Problem && error.status === 404) this.chats.drop(id);
    }
    return true;
  }

  private onOnline(): void {
    void this.sync();
    this.hurry();
  }

  private readonly hurry = (): void => {
    for (const outbox of this.outboxes.values()) outbox.hurry();
  };

  private outbox(roomId: string): Outbox {
    const known = this.outboxes.get(roomId);
    if (known !== undefined) return known;
    const outbox = new Outbox(this.api, roomId);
    outbox.changed.on(() => this.connection.emit());
    this.outboxes.set(roomId, outbox);
    return outbox;
  }

  /** Reads the list and the changes again; calls that come meanwhile are joined into one more round. */
  private async sync(): Promise<void> {
    this.syncAgain = true;
    if (this.syncing) return;
    this.syncing = true;
    for (let failures = 0; this.syncAgain && !this.stopped; ) {
      this.syncAgain = false;
      try {
        await this.readChats();
        await this.readChanges();
        failures = 0;
      } catch (error) {
        if (!isTemporary(error)) break;
        this.syncAgain = true;
        this.noteSync(error instanceof Problem && error.status !== 429);
        await sleep(backoffMs(failures++));
      }
    }
    this.syncing = false;
    this.noteSync(false);
  }

  private noteSync(fails: boolean): void {
    this.syncFails = fails;
    this.connection.emit();
  }

  /** The first page; after an absence, pages until a chat that has nothing newer than we had. */
  private async readChats(): Promise<void> {
    const known = this.wholeUntil && new Date(Date.parse(this.wholeUntil) - OVERTAKING_MS).toISOString();
    const mark = this.chats.mark();
    if (this.changesSince === '') this.changesSince = (await this.api.changes()).until;
    let page = await this.api.chats();
    const newest = page.items.map(activityOf).sort().at(-1); /* pinned ones stand above it */
    if (known === '') this.keepPage(page);
    this.chats.applyList(page.items, mark);
    while (known !== '' && page.has_more && page.next !== undefined) {
      const last = page.items.at(-1);
      if (last === undefined || (!last.pinned && activityOf(last) <= known)) break;
      page = await this.api.chats(page.next);
      this.chats.applyList(page.items, mark);
    }
    if (newest !== undefined) this.wholeUntil = newest;
    this.isReady = true;
    for (const id of this.chats.strangers) void this.fetchChat(id); /* lines came while the list was read */
    this.chats.changed.emit();
  }

  private async readChanges(): Promise<void> {
    try {
      let page = await this.api.changes(this.changesSince);
      const until = page.until;
      this.meetEpoch(page.epoch);
      for (const item of page.items) this.onOwn(item);
      while (page.has_more && page.next !== undefined) {
        page = await this.api.changes(this.changesSince, page.next);
        for (const item of page.items) this.onOwn(item);
      }
      this.changesSince = until;
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 410) throw error;
      this.forget();
      this.syncAgain = true;
    }
  }

  /** The list is read as if for the first time. */
  private forget(): void {
    this.changesSince = this.wholeUntil = '';
    this.chats.clear();
  }

  private meetEpoch(epoch: string): void {
    const isAnother = this.epoch !== '' && this.epoch !== epoch;
    this.epoch = epoch;
    if (!isAnother) return;
    this.forget();
    this.replaced.emit({ epoch });
    void this.sync();
  }

  private keepPage(page: { has_more: boolean; next?: string }): void {
    this.hasMoreChats = page.has_more;
    this.nextChats = page.has_more ? page.next : undefined;
  }

  private onLine(line: ChatsLine): void {
    if (line.type === 'stale') void this.sync();
    /* An unknown room is one just joined, or far down the list; during a read it may yet come. */
    else if (line.type === 'chat' && !this.chats.applyLine(line) && this.isReady) void this.fetchChat(line.room_id);
  }

  private onOwn(event: UserEvent): void {
    const { type, room_id: id, changed_at: at } = event;
    if (type === 'contact') this.meetRelation(event);
    if (id === undefined) return;
    this.chats.applyView(id, event, at);
    if (event.cursor) this.chats.applyCursor(id, event.cursor, at, event.mentions); /* `room_added` may bring one too */
    if (type === 'room_added' && this.chats.added(id, at)) this.gainRoom(id);
    else if (type === 'room_removed' && this.chats.removed(id, at)) {
      this.loseRoom(id, event.reason);
      this.roomRemoved.emit(event);
    }
  }

  private meetRelation({ user_id, contact, blocked, changed_at }: UserEvent): void {
    if (user_id === undefined || changed_at < (this.relations.get(user_id)?.changed_at ?? '')) return;
    const relation = { user_id, contact: contact === true, blocked: blocked === true, changed_at };
    this.relations.set(user_id, relation);
    this.related.emit(relation);
  }

  private gainRoom(id: string): void {
    if (!this.chats.has(id)) void this.fetchChat(id);
    for (const room of this.rooms) if (room.id === id) void room.gained();
    for (const log of this.logs) if (log.id === id) log.resume();
  }

  private loseRoom(id: string, reason?: string): void {
    for (const room of this.rooms) if (room.id === id) room.lost(reason);
    for (const log of this.logs) if (log.id === id) log.end();
  }

  private async reloadGateways(): Promise<void> {
    const config = await this.api.config().catch(() => null);
    if (config !== null) this.gateways.replace(config.gateways);
  }
}

const activityOf = ({ room, last_message }: Chat): string => last_message?.created_at ?? room.created_at;
