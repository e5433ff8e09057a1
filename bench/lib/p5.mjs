// P5: by how much a gateway's resident memory grows from 500 idle connections to 8,000, each with one subscription and its share of the
// pings. There is no yardstick: a bare server keeps nothing worth counting.
import { within } from './report.mjs';
import { onGateway, pingEnv } from './targets.mjs';

export const title = 'P5 memory per idle connection with one subscription';

const PING_S = 2; // memory is read after two rounds of them
const PONG_S = 1;

export async function run(stage, { samples }) {
  const args = ['--first=500', '--connections=8000', `--settle-ms=${2 * PING_S * 1000}`];
  const taken = [];
  for (let i = 0; i < samples; i++) {
    taken.push(await stage.calmly(() => onGateway(stage, 'bench-connections', args, pingEnv(PING_S, PONG_S))));
    console.log(`P5 ${i + 1}/${samples}: ${taken[i].bytes_each} bytes per connection`);
  }
  const row = (unit, figure, bounds) => within({ scenario: '500 to 8,000 connections', unit, parley: taken.map(figure), ...bounds });
  return [
    row('bytes of RSS per connection', (sample) => sample.bytes_each, { must: 2048, aim: 1200 }),
    row('MiB of RSS in the end', (sample) => sample.rss_bytes / 2 ** 20),
  ];
}
