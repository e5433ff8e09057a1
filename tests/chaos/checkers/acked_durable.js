import { sendsOf, storedByNonce, verdict } from './model.js';

/** Every send with a 2xx is stored exactly once, under the seq that was answered, each time it was answered. */
export function ackedDurable(history, final) {
  const stored = storedByNonce(final);
  const violations = [];
  for (const [key, { room, nonce, oks }] of sendsOf(history)) {
    const rows = stored.get(key) ?? [];
    if (rows.length > 1) violations.push(`room ${room}: nonce ${nonce} is stored ${rows.length} times: ${rows.map(({ seq }) => seq)}`);
    for (const { seq, proc } of oks)
      if (!rows.some((row) => row.seq === seq))
        violations.push(`room ${room}: nonce ${nonce} was acknowledged to ${proc} as ${seq}; stored is ${rows.map((row) => row.seq).join() || "nothing"}`);
  }
  return verdict(violations);
}
