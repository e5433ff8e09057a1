// What Redis holds, when its generation is raised while several APIs write.
import assert from 'node:assert/strict';
import { chat, eventually, running, test } from './harness/index.js';

const LANES = [0, 1, 2, 3];

async function isOutboxEmpty(servers) {
  const owed = LANES.map((lane) => `SELECT number FROM lane_00${lane}.outbox`).join(' UNION ALL ');
  return (await servers.sql(owed)).length === 0;
}

test('a message sent through an API that has not heard of a new cache generation is in the chat lists of all', async (t) => {
  const { ada } = await chat(t).users('ada');
  const rooms = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => ada.createRoom(`tea ${i}`)));
  const servers = await running();
  for (let round = 0; round < 6; round++) {
    await servers.sql('UPDATE installation SET cache_generation = cache_generation + 1');
    const sent = new Map();
    let isOver = false;
    const reader = (async () => { while (!isOver) await ada.chats({ api: 0 }); })();
    for (const room of rooms) { // one after the other, so that some fall between what the two APIs hear
      const until = performance.now() + 70;
      sent.set(room.id, (await ada.post(room, `${round}`, { api: 1 })).seq);
      while (performance.now() < until) await ada.chats({ api: 1 });
    }
    await eventually(() => isOutboxEmpty(servers), 'an empty outbox');
    isOver = true;
    await reader;
    for (const api of [0, 1])
      for (const line of await ada.chats({ api })) {
        assert.equal(line.room.last_seq, sent.get(line.room.id), `round ${round}, API ${api}`);
        assert.equal(line.cursor.seq, sent.get(line.room.id));
      }
  }
});
