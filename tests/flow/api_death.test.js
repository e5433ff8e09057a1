// T27, by chance: an API is killed amid its sends, again and again, at whatever moment that is: before the commit, between it and the bus, after.
import assert from 'node:assert/strict';
import { chat, configure, eventually, nonce, running, test } from './harness/index.js';

configure({ apis: 2, gateways: 2 });

const ROUNDS = 24;
const AT_ONCE = 8;

/** The room's last seq, in the database. */
async function lastSeq(room) {
  const { sql, ...servers } = await running();
  const lane = String((BigInt(room.id) >> 12n) & 1023n).padStart(3, '0');
  const [[seq]] = await servers.postgres.sql(`SELECT max(seq) FROM lane_${lane}.events WHERE room_id = ${room.id}`, servers.databaseName);
  return Number(seq);
}

test('T27 what an API had committed when it was killed reaches every subscriber, though nobody sends in that room again', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const { apis } = await running();
  const room = await ada.createRoom('tea', { members: [bob] });
  const devices = await Promise.all([0, 1].map((gateway) => bob.connect({ gateway, rooms: [room] })));
  const acknowledged = new Map([[null, (await ada.post(room, 'first')).seq]]); // nonce -> seq
  const unknown = new Map(); // nonce -> text

  for (let round = 0; round < ROUNDS; round++) {
    const api = round % 2;
    const enough = acknowledged.size + Math.floor(Math.random() * AT_ONCE);
    const sends = Array.from({ length: AT_ONCE }, async (_, i) => {
      const given = nonce();
      unknown.set(given, `${round} ${i}`);
      const { seq } = await ada.post(room, `${round} ${i}`, { nonce: given, api });
      acknowledged.set(given, seq);
      unknown.delete(given);
    });
    const settled = Promise.allSettled(sends);
    await eventually(() => acknowledged.size >= enough, 'some answers');
    await apis[api].kill();
    await settled;
    for (const device of devices) await device.reach(room, await lastSeq(room));
    await apis[api].start();
  }

  for (const [given, text] of unknown) acknowledged.set(given, (await eventually(() => ada.post(room, text, { nonce: given }), 'a send')).seq);
  const log = await ada.log(room);
  assert.deepEqual(log.map(({ seq }) => seq), log.map((_, i) => i + 1));
  assert.deepEqual([...acknowledged.values()].sort((a, b) => a - b), log.slice(3).map(({ seq }) => seq), 'each once, each as it was answered');
  for (const device of devices) assert.deepEqual(await device.reach(room, log.length), log.slice(3).map(({ seq }) => seq));
});
