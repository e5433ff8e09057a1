import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { Live } from '../src/sync/live.js';
import type { Socket } from '../src/sync/socket.js';

/** A subscription that is there at once; `present` is what the server answers. */
class Subscription extends EventEmitter {
  isSubscribed = true;
  present: Record<string, { user: string }> = {};
  asked = 0;
  subscribe() {
    queueMicrotask(() => this.emit('subscribed'));
  }
  close() {}
  async presence() {
    this.asked++;
    return { clients: this.present };
  }
}

function liveOf(askEveryMs: number) {
  const subscription = new Subscription();
  const socket = { open: () => subscription } as unknown as Socket;
  return { subscription, live: new Live(socket, '7', 'ada', askEveryMs) };
}

const changed = (live: Live) => new Promise<void>((done) => live.changed.on(done));

test('who left without a word is gone at the next answer', async () => {
  const { subscription, live } = liveOf(30);
  subscription.present = { a: { user: 'ada' }, b: { user: 'bob' } };
  await changed(live);
  assert.deepEqual(live.viewers, ['ada', 'bob']);
  subscription.present = { a: { user: 'ada' } };
  while (live.viewerCount > 1) await changed(live);
  assert.deepEqual(live.viewers, ['ada']);
  live.close();
  const { asked } = subscription;
  await new Promise((done) => setTimeout(done, 80));
  assert.equal(subscription.asked, asked, 'a room that is closed asks no more');
});

test('who comes while the answer is on its way stays', async () => {
  const { subscription, live } = liveOf(60_000);
  subscription.present = { a: { user: 'ada' }, b: { user: 'bob' } };
  subscription.once('subscribed', () => {
    subscription.emit('join', { info: { client: 'c', user: 'cy' } });
    subscription.emit('leave', { info: { client: 'b', user: 'bob' } });
  });
  while (!live.viewers.includes('ada')) await changed(live);
  assert.deepEqual(live.viewers, ['ada', 'cy']);
  live.close();
});
