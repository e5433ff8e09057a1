import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Api } from '../src/sync/api.js';
import { Outbox } from '../src/sync/outbox.js';
import { Problem } from '../src/sync/problem.js';
import { event } from './make.js';

interface Sent {
  nonce: string;
  text: string;
}

/** An outbox whose sends `answer` decides, and a wait for its next change that satisfies `is`. */
function outboxOf(answer: (sent: Sent[]) => number) {
  const sent: Sent[] = [];
  const api = {
    async send(_room: string, nonce: string, text: string) {
      sent.push({ nonce, text });
      const status = answer(sent);
      if (status !== 201) throw new Problem(status, 'code', 'refused');
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
  outbox.retryTemporary();
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
