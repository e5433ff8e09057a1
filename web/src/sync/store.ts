import { changed } from './message.js';
import { Signal } from './signal.js';
import type { Chat, ChatsLine, Cursor, LogEvent, Message, RoomInfo, RoomSettings, User, View } from './types.js';

/** A line of the chat list as it is shown. */
export interface ChatLine extends View {
  room: RoomInfo;
  lastMessage?: Message;
  cursor: Cursor;
  unread: number;
  /** Unread messages that mention one; those that mention the whole room are counted by lines until the server says it exactly. */
  mentions: number;
  mentioned: boolean;
}

interface Entry {
  room: RoomInfo;
  lastSeq: number;
  messageNo: number;
  lastMessage?: Message;
  cursor: Cursor;
  cursorAt: string; /* changed_at of the cursor; '' while no dated one was seen */
  mentions: number;
  mentionsOrder: number; /* local order of the last word about them */
  view: View;
  viewAt: string; /* changed_at of the view; '' while no dated one was seen */
  viewOrder: number; /* local order of that; a list that was asked for before is older */
}

type Line = Extract<ChatsLine, { type: 'chat' }>;

/**
 * The chat list. Facts of a room are ordered by its `last_seq`, the cursor and the membership by
 * their `changed_at`; older news changes nothing, so lists, lines, events and changes may come in any
 * order and any number of times. Unread is computed, never counted.
 */
export class ChatStore {
  readonly changed = new Signal();
  /** People met in rooms, by id. */
  readonly people = new Map<string, User>();

  private readonly entries = new Map<string, Entry>();
  private readonly early = new Map<string, Line>(); /* lines of rooms not known yet */
  private readonly membershipAt = new Map<string, string>();
  private readonly removedAt = new Map<string, number>(); /* local order of removals */
  private order = 0;

  constructor(readonly myId: string) {}

  /** To be taken before a list or a snapshot is asked for; a removal after it beats the answer. */
  mark(): number {
    return this.order;
  }

  /** Chats as the server listed them, asked for at `mark`. */
  applyList(chats: Chat[], mark: number): void {
    for (const chat of chats) this.put(chat, mark);
    this.changed.emit();
  }

  has(roomId: string): boolean {
    return this.entries.has(roomId);
  }

  get(roomId: string): ChatLine | undefined {
    const entry = this.entries.get(roomId);
    return entry && shown(entry);
  }

  /** False: the room is not known yet; the line is kept until it is. */
  applyLine(line: Line): boolean {
    const entry = this.entries.get(line.room_id);
    if (entry === undefined) {
      const known = this.early.get(line.room_id);
      if (known === undefined || known.last_seq < line.last_seq) this.early.set(line.room_id, line);
      return false;
    }
    if (line.room?.deleted_at !== undefined) this.drop(line.room_id);
    else this.foldLine(entry, line);
    this.changed.emit();
    return true;
  }

  /** An event of a room that is open: its lines do not come on `chats` meanwhile. */
  applyEvent(event: LogEvent): void {
    const entry = this.entries.get(event.room_id);
    if (entry === undefined || event.seq <= entry.lastSeq) return;
    this.foldFacts(entry, event.seq, event.message_no, newLast(entry.lastMessage, event));
    if (event.message?.mentions_room && event.kind === 'message' && event.sender?.id !== this.myId) entry.mentions++;
    if (event.room?.deleted_at !== undefined) this.drop(event.room_id);
    else if (event.room) entry.room = withSettings(entry.room, event.room);
    this.changed.emit();
  }

  /** Undated moves (an own send, a list) only go forward; dated ones go where the newest says. */
  applyCursor(roomId: string, cursor: Cursor, changedAt = '', mentions?: number): void {
    const entry = this.entries.get(roomId);
    if (entry === undefined) return;
    if (foldCursor(entry, cursor, changedAt) && mentions !== undefined) {
      entry.mentions = mentions;
      entry.mentionsOrder = ++this.order;
    }
    this.changed.emit();
  }

  /** How one sees a room, as it was at `changedAt`. */
  applyView(roomId: string, view: Partial<View>, changedAt: string): void {
    const entry = this.entries.get(roomId);
    if (entry === undefined || view.notify === undefined || changedAt < entry.viewAt) return;
    entry.view = viewOf(view);
    entry.viewAt = changedAt;
    entry.viewOrder = ++this.order;
    this.changed.emit();
  }

  /** One has become a member. False: older than what is known. */
  added(roomId: string, changedAt: string): boolean {
    if (changedAt < (this.membershipAt.get(roomId) ?? '')) return false;
    this.membershipAt.set(roomId, changedAt);
    return true;
  }

  /** One is no member any more. False: older than what is known. */
  removed(roomId: string, changedAt: string): boolean {
    if (changedAt < (this.membershipAt.get(roomId) ?? '')) return false;
    this.membershipAt.set(roomId, changedAt);
    this.drop(roomId);
    return true;
  }

  /** Forgets a room that is known to be gone without a date (left here, or 404). */
  drop(roomId: string): void {
    this.removedAt.set(roomId, ++this.order);
    this.early.delete(roomId);
    if (this.entries.delete(roomId)) this.changed.emit();
  }

  /** The server cannot tell any more what changed, or has other numbers now: start again. */
  clear(): void {
    for (const kept of [this.entries, this.early, this.membershipAt]) kept.clear();
    this.changed.emit();
  }

  /** Rooms that there were lines of and that no list has shown. */
  get strangers(): string[] {
    return [...this.early.keys()];
  }

