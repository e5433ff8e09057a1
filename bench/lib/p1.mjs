// P1: one channel, 1,000 subscribers, one message of 128 bytes at a time. The generator is the API on the gateway's bus.
import crypto from 'node:crypto';
import { freePorts } from '../../tests/flow/harness/ports.js';
import { compare } from './report.mjs';

export const title = 'P1 fan-out, 1 channel × 1,000, one message at a time';

const secret = () => crypto.randomBytes(24).toString('hex');

async function ceiling(stage, common) {
  const [port] = await freePorts(2);
  const server = await stage.serve('bench-ceiling', { args: [`--port=${port}`], port });
  const args = ['--target=ceiling', `--port=${port}`, `--pid=${server.pid}`, ...common];
  const sample = await stage.generate('bench-fanout', { args });
  await stage.end(server);
  return sample;
}

async function gateway(stage, common) {
  const [port] = await freePorts(1);
  const [events, questions] = await freePorts(2);
  const keys = { PARLEY_BUS_KEY: secret(), PARLEY_TOKEN_SECRET: secret() };
  const env = { ...keys, PARLEY_HTTP_PORT: String(port), PARLEY_BUS_APIS: `tcp://127.0.0.1:${events}`, PARLEY_GATEWAY_THREADS: '1' };
  const server = await stage.serve('parley-gateway', { env, port });
  const args = ['--target=gateway', `--port=${port}`, `--pid=${server.pid}`, ...common];
  const bus = [`--events-url=tcp://127.0.0.1:${events}`, `--questions-url=tcp://127.0.0.1:${questions}`];
  const sample = await stage.generate('bench-fanout', { env: keys, args: [...args, ...bus] });
  await stage.end(server);
  return sample;
}

export async function run(stage, { samples, seconds }) {
  const common = [`--seconds=${seconds}`, '--subscribers=1000', '--data-bytes=128'];
  const taken = { ceiling: [], gateway: [] };
  for (let i = 0; i < samples; i++) {
    taken.ceiling.push(await stage.calmly(() => ceiling(stage, common)));
    taken.gateway.push(await stage.calmly(() => gateway(stage, common)));
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
