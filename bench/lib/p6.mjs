// P6: processor time of the server for a connection: at the gateway it connects with a token and subscribes, at the ceiling it is accepted
// and shakes hands. 7,500 come, 64 at a time, after 500 that do not count; then all end.
import { compare } from './report.mjs';
import { onCeiling, onGateway } from './targets.mjs';

export const title = 'P6 connect and subscribe, against accept and handshake';

export async function run(stage, { samples }) {
  const args = ['--first=500', '--connections=8000'];
  const taken = { ceiling: [], gateway: [] };
  for (let i = 0; i < samples; i++) {
    taken.ceiling.push(await stage.calmly(() => onCeiling(stage, 'bench-connections', args)));
    taken.gateway.push(await stage.calmly(() => onGateway(stage, 'bench-connections', args)));
    const [ceiling, gateway] = [taken.ceiling[i].connect_cpu_us, taken.gateway[i].connect_cpu_us];
    console.log(`P6 ${i + 1}/${samples}: CPU µs per connection ${ceiling} (ceiling), ${gateway} (gateway)`);
  }
  const scenario = '7,500 connections, 64 at a time';
  const row = (unit, figure, bounds) =>
    compare({ scenario, unit, yardstick: taken.ceiling.map(figure), parley: taken.gateway.map(figure), isCost: true, ...bounds });
  return [
    row('CPU µs to connect', (sample) => sample.connect_cpu_us, { must: 4, aim: 2.5 }),
    row('CPU µs to end', (sample) => sample.close_cpu_us),
    row('wall s to connect all', (sample) => sample.connect_wall_s),
  ];
}
