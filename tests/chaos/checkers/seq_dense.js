import { verdict } from './model.js';

/** Numbers of a room are 1, 2, 3 … without a hole or a repeat; numbers of messages likewise. */
export function seqDense(history, final) {
  const violations = [];
  for (const [room, { events }] of Object.entries(final.rooms)) {
    let messages = 0;
    events.forEach(({ seq, kind, message_no }, i) => {
      if (kind === 'message') messages++;
      if (seq !== i + 1) violations.push(`room ${room}: the ${i + 1}. row has seq ${seq}`);
      if (message_no !== messages) violations.push(`room ${room}: seq ${seq} has message_no ${message_no}, it is ${messages}`);
    });
  }
  return verdict(violations);
}
