// Thousands of clients at once: how they come, what is said to them meanwhile, and whether each of them heard it all.
import assert from 'node:assert/strict';
import { eventually } from '../../flow/harness/wait.js';
import { pause } from './pause.js';

const WAVE = 250;
const TICK_MS = 20;

export const PATIENCE_MS = 60_000; // a machine of two cores runs clients and servers, and perhaps other tests

/** All of them connect, in waves; at the end of the test they are gone. */
export async function come(t, clients) {
  t.after(() => clients.forEach((client) => client.close()));
  for (let i = 0; i < clients.length; i += WAVE) {
    clients.slice(i, i + WAVE).forEach((client) => client.connect());
    await eventually(() => clients.slice(0, i + WAVE).every(({ isOpen }) => isOpen), `the first ${i + WAVE}`, PATIENCE_MS);
  }
}

/**
 * Says `perSecond` things a second, whatever becomes of them, in `rooms` by turns, until stop() -> {sent: what each room's log has of it,
 * in order: a Map of room id to seqs, rate: how many a second there were}.
 */
export function chatter(person, rooms, perSecond) {
  const sent = new Map(rooms.map(({ id }) => [id, []]));
  const underWay = new Set();
  const from = performance.now();
  let isOver = false, count = 0, stored = 0;
  const say = async (room) => {
    sent.get(room.id).push((await person.post(room, `message ${count}`)).seq);
    stored++;
  };
  const pace = (async () => {
    for (; !isOver; await pause(TICK_MS))
      for (const due = (performance.now() - from) / 1000 * perSecond; count < due; ) {
        const one = say(rooms[count++ % rooms.length]).finally(() => underWay.delete(one));
        one.catch(() => {}); // stop() tells, if it comes to that
        underWay.add(one);
      }
  })();
  const stop = async () => {
    isOver = true;
    await pace;
    const rate = stored / ((performance.now() - from) / 1000);
    await Promise.all(underWay);
    assert.equal(stored, count, 'all of it was stored');
    for (const seqs of sent.values()) seqs.sort((a, b) => a - b);
    return { sent, rate };
  };
  return { stop, get stored() { return stored; } };
}

/** What a client must have heard of what was sent in its room: all since it began but what it was told that it missed. */
function due({ room, start, resumes }, sent) {
  const gaps = resumes.filter(({ isRecovered }) => !isRecovered);
  return sent.get(room).filter((seq) => seq > start && !gaps.some(({ from, to }) => seq > from && seq <= to));
}

/** Each heard what it must, once and in order. */
export async function everybodyHas(clients, sent) {
  const isDone = (client) => client.isOpen && client.position.offset === sent.get(client.room).at(-1);
  await eventually(() => clients.every(isDone), 'the last message everywhere', PATIENCE_MS);
  for (const client of clients) {
    const wanted = due(client, sent);
    if (client.seqs.join() !== wanted.join()) assert.deepEqual(client.seqs, wanted, 'each once, in order');
  }
}
