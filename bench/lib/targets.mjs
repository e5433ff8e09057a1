// What a generator that plays the API can be let loose on: the ceiling, or a gateway that hears nobody but the generator.
import crypto from 'node:crypto';
import { freePorts } from '../../tests/flow/harness/ports.js';

const secret = () => crypto.randomBytes(24).toString('hex');

/** One sample of `generator`, run with `args` against a new ceiling that was given `serverArgs`. */
export async function onCeiling(stage, generator, args, serverArgs = []) {
  const [port] = await freePorts(2);
  const server = await stage.serve('bench-ceiling', { args: [`--port=${port}`, ...serverArgs], port });
  const sample = await stage.generate(generator, { args: ['--target=ceiling', `--port=${port}`, `--pid=${server.pid}`, ...args] });
  await stage.end(server);
  return sample;
}

/** The same against a new gateway of one thread with `serverEnv` in its environment. */
export async function onGateway(stage, generator, args, serverEnv = {}) {
  const [port] = await freePorts(1);
  const [events, questions] = await freePorts(2);
  const keys = { PARLEY_BUS_KEY: secret(), PARLEY_TOKEN_SECRET: secret() };
  const env = { ...keys, PARLEY_HTTP_PORT: String(port), PARLEY_BUS_APIS: `tcp://127.0.0.1:${events}`, PARLEY_GATEWAY_THREADS: '1', ...serverEnv };
  const server = await stage.serve('parley-gateway', { env, port });
  const target = ['--target=gateway', `--port=${port}`, `--pid=${server.pid}`];
  const bus = [`--events-url=tcp://127.0.0.1:${events}`, `--questions-url=tcp://127.0.0.1:${questions}`];
  const sample = await stage.generate(generator, { env: keys, args: [...target, ...bus, ...args] });
  await stage.end(server);
  return sample;
}

/** A gateway's environment for a ping each `interval` s and `timeout` s for the pong, in the names and units of old gateways (--gateway) and new ones. */
export function pingEnv(interval, timeout) {
  return {
    PARLEY_CLIENT_PING_INTERVAL_S: String(interval),
    PARLEY_CLIENT_PONG_TIMEOUT_S: String(timeout),
    PARLEY_CLIENT_PING_INTERVAL: `${interval}s`,
    PARLEY_CLIENT_PONG_TIMEOUT: `${timeout}s`,
  };
}
