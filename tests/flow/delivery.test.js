import assert from 'node:assert/strict';
import { Cable, chat, eventually, meanwhile, nonce, refused, running, test } from './harness/index.js';

const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const together = (count, ask) => Promise.all(Array.from({ length: count }, (_, i) => ask(i)));

/** Sends until it is known to be stored, as clients do: the same nonce again, through the next API. */
async function postUntilStored(person, room, text) {
  const given = nonce();
  for (let attempt = 0; ; attempt++)
    try {
      return await person.post(room, text, { nonce: given, api: (person.api + attempt) % 2 });
    } catch (error) {
      if (error.status !== undefined && error.status < 500) throw error;
      if (attempt > 500) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
}

test('every device of a member sees a message, once and in order', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const tea = await ada.createRoom('tea', { members: [bob] });
  const [phone, laptop] = await together(2, (gateway) => bob.connect({ gateway, rooms: [tea] }));
  for (const text of ['kettle is on', 'tea is ready']) {
    const sent = await ada.post(tea, text);
    for (const device of [phone, laptop]) assert.deepEqual(await device.next(tea), sent);
  }
  for (const device of [phone, laptop]) {
    await device.settle();
    assert.equal(device.publications(tea).length, 2);
    assert.deepEqual(device.publications(tea).map(({ offset }) => offset), device.seqs(tea));
  }
});

test('several senders over two APIs are seen in one order by all, without holes', async (t) => {
  const { ada, bob, cy, dan } = await chat(t).users('ada', 'bob', 'cy', 'dan');
  const people = [ada, bob, cy, dan];
  const room = await ada.createRoom('tea', { members: people });
  const start = (await ada.snapshot(room)).as_of.offset;
  const devices = await together(6, (i) => people[i % 4].connect({ gateway: i % 2, rooms: [room] }));
  await Promise.all(people.map(async (person) => {
    for (let i = 0; i < 50; i++) await person.post(room, `${person.login} ${i}`);
  }));
  const log = await ada.log(room, start);
  assert.deepEqual(log.map(({ seq }) => seq), range(start + 1, start + 200));
  for (const device of devices) {
    await device.reach(room, start + 200);
    assert.deepEqual(device.publications(room).map(({ data }) => data), log);
  }
  for (const person of people) {
    const own = log.filter(({ sender }) => sender.id === person.id).map(({ message }) => message.text);
    assert.deepEqual(own, range(0, 49).map((i) => `${person.login} ${i}`), 'each sender\'s messages keep their order');
  }
});

test('many senders at once into one room leave no hole and no repeat', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const device = await bob.connect({ gateway: 1, rooms: [room] });
  const events = await together(200, (i) => (i % 2 ? ada : bob).post(room, `${i}`, { api: (i >> 1) % 2 }));
  assert.deepEqual(events.map(({ seq }) => seq).sort((a, b) => a - b), range(4, 203));
  assert.deepEqual(await device.reach(room, 203), range(4, 203));
  for (const event of events) assert.deepEqual(device.publications(room)[event.seq - 4].data, event);
});

test('T10 one nonce sent by fifty at once to both APIs, some after a lost reply, stores one row, and all agree about it', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const { apis } = await running();
  const room = await ada.createRoom('tea', { members: [bob] });
  const device = await bob.connect({ rooms: [room] });
  const path = `/rooms/${room.id}/messages`;
  const cables = await Promise.all(apis.map(({ port }) => Cable.lay(t, port)));
  for (const cable of cables) cable.losesReply = () => true;
  for (let round = 0; round < 5; round++) {
    const body = { text: `round ${round}`, nonce: nonce() };
    const racer = async (i) => {
      if (i % 5 === 0) await assert.rejects(ada.ask('POST', path, body, { origin: `http://127.0.0.1:${cables[(i / 5) % 2].port}` }));
      return await ada.ask('POST', path, body, { api: i % 2 });
    };
    const answers = await together(50, racer);
    const created = answers.filter(({ status }) => status === 201);
    assert.ok(created.length <= 1, 'at most one: its reply may be among the lost ones');
    assert.deepEqual(answers.filter(({ status }) => status === 200).length, 50 - created.length);
    for (const answer of answers) assert.deepEqual(answer.body, answers[0].body);
    assert.deepEqual(await device.next(room), answers[0].body);
    for (const api of [0, 1]) await refused(ada.post(room, 'another text', { nonce: body.nonce, api }), 422, 'nonce_reused');
  }
  assert.deepEqual(await ada.texts(room), range(0, 4).map((round) => `round ${round}`));
  assert.ok(cables.every(({ lost }) => lost > 0));
});

