import type { Chat, LogEvent, Message } from '../src/sync/types.js';

export const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 12, minute)).toISOString();
/** As `changed_at` is written. */
export const exactlyAt = (minute: number): string => at(minute).replace('Z', '000Z');

export function message(seq: number, change: Partial<Message> = {}): Message {
  const sender = { id: 'bob', name: 'Bob' };
  return { room_id: '7', seq, message_no: seq, sender, text: `text ${seq}`, version: 1, created_at: at(seq), ...change };
}

export function event(seq: number, change: Partial<LogEvent> = {}): LogEvent {
  const kind = change.kind ?? 'message';
  const body = kind === 'message' ? { message: message(seq) } : {};
  return { room_id: '7', seq, kind, sender: { id: 'bob', name: 'Bob' }, message_no: seq, created_at: at(seq), ...body, ...change };
}

/** What is left of it once event `by` has deleted it. */
export function deleted(seq: number, by: number): Message {
  const { text: _gone, ...rest } = message(seq, { version: 2, deleted_at: at(by) });
  return rest;
}

/** `user` reacts to message `target`, and `count` have done so then. */
export function reacted(seq: number, target: number, emoji: string, user: string, count: number, added = true): LogEvent {
  return event(seq, { kind: 'reaction', target_seq: target, reaction: { emoji, user_id: user, added, count } });
}

export function chat(lastSeq: number, cursorSeq: number, change: Partial<Chat> = {}): Chat {
  const room = { id: '7', kind: 'private', name: 'tea', created_at: at(0), last_seq: lastSeq, message_no: lastSeq } as const;
  return { room, last_message: message(lastSeq), cursor: { seq: cursorSeq, message_no: cursorSeq }, ...change };
}

/** Every order of a few things. */
export function* orders<T>(items: T[]): Generator<T[]> {
  if (items.length === 0) yield [];
  for (const [index, first] of items.entries())
    for (const rest of orders(items.filter((_, other) => other !== index))) yield [first, ...rest];
}
