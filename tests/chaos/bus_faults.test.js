// T29, T30, T31, T32, T54: what the bus and the processes on it may do, one thing at a time; chaos does it all at once.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Network } from './network/network.js';
import { Servers } from '../flow/harness/servers.js';
import { eventually } from '../flow/harness/wait.js';
import { exchange } from '../flow/harness/http.js';
import { Person, nonce } from '../flow/harness/person.js';
import { callUntilKnown, isGood } from './load/call.js';
import { Plain } from './load/plain.js';
import { pause } from './load/pause.js';

async function newcomer(servers, login) {
  const password = `correct horse ${login}`;
  const body = JSON.stringify({ login, password, name: login });
  const answer = await exchange(servers.apis[0].origin, 'POST', '/v1/users', { headers: { 'content-type': 'application/json' }, body });
  return new Person({ servers, devices: [] }, { ...answer.body, password });
}

/** APIs and gateways with proxies on all links of the bus; two people in one room, and somebody who listens on each gateway. */
async function world(t, { apis = 2, gateways = 2 } = {}) {
  const servers = new Servers({ apis, gateways });
  await servers.start({ programs: false });
  const network = await Network.between(servers, 1);
  await Promise.all(servers.programs.map((program) => program.start()));
  const [ada, bob] = [await newcomer(servers, 'ada'), await newcomer(servers, 'bob')];
  const tea = await ada.createRoom('tea', { members: [bob] });
  const ears = servers.gateways.map((gateway) => new Plain(bob, tea.id, () => gateway.url));
  ears.forEach((ear) => ear.connect());
  t.after(async () => {
    ears.forEach((ear) => ear.close());
    await Promise.all(servers.programs.map((program) => program.kill()));
    network.close();
  });
  await eventually(() => ears.every(({ isOpen }) => isOpen), 'everybody listens');
  return { servers, network, ada, bob, tea, ears, buses: servers.gateways.flatMap(({ buses }) => buses.flat()) };
}

async function say({ ada, tea }, count, { every_ms = 0 } = {}) {
  const seqs = [];
  for (let i = 0; i < count; i++) {
    ada.api = i % ada.chat.servers.apis.length;
    const answer = await callUntilKnown(ada, 'POST', `/rooms/${tea.id}/messages`, { text: `message ${i}`, nonce: nonce() });
    assert.ok(isGood(answer), `sent: ${answer?.status}`);
    seqs.push(answer.body.seq);
    if (every_ms) await pause(every_ms);
  }
  return seqs;
}

const all = (ears, seqs) =>
  eventually(() => ears.every((ear) => ear.seqs.at(-1) === seqs.at(-1)), `${seqs.length} messages everywhere`)
    .then(() => ears.forEach((ear) => assert.deepEqual(ear.seqs, seqs, 'each once, in order')));

const counterOf = async (gateway, name) => {
  const { text } = await exchange(gateway.origin, 'GET', '/metrics');
  return Number(new RegExp(`^parley_gateway_${name}_total (\\d+)$`, 'm').exec(text)[1]);
};

test('T29 a bus that loses, delays and doubles frames: everybody gets everything once, in order, and the counters say why', async (t) => {
  const here = await world(t);
  const seqs = [];
  for (const trouble of [{ drop: 0.05 }, { delayMs: 500 }, { duplicate: 0.05 }, { reorder: 0.1 }]) {
    here.buses.forEach((proxy) => proxy.worsen(trouble));
    seqs.push(...(await say(here, 120, { every_ms: 3 })));
    here.buses.forEach((proxy) => proxy.heal());
  }
  await all(here.ears, seqs);
  const holes = await Promise.all(here.servers.gateways.map((gateway) => counterOf(gateway, 'bus_holes')));
  assert.ok(holes.some((count) => count > 0), `holes: ${holes}`);
});

test('T30 a gateway that is cut off from the bus for a while catches up with few sweeps', async (t) => {
  const here = await world(t);
  const [cut] = here.servers.gateways;
  const before = await counterOf(cut, 'sweeps');
  cut.buses.flat().forEach((proxy) => proxy.worsen({ isCut: true }));
  const seqs = await say(here, 200);
  await eventually(() => here.ears[1].seqs.length === seqs.length, 'the other gateway has them');
  assert.deepEqual(here.ears[0].seqs, []);
  cut.buses.flat().forEach((proxy) => proxy.heal());
  await all(here.ears, seqs);
  const sweeps = (await counterOf(cut, 'sweeps')) - before;
  assert.ok(sweeps <= 4, `${sweeps} sweeps`); // one for each API that came back, and what was joined into the next
});

