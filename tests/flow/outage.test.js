import assert from 'node:assert/strict';
import { chat, configure, eventually, meanwhile, nonce, running, soon, test } from './harness/index.js';

configure({ ownPostgres: true, api: { PARLEY_REDIS_TIMEOUT_MS: '50' } });

async function teaRoom(t) {
  const { programs } = await running();
  for (const program of programs) await program.untilReady(); // what the test before did may still be healing
  const { ada, bob } = await chat(t).users('ada', 'bob');
  return { ada, bob, room: await ada.createRoom('tea', { members: [bob] }) };
}

/** Both people write and both devices hear it: all is well again. */
async function assertAllIsWell({ ada, bob, room }, devices) {
  const text = `all is well ${nonce()}`;
  const given = nonce();
  await eventually(() => ada.post(room, text, { nonce: given }), 'a send');
  await eventually(() => bob.post(room, text, { nonce: given }), 'a send through the other API');
  const { offset } = (await ada.snapshot(room)).as_of;
  for (const device of devices) {
    const seqs = await device.reach(room, offset);
    assert.deepEqual(seqs, seqs.map((_, i) => seqs[0] + i));
  }
}

test('T28 while PostgreSQL is stopped requests get 503 with Retry-After, and all goes on by itself afterwards', async (t) => {
  const world = await teaRoom(t);
  const { ada, bob, room } = world;
  const { postgres, apis } = await running();
  const devices = await Promise.all([0, 1].map((gateway) => bob.connect({ gateway, rooms: [room] })));
  await postgres.stop();
  for (const api of [0, 1]) {
    const questions = [
      () => ada.ask('POST', `/rooms/${room.id}/messages`, { text: 'lost', nonce: nonce() }, { api }),
      () => ada.ask('GET', `/rooms/${room.id}/messages`, undefined, { api }),
      () => ada.ask('POST', '/sessions', { login: ada.login, password: ada.password }, { api, token: null }),
    ];
    for (const question of questions) {
      const answer = await question();
      assert.equal(answer.status, 503, answer.text);
      assert.match(answer.headers['retry-after'], /^\d+$/);
      assert.ok(['unavailable', 'busy', 'timeout'].includes(answer.body.code), answer.text);
    }
  }
  for (const device of devices) assert.equal(device.client.state, 'connected', 'sockets stay');
  await postgres.start();
  await assertAllIsWell(world, devices);
  assert.ok(apis.every(({ isRunning }) => isRunning));
});

/** Four senders through both APIs, each send repeated with its nonce until it is acknowledged, while `disturb(more)` goes on: none may be lost or doubled. */
async function assertSendsSurvive(t, disturb) {
  const world = await teaRoom(t);
  const { ada, bob, room } = world;
  const device = await bob.connect({ rooms: [room] });
  const stored = new Map();
  const senders = [0, 1, 2, 3].map((number) => meanwhile(t, async (i) => {
    const given = nonce();
    const send = () => (number % 2 ? ada : bob).post(room, `${number} ${i}`, { nonce: given, api: number >> 1 });
    const event = await eventually(send, 'a send', 30_000);
    stored.set(event.seq, event.message.text);
  }));
  const more = (count) => {
    const enough = stored.size + count;
    return eventually(() => stored.size > enough, 'traffic');
  };
  await more(30);
  await disturb(more);
  await more(30);
  for (const stop of senders) await stop();
  const log = await ada.log(room);
  assert.deepEqual(log.map(({ seq }) => seq), log.map((_, i) => i + 1));
  for (const [seq, text] of stored) assert.equal(log[seq - 1].message.text, text);
  assert.equal(log.length, 3 + stored.size, 'every stored message was acknowledged once');
  assert.deepEqual(await device.reach(room, log.length), log.slice(3).map(({ seq }) => seq));
}

test('T28 PostgreSQL that fails amid sends loses none that was acknowledged and stores none twice', async (t) => {
  const { postgres } = await running();
  await assertSendsSurvive(t, async (more) => {
    for (const how of ['fast', 'immediate']) {
      await postgres.stop([how]);
      await postgres.start();
      await more(30);
    }
  });
});

test('T28 backends ended at random amid sends lose none that was acknowledged and store none twice', async (t) => {
  const { postgres } = await running();
  await assertSendsSurvive(t, async (more) => {
    for (let round = 0; round < 25; round++) {
      await postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'parley' ORDER BY random() LIMIT 3");
      await more(5);
    }
  });
});

test('T28 connections cut by the database are made anew, unseen', async (t) => {
  const world = await teaRoom(t);
  const { ada, bob, room } = world;
  const servers = await running();
  const device = await bob.connect({ rooms: [room] });
  for (let round = 0; round < 5; round++) {
    await servers.sql('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = \'parley\'');
    const given = nonce();
    await eventually(() => ada.post(room, `${round}`, { nonce: given, api: round % 2 }), 'a send');
  }
  assert.deepEqual(await ada.texts(room), ['0', '1', '2', '3', '4']);
  await assertAllIsWell(world, [device]);
});

