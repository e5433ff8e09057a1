import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { Centrifuge } from 'centrifuge';
import { Channel } from '../src/sync/channel.js';

function channelOf() {
  const subscription = Object.assign(new EventEmitter(), {
    state: 'unsubscribed',
    subscribe: () => (subscription.state = 'subscribing'),
    unsubscribe: () => (subscription.state = 'unsubscribed'),
  });
  const removed: unknown[] = [];
  const client = { newSubscription: () => subscription, removeSubscription: (one: unknown) => removed.push(one) };
  let over = 0;
  const channel = new Channel(client as unknown as Centrifuge, 'room:7', {}, () => over++);
  const subscribed = (offset: number) => {
    subscription.state = 'subscribed';
    subscription.emit('subscribed', { wasRecovering: true, recovered: true, streamPosition: { offset, epoch: 'e' } });
  };
  const follow = () => {
    const follower = channel.follow();
    const told: [string, unknown][] = [];
    for (const what of ['subscribed', 'publication', 'unsubscribed'] as const) follower.on(what, (context) => told.push([what, context]));
    follower.subscribe();
    return { follower, told };
  };
  return { subscription, removed, subscribed, follow, overs: () => over };
}

test('who follows a channel that others follow is told that nothing was recovered, and up to where it goes', async () => {
  const { subscription, subscribed, follow } = channelOf();
  const first = follow();
  subscribed(10);
  subscription.emit('publication', { offset: 11 });
  const second = follow();
  await null;
  assert.deepEqual(second.told, [['subscribed', { wasRecovering: true, recovered: false, streamPosition: { offset: 11, epoch: 'e' } }]]);
  subscription.emit('publication', { offset: 12 });
  assert.deepEqual([first, second].map(({ told }) => told.at(-1)), Array(2).fill(['publication', { offset: 12 }]));
  assert.equal(first.told.length, 3);
});

test('a subscription lasts as long as anybody follows it', () => {
  const { removed, subscribed, follow, overs } = channelOf();
  const [first, second] = [follow(), follow()];
  subscribed(10);
  first.follower.close();
  assert.equal(overs(), 0);
  second.follower.close();
  second.follower.close();
  assert.deepEqual([overs(), removed.length], [1, 1]);
});

test('an end by the server is told to all, and whoever comes then needs another subscription', () => {
  const { subscription, subscribed, follow, overs } = channelOf();
  const all = [follow(), follow()];
  subscribed(10);
  subscription.state = 'unsubscribed';
  subscription.emit('unsubscribed', { code: 2000 });
  assert.deepEqual(all.map(({ told }) => told.at(-1)?.[0]), ['unsubscribed', 'unsubscribed']);
  assert.equal(overs(), 1);
});
