import { sendsOf, storedByNonce, verdict } from './model.js';

/** Every stored message was sent, by whom the log names; what was refused is not there. */
export function noPhantom(history, final) {
  const sends = sendsOf(history);
  const violations = [];
  for (const [key, rows] of storedByNonce(final)) {
    const send = sends.get(key);
    for (const { seq, sender } of rows)
      if (send === undefined) violations.push(`${key.replace(' ', ': nonce ')}, seq ${seq}, was never sent`);
      else if (send.failed) violations.push(`room ${send.room}: nonce ${send.nonce} was refused and is stored as ${seq}`);
      else if (send.user !== sender) violations.push(`room ${send.room}: seq ${seq} was sent by ${send.user}, the log says ${sender}`);
  }
  return verdict(violations);
}
