// An upgrade as an operator does it: every program is ended and started again, one after the other, while clients work.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { Chaos } from './run_chaos.js';
import { ROOT } from '../flow/harness/folders.js';
import { restart } from './nemeses/processes.js';

const SIZES = { seed: 1, minutes: 0, apis: 2, gateways: 3, clients: 10, rooms: 3 };

test('a rolling restart of every program under load loses and repeats nothing, and no outcome stays unknown', async () => {
  const programs = ['gateway-0', 'gateway-1', 'gateway-2', 'api-0', 'api-1'];
  const schedule = programs.map((target) => ({ at_ms: 0, nemesis: restart, plan: { target }, hold_ms: 0 }));
  const historyFile = path.join(ROOT, 'build', 'chaos', 'rolling.jsonl');
  const { checks, counts, faults } = await new Chaos({ ...SIZES, schedule }, { historyFile, say: () => {} }).run();
  assert.equal(faults.length, programs.length);
  for (const { name, violations } of checks) assert.deepEqual(violations, [], name);
  assert.equal(counts['send info'], undefined);
  assert.ok(counts['send ok'] > 50 && counts['event ok'] > 500, JSON.stringify(counts));
});
