import { callUntilKnown, isGood } from './call.js';
import { pause } from './pause.js';
import { pageOf, rowOf } from './rows.js';

const RETURN_MS = 200;

/**
 * One room on one device, as web/src/sync follows it: a snapshot, the live stream from exactly there, and pages of the log where the
 * gateway says `recovered:false`. What arrives is written into the history as it comes; `top` is up to where all is known.
 */
export class Follower {
  constructor(device, room, history, proc) {
    Object.assign(this, { device, room, history, proc, person: device.person });
    this.top = 0;
    this.live = 0; // the last number of the live stream
    this.ahead = new Set(); // numbers that came live behind a gap
    this.gaps = [];
    this.state = 'away'; // opening, following
    this.isClosed = false;
  }

  note(op, more, type = 'ok') {
    this.history.add({ proc: this.proc, op, room: this.room, user: this.person.id, ...more, type });
  }

  /** Follows the room whenever it may; comes back after a removal once it is a member again. */
  async open() {
    if (this.state !== 'away') return;
    this.state = 'opening';
    for (; !this.isClosed; await pause(RETURN_MS)) {
      const answer = await callUntilKnown(this.person, 'GET', `/rooms/${this.room}?messages=1`, undefined);
      if (answer?.body?.as_of) return this.follow(answer.body.as_of); // a public room shows itself to strangers, without it
    }
  }

  follow({ offset, epoch }) {
    if (this.isClosed) return;
    this.top = this.live = offset;
    this.epoch = epoch;
    this.ahead.clear();
    this.gaps = [];
    this.state = 'following';
    this.note('follow', { seq: offset });
    const options = { since: { offset, epoch }, minResubscribeDelay: 20, maxResubscribeDelay: 300 };
    const subscription = this.device.client.newSubscription(`room:${this.room}`, options);
    subscription.on('subscribed', (context) => this.onSubscribed(context));
    subscription.on('publication', ({ data }) => this.onEvent(data));
    subscription.on('unsubscribed', ({ code }) => this.onUnsubscribed(subscription, code));
    subscription.on('error', () => {}); // the library tries again by itself
    this.subscription = subscription;
    subscription.subscribe();
  }

  onSubscribed({ wasRecovering, recovered, streamPosition }) {
    if (streamPosition.epoch !== this.epoch) return this.restart();
    if (!wasRecovering || recovered) return;
    this.note('gap', { from: this.live + 1, to: streamPosition.offset });
    if (streamPosition.offset > this.live) this.gaps.push({ at: this.live + 1, to: streamPosition.offset });
    this.live = Math.max(this.live, streamPosition.offset);
    this.fill();
  }

  /** Another log: whatever was known is void. */
  restart() {
    this.leave();
    this.open();
  }

  onEvent(event) {
    this.note('event', rowOf(event));
    this.live = Math.max(this.live, event.seq);
    this.ahead.add(event.seq);
    this.advance();
  }

  advance() {
    while (this.ahead.delete(this.top + 1)) this.top++;
  }

  onUnsubscribed(subscription, code) {
    this.device.client.removeSubscription(subscription);
    if (subscription !== this.subscription) return;
    this.subscription = null;
    this.state = 'away';
    this.note('unfollow', { code });
    this.open();
  }

  /** Pages of the log, until every gap is filled or the room is left. */
  async fill() {
    if (this.isFilling) return;
    this.isFilling = true;
    for (let gap; this.state === 'following' && (gap = this.gaps[0]); ) {
      const { subscription } = this;
      const answer = await callUntilKnown(this.person, 'GET', pageOf(this.room, gap.at - 1));
      if (subscription !== this.subscription) continue; // another life of this follower
      if (isGood(answer)) this.takePage(gap, answer.body.items);
      else await pause(RETURN_MS);
    }
    this.isFilling = false;
  }

  takePage(gap, items) {
    for (const event of items) {
      if (event.seq > gap.to) break;
      this.note('page', rowOf(event));
      this.ahead.add(event.seq);
      gap.at = event.seq + 1;
    }
    if (gap.at > gap.to) this.gaps.shift();
    this.advance();
  }

  leave() {
    const { subscription } = this;
    this.subscription = null;
    this.state = 'away';
    subscription?.unsubscribe();
  }

  close() {
    this.isClosed = true;
    this.leave();
  }
}