test('T25 with Redis stopped all answers are there', async (t) => {
  const world = await teaRoom(t);
  const { ada, bob, room } = world;
  const { redis } = await running();
  await redis.stop();
  const devices = await Promise.all([0, 1].map((gateway) => bob.connect({ gateway, rooms: [room] })));
  await ada.post(room, 'without Redis');
  for (const person of [ada, bob]) assert.deepEqual(await person.texts(room), ['without Redis']);
  assert.equal((await bob.chatOf(room)).unread, 1);
  const cy = await chat(t).register('cy');
  assert.deepEqual(await cy.chats(), []);
  await redis.start();
  await assertAllIsWell(world, devices);
});

test('T25 with Redis hanging requests go on, and only the first ones wait', async (t) => {
  const world = await teaRoom(t);
  const { ada, bob, room } = world;
  const { redis } = await running();
  t.after(() => redis.resume());
  redis.pause();
  const device = await bob.connect({ rooms: [room] });
  for (let i = 0; i < 5; i++) await ada.post(room, `${i}`, { api: i % 2 });
  const before = Date.now();
  for (let i = 0; i < 20; i++) await soon(async () => assert.equal((await bob.chatOf(room, { api: i % 2 })).unread, 5));
  assert.ok(Date.now() - before < 20 * 100, `20 chat lists took ${Date.now() - before} ms`);
  redis.resume();
  await assertAllIsWell(world, [device]);
});

test('a gateway that starts before its APIs, and APIs that start before their database, find them when they come', async (t) => {
  const world = await teaRoom(t);
  const { bob, room } = world;
  const { postgres, redis, apis, gateways, programs } = await running();
  for (const program of programs) assert.deepEqual(await program.stop(), { code: 0, signal: null }, `${program.name} ends cleanly`);
  await postgres.stop();
  await redis.stop();
  for (const gateway of gateways) await gateway.start({ wait: false });
  for (const api of apis) await api.start({ wait: false });
  await redis.start();
  await postgres.start();
  for (const program of programs) await program.untilReady();
  const devices = await Promise.all([0, 1].map((gateway) => bob.connect({ gateway, rooms: [room] })));
  await assertAllIsWell(world, devices);
});

test('SIGTERM ends every program cleanly, amid traffic, and clients come back without loss', async (t) => {
  const world = await teaRoom(t);
  const { ada, bob, room } = world;
  const { programs, gateways } = await running();
  const devices = await Promise.all([0, 1].map((gateway) => bob.connect({ gateway, rooms: [room] })));
  let count = 0;
  const stop = meanwhile(t, async (i) => {
    const given = nonce();
    let attempt = i;
    await eventually(() => ada.post(room, `${i}`, { nonce: given, api: attempt++ % 2 }), 'a send');
    count++;
  });
  for (const program of programs) {
    const enough = count + 10;
    await eventually(() => count > enough, 'traffic');
    const number = gateways.indexOf(program);
    if (number >= 0) devices[number].gateway = 1 - number;
    assert.deepEqual(await program.stop(), { code: 0, signal: null }, program.name);
    await program.start();
    if (number >= 0) await devices[number].until(() => devices[number].client.state === 'connected', 'connection');
  }
  await stop();
  for (const device of devices) {
    assert.ok(device.seen.some(({ what, code }) => what === 'connecting' && code === 3001), 'clients were told of the shutdown');
    assert.deepEqual(await device.reach(room, 3 + count), Array.from({ length: count }, (_, i) => 4 + i));
  }
});

test('an API that was frozen goes on where it was, and meanwhile the other serves all', async (t) => {
  const world = await teaRoom(t);
  const { ada, bob, room } = world;
  const { apis } = await running();
  const devices = await Promise.all([0, 1].map((gateway) => bob.connect({ gateway, rooms: [room] })));
  apis[0].pause();
  t.after(() => apis[0].resume());
  for (let i = 0; i < 5; i++) await ada.post(room, `${i}`, { api: 1 });
  for (const device of devices) await device.reach(room, 8);
  const late = await bob.connect({ gateway: 0 });
  assert.ok(await late.subscribe(room));
  apis[0].resume();
  await assertAllIsWell(world, [...devices, late]);
});

test('a gateway that was frozen delivers what it slept through, in order', async (t) => {
  const world = await teaRoom(t);
  const { ada, bob, room } = world;
  const { gateways } = await running();
  const device = await bob.connect({ gateway: 0, rooms: [room] });
  gateways[0].pause();
  t.after(() => gateways[0].resume());
  await Promise.all(Array.from({ length: 50 }, (_, i) => ada.post(room, `${i}`, { api: i % 2 })));
  gateways[0].resume();
  assert.deepEqual(await device.reach(room, 53), Array.from({ length: 50 }, (_, i) => 4 + i));
});
