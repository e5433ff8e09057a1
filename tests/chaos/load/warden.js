import { callUntilKnown, isGood } from './call.js';
import { pause } from './pause.js';

const INSIDE_MS = [1_500, 6_000];
const OUTSIDE_MS = [0, 2_500];

/** Sends one person out of one room and lets them in again, over and over: kicks, leaves, joins, invitations. */
export class Warden {
  constructor(owner, person, room, { history, random }) {
    Object.assign(this, { owner, person, room, history, random });
  }

  async run(gate) {
    while (await gate.open()) {
      await pause(this.random.between(...INSIDE_MS));
      if (!(await gate.open())) return;
      await gate.busy(this.turn());
    }
  }

  async turn() {
    const { id } = this.room;
    const member = `/rooms/${id}/members/${this.person.id}`;
    if (this.random.chance(0.5)) await this.change('out', this.owner, 'DELETE', member);
    else await this.change('out', this.person, 'POST', `/rooms/${id}/leave`, {});
    await pause(this.random.between(...OUTSIDE_MS));
    if (this.room.kind === 'public') await this.change('in', this.person, 'POST', `/rooms/${id}/join`, {});
    else await this.change('in', this.owner, 'PUT', member, {});
  }

  /** 404 to one who asks again: the first time had been enough. */
  async change(to, by, method, path, body) {
    const op = this.history.begin({ proc: `warden of ${this.person.login}`, op: 'member', room: this.room.id, about: this.person.id, to, method });
    const answer = await callUntilKnown(by, method, path, body);
    if (answer === null) op.info();
    else if (isGood(answer) || (to === 'out' && answer.status === 404 && answer.attempts > 1)) op.ok({ status: answer.status });
    else op.fail({ status: answer.status, code: answer.body?.code });
  }
}
