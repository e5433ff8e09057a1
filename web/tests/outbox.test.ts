import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Api } from '../src/sync/api.js';
import { Outbox } from '../src/sync/outbox.js';
import { Problem } from '../src/sync/problem.js';
import { layRows } from '../src/composables/rows.js';
import { event, message } from './make.js';

interface Sent {
  nonce: string;
  text: string;
}

/** An outbox whose sends `answer` decides, and a wait for its next change that satisfies `is`. */
function outboxOf(answer: (sent: Sent[]) => number, retryAfterMs = 0) {
  const sent: Sent[] = [];
  const api = {
    async send(_room: string, nonce: string, text: string) {
      sent.push({ nonce, text });
      const status = answer(sent);
      if (status !== 201) throw new Problem(status, 'code', 'refused', retryAfterMs);
      return event(sent.length);
    },
  } as unknown as Api;
  const outbox = new Outbox(api, '7');
  const until = (is: () => boolean) =>
    new Promise<void>((done) => {
      const stop = outbox.changed.on(() => is() && (stop(), done()));
    });
  return { outbox, sent, until };
}

test('a send without an answer is repeated under the same nonce, and later ones wait for it', async () => {
  const { outbox, sent, until } = outboxOf(({ length }) => (length === 1 ? 0 : 201));
  outbox.add('one');
  outbox.add('two');
  await until(() => outbox.pending.every(({ state }) => state === 'sent'));
  assert.deepEqual(sent.map(({ text }) => text), ['one', 'one', 'two']);
  assert.equal(sent[0]?.nonce, sent[1]?.nonce);
  assert.notEqual(sent[1]?.nonce, sent[2]?.nonce);
  outbox.settle(3);
  assert.deepEqual(outbox.pending, []);
});

test('a refusal is kept with its reason until it is sent again or discarded', async () => {
  const { outbox, sent, until } = outboxOf(({ length }) => (length === 1 ? 403 : 201));
  outbox.add('one');
  await until(() => outbox.pending[0]?.state === 'failed');
  outbox.hurry();
  assert.equal(sent.length, 1, 'a refusal is not repeated by itself');
  outbox.retry(outbox.pending[0]!.nonce);
  await until(() => outbox.pending[0]?.state === 'sent');
  outbox.discard(outbox.pending[0]!.nonce);
  assert.deepEqual(outbox.pending, []);
});

test('an event that arrives although the answer was lost ends the repetition', async () => {
  const { outbox, sent, until } = outboxOf(() => 0);
  outbox.add('one');
  const gone = until(() => outbox.pending.length === 0);
  outbox.confirm(outbox.pending[0]!.nonce);
  await gone;
  await new Promise((done) => setTimeout(done, 600)); /* longer than the first wait of a repetition */
  assert.equal(sent.length, 1);
});

test('no number of temporary failures makes later messages overtake the first', async () => {
  const { outbox, sent, until } = outboxOf(({ length }) => (length <= 6 ? 503 : 201));
  const hurrying = setInterval(() => outbox.hurry(), 5);
  outbox.add('one');
  outbox.add('two');
  await until(() => outbox.isWaiting);
  assert.ok(outbox.isUnreachable);
  assert.deepEqual(outbox.pending.map(({ state }) => state), ['sending', 'sending']);
  await until(() => outbox.pending.every(({ state }) => state === 'sent'));
  clearInterval(hurrying);
  assert.deepEqual(sent.map(({ text }) => text), [...Array(7).fill('one'), 'two']);
  assert.ok(!outbox.isWaiting);
});

test('a pause that the server asked for is not cut short', async () => {
  const { outbox, sent, until } = outboxOf(({ length }) => (length === 1 ? 429 : 201), 700);
  outbox.add('one');
  const start = Date.now();
  await until(() => outbox.isWaiting);
  assert.ok(!outbox.isUnreachable);
  outbox.hurry();
  await until(() => outbox.pending[0]?.state === 'sent');
  assert.ok(Date.now() - start >= 690);
  assert.equal(sent.length, 2);
});

test('discarding the one that waits lets the next go at once', async () => {
  const { outbox, sent, until } = outboxOf((all) => (all.at(-1)?.text === 'one' ? 0 : 201), 60_000);
  outbox.add('one');
  outbox.add('two');
  await until(() => outbox.isWaiting);
  outbox.discard(outbox.pending[0]!.nonce);
  await until(() => outbox.pending[0]?.state === 'sent');
  assert.deepEqual(sent.map(({ text }) => text), ['one', 'two']);
  assert.ok(!outbox.isWaiting);
});

test('a refused message stands where it was written, and behind all others when sent again', async () => {
  const { outbox, until } = outboxOf((all) => (all.length === 2 ? 403 : 201));
  for (const text of ['one', 'two', 'three']) outbox.add(text);
  await until(() => outbox.pending[2]?.state === 'sent');
  const entries = [1, 3].map((seq) => ({ seq, message: message(seq) }));
  outbox.settle(3);
  const drawn = layRows(entries, outbox.pending, 'ada', null).flatMap((row) =>
    row.type === 'pending' ? [row.pending.text] : row.type === 'message' ? [row.message.text] : [],
  );
  assert.deepEqual(drawn, ['text 1', 'two', 'text 3']);
  outbox.add('four');
  outbox.retry(outbox.pending[0]!.nonce);
  assert.deepEqual(outbox.pending.map(({ text }) => text), ['four', 'two']);
});
