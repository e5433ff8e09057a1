import assert from 'node:assert/strict';
import { test } from '../flow/harness/index.js';
import { assertNoComplaints, twoPeople, visitor } from './people.js';

test('a public group is made, found, joined, ordered by topics and left', async (t) => {
  const { ada, bob } = await twoPeople(t);
  const name = `Tea house ${visitor()}`;
  await ada.the('groups-open').click();
  await ada.the('tab-new').click();
  await ada.the('group-name').fill(name);
  await ada.the('group-about').fill('<b>Tea</b> and its friends');
  await ada.the('group-visibility').selectOption('public');
  await ada.the('group-create').click();
  await ada.the('group-pane').waitFor();
  assert.match(await ada.the('group-pane').innerText(), /<b>Tea<\/b> and its friends/);
  for (const topic of ['Green', 'Black']) {
    await ada.the('topic-name').fill(topic);
    await ada.the('topic-add').click();
    await ada.until(async () => (await ada.the('topics').allInnerTexts()).join().includes(topic), topic);
  }
  await bob.the('groups-open').click();
  await bob.the('tab-find').click();
  await bob.the('group-find').fill(name);
  await bob.the('group-find').press('Enter');
  await bob.until(async () => (await bob.the('group').count()) === 1, 'the group');
  await bob.the('group').click();
  await bob.the('group-pane').waitFor();
  assert.match(await bob.the('topics').innerText(), /Green\s+Black/);
  assert.equal(await bob.the('topic-name').count(), 0, 'members do not order');
  assert.equal(await bob.the('group-delete').count(), 0);
  await bob.until(async () => (await bob.the('group-member').count()) === 2, 'both members');
  await ada.the('topic-remove').first().click();
  await ada.until(async () => (await ada.the('topics').innerText()).trim() === 'Black', 'one topic');
  await bob.the('group-leave').click();
  await bob.the('sure').click();
  await bob.page.getByText('You are in no group yet.').waitFor();
  await ada.the('group-delete').click();
  await ada.the('sure').click();
  await ada.page.getByText('You are in no group yet.').waitFor();
  assertNoComplaints(ada, bob);
});

test('members of a group are added, given roles and removed by who may', async (t) => {
  const { ada, number } = await twoPeople(t);
  await ada.the('groups-open').click();
  await ada.the('tab-new').click();
  await ada.the('group-name').fill('Us');
  await ada.the('group-create').click();
  await ada.the('person').fill(`bob.${number}`);
  await ada.until(async () => (await ada.the('person-option').allInnerTexts())[0]?.includes(`@bob.${number}`), 'Bob');
  await ada.the('person-option').first().click();
  await ada.until(async () => (await ada.the('group-member').count()) === 2, 'both');
  await ada.the('group-member-menu').click();
  await ada.the('role-moderator').click();
  await ada.until(async () => (await ada.the('group-member').allInnerTexts()).join().includes('moderator'), 'the role');
  await ada.the('group-member-menu').click();
  await ada.the('remove').click();
  await ada.until(async () => (await ada.the('group-member').count()) === 1, 'ada alone');
  assertNoComplaints(ada);
});
