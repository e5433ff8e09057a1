import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Timeline } from '../src/sync/timeline.js';
import { at, event, message } from './make.js';

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
  timeline.apply(event(11, { kind: 'delete', target_seq: 10, message_no: 10 }));
  const last = timeline.entries().at(-1);
  assert.ok(last && 'message' in last);
  assert.equal(last.message.deleted_at, at(11));
  assert.equal('text' in last.message, false);
});

test('a history page read before an edit and a delete does not bring the old texts back', () => {
  const timeline = opened();
  timeline.apply(event(11, { kind: 'edit', target_seq: 7, message: message(7, { text: 'new', version: 2 }) }));
  timeline.apply(event(12, { kind: 'delete', target_seq: 8 }));
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
