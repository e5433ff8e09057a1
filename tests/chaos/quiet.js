import { callUntilKnown, isGood } from './load/call.js';
import { pause } from './load/pause.js';
import { pageOf, rowOf } from './load/rows.js';
import { endsOf, untilComplete } from './healing.js';

/** Redis hears of a write after its writer; twice the second within which all is right again. */
const SETTLE_MS = 2_000;

/** A quiet point: nobody does anything, everybody has everything, and all APIs are asked for everybody's unread counts. */
export async function takeStock(crowd, patienceMs) {
  const ends = await endsOf(crowd);
  await untilComplete(crowd, ends, patienceMs, { all: true });
  await pause(SETTLE_MS);
  const cursors = [];
  for (const person of [crowd.owner, ...crowd.watching, ...crowd.talking])
    for (const api of crowd.servers.apis.keys()) cursors.push(...(await askCounts(crowd, person, api, ends)));
  return cursors;
}

async function askCounts({ history, rooms }, person, api, ends) {
  const cursors = [];
  const note = (via, room, { cursor, unread }) => {
    history.add({ proc: 'quiet', op: 'unread', room, user: person.id, api, via, upTo: ends.get(room), seq: cursor.seq, unread, type: 'ok' });
    cursors.push({ room, user: person.id, api, seq: cursor.seq });
  };
  const list = await callUntilKnown(person, 'GET', '/rooms?limit=100', undefined, { pinned: api });
  for (const chat of isGood(list) ? list.body.items : []) note('list', chat.room.id, chat);
  const answers = rooms.map(async ({ id }) => [id, await callUntilKnown(person, 'PUT', `/rooms/${id}/cursor`, { seq: 1 }, { pinned: api })]);
  for (const [room, answer] of await Promise.all(answers)) if (isGood(answer)) note('cursor', room, answer.body);
  return cursors;
}

/** What is true in the end: {rooms: {id: {events: [row]}}, cursors: [{room, user, api, seq}]}. */
export async function finalState(crowd, cursors) {
  const rooms = {};
  for (const { id } of crowd.rooms) rooms[id] = { events: await logOf(crowd.owner, id) };
  return { rooms, cursors };
}

async function logOf(owner, room) {
  const rows = [];
  for (let more = true; more; ) {
    const answer = await callUntilKnown(owner, 'GET', pageOf(room, rows.at(-1)?.seq ?? 0));
    if (!isGood(answer)) throw new Error(`the log of room ${room} cannot be read: ${answer?.status}`);
    rows.push(...answer.body.items.map(rowOf));
    more = answer.body.has_more;
  }
  return rows;
}
