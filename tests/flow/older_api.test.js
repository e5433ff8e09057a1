// What the API of the version before writes, while it still runs beside this one.
import assert from 'node:assert/strict';
import { chat, running, test } from './harness/index.js';

const laneOf = (room) => `lane_${String((BigInt(room.id) >> 12n) & 1023n).padStart(3, '0')}`;

test('events of an API that knows no mentions go on counting them', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const servers = await running();
  const room = await ada.createRoom('tea', { members: [bob] });
  await ada.post(room, 'hello @room');
  const before = await bob.chatOf(room);
  assert.equal(before.mentions, 1);
  await servers.sql(`INSERT INTO ${laneOf(room)}.events (room_id, seq, kind, sender_id, nonce, digest, body, message_no, created_at)
    SELECT ${room.id}, s, 'message', ${ada.id}, uuid_send(gen_random_uuid()), '', json_build_object('nonce', s::text, 'text', 'old'), s - 3, now()
    FROM generate_series(${before.room.last_seq + 1}, ${before.room.last_seq + 2}) AS s`);
  await ada.post(room, 'and @room again');
  assert.equal((await bob.chatOf(room)).mentions, 2);
});