  meet(...users: (User | undefined)[]): void {
    for (const user of users)
      if (user !== undefined && (user.version ?? 0) >= (this.people.get(user.id)?.version ?? 0)) this.people.set(user.id, user);
  }

  /** What somebody says about themselves now; direct rooms with them show it. */
  applyProfile(user: User): void {
    this.meet(user);
    for (const entry of this.entries.values())
      if (entry.room.peer?.id === user.id && (user.version ?? 0) > (entry.room.peer.version ?? 0)) entry.room = { ...entry.room, peer: user };
    this.changed.emit();
  }

  /** Pinned ones, then latest activity first; those that were put away are a list of their own. */
  list(archived = false): ChatLine[] {
    return [...this.entries.values()].filter(({ view }) => view.archived === archived).sort(byPlace).map(shown);
  }

  get unread(): number {
    let total = 0;
    for (const entry of this.entries.values()) total += unreadOf(entry);
    return total;
  }

  private put(chat: Chat, mark: number): void {
    const { room } = chat;
    if ((this.removedAt.get(room.id) ?? 0) > mark) return;
    this.meet(room.peer);
    const known = this.entries.get(room.id);
    const entry = known ?? newEntry(chat);
    if (known !== undefined && (room.version ?? 0) >= (known.room.version ?? 0))
      known.room = { ...room, peer: room.peer ?? known.room.peer };
    this.foldFacts(entry, room.last_seq, room.message_no, chat.last_message);
    foldCursor(entry, chat.cursor, '');
    if (chat.notify !== undefined && entry.viewOrder <= mark) entry.view = viewOf(chat);
    if (chat.mentions !== undefined && entry.mentionsOrder <= mark) entry.mentions = chat.mentions;
    this.entries.set(room.id, entry);
    const early = this.early.get(room.id);
    this.early.delete(room.id);
    if (early !== undefined) this.foldLine(entry, early);
  }

  private foldLine(entry: Entry, line: Line): void {
    if (line.last_seq <= entry.lastSeq) return;
    if (line.room) entry.room = withSettings(entry.room, line.room);
    this.foldFacts(entry, line.last_seq, line.message_no, line.last_message);
    /* How often one was named is told with the own cursor. A mention of the whole room is told to nobody in it by himself. */
    if (line.mentions_room) entry.mentions++;
  }

  private foldFacts(entry: Entry, seq: number, messageNo: number, last: Message | undefined): void {
    if (seq <= entry.lastSeq) return;
    entry.lastSeq = seq;
    entry.messageNo = messageNo;
    entry.lastMessage = last ?? entry.lastMessage;
    if (last?.sender.id === this.myId) foldSend(entry, last);
  }
}

/** Settings are told whole: what is not there the room does not have any more. What was told later stays. */
export function withSettings(room: RoomInfo, settings: RoomSettings): RoomInfo {
  if ((settings.version ?? 0) < (room.version ?? 0)) return room;
  const none = { slug: undefined, group_id: undefined, topic_id: undefined, position: undefined, open_to_group: undefined };
  return { ...room, ...none, ...settings };
}

function newEntry({ room, last_message, cursor }: Chat): Entry {
  const facts = { lastSeq: room.last_seq, messageNo: room.message_no, lastMessage: last_message };
  return { room, ...facts, cursor, cursorAt: '', mentions: 0, mentionsOrder: 0, view: viewOf({}), viewAt: '', viewOrder: 0 };
}

const viewOf = ({ notify = { level: 'all' }, archived = false, pinned = false }: Partial<View>): View => ({ notify, archived, pinned });

/** False: it is older than what is known. */
function foldCursor(entry: Entry, { seq, message_no }: Cursor, changedAt: string): boolean {
  const isNewer = changedAt === '' ? seq > entry.cursor.seq : changedAt >= entry.cursorAt;
  if (!isNewer) return false;
  entry.cursor = { seq, message_no };
  if (changedAt !== '') entry.cursorAt = changedAt;
  if (unreadOf(entry) === 0) entry.mentions = 0;
  return true;
}

/**
 * A send moves its sender's cursor, at its own time: a move made before it that is heard of later does not
 * count. Of that time we know the milliseconds only, so moves of the same one are thought to come after it.
 */
function foldSend(entry: Entry, { seq, message_no, created_at }: Message): void {
  const at = created_at.replace(/Z$/, '000Z');
  if (seq > entry.cursor.seq && at >= entry.cursorAt) foldCursor(entry, { seq, message_no }, at);
}

/** The last message of a room after `event`, whose number is the newest. */
function newLast(last: Message | undefined, event: LogEvent): Message | undefined {
  return event.kind === 'message' ? event.message : last && changed(last, event);
}

const unreadOf = (entry: Entry): number => Math.max(0, entry.messageNo - entry.cursor.message_no);

const activity = (entry: Entry): string => entry.lastMessage?.created_at ?? entry.room.created_at;

function byPlace(a: Entry, b: Entry): number {
  if (a.view.pinned !== b.view.pinned) return a.view.pinned ? -1 : 1;
  const [left, right] = [activity(a), activity(b)];
  if (left !== right) return left < right ? 1 : -1;
  return a.room.id < b.room.id ? 1 : -1;
}

function shown(entry: Entry): ChatLine {
  const { room, lastMessage, cursor, view } = entry;
  const unread = unreadOf(entry);
  const mentions = Math.min(entry.mentions, unread);
  return { room, lastMessage, cursor, unread, mentions, mentioned: mentions > 0, ...view };
}
