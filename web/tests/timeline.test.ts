import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Timeline } from '../src/sync/timeline.js';
import { at, event, message, orders } from './make.js';

const opened = (): Timeline => {
  const timeline = new Timeline();
  timeline.reset([message(9), message(10)], { offset: 10, epoch: 'e' });
  return timeline;
};

const edit = event(13, { kind: 'edit', target_seq: 11, message_no: 12, message: message(11, { text: 'new', version: 2, edited_at: at(13) }) });
const removal = event(14, { kind: 'delete', target_seq: 12, message_no: 12 });

test('every order of the same events, repeated, ends in the same state', () => {
  const expected = opened();
  for (const each of [event(11), event(12), edit, removal]) expected.apply(each);
  for (const order of orders([event(11), event(12), edit, removal])) {
    const timeline = opened();
    for (const each of [...order, ...order, event(10)]) timeline.apply(each);
    assert.deepEqual(timeline.entries(), expected.entries());
    assert.equal(timeline.top, 14);
    assert.equal(timeline.hasGap, false);
  }
});

test('what is ahead of a hole waits for it and then comes in order', () => {
  const timeline = opened();
  assert.deepEqual(timeline.apply(event(13)), []);
  assert.deepEqual(timeline.apply(event(12)), []);
  assert.equal(timeline.hasGap, true);
  assert.deepEqual(timeline.apply(event(11)).map(({ seq }) => seq), [11, 12, 13]);
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

test('another epoch forgets what waited, the same epoch goes on with it', () => {
  for (const [epoch, top] of [['e', 12], ['other', 11]] as const) {
    const timeline = opened();
    timeline.apply(event(12));
    timeline.reset([message(11)], { offset: 11, epoch });
    assert.equal(timeline.top, top);
  }
});
