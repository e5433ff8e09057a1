// T35: the disk of the database is full, and the disk of the logs.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { Refused, chat, configure, eventually, nonce, running, test } from './harness/index.js';

configure({ smallDisk: 64 });

/** What sends are answered with, one after the other, until `isEnough(answer)`. */
async function sendUntil(person, room, isEnough) {
  const answers = [];
  await eventually(async () => {
    const given = nonce();
    const text = 'x'.repeat(4_000);
    const answer = await person.ask('POST', `/rooms/${room.id}/messages`, { text, nonce: given }, { api: answers.length % 2 });
    answers.push({ status: answer.status, code: answer.body.code, retry: answer.headers['retry-after'], nonce: given, text, seq: answer.body.seq });
    return isEnough(answers.at(-1));
  }, 'the answer that was waited for', 30_000);
  return answers;
}

test('T35 with the disk of the database full sends are answered 503, reads work, and all goes on by itself when there is room again', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const { disk, programs, apis } = await running();
  const room = await ada.createRoom('tea', { members: [bob] });
  const device = await bob.connect({ rooms: [room] });
  const before = await ada.post(room, 'before');
  await disk.fill();
  const answers = await sendUntil(ada, room, ({ status }) => status !== 201);
  const refusal = answers.at(-1);
  assert.deepEqual([refusal.status, refusal.code], [503, 'unavailable']);
  assert.match(refusal.retry, /^\d+$/);

  const stored = answers.filter(({ status }) => status === 201);
  for (const api of [0, 1]) {
    assert.deepEqual((await bob.log(room, before.seq, { api })).map(({ seq }) => seq), stored.map(({ seq }) => seq));
    assert.equal((await bob.chatOf(room, { api })).unread, 1 + stored.length);
    assert.equal((await bob.snapshot(room, { api })).room.name, 'tea');
  }
  // PostgreSQL may have given up a segment of its log since
  const later = await sendUntil(bob, room, ({ status }) => status !== 201);
  assert.equal(later.at(-1).status, 503);
  assert.equal(device.client.state, 'connected');
  const told = apis.map(({ log }) => fs.readFileSync(log, 'utf8').match(/No space left on device/g)?.length ?? 0);
  assert.ok(told.every((times) => times <= 3) && told.some((times) => times > 0), `said ${told} times`);

  await disk.free();
  const again = await eventually(() => ada.post(room, refusal.text, { nonce: refusal.nonce }), 'the refused send, sent again');
  const log = await ada.log(room);
  assert.deepEqual(log.map(({ seq }) => seq), log.map((_, i) => i + 1));
  assert.equal(log.at(-1).seq, again.seq, 'what was refused is not stored');
  assert.deepEqual(await device.reach(room, again.seq), log.slice(3).map(({ seq }) => seq));
  assert.ok(programs.every(({ isRunning }) => isRunning));
});

test('T35 with the disk of the logs full all goes on', async (t) => {
  assert.throws(() => fs.writeFileSync('/dev/full', 'a line'), { code: 'ENOSPC' });
  const { programs, postgres } = await running();
  for (const program of programs) {
    program.log = '/dev/full'; // every write to it: no space left on device
    program.env.PARLEY_LOG_LEVEL = 'debug';
    await program.restart();
  }
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const device = await bob.connect({ rooms: [room] });
  await postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'parley'"); // something to complain of
  const given = nonce();
  const event = await eventually(() => ada.post(room, 'still here', { nonce: given }), 'a send');
  await device.reach(room, event.seq);
  await assert.rejects(ada.messages(room, 'limit=0'), Refused);
});
