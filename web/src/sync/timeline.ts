import type { LogEvent, Message } from './types.js';

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
  /* Also holds edited messages below `oldest`: a history page that was read before the edit and
   * arrives after it must not bring the old text back. */
  private readonly messages = new Map<number, Message>();
  private readonly deletedAt = new Map<number, string>();
  private readonly notes = new Map<number, LogEvent>();

  /** Starts again from a snapshot's newest messages, all that there are up to event `top`. */
  reset(messages: Message[], top: number): void {
    this.messages.clear();
    this.deletedAt.clear();
    this.notes.clear();
    this.top = top;
    for (const message of messages) this.messages.set(message.seq, message);
    this.setOldest(messages, (messages[0]?.message_no ?? 1) > 1);
  }

  /** Adds the page of messages before `olderBefore`, in their state when it was read. */
  prepend(page: Message[], hasOlder: boolean): void {
    for (const message of page) this.merge(message);
    this.setOldest(page, hasOlder);
  }

  /** Takes the next event of the log. */
  apply(event: LogEvent): void {
    if (event.seq !== this.top + 1) return;
    this.top = event.seq;
    if ((event.kind === 'message' || event.kind === 'edit') && event.message) this.merge(event.message);
    else if (event.kind === 'delete' && event.target_seq !== undefined) this.tombstone(event.target_seq, event.created_at);
    else if (NOTES.has(event.kind)) this.notes.set(event.seq, event);
  }

  /** Forgets the oldest when it has grown far beyond `most`; they can be loaded again. */
  trim(most: number): void {
    if (this.messages.size + this.notes.size <= most * 1.25) return;
    const seqs = [...this.messages.keys(), ...this.notes.keys()].sort((a, b) => b - a);
    const oldest = seqs[most - 1] ?? 1;
    for (const kept of [this.messages, this.notes, this.deletedAt])
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

  /** Keeps the newer state of a message: a tombstone is final, else the higher version wins. */
  private merge(message: Message): void {
    const known = this.messages.get(message.seq);
    const isNewer = known === undefined || (message.version ?? 0) > (known.version ?? 0);
    if (known?.deleted_at === undefined && (isNewer || message.deleted_at !== undefined))
      this.messages.set(message.seq, message);
    const deletedAt = this.deletedAt.get(message.seq);
    if (deletedAt !== undefined) this.tombstone(message.seq, deletedAt);
  }

  private tombstone(seq: number, deletedAt: string): void {
    const message = this.messages.get(seq);
    this.deletedAt.set(seq, deletedAt);
    if (message === undefined || message.deleted_at !== undefined) return;
    const { text: _gone, ...rest } = message;
    this.messages.set(seq, { ...rest, deleted_at: deletedAt });
  }
}
