import { groupBy, rowsBySeq, verdict } from './model.js';

/**
 * What each subscriber got, live and by resuming, is a contiguous run of what is stored, in order, without repeats; or it was
 * told of a gap, and pages of the log filled exactly that. Who follows a room at the end has all of it.
 */
export function liveIsStored(history, final) {
  const violations = [];
  const stored = new Map(Object.keys(final.rooms).map((room) => [room, rowsBySeq(final, room)]));
  for (const [key, entries] of groupBy(history, keyOf)) {
    const [proc, room] = key.split(' ');
    const run = new Run(stored.get(room), (what) => violations.push(`${proc} in room ${room}: ${what}`));
    for (const entry of entries) run[entry.op](entry);
    run.end();
  }
  return verdict(violations);
}

const OPS = new Set(['follow', 'event', 'gap', 'page', 'unfollow']);
const keyOf = ({ op, proc, room }) => (OPS.has(op) ? `${proc} ${room}` : undefined);

class Run {
  constructor(rows, blame) {
    Object.assign(this, { rows, blame, next: 0, isFollowing: false, gaps: [] });
  }

  follow({ seq }) {
    this.isFollowing = true;
    this.next = seq + 1;
    this.gaps = [];
  }

  event(entry) {
    const { seq } = entry;
    if (!this.isFollowing) this.blame(`got ${seq} without following`);
    else if (seq < this.next) this.blame(`got ${seq} again or late, after ${this.next - 1}`);
    else if (seq > this.next) this.blame(`got ${seq} after ${this.next - 1} without a word about what is between`);
    this.compare(entry);
    this.next = Math.max(this.next, seq + 1);
  }

  /** `from`: behind the last event here; `to`: where the live stream goes on. */
  gap({ from, to }) {
    if (from !== this.next || to < from - 1) this.blame(`was told of a gap ${from}..${to}, missing is what follows ${this.next - 1}`);
    if (to >= from) this.gaps.push({ at: from, to });
    this.next = Math.max(this.next, to + 1);
  }

  page(entry) {
    const gap = this.gaps.find(({ at }) => at === entry.seq);
    if (!gap) return this.blame(`a page gave ${entry.seq}, wanted are ${this.gaps.map(({ at }) => at)}`);
    this.compare(entry);
    gap.at++;
    this.gaps = this.gaps.filter(({ at, to }) => at <= to);
  }

  unfollow() {
    this.isFollowing = false;
  }

  end() {
    if (!this.isFollowing) return;
    for (const { at, to } of this.gaps) this.blame(`${at}..${to} was never filled`);
    const last = this.rows.size;
    if (this.next <= last) this.blame(`never got ${this.next}..${last}`);
  }

  compare({ seq, kind, nonce }) {
    const row = this.rows.get(seq);
    if (!row) this.blame(`got ${seq}, which is not stored`);
    else if (row.kind !== kind || row.nonce !== nonce)
      this.blame(`got ${seq} as ${kind} ${nonce}; stored is ${row.kind} ${row.nonce}`);
  }
}
