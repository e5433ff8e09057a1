import { nonce } from '../../flow/harness/person.js';
import { callUntilKnown, isGood } from './call.js';
import { pause } from './pause.js';

const REPEATED = 20;

/** A person at work: writes, reads, looks at the chat list, one thing at a time; what is done and what came of it is history. */
export class Talker {
  constructor(handset, { rooms, history, random, thinkMs }) {
    Object.assign(this, { handset, rooms, history, random, thinkMs });
    this.proc = handset.proc;
    this.person = handset.device.person;
    this.sent = []; // lately acknowledged: {room, nonce, text}
    this.count = 0;
  }

  async run(gate) {
    while (await gate.open()) {
      await gate.busy(this.act());
      await pause(this.random.between(...this.thinkMs));
    }
  }

  act() {
    const room = this.random.pick(this.rooms).id;
    const dice = this.random.next();
    if (dice < 0.65) return this.write(room);
    if (dice < 0.72) return this.repeat();
    if (dice < 0.87) return this.moveCursor(room);
    return dice < 0.94 ? this.lookAtList() : this.lookAtRoom(room);
  }

  begin(op, room, more = {}) {
    return this.history.begin({ proc: this.proc, op, room, user: this.person.id, ...more });
  }

  write(room) {
    return this.send({ room, nonce: nonce(), text: `${this.proc} ${++this.count}` });
  }

  /** What was acknowledged long ago is sent again, as a client does whose answer was lost. */
  async repeat() {
    if (this.sent.length > 0) await this.send(this.random.pick(this.sent));
  }

  async send(what) {
    await sendUntilKnown(this.person, this.proc, this.history, what).then((event) => event && this.remember(what));
  }

  remember(what) {
    this.sent.push(what);
    if (this.sent.length > REPEATED) this.sent.shift();
  }

  /** Mostly to the end of what was seen; now and then back, which must change nothing. */
  async moveCursor(room) {
    const top = this.handset.follower(room)?.top ?? 0;
    if (top === 0) return;
    const to = this.random.chance(0.2) ? this.random.between(1, top) : top;
    const op = this.begin('cursor', room, { to });
    const answer = await callUntilKnown(this.person, 'PUT', `/rooms/${room}/cursor`, { seq: to });
    if (answer === null) op.info();
    else if (isGood(answer)) op.ok({ seq: answer.body.cursor.seq, unread: answer.body.unread, api: answer.api });
    else op.fail({ status: answer.status });
  }

  async lookAtRoom(room) {
    const op = this.begin('read', room, { via: 'room' });
    const answer = await callUntilKnown(this.person, 'GET', `/rooms/${room}?messages=1`);
    if (answer?.body?.cursor) op.ok({ seq: answer.body.cursor.seq, api: answer.api });
    else op.fail({ status: answer?.status });
  }

  async lookAtList() {
    const ops = new Map(this.rooms.map(({ id }) => [id, this.begin('read', id, { via: 'list' })]));
    const answer = await callUntilKnown(this.person, 'GET', '/rooms?limit=100');
    const chats = isGood(answer) ? answer.body.items : [];
    for (const { room, cursor, unread } of chats) {
      ops.get(room.id)?.ok({ seq: cursor.seq, unread, api: answer.api });
      ops.delete(room.id);
    }
    for (const op of ops.values()) op.fail({ status: answer?.status });
  }
}

/** Sends until the outcome is known: the Event, or null when it was refused or never told. `options`: see callUntilKnown(). */
export async function sendUntilKnown(person, proc, history, { room, nonce: given, text }, options) {
  const op = history.begin({ proc, op: 'send', room, user: person.id, nonce: given });
  const answer = await callUntilKnown(person, 'POST', `/rooms/${room}/messages`, { text, nonce: given }, options);
  const more = { status: answer?.status, api: answer?.api, attempts: answer?.attempts };
  if (isGood(answer)) op.ok({ ...more, seq: answer.body.seq });
  else if (answer === null || answer.attempts > 1) op.info(more); // refused now, but an earlier attempt may still be on its way
  else op.fail({ ...more, code: answer.body?.code });
  return isGood(answer) ? answer.body : null;
}
