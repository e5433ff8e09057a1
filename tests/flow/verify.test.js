// What is counted in the database, after a great many random operations, against a model and against `parley verify`. Fault T49.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { chat, configure, dice, eventually, running, seedOf, test } from './harness/index.js';
import { BIN } from './harness/folders.js';

const OPERATIONS = Number(process.env.PARLEY_TEST_OPERATIONS ?? 10_000);

configure({ apis: 2, gateways: 0 });

const laneOf = (room) => `lane_${String((BigInt(room.id) >> 12n) & 1023n).padStart(3, '0')}`;

/** Runs `parley verify`; answers {status, lines}. */
async function verify(...words) {
  const env = { ...process.env, ...(await running()).databaseEnv() };
  return await new Promise((resolve) => {
    execFile(path.join(BIN, 'parley'), ['verify', ...words], { env }, (error, out, err) =>
      resolve({ status: error ? error.code : 0, lines: out.trim().split('\n'), err }));
  });
}

/** One room as anybody would count it: from its log alone. */
class Model {
  constructor(room, owner) {
    Object.assign(this, { room, log: [], members: new Map() });
    this.event();
    this.join(owner, 'owner');
  }

  get seq() {
    return this.log.length;
  }

  event(message = null) {
    this.log.push(message);
    return this.seq;
  }

  join(person, role = 'member') {
    const seq = this.event();
    this.members.set(person.id, { role, cursor: seq });
  }

  leave(person) {
    this.event();
    this.members.delete(person.id);
  }

  send(person, { mentions, mentions_room }) {
    const seq = this.event({ sender: person.id, mentions: new Set(mentions_room ? [] : mentions), mentions_room });
    this.members.get(person.id).cursor = seq;
    return seq;
  }

  moveCursor(person, seq, force) {
    const member = this.members.get(person.id);
    if (force || seq > member.cursor) member.cursor = seq;
  }

  beyond(person) {
    return this.log.slice(this.members.get(person.id).cursor).filter(Boolean);
  }

  unread(person) {
    return this.beyond(person).length;
  }

  /** Names mean others; the whole room is everybody. */
  mentions(person) {
    return this.beyond(person).filter((m) => m.mentions_room || (m.mentions.has(person.id) && m.sender !== person.id)).length;
  }
}

async function assertModel(people, models, label) {
  for (const person of people)
    for (const api of [0, 1])
      await eventually(async () => {
        const chats = new Map((await person.chats({ api })).map((each) => [each.room.id, each]));
        for (const model of models) {
          const line = chats.get(model.room.id);
          const member = model.members.get(person.id);
          if (member === undefined ? line !== undefined : line?.room.last_seq !== model.seq) return false;
        }
        return true;
      }, `${label}: the chat list of ${person.login} up to date`);
  for (const person of people)
    for (const model of models.filter(({ members }) => members.has(person.id))) {
      const line = await person.chatOf(model.room, { api: 0 });
      const counted = { unread: model.unread(person), mentions: model.mentions(person), seq: model.members.get(person.id).cursor };
      assert.deepEqual({ unread: line.unread, mentions: line.mentions, seq: line.cursor.seq }, counted, `${label}: ${person.login} in ${model.room.name}`);
    }
}

test(`T49 after ${OPERATIONS} random operations unread and mentions are what a model counts, and nothing has drifted`, async (t) => {
  const seed = seedOf(t);
  const roll = dice(seed);
  const people = Object.values(await chat(t).users('ada', 'bob', 'cy', 'eve'));
  const [ada] = people;
  const models = [];
  for (const kind of ['private', 'public', 'private']) models.push(new Model(await ada.createRoom(`${kind} ${models.length}`, { kind }), ada));
  const redis = (await running()).redis;

  const operations = [
    async (model, person, api) => { // a member comes, or goes
      if (person === ada) return;
      if (model.members.has(person.id)) {
        await (roll(2) ? person.leave(model.room, { api }) : ada.kick(model.room, person, { api }));
        model.leave(person);
      } else {
        await ada.add(model.room, person, { api });
        model.join(person);
      }
    },
    async (model, person, api) => {
      const seq = 1 + roll(model.seq);
      const force = roll(3) === 0;
      await person.moveCursor(model.room, seq, { force, api });
      model.moveCursor(person, seq, force);
    },
    async (model, person, api) => {
      const said = model.log.map((message, i) => (message?.sender === person.id && !message.deleted ? i + 1 : 0)).filter(Boolean).slice(-20);
      const seq = said[roll(Math.max(1, said.length))];
      if (seq === undefined) return;
      if (roll(3) === 0) {
        await person.remove(model.room, seq, { api });
        model.log[seq - 1].deleted = true;
      } else await person.edit(model.room, seq, `edited ${roll(1e9)} @${people[roll(4)].login} @room`, { api });
      model.event();
    },
    async (model, person, api) => {
      const seq = model.log.findLastIndex((message) => message && !message.deleted) + 1;
      if (seq === 0) return;
      const before = model.reacted ??= new Set();
      const key = `${seq} ${person.id}`;
      await (before.has(key) ? person.unreact(model.room, seq, '🫖', { api }) : person.react(model.room, seq, '🫖', { api }));
      if (!before.delete(key)) before.add(key);
      model.event();
    },
    ...Array(6).fill(async (model, person, api) => {
      const words = ['tea', ...[0, 0].flatMap(() => (roll(3) === 0 ? [`@${people[roll(4)].login}`] : [])), ...(roll(8) === 0 ? ['@room'] : [])];
      const { message, seq } = await person.post(model.room, words.join(' '), { api });
      assert.equal(seq, model.send(person, message));
    }),
  ];

  /* In each room one after the other, so that the model knows the order; the rooms side by side. */
  async function batch(model, count) {
    for (let i = 0; i < count; i++) {
      const person = people[roll(4)];
      const operation = operations[roll(operations.length)];
      if (operation !== operations[0] && !model.members.has(person.id)) continue;
      await operation(model, person, roll(2));
    }
  }

  for (let done = 0, round = 0; done < OPERATIONS; done += 300, round++) {
    await Promise.all(models.map((model) => batch(model, 100)));
    if (round % 4 === 3) await redis.command('FLUSHALL');
    await assertModel(people, models, `seed ${seed}, ${done + 300} operations`);
  }
  const { status, lines } = await verify();
  assert.deepEqual([status, lines.length], [0, 1], lines.join('\n'));
});

