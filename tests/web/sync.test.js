// web/src/sync against real servers: what an application built on it may count on. Faults T09, T13.
import assert from 'node:assert/strict';
import { chat, dice, eventually, meanwhile, running, seedOf, test } from '../flow/harness/index.js';
import { Core } from './core.js';

const range = (from, to) => Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
const laneOf = (room) => `lane_${String((BigInt(room.id) >> 12n) & 1023n).padStart(3, '0')}`;

const lineOf = ({ room, last_message, lastMessage = last_message, cursor, unread, mentions }) => ({
  id: room.id, name: room.name, last: lastMessage ?? null, cursor, unread, mentioned: mentions > 0,
});

/** What the core knows by applying events is what a client that has just come is told. */
async function assertRooms(core, rooms, label) {
  for (const room of rooms) {
    const { messages, members, me, as_of } = await core.person.snapshot(room.id);
    await core.until(room.changed, () => room.timeline.top >= as_of.offset, `event ${as_of.offset}`);
    const shown = room.timeline.entries().flatMap((entry) => ('message' in entry ? [entry.message] : []));
    assert.deepEqual(shown.slice(-messages.length), messages, `${label}: messages`);
    const byId = (a, b) => (a.user.id < b.user.id ? -1 : 1);
    const who = ({ user, role }) => ({ id: user.id, name: user.name, role });
    assert.deepEqual([...room.members.values()].sort(byId).map(who), members.sort(byId).map(who), `${label}: members`);
    assert.deepEqual(who(room.me), who(me), `${label}: me`);
  }
}

async function assertChats(core, label) {
  const sorted = (list) => list.map(lineOf).sort((a, b) => (a.id < b.id ? -1 : 1)); // two of one millisecond have no order
  await eventually(async () => {
    assert.deepEqual(sorted(core.client.chats.list()), sorted(await core.person.chats()));
    return true;
  }, `${label}: the chat list`);
}

/*
 * In bursts of 1 to 40 at once; after each the rooms are fetched again, about 490 times, and after each tenth the chat list,
 * which waits for lines: those of a busy room come four times a second.
 */
test('T09 after 10,000 random operations, and all along, applied events equal what is fetched again', async (t) => {
  const seed = seedOf(t);
  const roll = dice(seed);
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const people = [ada, bob, cy];
  const [open, tea, aside] = [
    await ada.createRoom('open', { kind: 'public', members: people }),
    await ada.createRoom('tea', { members: people }),
    await ada.createRoom('aside', { members: people }), // in the chat list alone
  ];
  const core = await Core.begin(t, ada);
  const rooms = [await core.openRoom(open), await core.openRoom(tea)];
  const inside = new Map([bob, cy].map((person) => [person.id, new Set([open.id, tea.id, aside.id])]));

  async function member(person, room) {
    const mine = inside.get(person.id);
    if (mine.has(room.id)) {
      mine.delete(room.id);
      await (roll(2) ? person.leave(room) : ada.kick(room, person));
    } else {
      await (room === open && roll(2) ? person.join(room) : ada.add(room, person));
      mine.add(room.id);
    }
  }

  const said = []; // messages that something may happen to: the latest of all rooms
  const refusals = [403, 404, 409, 422]; // no member at the moment, somebody else's, too many, deleted

  async function post(person, room) {
    const original = said[said.length - 1 - roll(20)];
    const reply_to = roll(4) === 0 && original?.room === room ? original.seq : undefined;
    const named = roll(4) === 0 ? `@${people[roll(3)].login}` : '';
    const event = await (original !== undefined && roll(10) === 0
      ? person.forward(room, original.room, original.seq, { api: roll(2) })
      : person.post(room, `text ${roll(1e6)} ${named} ${'🫖'.repeat(roll(200))}`, { api: roll(2), reply_to }));
    said.push({ room, seq: event.seq, person });
  }

  async function change(person) {
    const message = said[said.length - 1 - roll(60)];
    if (message === undefined) return;
    const { room, seq, person: author } = message;
    const options = { api: roll(2) };
    const emoji = ['🫖', '+1', '❤️'][roll(3)];
    await [
      () => author.edit(room, seq, `edited ${roll(1e6)}`, options),
      () => roll(3) === 0 && author.remove(room, seq, options),
      () => person.react(room, seq, emoji, options),
      () => person.react(room, seq, emoji, options),
      () => person.unreact(room, seq, emoji, options),
      () => person.pin(room, seq, options),
      () => person.unpin(room, seq, options),
    ][roll(7)]();
  }

  const busy = new Set(); // one change of a membership at a time, or nobody can say what is refused
  async function operation() {
    const room = [open, tea, aside][roll(3)];
    const person = people[roll(3)];
    const what = roll(20);
    const key = `${person.id} ${room.id}`;
    if (what === 0 && person !== ada && !busy.has(key)) {
      busy.add(key);
      await member(person, room);
      busy.delete(key);
    } else if (what < 5) await ada.moveCursor(room, 1 + roll(4), { force: roll(3) === 0, api: roll(2) });
    else if (what < 6) rooms[roll(2)].send(`own ${roll(1e6)}`);
    else
      await (what < 13 ? post(person, room) : change(person)).catch((error) => {
        if (!refusals.includes(error.status)) throw error;
      });
  }

  for (let done = 0, burst = 0; done < 10_000; burst++) {
    const size = 1 + roll(40);
    await Promise.all(range(1, size).map(operation));
    for (const room of rooms) await core.until(room.changed, () => room.outbox.pending.length === 0, 'stored own sends');
    await assertRooms(core, rooms, `seed ${seed}, burst ${burst}`);
    if (burst % 10 === 9) await assertChats(core, `seed ${seed}, burst ${burst}`);
    done += size;
    if (burst % 100 === 98) {
      await core.offline();
      await Promise.all(range(1, 20).map(operation));
      await core.online();
    }
  }
  await assertRooms(core, rooms, `seed ${seed}, at the end`);
  await assertChats(core, `seed ${seed}, at the end`);
});

