// What programs with fail points (base/fail_point.h) show: PARLEY_BIN must be a folder with such.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { Chaos } from './run_chaos.js';
import { NEMESES } from './nemeses/index.js';
import { ROOT } from '../flow/harness/folders.js';

const SIZES = { seed: 1, minutes: 0.35, apis: 2, gateways: 2, clients: 4, rooms: 2 };
const named = (...names) => NEMESES.filter(({ name }) => names.includes(name));

async function run(name, options) {
  const historyFile = path.join(ROOT, 'build', 'chaos', `${name}.jsonl`);
  const { checks } = await new Chaos({ ...SIZES, ...options }, { historyFile, say: () => {} }).run();
  return new Map(checks.map(({ name: check, violations }) => [check, violations]));
}

test('a gateway that does not heal is caught when the bus loses frames', async () => {
  const found = await run('no-healing', { nemeses: named('drop'), healingMs: 3_000, gatewayEnv: { PARLEY_FAIL_POINTS: 'no_healing' } });
  assert.notDeepEqual(found.get('live=stored'), [], 'subscribers miss something');
  assert.notDeepEqual(found.get('healing'), [], 'and it is never mended');
  for (const name of ['acked-durable', 'no-phantom', 'seq-dense']) assert.deepEqual(found.get(name), [], `${name}: what is stored is right all the same`);
});
