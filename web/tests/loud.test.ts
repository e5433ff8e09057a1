import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoud } from '../src/composables/loud.js';
import { at } from './make.js';

const now = Date.parse(at(30));
const line = { notify: { level: 'all' as const }, unread: 3, mentioned: false, archived: false };

test('what is unread is loud by what one has set for the room', () => {
  assert.equal(isLoud(line, now), true);
  assert.equal(isLoud({ ...line, unread: 0 }, now), false);
  assert.equal(isLoud({ ...line, archived: true }, now), false);
  assert.equal(isLoud({ ...line, notify: { level: 'none' }, mentioned: true }, now), false);
  assert.equal(isLoud({ ...line, notify: { level: 'mentions' } }, now), false);
  assert.equal(isLoud({ ...line, notify: { level: 'mentions' }, mentioned: true }, now), true);
});

test('a room that is muted for a time is loud again after it', () => {
  assert.equal(isLoud({ ...line, notify: { level: 'all', muted_until: at(31) } }, now), false);
  assert.equal(isLoud({ ...line, notify: { level: 'all', muted_until: at(29) } }, now), true);
});
