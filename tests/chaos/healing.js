import { eventually } from '../flow/harness/wait.js';
import { nonce } from '../flow/harness/person.js';
import { callUntilKnown, isGood } from './load/call.js';
import { sendUntilKnown } from './load/talker.js';

/** Longer than this, and it counts as not healed. */
export const HEALING_MS = 30_000;

/**
 * Resolves once all is well: a message sent through each API has been received on every gateway by every subscriber, and each has
 * all that its room had stored by then. Throws what is still missing after HEALING_MS.
 */
export async function untilHealed(crowd, patienceMs = HEALING_MS) {
  const { servers, rooms } = crowd;
  const ends = await Promise.all(servers.apis.map((_, api) => sendMarker(crowd, api)));
  await untilComplete(crowd, new Map([[rooms[0].id, Math.max(...ends)]]), patienceMs);
  await untilComplete(crowd, await endsOf(crowd), patienceMs);
}

async function sendMarker({ owner, history, rooms }, api) {
  const what = { room: rooms[0].id, nonce: nonce(), text: `marker through api ${api}` };
  const event = await sendUntilKnown(owner.via(api), `marker-${api}`, history, what, { pinned: api, patienceMs: HEALING_MS });
  if (event === null) throw new Error(`no message could be sent through api ${api}`);
  return event.seq;
}

/** The last number of each room, from the database. */
export async function endsOf({ owner, rooms }) {
  const ends = await Promise.all(rooms.map(async ({ id }) => [id, await endOf(owner, id)]));
  return new Map(ends);
}

async function endOf(owner, room) {
  const answer = await callUntilKnown(owner, 'GET', `/rooms/${room}?messages=1`);
  if (!isGood(answer)) throw new Error(`room ${room} has no end: ${answer?.status}`);
  return answer.body.as_of.offset;
}

/**
 * Until all who follow these rooms know everything up to these numbers. `all`: at a quiet point everybody is a member, and must have come back
 * to follow.
 */
export async function untilComplete(crowd, ends, patienceMs = HEALING_MS, { all = false } = {}) {
  const isLacking = (one) => (one.state === 'following' ? one.top < ends.get(one.room) : all);
  const lacking = () => crowd.followers.filter((one) => ends.has(one.room) && isLacking(one));
  await eventually(() => lacking().length === 0, 'everybody has everything', patienceMs).catch(() => {
    const who = lacking().map(({ proc, device, room, top, state }) => `${proc} on gateway ${device.gateway} has ${top} of ${ends.get(room)} in ${room}${state === 'following' ? '' : `, ${state}`}`);
    if (who.length > 0) throw new Error(who.slice(0, 5).join('; '));
  });
}