test('T31 a gateway that is frozen, and one that is killed, are of no concern to the others, and miss nothing', async (t) => {
  const here = await world(t, { gateways: 3 });
  const { gateways } = here.servers;
  gateways[0].pause();
  const seqs = await say(here, 30);
  await eventually(() => here.ears.slice(1).every((ear) => ear.seqs.length === seqs.length), 'the others go on');
  gateways[0].resume();
  await all(here.ears, seqs);
  await gateways[1].kill();
  seqs.push(...(await say(here, 30)));
  await eventually(() => [0, 2].every((i) => here.ears[i].seqs.length === seqs.length), 'the others go on');
  await gateways[1].start();
  await all(here.ears, seqs);
});

test('T32 an API that is frozen, and one that is killed: the other serves all, and nothing is lost', async (t) => {
  const here = await world(t);
  const { apis, gateways } = here.servers;
  const counted = async (name) => Math.min(...(await Promise.all(gateways.map((gateway) => counterOf(gateway, name)))));
  const heard = await counted('bus_heard');
  apis[0].pause();
  const seqs = await say(here, 5);
  await all(here.ears, seqs);
  await eventually(async () => (await counted('bus_lost')) > 0, 'its silence is noticed');
  apis[0].resume();
  await apis[1].kill();
  seqs.push(...(await say(here, 5)));
  await all(here.ears, seqs);
  await apis[1].start();
  seqs.push(...(await say(here, 5)));
  await all(here.ears, seqs);
  await eventually(async () => (await counted('bus_heard')) >= heard + 2, 'both were heard again');
});

test('who joins a room and looks at it before the bus tells the gateway is a member there all the same', async (t) => {
  const { servers, ada, buses } = await world(t, { gateways: 1 });
  const events = buses[2]; // of API 1: what it says; the next is what it is asked
  events.worsen({ delayMs: 300 });
  for (const wayIn of ['join', 'add']) {
    const eve = await newcomer(servers, `eve.${wayIn}`);
    const green = await ada.createRoom(`green ${wayIn}`, { kind: 'public' });
    const device = await eve.connect();
    t.after(() => device.close());
    await (wayIn === 'join' ? eve.join(green, { api: 1 }) : ada.add(green, eve, { api: 1 }));
    await device.subscribe(green);
    await device.nextOwn('room_added');
    await device.unsubscribe(green);
    const sent = await ada.post(green, 'kettle', { api: 0 });
    const isAbout = ({ data }) => data.room_id === green.id && data.last_seq === sent.seq;
    await device.until(() => device.publications('chats').some(isAbout), 'the line of a message');
  }
});

test('T54 log-outs and removals reach every gateway, also when the bus has just lost the word about them', async (t) => {
  const here = await world(t, { gateways: 3 });
  const { ada, bob, tea, ears, buses } = here;
  const silent = (isLost) => buses.forEach((proxy) => (isLost ? proxy.worsen({ drop: 1 }) : proxy.heal()));
  silent(true);
  await ada.kick(tea, bob);
  silent(false);
  await eventually(() => ears.every((ear) => ear.removed === 2000), 'unsubscribed everywhere');
  const kick = ears[0].seqs.at(-1);
  ears.forEach((ear) => assert.equal(ear.seqs.at(-1), kick, 'the removal is the last that they got'));
  await ada.add(tea, bob);
  const again = here.servers.gateways.map((gateway) => new Plain(bob, tea.id, () => gateway.url));
  t.after(() => again.forEach((ear) => ear.close()));
  again.forEach((ear) => ear.connect());
  await eventually(() => again.every(({ isOpen }) => isOpen), 'back again');
  again.forEach((ear) => (ear.isClosed = true)); // they stay away
  silent(true);
  await bob.call('DELETE', '/sessions/current');
  silent(false);
  await eventually(() => again.every(({ ends }) => ends[0]?.code === 3500), 'closed everywhere');
  await eventually(async () => (await bob.ask('GET', '/me', undefined, { api: 1 })).status === 401, 'refused over HTTP, by the other API, too');
});

test('T54 bans and a changed password reach every gateway, also when the bus has just lost the word about them', async (t) => {
  const here = await world(t, { gateways: 3 });
  const { ada, bob, tea, ears, buses } = here;
  const silent = (isLost) => buses.forEach((proxy) => (isLost ? proxy.worsen({ drop: 1 }) : proxy.heal()));
  silent(true);
  await ada.ban(tea, bob);
  silent(false);
  await eventually(() => ears.every((ear) => ear.removed === 2000), 'unsubscribed everywhere');
  ears.forEach((ear) => assert.equal(ear.seqs.at(-1), ears[0].seqs.at(-1), 'the ban is the last that they got'));
  ears.forEach((ear) => (ear.isClosed = true)); // they stay away
  const elsewhere = await bob.signInAgain();
  silent(true);
  await elsewhere.changePassword('battery staple');
  silent(false);
  await eventually(() => ears.every(({ ends }) => ends[0]?.code === 3500), 'closed everywhere');
  await eventually(async () => (await bob.ask('GET', '/me', undefined, { api: 1 })).status === 401, 'refused over HTTP, by the other API, too');
});
