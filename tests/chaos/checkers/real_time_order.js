import { groupBy, sendsOf, storedByNonce, verdict } from './model.js';

/** A send that began after another was acknowledged has a higher seq; also one whose outcome was never told. */
export function realTimeOrder(history, final) {
  const stored = storedByNonce(final);
  const violations = [];
  const sends = [...sendsOf(history)].map(([key, send]) => ({ ...send, seq: stored.get(key)?.[0].seq })).filter(({ seq }) => seq);
  for (const [room, list] of groupBy(sends, (send) => send.room)) {
    const acks = list.filter(({ oks }) => oks.length > 0).sort((a, b) => a.oks[0].t_ns - b.oks[0].t_ns);
    let highest = 0;
    let i = 0;
    for (const { invoked_ns, seq, nonce } of list.sort((a, b) => a.invoked_ns - b.invoked_ns)) {
      for (; i < acks.length && acks[i].oks[0].t_ns < invoked_ns; i++) highest = Math.max(highest, acks[i].seq);
      if (seq <= highest) violations.push(`room ${room}: nonce ${nonce} has seq ${seq}, and began after ${highest} was acknowledged`);
    }
  }
  return verdict(violations);
}
