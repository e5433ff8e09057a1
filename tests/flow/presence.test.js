// T36: who is said to be in a room is who is there, whatever became of devices and gateways; and no database is asked about it.
import assert from 'node:assert/strict';
import { chat, configure, dice, eventually, meanwhile, running, seedOf, test } from './harness/index.js';

/* Far shorter than in service, where a minute passes before somebody whose gateway died counts as gone. */
const LIFE_MS = 3_000;
const REFRESH_MS = 500;
const SLACK_MS = 5_000; // for a machine that is busy with other tests

configure({
  apis: 2,
  gateways: 3,
  ownPostgres: true,
  postgresSettings: ['shared_preload_libraries=pg_stat_statements'],
  api: { PARLEY_PRESENCE_LIFE_MS: String(LIFE_MS) },
  gateway: { PARLEY_PRESENCE_REFRESH_MS: String(REFRESH_MS) },
});

const USERS = 8;
const DEVICES = 3; // of each user
const STEPS = 60;
const KILL_EVERY = 20;

/** A person's device that looks at `live`, or does not. */
class Looker {
  constructor(person, live) {
    Object.assign(this, { person, live, device: null });
  }

  get isLive() {
    return this.device !== null && !this.device.isOffline;
  }

  get clientId() {
    return this.device.seen.findLast(({ what }) => what === 'connected').client;
  }

  async arrive(gateway) {
    const from = this.device?.seen.length ?? 0;
    if (this.device === null) this.device = await this.person.connect({ gateway, rooms: [this.live] });
    else await this.device.online({ gateway });
    await this.isBack(from);
  }

  /** Its subscription is there, on the connection that it made after `from` things had happened to it. */
  isBack(from) {
    return this.device.until(() => this.device.seen.slice(from).some(({ what, channel }) => what === 'subscribed' && channel === this.live), 'subscription');
  }

  /** Says goodbye, or is gone without a word. */
  async leave(politely) {
    if (!politely) return await this.device.offline();
    this.device.close();
    this.device = null;
  }
}

/** Kills a gateway; of the devices there those for which `returns()` holds go elsewhere, the others are never heard of again. */
async function killUnder(lookers, index, returns) {
  const { gateways } = await running();
  const there = lookers.filter((looker) => looker.isLive && looker.device.gateway === index);
  const back = there.filter((looker) => returns(looker));
  const marks = back.map(({ device }) => device.seen.length);
  for (const looker of there) {
    looker.device.isOffline = !back.includes(looker);
    looker.device.gateway = (index + 1) % gateways.length;
  }
  await gateways[index].kill();
  await Promise.all(back.map((looker, i) => looker.isBack(marks[i])));
  await gateways[index].start();
}

const sorted = (names) => [...names].sort();

test('T36 presence is true after twice its life: devices come, go and flap, gateways are killed', async (t) => {
  const roll = dice(seedOf(t));
  const here = chat(t);
  const { gateways } = await running();
  const ada = await here.register('ada');
  const people = await Promise.all(Array.from({ length: USERS }, (_, i) => here.register(`bob${i}`, i % 2)));
  const room = await ada.createRoom('tea', { members: people });
  const live = `live:${room.id}`;
  const lookers = people.flatMap((person) => Array.from({ length: DEVICES }, () => new Looker(person, live)));
  const [flapper, ghosts, others] = [lookers[0], lookers.slice(DEVICES, 2 * DEVICES), lookers.slice(2 * DEVICES)];

  const flaps = { count: 0 };
  const stopFlapping = meanwhile(t, async (i) => {
    await flapper.arrive(2);
    flaps.count++;
    await flapper.leave(i % 2 === 0);
  });
  for (const ghost of ghosts) await ghost.arrive(0);
  for (let step = 1; step <= STEPS; step++) {
    const looker = others[roll(others.length)];
    if (looker.isLive) await looker.leave(roll(2) === 0);
    else await looker.arrive(roll(gateways.length));
    if (step % KILL_EVERY === 0) await killUnder(others, roll(2), () => roll(3) > 0); // the flapper has the third to itself
  }
  await stopFlapping();
  assert.ok(flaps.count > 10, `${flaps.count} flaps`);
  await Promise.all(others.filter(({ isLive }) => !isLive).slice(0, DEVICES).map((looker) => looker.arrive(roll(gateways.length))));
  for (const ghost of ghosts) if (!ghost.isLive || ghost.device.client.state !== 'connected') await ghost.arrive(0);
  await killUnder(lookers, 0, (looker) => !ghosts.includes(looker));

  const watchers = await Promise.all(gateways.map((_, gateway) => ada.connect({ gateway, rooms: [live] })));
  const living = lookers.filter(({ isLive }) => isLive);
  assert.ok(living.length > 0 && living.length < lookers.length, `${living.length} of ${lookers.length} are there`);
  const wanted = sorted([...living.map(({ clientId }) => clientId), ...watchers.map(({ seen }) => seen.findLast(({ what }) => what === 'connected').client)]);
  const wantedUsers = sorted(new Set([ada.id, ...living.map(({ person }) => person.id)]));
  assert.ok(!wantedUsers.includes(ghosts[0].person.id), 'somebody is gone with a gateway alone');
  /* As each gateway tells, by whichever API it asks: several times, so that it asks both. */
  const answers = () => Promise.all(watchers.flatMap((watcher) => Array.from({ length: 4 }, () => watcher.presence(live))));
  const isTrue = async () => (await answers()).every(({ clients }) => sorted(Object.keys(clients)).join() === wanted.join());
  await eventually(isTrue, 'the truth from all gateways', 2 * LIFE_MS + SLACK_MS);
  const until = Date.now() + LIFE_MS; // it stays true, for as long as nobody's word lasts
  while (Date.now() < until)
    for (const { clients } of await answers()) {
      assert.deepEqual(sorted(Object.keys(clients)), wanted);
      assert.deepEqual(sorted(new Set(Object.values(clients).map(({ user }) => user))), wantedUsers);
    }
  const { numClients, numUsers } = await watchers[0].client.presenceStats(live);
  assert.deepEqual([numClients, numUsers], [wanted.length, wantedUsers.length]);
});

