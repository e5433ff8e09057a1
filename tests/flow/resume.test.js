// What a client may count on when it comes, goes, asks again and comes back late: faults T07, T08, T11, T12, T13.
import assert from 'node:assert/strict';
import { Cable, Ear, chat, dice, meanwhile, nonce, running, seedOf, test } from './harness/index.js';

const range = (from, to) => Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
const together = (count, ask) => Promise.all(range(0, count - 1).map(ask));
const headOf = async (person, room) => (await person.snapshot(room)).as_of;
const laneOf = (room) => `lane_${String((BigInt(room.id) >> 12n) & 1023n).padStart(3, '0')}`;

/* 40 subscribers rather than 200: 320,000 deliveries are what this side decodes in a few seconds. */
test('T07 8 senders of 1,000 messages each are seen by 40 subscribers of 2 gateways as 1 to 8,000, in order', async (t) => {
  const names = range(1, 8).map((i) => `sender${i}`);
  const people = Object.values(await chat(t).users(...names));
  const room = await people[0].createRoom('tea', { members: people });
  const start = (await headOf(people[0], room)).offset;
  const ears = await together(40, (i) => Ear.connect(t, people[i % 8], { gateway: i % 2 }));
  for (const ear of ears) await ear.subscribe(room);
  const acknowledged = await Promise.all(people.map(async (person) => {
    const seqs = [];
    for (let i = 0; i < 1_000; i++) seqs.push((await person.post(room, `${i}`, { api: (person.api + (i >> 7)) % 2 })).seq);
    return seqs;
  }));
  const all = range(start + 1, start + 8_000);
  for (const ear of ears) assert.deepEqual(await ear.reach(start + 8_000), all);
  for (const seqs of acknowledged) assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b), 'a later send has the higher number');
  assert.deepEqual(acknowledged.flat().sort((a, b) => a - b), all);
});

test('T08 subscribing since any number while messages flow leaves no hole and repeats nothing, 2,000 times', async (t) => {
  const roll = dice(seedOf(t));
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const { epoch } = await headOf(ada, room);
  let top = 0;
  const senders = [ada, ada, bob, bob].map((person, i) => meanwhile(t, async () => {
    top = Math.max(top, (await person.post(room, 'flow', { api: i % 2 })).seq);
  }));
  const ears = await together(8, (i) => Ear.connect(t, bob, { gateway: i % 2 }));
  await Promise.all(ears.map(async (ear) => {
    for (let round = 0; round < 250; round++) {
      const offset = Math.max(0, top - roll(100));
      const { recovered, offset: from = 0 } = await ear.subscribe(room, { since: { offset, epoch } });
      assert.deepEqual([recovered, from], [true, offset]);
      const last = Math.max(offset, ear.seqs.at(-1) ?? 0);
      await ear.reach(last + 1 + roll(3));
      await ear.unsubscribe(room);
      assert.deepEqual(ear.seqs, range(offset + 1, offset + ear.seqs.length), `since ${offset}`);
    }
  }));
  for (const stop of senders) await stop();
});

test('T11 when a fifth of the replies is lost, every send that is tried again is stored exactly once', async (t) => {
  const roll = dice(seedOf(t));
  const names = range(1, 8).map((i) => `sender${i}`);
  const people = Object.values(await chat(t).users(...names));
  const { apis } = await running();
  const room = await people[0].createRoom('tea', { members: people });
  const { offset } = await headOf(people[0], room);
  const cables = await Promise.all(apis.map(({ port }) => Cable.lay(t, port)));
  for (const cable of cables) cable.losesReply = () => roll(5) === 0;

  async function postUntilAnswered(person, text) {
    const given = nonce();
    for (let attempt = 0; attempt < 100; attempt++) {
      const { port } = cables[(person.api + attempt) % 2];
      const event = await person.post(room, text, { nonce: given, origin: `http://127.0.0.1:${port}` }).catch((error) => {
        if (error.status !== undefined) throw error;
      });
      if (event !== undefined) return event;
    }
    return assert.fail('a hundred replies lost in a row');
  }

  const answered = await Promise.all(people.map(async (person) => {
    const events = [];
    for (let i = 0; i < 150; i++) events.push(await postUntilAnswered(person, `${person.login} ${i}`));
    return events;
  }));
  const log = await people[0].log(room, offset);
  assert.deepEqual(log.map(({ seq }) => seq), range(offset + 1, offset + 1_200));
  assert.deepEqual(answered.flat().sort((a, b) => a.seq - b.seq), log);
  assert.equal(new Set(log.map(({ message }) => message.text)).size, 1_200);
  const lost = cables.reduce((sum, cable) => sum + cable.lost, 0);
  assert.ok(lost > 120, `${lost} replies were lost`);
});

/* Walks in one direction to the end; `more` names what says whether there is more. */
async function walk(person, room, roll, edge, direction) {
  const met = [];
  for (let more = true; more; ) {
    const page = await person.messages(room, `${direction}=${edge}&limit=${1 + roll(60)}`, { api: roll(2) });
    assert.ok(!page.has_more || page.items.length > 0, 'a page that promises more is not empty');
    if (direction === 'before') met.unshift(...page.items);
    else met.push(...page.items);
    edge = (direction === 'before' ? met[0] : met.at(-1))?.seq ?? edge;
    more = page.has_more;
  }
  return met.map(({ seq }) => seq);
}

