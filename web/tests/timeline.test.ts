import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Timeline } from '../src/sync/timeline.js';
import type { Message } from '../src/sync/types.js';
import { at, deleted, event, message, reacted } from './make.js';

const opened = (): Timeline => {
  const timeline = new Timeline();
  timeline.reset([message(9), message(10)], 10);
  return timeline;
};

test('repeats, and what is not next, change nothing', () => {
  const timeline = opened();
  const edit = event(12, { kind: 'edit', target_seq: 11, message_no: 12, message: message(11, { text: 'new', version: 2 }) });
  for (const each of [event(11), edit, event(11), event(12), event(14), event(10)]) timeline.apply(each);
  assert.deepEqual(timeline.entries().map((entry) => 'message' in entry && entry.message.text), ['text 9', 'text 10', 'new']);
  assert.equal(timeline.top, 12);
});

test('a deleted message keeps its place and loses its text', () => {
  const timeline = opened();
  timeline.apply(event(11, { kind: 'delete', target_seq: 10, message_no: 10, message: deleted(10, 11) }));
  const last = timeline.entries().at(-1);
  assert.ok(last && 'message' in last);
  assert.equal(last.message.deleted_at, at(11));
  assert.equal('text' in last.message, false);
});

test('a history page read before an edit and a delete does not bring the old texts back', () => {
  const timeline = opened();
  timeline.apply(event(11, { kind: 'edit', target_seq: 7, message: message(7, { text: 'new', version: 2 }) }));
  timeline.apply(event(12, { kind: 'delete', target_seq: 8, message: deleted(8, 12) }));
  assert.deepEqual(timeline.entries().map(({ seq }) => seq), [9, 10], 'older messages are not shown before their page is here');
  timeline.prepend([message(7), message(8)], true);
  const texts = timeline.entries().map((entry) => 'message' in entry && entry.message.text);
  assert.deepEqual(texts.slice(0, 3), ['new', undefined, 'text 9']);
});

test('members coming and going are lines, kinds that nobody knows only move the position', () => {
  const timeline = opened();
  timeline.apply(event(11, { kind: 'join' }));
  timeline.apply(event(12, { kind: 'something new' }));
  assert.equal(timeline.top, 12);
  assert.deepEqual(timeline.entries().map(({ seq }) => seq), [9, 10, 11]);
});

test('a window grown too large forgets its oldest, and loads them again', () => {
  const timeline = opened();
  for (let seq = 11; seq <= 140; seq++) timeline.apply(event(seq));
  timeline.trim(100);
  assert.deepEqual([timeline.entries().length, timeline.olderBefore, timeline.hasOlder], [100, 41, true]);
  timeline.prepend([message(39), message(40)], true);
  assert.deepEqual([timeline.entries().length, timeline.entries()[0]?.seq], [102, 39]);
});

const shown = (timeline: Timeline, seq: number): Message | undefined =>
  timeline.entries().flatMap((entry) => ('message' in entry && entry.seq === seq ? [entry.message] : []))[0];

test('reactions are counted as the events say, by emoji, and one\'s own are marked', () => {
  const timeline = new Timeline('me');
  timeline.reset([message(10)], 10);
  timeline.apply(reacted(11, 10, '🫖', 'bob', 1));
  timeline.apply(reacted(12, 10, '+1', 'me', 1));
  timeline.apply(reacted(13, 10, '🫖', 'me', 2));
  timeline.apply(reacted(14, 10, '🫖', 'bob', 1, false));
  assert.deepEqual(shown(timeline, 10)?.reactions, [{ emoji: '+1', count: 1, mine: true }, { emoji: '🫖', count: 1, mine: true }]);
  timeline.apply(reacted(15, 10, '+1', 'me', 0, false));
  timeline.apply(reacted(16, 10, '🫖', 'me', 0, false));
  assert.deepEqual(shown(timeline, 10), message(10), 'as if nobody had');
});

test('an edit keeps the reactions, a deletion takes them', () => {
  const timeline = new Timeline('me');
  timeline.reset([message(10)], 10);
  timeline.apply(reacted(11, 10, '🫖', 'me', 1));
  timeline.apply(event(12, { kind: 'edit', target_seq: 10, message: message(10, { text: 'new', version: 2, reactions: [{ emoji: '🫖', count: 7 }] }) }));
  assert.deepEqual(shown(timeline, 10)?.reactions, [{ emoji: '🫖', count: 1, mine: true }]);
  timeline.apply(event(13, { kind: 'delete', target_seq: 10, message: deleted(10, 13) }));
  timeline.apply(reacted(14, 10, '🫖', 'bob', 2));
  assert.deepEqual(shown(timeline, 10), deleted(10, 13));
});

test('a history page read before a reaction does not take it back, nor forget one\'s own', () => {
  const timeline = new Timeline('me');
  timeline.reset([message(9), message(10)], 10);
  timeline.apply(reacted(11, 8, '🫖', 'me', 3));
  timeline.apply(reacted(12, 8, '🫖', 'bob', 4));
  timeline.prepend([message(8, { reactions: [{ emoji: '+1', count: 1, mine: true }, { emoji: '🫖', count: 2, mine: false }] })], true);
  assert.deepEqual(shown(timeline, 8)?.reactions, [{ emoji: '+1', count: 1, mine: true }, { emoji: '🫖', count: 4, mine: true }]);
});

test('a reply shows what it answers as that is now', () => {
  const reply_to = (excerpt?: string): Message['reply_to'] => ({ seq: 9, sender: { id: 'bob', name: 'Bob' }, ...(excerpt === undefined ? {} : { excerpt }) });
  const timeline = opened();
  timeline.apply(event(11, { message: message(11, { reply_to: reply_to('text 9') }) }));
  const long = '🫖'.repeat(200);
  timeline.apply(event(12, { kind: 'edit', target_seq: 9, message: message(9, { text: long, version: 2 }) }));
  assert.deepEqual(shown(timeline, 11)?.reply_to, reply_to('🫖'.repeat(120)));
  timeline.apply(event(13, { kind: 'delete', target_seq: 9, message: deleted(9, 13) }));
  assert.deepEqual(shown(timeline, 11)?.reply_to, reply_to());
  timeline.prepend([message(7, { reply_to: { ...reply_to('text 9'), seq: 9 } })], true);
  assert.deepEqual(shown(timeline, 7)?.reply_to, reply_to());
});
