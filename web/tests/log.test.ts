import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Api } from '../src/sync/api.js';
import { RoomLog } from '../src/sync/log.js';
import { Problem } from '../src/sync/problem.js';
import type { Socket } from '../src/sync/socket.js';
import type { Position } from '../src/sync/types.js';
import { event } from './make.js';

type Listener = (context: unknown) => void;

/** A server's log of `size` events whose pages and subscriptions a test looks into. */
class World {
  epoch = 'e';
  first = 1;
  refusal: Problem | null = null;
  pages: number[] = [];
  subscriptions: { since: Position; emit: (what: string, context: unknown) => void; isOpen: boolean }[] = [];
  beforePage = async () => {};
  readonly told: number[] = [];

  constructor(public size: number) {}

  readonly api = {
    eventsAfter: async (_room: string, after: number, limit: number) => {
      this.pages.push(after);
      await this.beforePage();
      if (this.refusal !== null) throw this.refusal;
      const from = Math.max(after + 1, this.first);
      const to = Math.min(this.size, from + limit - 1);
      const items = Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => event(from + i));
      return { items, has_more: to < this.size, epoch: this.epoch };
    },
  } as unknown as Api;

  readonly socket = {
    open: (_channel: string, { since }: { since: Position }) => {
      const listeners = new Map<string, Listener>();
      const subscription = { since, isOpen: true, emit: (what: string, context: unknown) => subscription.isOpen && listeners.get(what)?.(context) };
      this.subscriptions.push(subscription);
      const close = () => (subscription.isOpen = false);
      return { on: (what: string, listener: Listener) => listeners.set(what, listener), subscribe() {}, close };
    },
  } as unknown as Socket;

  log(most?: number): RoomLog {
    const log = new RoomLog('7', this.api, this.socket, most);
    log.happened.on(({ seq }) => this.told.push(seq));
    return log;
  }

  subscribed(recovered: boolean): void {
    const streamPosition = { offset: this.size, epoch: this.epoch };
    this.subscriptions.at(-1)!.emit('subscribed', { wasRecovering: true, recovered, streamPosition });
  }

  live(seq: number): void {
    this.subscriptions.at(-1)!.emit('publication', { data: event(seq) });
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

async function until(is: () => boolean): Promise<void> {
  for (const end = Date.now() + 5_000; !is(); await new Promise((done) => setTimeout(done, 5)))
    assert.ok(Date.now() < end, 'in time');
}

test('T13 after recovered:false the pages meet the live stream, without a gap or repeat', async () => {
  const world = new World(50_000);
  const log = world.log();
  log.start({ offset: 10, epoch: 'e' });
  assert.deepEqual(world.subscriptions[0]?.since, { offset: 10, epoch: 'e' });
  world.beforePage = async () => world.live(++world.size); /* the room goes on meanwhile */
  world.subscribed(false);
  await until(() => log.isWhole && world.told.length > 0);
  assert.deepEqual(world.told, range(11, world.size));
  log.close();
});

test('what came between the last page and a new subscription is fetched although nothing follows it', async () => {
  const world = new World(20);
  const log = world.log();
  log.start({ offset: 10, epoch: 'e' });
  let asked = 0;
  world.beforePage = async () => {
    if (asked++ > 0) return;
    await new Promise((done) => setImmediate(done)); /* the page was read; now the connection breaks and comes back */
  };
  const { eventsAfter } = world.api;
  world.api.eventsAfter = async (...all) => {
    const page = await eventsAfter(...all);
    if (asked === 1) {
      asked++;
      world.size = 25;
      world.subscribed(false);
    }
    return page;
  };
  world.subscribed(false);
  await until(() => log.isWhole);
  assert.deepEqual(world.told, range(11, 25));
  log.close();
});

test('a hole in the live stream is filled by itself', async () => {
  const world = new World(10);
  const log = world.log();
  log.start({ offset: 10, epoch: 'e' });
  world.subscribed(true);
  world.size = 13;
  world.live(13);
  assert.deepEqual(world.told, []);
  await until(() => log.isWhole);
  assert.deepEqual(world.told, [11, 12, 13]);
  log.close();
});

test('an answer that says how far the log goes has it fetched, also without a socket', async () => {
  const world = new World(12);
  const log = world.log();
  log.start({ offset: 11, epoch: 'e' });
  log.hear(12);
  await until(() => log.isWhole);
  assert.deepEqual(world.told, [12]);
  log.close();
});

test('all that ever happened is told without a position', async () => {
  const world = new World(2_345);
  const log = world.log();
  log.start({ offset: 0, epoch: '' });
  await until(() => world.subscriptions.length > 0);
  assert.deepEqual(world.told, range(1, 2_345));
  assert.deepEqual(world.subscriptions[0]?.since, { offset: 2_345, epoch: 'e' });
  log.close();
});

test('another log is not mixed with the one before, whoever tells of it first', async () => {
  for (const teller of ['gateway', 'api'] as const) {
    const world = new World(10);
    const log = world.log();
    log.start({ offset: 10, epoch: 'e' });
    world.subscribed(true);
    world.epoch = 'other'; /* a backup: 9 events of which we know 8 */
    world.size = 12;
    log.replaced.on(({ epoch }) => {
      assert.equal(epoch, 'other');
      world.told.length = 0;
      log.start({ offset: 0, epoch: 'other' });
    });
    if (teller === 'gateway') world.subscribed(false);
    else {
      world.live(12);
      await until(() => world.subscriptions.length === 2);
      world.subscribed(false);
    }
    await until(() => world.told.length === 12);
    assert.deepEqual(world.told, range(1, 12), teller);
    assert.equal(world.subscriptions.at(-1)?.isOpen, true);
    log.close();
  }
});

test('who is too far behind is told so once, and where events were left out', async () => {
  const world = new World(50_000);
  const log = world.log(2_000);
  const outrun: Position[] = [];
  const skipped: unknown[] = [];
  log.outrun.on((position) => outrun.push(position));
  log.skipped.on((gap) => skipped.push(gap));
  log.start({ offset: 10, epoch: 'e' });
  world.subscribed(false);
  world.live(++world.size);
  assert.deepEqual([outrun, world.pages], [[{ offset: 10, epoch: 'e' }], []]);
  log.start({ offset: 49_990, epoch: 'e' });
  await until(() => log.isWhole);
  assert.deepEqual(skipped, [{ from: 11, to: 49_990 }]);
  assert.deepEqual(world.told, range(49_991, 50_001));
  log.close();
});

test('a log that begins later by now is told with the gap', async () => {
  const world = new World(100);
  world.first = 60;
  const log = world.log();
  const skipped: unknown[] = [];
  log.skipped.on((gap) => skipped.push(gap));
  log.start({ offset: 10, epoch: 'e' });
  world.subscribed(false);
  await until(() => log.isWhole);
  assert.deepEqual([skipped, world.told], [[{ from: 11, to: 59 }], range(60, 100)]);
  log.close();
});

test('a refusal ends it, and it goes on where it was when it is allowed again', async () => {
  const world = new World(10);
  const log = world.log();
  const refusals: unknown[] = [];
  log.refused.on((error) => refusals.push(error));
  log.start({ offset: 10, epoch: 'e' });
  world.refusal = new Problem(404, 'not_found', 'no such room');
  world.size = 15;
  world.subscribed(false);
  await until(() => refusals.length === 1);
  assert.equal(world.subscriptions[0]?.isOpen, false);
  world.refusal = null;
  log.resume();
  assert.deepEqual(world.subscriptions[1]?.since, { offset: 10, epoch: 'e' });
  world.subscribed(false);
  await until(() => log.isWhole);
  assert.deepEqual(world.told, range(11, 15));
  log.close();
});