test('a device that was away gets what it missed from the other gateway', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const phone = await bob.connect({ gateway: 0, rooms: [room] });
  await ada.post(room, 'before');
  await phone.next(room);
  await phone.offline();
  await together(20, (i) => ada.post(room, `missed ${i}`, { api: i % 2 }));
  await phone.online({ gateway: 1 });
  await ada.post(room, 'after');
  assert.deepEqual(await phone.reach(room, 25), range(4, 25));
  const back = phone.seen.filter(({ what, channel }) => what === 'subscribed' && channel === `room:${room.id}`).at(-1);
  assert.deepEqual([back.wasRecovering, back.recovered], [true, true]);
});

test('a device that comes and goes while others send sees all of it, once and in order', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const room = await ada.createRoom('tea', { members: [bob, cy] });
  const phone = await cy.connect({ gateway: 0, rooms: [room] });
  const senders = [ada, bob].map((person) => meanwhile(t, (i) => person.post(room, `${i}`)));
  for (let round = 1; round <= 10; round++) {
    const top = phone.seqs(room).at(-1) ?? 4;
    await phone.reach(room, top + 3);
    await phone.offline();
    await phone.online({ gateway: round % 2 });
  }
  for (const stop of senders) await stop();
  const { offset } = (await ada.snapshot(room)).as_of;
  assert.deepEqual(await phone.reach(room, offset), range(5, offset));
});

for (const [what, count, size] of [['events', 320, 10], ['bytes', 30, 12_000]])
  test(`a device that missed more ${what} than are recovered is told so, and pages of /events meet the live stream`, async (t) => {
    const { ada, bob } = await chat(t).users('ada', 'bob');
    const room = await ada.createRoom('tea', { members: [bob] });
    const phone = await bob.connect({ gateway: 0, rooms: [room] });
    const own = (await ada.post(room, 'before')).seq;
    await phone.reach(room, own);
    await phone.offline();
    await together(count, (i) => ada.post(room, `${i} ${'x'.repeat(size)}`, { api: i % 2 }));
    await phone.online({ gateway: 1 });
    const back = await phone.until(
      () => phone.seen.filter((entry) => entry.what === 'subscribed' && entry.channel === `room:${room.id}`)[1],
      'second subscription');
    assert.deepEqual([back.wasRecovering, back.recovered], [true, false]);
    assert.equal(back.streamPosition.offset, own + count);

    const last = await ada.post(room, 'after');
    const live = (await phone.reach(room, last.seq)).filter((seq) => seq > own);
    const paged = (await bob.log(room, own)).map(({ seq }) => seq);
    assert.deepEqual(paged.filter((seq) => seq < live[0]).concat(live), range(own + 1, last.seq));
  });

test('a killed gateway loses nobody a message', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const { gateways } = await running();
  const room = await ada.createRoom('tea', { members: [bob] });
  const [phone, laptop] = await together(2, (gateway) => bob.connect({ gateway, rooms: [room] }));
  const stop = meanwhile(t, (i) => ada.post(room, `${i}`, { api: i % 2 }));
  await phone.reach(room, 10);
  phone.gateway = 1; // where it comes back to
  await gateways[0].kill();
  const gone = phone.seqs(room).at(-1);
  await phone.reach(room, gone + 20);
  await gateways[0].start();
  const tablet = await bob.connect({ gateway: 0, rooms: [room] });
  await phone.offline();
  await phone.online({ gateway: 0 });
  await stop();
  const { offset } = (await ada.snapshot(room)).as_of;
  assert.deepEqual(await phone.reach(room, offset), range(4, offset));
  assert.deepEqual(await laptop.reach(room, offset), range(4, offset));
  const late = await tablet.reach(room, offset);
  assert.deepEqual(late, range(late[0], offset));
});