/* Rows as the writer writes them, in one statement; a real send afterwards makes all programs hear of them. */
async function let50000Pass(room, sender) {
  const servers = await running();
  const lane = laneOf(room);
  await servers.sql(`
    INSERT INTO ${lane}.events (room_id, seq, kind, sender_id, nonce, digest, body, message_no, room_mention_no, created_at)
    SELECT room_id, seq + i, 'message', ${sender.id}, decode(md5('n' || i), 'hex'), decode(md5('d' || i), 'hex'),
           json_build_object('nonce', 'n' || i, 'text', 'missed ' || i), message_no + i, room_mention_no, statement_timestamp()
    FROM (SELECT * FROM ${lane}.events WHERE room_id = ${room.id} ORDER BY seq DESC LIMIT 1) last, generate_series(1, 50000) i`);
}

test('T13 after 50,000 missed events a store has each of them once and in order, and a screen the present state', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const core = await Core.begin(t, bob);
  const stored = [];
  const log = core.client.openLog(room.id);
  log.happened.on(({ seq }) => stored.push(seq));
  log.start({ offset: 0, epoch: '' });
  const screen = await core.openRoom(room);
  const [told, skipped] = [[], []];
  screen.happened.on(({ seq }) => told.push(seq));
  screen.skipped.on((gap) => skipped.push(gap));
  const own = (await ada.post(room, 'before')).seq;
  await core.until(log.happened, () => stored.at(-1) === own, 'the last event before the absence');
  await core.until(screen.changed, () => screen.timeline.top === own, 'the same on the screen');

  await core.offline();
  await let50000Pass(room, ada);
  await ada.post(room, 'the first real one');
  const stop = meanwhile(t, (i) => ada.post(room, `live ${i}`, { api: i % 2 }));
  await core.online();
  await core.until(log.happened, () => stored.length > own + 50_005, 'all that was missed, and what is live');
  await stop();
  const last = (await ada.post(room, 'the last one')).seq;
  await core.until(log.happened, () => stored.at(-1) === last, 'the last event');
  assert.deepEqual(stored, range(1, last));

  await core.until(screen.changed, () => screen.timeline.top === last, 'the same on the screen');
  assert.deepEqual(skipped.map(({ from }) => from), [own + 1]);
  assert.deepEqual(told, [own, ...range(skipped[0].to + 1, last)], 'but for the gap that it told of, nothing is missing');
  await assertRooms(core, [screen], 'the screen');
  await assertChats(core, 'after the absence');
});

test('T13 a screen that wants all events gets them all', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const core = await Core.begin(t, bob, { gateway: 1 });
  const screen = await core.openRoom(room, { farBehind: Infinity });
  const told = [];
  screen.happened.on(({ seq }) => told.push(seq));
  const own = (await ada.post(room, 'before')).seq;
  await core.until(screen.changed, () => screen.timeline.top === own, 'the last event before the absence');
  await core.offline();
  await let50000Pass(room, ada);
  const last = (await ada.post(room, 'the last one')).seq;
  await core.online();
  await core.until(screen.changed, () => screen.timeline.top === last, 'the last event');
  assert.deepEqual(told, range(own, last));
  await assertRooms(core, [screen], 'the screen');
  await assertChats(core, 'after the absence');
});

test('a store that comes back after a kick and a return goes on where it was', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const core = await Core.begin(t, bob);
  const stored = [];
  const log = core.client.openLog(room.id);
  log.happened.on(({ seq }) => stored.push(seq));
  log.start({ offset: 0, epoch: '' });
  await core.until(log.happened, () => stored.length === 3, 'the first events');
  await ada.kick(room, bob);
  for (let i = 0; i < 10; i++) await ada.post(room, `without bob ${i}`);
  await ada.add(room, bob);
  const last = (await ada.post(room, 'with bob')).seq;
  await core.until(log.happened, () => stored.at(-1) === last, 'the last event');
  assert.deepEqual(stored, range(1, last));
});

test('a public room of strangers is shown as such, and opens when one is added', async (t) => {
  const { ada, eve } = await chat(t).users('ada', 'eve');
  const room = await ada.createRoom('tea', { kind: 'public' });
  const core = await Core.begin(t, eve);
  const seen = core.client.openRoom(room.id);
  await core.until(seen.changed, () => seen.state === 'stranger', 'the door');
  assert.equal(seen.info.name, 'tea');
  await ada.add(room, eve);
  await core.until(seen.changed, () => seen.state === 'open', 'open room');
  await core.until(core.client.chats.changed, () => core.client.chats.has(room.id), 'its line in the chat list');
});
