// P8: processor time for pinging 5,000 connections that idle, against the ceiling, which writes and reads the same bytes as often. Each is
// pinged every 2 s instead of every 25, so that a sample takes seconds; the time per ping is what counts. What a server does without
// any pings weighs 12 times more at 25 s, so it is told as well: measured with a single connection.
import { compare } from './report.mjs';
import { onCeiling, onGateway, pingEnv } from './targets.mjs';

export const title = 'P8 idle connections, pings and pongs';

const PING_S = 2;
const PONG_S = 1;

export async function run(stage, { samples, seconds }) {
  // Whole rounds of pings: clients that connected together are also pinged together.
  const args = ['--first=1', '--connections=5000', `--settle-ms=${1.5 * PING_S * 1000}`, `--seconds=${PING_S * seconds}`];
  const taken = { ceiling: [], gateway: [] };
  for (let i = 0; i < samples; i++) {
    taken.ceiling.push(await stage.calmly(() => onCeiling(stage, 'bench-connections', args, [`--ping-interval-ms=${PING_S * 1000}`])));
    taken.gateway.push(await stage.calmly(() => onGateway(stage, 'bench-connections', args, pingEnv(PING_S, PONG_S))));
    console.log(`P8 ${i + 1}/${samples}: CPU µs per ping ${taken.ceiling[i].ping_cpu_us} (ceiling), ${taken.gateway[i].ping_cpu_us} (gateway)`);
  }
  const row = (scenario, unit, figure, bounds) =>
    compare({ scenario, unit, yardstick: taken.ceiling.map(figure), parley: taken.gateway.map(figure), isCost: true, ...bounds });
  const idle = `5,000 idle, a ping each ${PING_S} s`;
  return [
    row(idle, 'CPU µs per ping and pong', (sample) => sample.ping_cpu_us, { must: 3, aim: 2 }),
    row(idle, 'pings per s', (sample) => sample.pings_per_s),
    row('1 idle', 'CPU ms per s', (sample) => sample.first_cpu_ms_per_s),
  ];
}
