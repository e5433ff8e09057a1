// Who is online: T36 and T37 for the channel status:{user}; and no database is asked about it.
import assert from 'node:assert/strict';
import { chat, configure, eventually, idOf, refused, running, test } from './harness/index.js';

/* Far shorter than in service. */
const LIFE_MS = 3_000;
const REFRESH_MS = 500;
const GRACE_MS = 1_000;

configure({
  apis: 2,
  gateways: 2,
  ownPostgres: true,
  postgresSettings: ['shared_preload_libraries=pg_stat_statements'],
  api: { PARLEY_PRESENCE_LIFE_MS: String(LIFE_MS), PARLEY_STATUS_GRACE_MS: String(GRACE_MS) },
  gateway: { PARLEY_PRESENCE_REFRESH_MS: String(REFRESH_MS) },
});

const channel = (person) => `status:${idOf(person)}`;
const statuses = async (reader, people, options) => (await reader.get(`/statuses?users=${people.map(idOf).join(',')}`, options)).items;
const isOnline = async (reader, person, options) => (await statuses(reader, [person], options))[0]?.online;
const changes = (device, person) => device.publications(channel(person)).map(({ data }) => data).filter(({ type }) => type === 'status');
const follow = async (device, person) => (await device.subscribe(channel(person))).data;

test('who follows a person is told how it is, and hears of it when they come and when they have gone', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const watcher = await ada.connect({ gateway: 0 });
  assert.deepEqual(await follow(watcher, bob), { user_id: bob.id, online: false });
  const phone = await bob.connect({ gateway: 1 });
  const came = await watcher.next(channel(bob));
  assert.deepEqual([came.type, came.user_id, came.online, came.last_seen_at], ['status', bob.id, true, undefined]);
  for (const api of [0, 1]) assert.equal(await isOnline(ada, bob, { api }), true);
  phone.close();
  const gone = await watcher.next(channel(bob));
  assert.equal(gone.online, false);
  assert.ok(gone.changed_at > came.changed_at && gone.last_seen_at < gone.changed_at, 'seen last before the grace was over');
  assert.deepEqual(await statuses(ada, [bob]), [{ user_id: bob.id, online: false, last_seen_at: gone.last_seen_at, changed_at: gone.changed_at }]);
  const { data } = await (await ada.connect({ gateway: 1 })).subscribe(channel(bob));
  assert.deepEqual(data, { user_id: bob.id, online: false, last_seen_at: gone.last_seen_at, changed_at: gone.changed_at });
});

test('one of several devices that goes is no change, on whichever gateway it was', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const watcher = await ada.connect();
  await follow(watcher, bob);
  const devices = [await bob.connect({ gateway: 0 }), await bob.connect({ gateway: 0 }), await bob.connect({ gateway: 1 })];
  await watcher.next(channel(bob));
  devices[0].close();
  devices[2].close();
  await eventually(async () => {
    assert.equal(await isOnline(ada, bob), true);
    return Date.now() > Date.parse(changes(watcher, bob)[0].changed_at) + 2 * GRACE_MS;
  }, 'twice the grace');
  assert.equal(changes(watcher, bob).length, 1);
  devices[1].close();
  assert.equal((await watcher.next(channel(bob))).online, false);
});

test('a connection that is lost and comes back within the grace is no change, also at another gateway', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const watcher = await ada.connect();
  await follow(watcher, bob);
  const phone = await bob.connect({ gateway: 0 });
  await watcher.next(channel(bob));
  for (let i = 0; i < 6; i++) {
    await phone.offline();
    await phone.online({ gateway: (i + 1) % 2 });
  }
  phone.close();
  await watcher.next(channel(bob));
  assert.deepEqual(changes(watcher, bob).map(({ online }) => online), [true, false]);
});

test('the people of a gateway that was killed are offline once its word is too old, and those who came elsewhere never were', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const { gateways } = await running();
  const watcher = await ada.connect({ gateway: 0 });
  await follow(watcher, bob);
  await follow(watcher, cy);
  const lost = await bob.connect({ gateway: 1 });
  const moved = await cy.connect({ gateway: 1 });
  await watcher.next(channel(bob));
  await watcher.next(channel(cy));
  lost.isOffline = true;
  moved.gateway = 0;
  await gateways[1].kill();
  const gone = await watcher.take(`gone ${bob.id}`, () => changes(watcher, bob).filter(({ online }) => !online));
  assert.ok(gone.last_seen_at);
  assert.equal(await isOnline(ada, cy), true);
  assert.deepEqual(changes(watcher, cy).map(({ online }) => online), [true]);
  await gateways[1].start();
});

