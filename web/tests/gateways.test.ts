import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gateways } from '../src/sync/gateways.js';

test('a gateway that worked is tried once more, one that failed is left for the next', () => {
  let rounds = 0;
  const gateways = new Gateways(['a', 'b'], () => rounds++);
  assert.equal(gateways.next(), 'a');
  gateways.confirm();
  assert.equal(gateways.next(), 'a', 'lost after it had worked');
  assert.equal(gateways.next(), 'b', 'a did not come back');
  assert.equal(rounds, 0);
  assert.equal(gateways.next(), 'a');
  assert.equal(rounds, 1, 'a whole round failed');
});

test('a gateway that shuts down is left at once', () => {
  const gateways = new Gateways(['a', 'b']);
  gateways.next();
  gateways.confirm();
  gateways.abandon();
  assert.equal(gateways.next(), 'b');
});

test('a new list starts from its beginning, an empty one is ignored', () => {
  const gateways = new Gateways(['a', 'b']);
  gateways.replace([]);
  assert.equal(gateways.current, 'a');
  gateways.replace(['c']);
  assert.equal(gateways.next(), 'c');
});
