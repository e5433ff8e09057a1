// P1: one channel, 1,000 subscribers, one message of 128 bytes at a time. The generator is the API on the gateway's bus.
import { compare } from './report.mjs';
import { onCeiling, onGateway } from './targets.mjs';

export const title = 'P1 fan-out, 1 channel × 1,000, one message at a time';

export async function run(stage, { samples, seconds }) {
  const args = [`--seconds=${seconds}`, '--subscribers=1000', '--data-bytes=128'];
  const taken = { ceiling: [], gateway: [] };
  for (let i = 0; i < samples; i++) {
    taken.ceiling.push(await stage.calmly(() => onCeiling(stage, 'bench-fanout', args)));
    taken.gateway.push(await stage.calmly(() => onGateway(stage, 'bench-fanout', args)));
    console.log(`P1 ${i + 1}/${samples}: per CPU second ${taken.ceiling[i].per_cpu_s} (ceiling), ${taken.gateway[i].per_cpu_s} (gateway)`);
  }
  const row = (unit, figure, bounds) =>
    compare({ scenario: '1 channel × 1,000', unit, yardstick: taken.ceiling.map(figure), parley: taken.gateway.map(figure), ...bounds });
  return [
    row('deliveries per CPU s', (sample) => sample.per_cpu_s, { must: 0.8, aim: 0.92 }),
    row('deliveries per wall s', (sample) => sample.per_wall_s),
    row('bytes per delivery', (sample) => sample.bytes_each),
  ];
}
