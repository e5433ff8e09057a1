import { answering, changed, counted, newer, withReactions } from './message.js';
import type { LogEvent, Message, Reacted } from './types.js';

/** What one room's log shows: a message, or a small line about a member or the room. */
export type Entry = { seq: number; message: Message } | { seq: number; note: LogEvent };

const NOTES = new Set(['room', 'join', 'leave', 'kick', 'ban', 'unban', 'role']);

/**
 * A window of one room's log: everything from `oldest` up to `top`, without holes. Takes events in the
 * order of the log (RoomLog gives them so); repeats change nothing.
 */
export class Timeline {
  /** The last event applied: all up to it are known. */
  top = 0;
  /** Older messages exist on the server. */
  hasOlder = false;

  private oldest = 1;
  /* Also holds messages below `oldest` that something happened to: a history page that was read before
   * and arrives after it must not bring the old state back. */
  private readonly messages = new Map<number, Message>();
  private readonly reacted = new Map<number, Reacted[]>(); /* to messages that are not here, for the same reason */
  private readonly notes = new Map<number, LogEvent>();

  /** `myId`: whose reactions are marked as one's own. */
  constructor(private readonly myId = '') {}

  /** Starts again from a snapshot's newest messages, all that there are up to event `top`. */
  reset(messages: Message[], top: number): void {
    this.messages.clear();
    this.reacted.clear();
    this.notes.clear();
    this.top = top;
    for (const message of messages) this.messages.set(message.seq, message);
    this.setOldest(messages, (messages[0]?.message_no ?? 1) > 1);
  }

  /** Adds the page of messages before `olderBefore`, in their state when it was read. */
  prepend(page: Message[], hasOlder: boolean): void {
    for (const message of page) this.messages.set(message.seq, this.present(message));
    for (const message of page) this.tellReplies(message.seq);
    this.setOldest(page, hasOlder);
  }

  /** Takes the next event of the log. */
  apply(event: LogEvent): void {
    if (event.seq !== this.top + 1) return;
    this.top = event.seq;
    if (NOTES.has(event.kind)) this.notes.set(event.seq, event);
    else if (event.kind === 'message' && event.message) this.messages.set(event.seq, event.message);
    else this.change(event);
  }

  /** Forgets the oldest when it has grown far beyond `most`; they can be loaded again. */
  trim(most: number): void {
    if (this.messages.size + this.notes.size <= most * 1.25) return;
    const seqs = [...this.messages.keys(), ...this.notes.keys()].sort((a, b) => b - a);
    const oldest = seqs[most - 1] ?? 1;
    for (const kept of [this.messages, this.notes, this.reacted])
      for (const seq of kept.keys()) if (seq < oldest) kept.delete(seq);
    this.oldest = Math.max(this.oldest, oldest);
    this.hasOlder = true;
  }

  /** `before` of the next older page. */
  get olderBefore(): number {
    return this.oldest;
  }

  get lastMessage(): Message | undefined {
    let last: Message | undefined;
    for (const message of this.messages.values()) if (last === undefined || message.seq > last.seq) last = message;
    return last;
  }

  /** In order; messages are the same objects as long as they did not change. */
  entries(): Entry[] {
    const shown: Entry[] = [];
    for (const message of this.messages.values())
      if (message.seq >= this.oldest) shown.push({ seq: message.seq, message });
    for (const note of this.notes.values()) shown.push({ seq: note.seq, note });
    return shown.sort((a, b) => a.seq - b.seq);
  }

  private setOldest(messages: Message[], hasOlder: boolean): void {
    this.hasOlder = hasOlder;
    this.oldest = hasOlder ? (messages[0]?.seq ?? this.oldest) : 1;
  }

  /** Something happened to a message; those that answer it show that, too. */
  private change(event: LogEvent): void {
    const { target_seq, message, reaction } = event;
    if (target_seq === undefined) return;
    if (message !== undefined && !this.messages.has(target_seq)) this.messages.set(target_seq, message);
    if (reaction !== undefined && !(target_seq >= this.oldest && this.messages.has(target_seq))) this.note(target_seq, reaction);
    for (const [seq, known] of this.messages) this.messages.set(seq, changed(known, event, this.myId));
  }

  /** Of each emoji the last reaction of one's own and the last of somebody else: their counts are absolute. */
  private note(seq: number, reaction: Reacted): void {
    const isMine = ({ user_id }: Reacted): boolean => user_id === this.myId;
    const others = (this.reacted.get(seq) ?? []).filter(
      (each) => each.emoji !== reaction.emoji || isMine(each) !== isMine(reaction),
    );
    this.reacted.set(seq, [...others, reaction]);
  }

  /** A message of a page, with what happened since, as far as is known here. */
  private present(message: Message): Message {
    const since = this.reacted.get(message.seq) ?? [];
    this.reacted.delete(message.seq);
    const list = since.reduce((all, each) => counted(all, each, this.myId), message.reactions ?? []);
    const known = this.messages.get(message.seq);
    const state = known === undefined ? message : newer(message, known);
    return state.deleted_at === undefined ? withReactions(state, list) : state;
  }

  /** Of what is here the present text is known. */
  private tellReplies(seq: number): void {
    const reply = this.messages.get(seq);
    const original = reply?.reply_to && this.messages.get(reply.reply_to.seq);
    if (reply !== undefined && original !== undefined) this.messages.set(seq, answering(reply, original));
  }
}