test('racing sends, edits, reactions, cursors and members leave nothing that verify would find', async (t) => {
  const seed = seedOf(t);
  const roll = dice(seed);
  const people = Object.values(await chat(t).users('ada', 'bob', 'cy', 'eve'));
  const [ada] = people;
  const room = await ada.createRoom('race', { kind: 'public', members: people.slice(1) });
  const one = async () => {
    const person = people[roll(4)];
    const api = roll(2);
    const seq = 1 + roll(200);
    const what = [
      () => person.post(room, `@${people[roll(4)].login} ${roll(6) === 0 ? '@room' : ''}`, { api }),
      () => person.post(room, 'tea', { api }),
      () => person.moveCursor(room, seq, { force: true, api }),
      () => person.edit(room, seq, `${roll(1e9)}`, { api }),
      () => person.remove(room, seq, { api }),
      () => person.react(room, seq, ['+1', '🫖'][roll(2)], { api }),
      () => person.unreact(room, seq, '🫖', { api }),
      () => ada.pin(room, seq, { api }),
      () => person !== ada && (roll(2) ? person.leave(room, { api }) : person.join(room, { api })),
    ][roll(9)];
    await Promise.resolve(what()).catch((error) => {
      if (![403, 404, 409, 422].includes(error.status)) throw error;
    });
  };
  for (let i = 0; i < 40; i++) await Promise.all(Array.from({ length: 50 }, one));
  const { status, lines } = await verify();
  assert.deepEqual([status, lines.length], [0, 1], `seed ${seed}: ${lines.join('\n')}`);
});

test('verify finds what is wrong, names it, and says so by its exit status', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const { seq } = await ada.post(room, `@${bob.login}`);
  const second = await ada.post(room, 'more');
  await bob.react(room, seq, '🫖');
  await ada.edit(room, seq, 'edited');
  const servers = await running();
  const lane = laneOf(room);
  const at = `room_id = ${room.id}`;
  const spoilt = { // what is done, what undoes it
    numbers: [`DELETE FROM ${lane}.outbox; UPDATE ${lane}.events SET seq = seq + 1000 WHERE ${at} AND kind = 'edit'`, `UPDATE ${lane}.events SET seq = seq - 1000 WHERE ${at} AND kind = 'edit'`],
    messages: [`UPDATE ${lane}.events SET message_no = 7 WHERE ${at} AND seq = ${second.seq}`, `UPDATE ${lane}.events SET message_no = 2 WHERE ${at} AND seq = ${second.seq}`],
    'room mentions': [`UPDATE ${lane}.events SET room_mention_no = 1 WHERE ${at} AND seq = ${second.seq}`, `UPDATE ${lane}.events SET room_mention_no = 0 WHERE ${at} AND seq = ${second.seq}`],
    members: [`UPDATE ${lane}.rooms SET member_count = 9 WHERE id = ${room.id}`, `UPDATE ${lane}.rooms SET member_count = 2 WHERE id = ${room.id}`],
    unread: [`UPDATE ${lane}.members SET message_no = 1 WHERE ${at} AND user_id = ${bob.id}`, `UPDATE ${lane}.members SET message_no = 0 WHERE ${at} AND user_id = ${bob.id}`],
    mentions: [`UPDATE ${lane}.members SET mentions = 2 WHERE ${at} AND user_id = ${bob.id}`, `UPDATE ${lane}.members SET mentions = 1 WHERE ${at} AND user_id = ${bob.id}`],
    reactions: [`UPDATE ${lane}.reactions SET emoji = '+1' WHERE ${at}`, `UPDATE ${lane}.reactions SET emoji = '🫖' WHERE ${at}`],
    deleted: [`UPDATE ${lane}.events SET deleted_at = now() WHERE ${at} AND seq = ${seq}`, `UPDATE ${lane}.events SET deleted_at = NULL WHERE ${at} AND seq = ${seq}`],
    targets: [`UPDATE ${lane}.events SET target_seq = 1 WHERE ${at} AND kind = 'edit'`, `UPDATE ${lane}.events SET target_seq = ${seq} WHERE ${at} AND kind = 'edit'`],
  };
  for (const [check, [spoil, mend]] of Object.entries(spoilt)) {
    await servers.sql(spoil);
    const found = await verify();
    assert.equal(found.status, 1, check);
    assert.ok(found.lines.some((line) => line.includes(`  ${check} `) && line.includes(`room ${room.id}`)), `${check}: ${found.lines.join('\n')}`);
    await servers.sql(mend);
    assert.equal((await verify()).status, 0, `${check}, mended`);
  }
  await servers.sql(`UPDATE ${lane}.rooms SET member_count = 9`);
  const few = await verify('--most', '0');
  assert.deepEqual([few.status, few.lines.filter((line) => line.includes(room.id))], [1, []]);
});
