import assert from 'node:assert/strict';
import { test } from '../flow/harness/index.js';
import { groups } from './cases/index.js';
import { gateways } from './gateway.js';
import { play } from './peer.js';

const CORE_OF_AUTOBAHN = 247;

test('every row of the core of Autobahn is in the tables once', () => {
  const numbers = Object.values(groups).flat().map(({ name }) => /^\d+(\.\d+)+ /.exec(name)?.[0]).filter(Boolean);
  assert.equal(new Set(numbers).size, numbers.length);
  assert.equal(numbers.length, CORE_OF_AUTOBAHN);
});

for (const [title, rows] of Object.entries(groups))
  test(`group ${title}`, async (t) => {
    const gates = await gateways(t);
    for (const row of rows) await t.test(row.name, () => play(gates[row.gate], row));
  });