test('a killed API loses no acknowledged message, and what it had not announced is announced at its return', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const { apis } = await running();
  const room = await ada.createRoom('tea', { members: [bob, cy] });
  const devices = await together(2, (gateway) => cy.connect({ gateway, rooms: [room] }));
  const acknowledged = new Map();
  for (let round = 0; round < 3; round++) {
    const senders = range(0, 7).map((number) => meanwhile(t, async (i) => {
      const event = await postUntilStored(number % 2 ? ada : bob, room, `${round} ${number} ${i}`);
      assert.ok(!acknowledged.has(event.seq), `seq ${event.seq} was given once`);
      acknowledged.set(event.seq, event.message.text);
    }));
    const enough = acknowledged.size + 60;
    await eventually(() => acknowledged.size > enough, 'traffic');
    await apis[0].kill();
    const more = acknowledged.size + 20;
    await eventually(() => acknowledged.size > more, 'traffic through the other API');
    await apis[0].start();
    for (const stop of senders) await stop();
  }
  const log = await ada.log(room);
  assert.deepEqual(log.map(({ seq }) => seq), range(1, log.length));
  for (const [seq, text] of acknowledged) assert.equal(log[seq - 1].message.text, text);
  const texts = await ada.texts(room);
  assert.equal(new Set(texts).size, texts.length, 'a send repeated after a lost answer is stored once');
  for (const device of devices) assert.deepEqual(await device.reach(room, log.length), range(5, log.length));
});

test('what a dead API had committed and not announced, a living one announces', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const tea = await ada.createRoom('tea', { members: [bob] });
  const phone = await bob.connect({ rooms: [tea] });
  const servers = await running();
  const lane = `lane_${String((BigInt(tea.id) >> 12n) & 1023n).padStart(3, '0')}`;
  await servers.sql(`WITH stored AS (
    INSERT INTO ${lane}.events (room_id, seq, kind, sender_id, nonce, digest, body, message_no, room_mention_no, created_at)
    SELECT room_id, seq + 1, 'message', ${ada.id}, 'n', 'd', '{"nonce":"n","text":"from the dead"}', message_no + 1, room_mention_no, now()
    FROM ${lane}.events WHERE room_id = ${tea.id} ORDER BY seq DESC LIMIT 1 RETURNING room_id, seq)
    INSERT INTO ${lane}.outbox (incarnation, number, entries)
    SELECT 4242, 1, json_build_array(json_build_array(room_id, seq)) FROM stored`);
  assert.equal((await phone.next(tea)).message.text, 'from the dead');
  await eventually(async () => (await bob.chats())[0].last_message?.text === 'from the dead', 'the message in the chat list');
  await eventually(async () => (await servers.sql(`SELECT number FROM ${lane}.outbox`)).length === 0, 'an empty outbox');
});

test('both APIs killed amid traffic and started again deliver all that is in the log', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const { apis } = await running();
  const room = await ada.createRoom('tea', { members: [bob] });
  const phone = await bob.connect({ gateway: 1, rooms: [room] });
  const senders = range(0, 5).map((number) =>
    meanwhile(t, (i) => postUntilStored(number % 2 ? ada : bob, room, `${number} ${i}`)));
  await phone.reach(room, 40);
  await Promise.all(apis.map((api) => api.kill()));
  await Promise.all(apis.map((api) => api.start()));
  for (const stop of senders) await stop();
  const { offset } = (await ada.snapshot(room)).as_of;
  assert.deepEqual(await phone.reach(room, offset), range(4, offset));
});