/* Messages cannot be deleted yet; joins and leaves make the holes between their numbers. */
test('T12 walking through history while messages come meets each of them once and ends', async (t) => {
  const roll = dice(seedOf(t));
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { kind: 'public' });
  const messages = []; // seqs, as acknowledged
  let isBobIn = false;
  const change = async () => {
    if (roll(3) > 0) return messages.push((await ada.post(room, 'x', { api: roll(2) })).seq);
    await (isBobIn ? bob.leave(room) : bob.join(room));
    isBobIn = !isBobIn;
  };
  for (let i = 0; i < 300; i++) await change();
  const stop = meanwhile(t, change);
  const walks = [];
  for (let round = 0; round < 60; round++) {
    const there = [...messages];
    const place = there[roll(there.length)];
    const after = await walk(ada, room, roll, place, 'after');
    const middle = await ada.messages(room, `around=${place}&limit=${1 + roll(30)}`, { api: roll(2) });
    const [first, last] = [middle.items[0].seq, middle.items.at(-1).seq];
    const around = [
      ...(middle.has_before ? await walk(ada, room, roll, first, 'before') : []),
      ...middle.items.map(({ seq }) => seq),
      ...(middle.has_after ? await walk(ada, room, roll, last, 'after') : []),
    ];
    walks.push({ place, met: [...(await walk(ada, room, roll, place, 'before')), place, ...after], least: there.length });
    walks.push({ place, met: around, least: there.length });
  }
  await stop();
  for (const { place, met, least } of walks) {
    assert.deepEqual(met, messages.slice(0, met.length), `from ${place}`);
    assert.ok(met.length >= least, 'nothing that was there at the start is left out');
  }
  assert.deepEqual(await walk(ada, room, roll, 0, 'after'), messages);
  assert.deepEqual(await walk(ada, room, roll, messages.at(-1) + 1, 'before'), messages);
});

/* A device that is away from its own last event on, in a room of ada's. */
async function away(t) {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const phone = await bob.connect({ gateway: 0, rooms: [room] });
  const own = (await ada.post(room, 'before')).seq;
  await phone.reach(room, own);
  await phone.offline();
  return { ada, bob, room, phone, own };
}

async function returned(phone, room, gateway) {
  await phone.online({ gateway });
  const back = () => phone.seen.filter((entry) => entry.what === 'subscribed' && entry.channel === `room:${room.id}`)[1];
  return await phone.until(back, 'second subscription');
}

test('T13 300 missed events come with the subscription, to whatever gateway', async (t) => {
  const { ada, room, phone, own } = await away(t);
  await together(300, (i) => ada.post(room, `${i}`, { api: i % 2 }));
  const { wasRecovering, recovered } = await returned(phone, room, 1);
  assert.deepEqual([wasRecovering, recovered], [true, true]);
  assert.deepEqual(await phone.reach(room, own + 300), range(own, own + 300));
});

/*
 * The rows are written as a batch's statement writes them (api/log/lane_statements.c), in one statement: through the API
 * they would take this side half a minute. The last ones are real sends, which is how the gateways hear of the others.
 */
async function let50000Pass(room, sender) {
  const servers = await running();
  const lane = laneOf(room);
  await servers.sql(`BEGIN;
    SELECT id FROM ${lane}.rooms WHERE id = ${room.id} FOR NO KEY UPDATE;
    INSERT INTO ${lane}.events (room_id, seq, kind, sender_id, nonce, digest, body, message_no, room_mention_no, created_at)
    SELECT room_id, seq + i, 'message', ${sender.id}, decode(md5('n' || i), 'hex'), decode(md5('d' || i), 'hex'),
           json_build_object('nonce', 'n' || i, 'text', 'missed ' || i), message_no + i, room_mention_no, statement_timestamp()
    FROM (SELECT * FROM ${lane}.events WHERE room_id = ${room.id} ORDER BY seq DESC LIMIT 1) last, generate_series(1, 50000) i;
    UPDATE ${lane}.members m SET seq = e.seq, message_no = e.message_no, changed_at = statement_timestamp()
    FROM (SELECT * FROM ${lane}.events WHERE room_id = ${room.id} ORDER BY seq DESC LIMIT 1) e
    WHERE m.room_id = e.room_id AND m.user_id = ${sender.id};
    COMMIT`);
}

test('T13 after 50,000 missed events recovered:false is said, and pages of /events from the own seq meet the live stream', async (t) => {
  const { ada, bob, room, phone, own } = await away(t);
  await let50000Pass(room, ada);
  const first = await ada.post(room, 'the first real one');
  assert.equal(first.seq, own + 50_001);
  const stop = meanwhile(t, (i) => ada.post(room, `live ${i}`, { api: i % 2 }));
  const { wasRecovering, recovered, streamPosition } = await returned(phone, room, 1);
  assert.deepEqual([wasRecovering, recovered], [true, false]);
  assert.ok(streamPosition.offset >= first.seq);
  const paged = await bob.log(room, own);
  await phone.reach(room, paged.at(-1).seq + 3);
  await stop();
  const live = phone.seqs(room).filter((seq) => seq > own);
  assert.deepEqual(live, range(streamPosition.offset + 1, live.at(-1)), 'live from where the subscription stands');
  assert.deepEqual(paged.map(({ seq }) => seq), range(own + 1, paged.at(-1).seq));
  assert.ok(paged.at(-1).seq >= streamPosition.offset, 'pages and live stream meet');
  assert.equal(paged[49_999].message.text, 'missed 50000');
  assert.equal((await bob.chatOf(room)).unread, (await bob.log(room, own)).length + 1, 'and unread is right');
});
