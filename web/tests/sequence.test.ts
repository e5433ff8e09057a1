import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sequence } from '../src/sync/sequence.js';
import type { LogEvent } from '../src/sync/types.js';
import { event, orders } from './make.js';

const begun = (): Sequence => {
  const sequence = new Sequence();
  sequence.start({ offset: 10, epoch: 'e' });
  return sequence;
};
const seqs = (events: LogEvent[]): number[] => events.map(({ seq }) => seq);

test('events in every order, repeated, come out once and in order', () => {
  for (const order of orders([11, 12, 13, 14])) {
    const sequence = begun();
    const out = [...order, ...order, 10].flatMap((seq) => seqs(sequence.take(event(seq))));
    assert.deepEqual(out, [11, 12, 13, 14]);
    assert.deepEqual([sequence.top, sequence.missing], [14, 0]);
  }
});

test('what is ahead of a hole waits for it', () => {
  const sequence = begun();
  assert.deepEqual(sequence.take(event(13)), []);
  assert.deepEqual(sequence.take(event(12)), []);
  assert.equal(sequence.missing, 3);
  assert.deepEqual(seqs(sequence.take(event(11))), [11, 12, 13]);
});

test('what was heard of is missing until it is here, or until the log is seen to end before it', () => {
  const sequence = begun();
  sequence.hear(12);
  assert.equal(sequence.missing, 2);
  sequence.take(event(11));
  assert.equal(sequence.missing, 1);
  const { heard } = sequence;
  sequence.hear(13);
  sequence.endsHere(heard);
  assert.equal(sequence.missing, 2, 'more was heard of after the question');
  sequence.endsHere(sequence.heard);
  assert.equal(sequence.missing, 0);
});

test('a later position of the same log skips, an earlier one changes nothing', () => {
  const sequence = begun();
  sequence.take(event(15));
  assert.deepEqual(seqs(sequence.start({ offset: 14, epoch: 'e' })), [15]);
  assert.deepEqual(sequence.start({ offset: 3, epoch: 'e' }), []);
  assert.equal(sequence.top, 15);
});

test('nothing of another log comes out before it is said from where', () => {
  const sequence = begun();
  sequence.take(event(12));
  sequence.leave('other');
  assert.deepEqual(sequence.take(event(11)), []);
  assert.deepEqual(sequence.take(event(9)), []);
  assert.deepEqual(seqs(sequence.start({ offset: 8, epoch: 'other' })), [9], 'and 12 was of the log before');
  assert.equal(sequence.missing, 2);
});

test('what is held is bounded, and what does not fit is still missing', () => {
  const sequence = begun();
  for (let seq = 12; seq <= 10_000; seq++) sequence.take(event(seq));
  assert.equal(sequence.take(event(11)).length, 2_001);
  assert.equal(sequence.missing, 10_000 - sequence.top);
});
