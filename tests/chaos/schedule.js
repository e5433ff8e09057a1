import { Random } from './random.js';

const LEAST_MS = 5_000;
const MOST_MS = 15_000;

/**
 * What befalls the servers in `minutes`, the same for the same seed: [{nemesis, plan, at_ms, hold_ms}], one every 5 to 15 s. Kinds come
 * in shuffled rounds, so that none is left out for long.
 */
export function makeSchedule({ seed, minutes, nemeses, apis, gateways }) {
  const random = new Random(seed, 'schedule');
  const schedule = [];
  let deck = [];
  for (let at_ms = random.between(2_000, LEAST_MS); at_ms < minutes * 60_000; at_ms += random.between(LEAST_MS, MOST_MS)) {
    if (deck.length === 0) deck = random.shuffled(nemeses);
    const nemesis = deck.pop();
    schedule.push({ at_ms, nemesis, plan: nemesis.choose(random, { apis, gateways }), hold_ms: random.between(...nemesis.holdMs) });
  }
  return schedule;
}