test('T36 who flaps is told of at most once for each time that it came or went', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const live = `live:${room.id}`;
  const watchers = await Promise.all([0, 1, 2].map((gateway) => ada.connect({ gateway })));
  await Promise.all(watchers.map((watcher) => watcher.subscribe(live, { joinLeave: true })));
  const flapper = new Looker(bob, live);
  const FLAPS = 20;
  for (let i = 0; i < FLAPS; i++) {
    await flapper.arrive(i % 3);
    await flapper.leave(i % 2 === 0);
  }
  await flapper.arrive(0);
  const ofBob = (watcher) => watcher.seen.filter(({ what, info }) => (what === 'join' || what === 'leave') && info.user === bob.id);
  const last = flapper.clientId;
  for (const watcher of watchers) {
    await watcher.until(() => ofBob(watcher).some(({ what, info }) => what === 'join' && info.client === last), 'the last arrival');
    await watcher.until(() => ofBob(watcher).filter(({ what }) => what === 'leave').length >= FLAPS, 'all departures');
    const told = ofBob(watcher).map(({ what, info }) => `${what} ${info.client}`);
    assert.equal(new Set(told).size, told.length, 'nothing is told twice');
    assert.equal(told.length, 2 * FLAPS + 1);
  }
});

test('T36 neither presence nor typing costs a statement of SQL', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const servers = await running();
  await servers.sql('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
  const room = await ada.createRoom('tea', { members: [bob] });
  const live = `live:${room.id}`;
  const [phone, laptop] = [await ada.connect({ gateway: 0, rooms: [live] }), await bob.connect({ gateway: 1, rooms: [live] })];
  const calls = async () => new Map((await servers.sql(`SELECT queryid || ' ' || regexp_replace(left(query, 120), '\\s+', ' ', 'g'), sum(calls)
    FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = current_database() GROUP BY 1`)).map(([query, count]) => [query, Number(count)]));
  /** The statement that was run most while `act` was done `times` times, one after the other, so that no batch can hide them. */
  const costOf = async (act, times) => {
    const before = await calls();
    for (let i = 0; i < times; i++) await act(i);
    const costs = [...await calls()].map(([query, count]) => ({ query, count: count - (before.get(query) ?? 0) }));
    return costs.reduce((most, cost) => (cost.count > most.count ? cost : most));
  };
  const acts = {
    typing: () => laptop.publish(live, { type: 'typing' }),
    'asking who is there': () => phone.presence(live),
    'coming and going': async () => {
      const from = laptop.seen.length;
      const subscription = laptop.client.getSubscription(live);
      subscription.unsubscribe();
      subscription.subscribe();
      await laptop.until(() => laptop.seen.slice(from).some(({ what, channel }) => what === 'subscribed' && channel === live), 'subscription');
    },
  };
  const ACTS = 300;
  for (const [name, act] of Object.entries(acts)) {
    const { query, count } = await costOf(act, ACTS);
    assert.ok(count < ACTS / 2, `${name}, ${ACTS} times: ${count} × ${query}`); // the APIs ask some things by themselves, a few times a second
  }
  const { count } = await costOf((i) => ada.post(room, `message ${i}`), 20);
  assert.ok(count >= 20, 'what does cost statements is seen to');
});
