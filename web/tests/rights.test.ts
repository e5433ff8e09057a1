import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isBelow, may, rolesBelow } from '../src/composables/rights.js';
import type { Right } from '../src/composables/rights.js';
import type { Role, RoomKind } from '../src/sync/types.js';

const said: Record<Right, string> = {
  deleteAny: "delete another's message",
  seeRevisions: "see what another's edited message said before",
  pin: 'pin and unpin',
  mentionRoom: 'mention the whole room',
  leave: 'leave',
  invite: 'add somebody',
  kick: 'remove somebody',
  seeBans: 'see bans',
  ban: 'ban, and lift a ban',
  silence: 'silence, and let speak again',
  changeRole: "change a role, to one below one's own",
  handOver: "hand over one's ownership",
  editRoom: 'change name, description and address of the room',
  deleteRoom: 'delete the room',
};

test('what the page offers is what docs/rights.md allows', () => {
  const rows = readFileSync('../docs/rights.md', 'utf8').split('\n').filter((line) => line.startsWith('| '));
  const cells = new Map(rows.map((row) => row.split('|').slice(1, -1).map((cell) => cell.trim())).map(([name, ...rest]) => [name, rest]));
  for (const [right, name] of Object.entries(said) as [Right, string][]) {
    const allowed = cells.get(name);
    assert.ok(allowed, `${name} is in the table`);
    for (const [i, kind] of (['direct', 'private', 'public'] as RoomKind[]).entries())
      for (const [rank, role] of (['owner', 'admin', 'moderator', 'member'] as Role[]).entries()) {
        const least = ['owner', 'admin', 'moderator', 'member'].indexOf(allowed[i]!);
        assert.equal(may(right, kind, role), least >= 0 && rank <= least, `${role}: ${name} in a ${kind} room`);
      }
  }
});

test('people of one role have no power over each other', () => {
  assert.equal(isBelow('admin', 'admin'), false);
  assert.equal(isBelow('member', 'moderator'), true);
  assert.equal(isBelow('member', undefined), false);
  assert.deepEqual(rolesBelow('admin'), ['moderator', 'member']);
});