test('who is blocked sees nothing of the blocker: not live, not asked, not in a list of members', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const room = await ada.createRoom('tea', { members: [bob, cy] });
  const watcher = await bob.connect({ gateway: 0 });
  const other = await cy.connect({ gateway: 1 });
  await follow(watcher, ada);
  await follow(other, ada);
  const phone = await ada.connect({ gateway: 1 });
  await watcher.next(channel(ada));
  assert.equal(await isOnline(bob, ada), true);
  await ada.call('PUT', `/me/blocks/${bob.id}`);
  assert.equal((await watcher.unsubscribed(channel(ada))).code, 2000);
  for (const api of [0, 1]) assert.deepEqual(await statuses(bob, [ada], { api }), []);
  await assert.rejects(follow(watcher, ada), { code: 103 });
  const seen = (members) => members.find(({ user }) => user.id === ada.id).online;
  for (const api of [0, 1]) {
    assert.equal(seen((await bob.get(`/rooms/${room.id}/members`, { api })).items), undefined);
    assert.equal(seen((await bob.snapshot(room, { api })).members), undefined);
    assert.equal(seen((await cy.snapshot(room, { api })).members), true);
  }
  const before = watcher.publications(channel(ada)).length;
  phone.close();
  await other.take('ada gone', () => changes(other, ada).filter(({ online }) => !online));
  assert.equal(watcher.publications(channel(ada)).length, before);
  await ada.call('DELETE', `/me/blocks/${bob.id}`);
  assert.deepEqual((await statuses(bob, [ada], { api: 1 })).map(({ online }) => online), [false]);
});

test('a changed profile is told to who follows the person, without what is not for everyone', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const watcher = await bob.connect();
  await follow(watcher, ada);
  const body = { name: 'Ada L.', fields: { City: 'London', Phone: '5550100' }, field_visibility: { Phone: 'nobody' } };
  const me = await ada.call('PATCH', '/me', body, { headers: { 'if-match': '*' } });
  const told = await watcher.take('profile', () => watcher.publications(channel(ada)).map(({ data }) => data).filter(({ type }) => type === 'profile'));
  assert.deepEqual([told.user_id, told.user.name, told.user.fields, told.user.version], [ada.id, 'Ada L.', { City: 'London' }, me.version]);
});

test('statuses are asked for by ids, of so many people and no more', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  await refused(ada.get('/statuses'), 400, 'missing');
  await refused(ada.get('/statuses?users=bob'), 400, 'out_of_range');
  await refused(ada.get(`/statuses?users=${Array(201).fill(bob.id)}`), 400, 'out_of_range');
  assert.equal((await statuses(ada, Array(200).fill(bob))).length, 200);
  assert.deepEqual((await statuses(ada, ['7'])).map(({ online }) => online), [false]);
  const watcher = await ada.connect();
  await assert.rejects(watcher.subscribe('status:bob'), { code: 102 });
});

test('without Redis nobody\'s status is known, everything else is answered, and it is known again soon after', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const { redis } = await running();
  const room = await ada.createRoom('tea', { members: [bob] });
  await bob.connect({ gateway: 1 });
  await eventually(async () => (await isOnline(ada, bob)) === true, 'bob is online');
  await redis.stop();
  t.after(() => redis.start());
  for (const api of [0, 1]) {
    assert.deepEqual(await statuses(ada, [bob], { api }), []);
    assert.equal((await ada.snapshot(room, { api })).members.find(({ user }) => user.id === bob.id).online, undefined);
  }
  await redis.start();
  await eventually(async () => (await isOnline(ada, bob)) === true, 'bob is online again', 4 * REFRESH_MS + 5_000);
});

test('T37 many people who come and go and are looked at cost no statement of the database', async (t) => {
  const here = chat(t);
  const { postgres, databaseName } = await running();
  await postgres.sql('CREATE EXTENSION IF NOT EXISTS pg_stat_statements', databaseName);
  const people = await Promise.all(Array.from({ length: 12 }, (_, i) => here.register(`p${i}`, i % 2)));
  const ada = await here.register('ada');
  const watcher = await ada.connect();
  for (const person of people) await follow(watcher, person);
  const devices = await Promise.all(people.map((person, i) => person.connect({ gateway: i % 2 })));
  for (const person of people) await watcher.next(channel(person));
  await statuses(ada, people, { api: 0 });
  await postgres.sql('SELECT pg_stat_statements_reset()', databaseName);
  for (const device of devices) device.close();
  for (const person of people) assert.equal((await watcher.next(channel(person))).online, false);
  for (const api of [0, 1]) assert.equal((await statuses(ada, people, { api })).length, people.length);
  const asked = await postgres.sql(
    "SELECT left(query, 100) FROM pg_stat_statements WHERE query ~ '(public.users|public.relations|public.sessions|members)'", databaseName);
  assert.deepEqual(asked, []);
});
