import assert from 'node:assert/strict';
import { chat, test } from '../flow/harness/index.js';
import { assertNoComplaints, twoInARoom } from './people.js';

test('a message is found by its words, with the words marked, and a press leads to its place', async (t) => {
  const { ada, bob, room } = await twoInARoom(t);
  const { cy } = await chat(t).users('cy');
  await cy.join(room);
  await cy.post(room, 'put the <b>kettle</b> on, please');
  for (let i = 0; i < 80; i++) await cy.post(room, `filler ${i}`);
  await bob.makeRoom('elsewhere');
  await bob.page.keyboard.press('Control+k');
  await bob.the('quick').fill('kettle');
  await bob.the('quick-option').filter({ hasText: 'Search messages' }).click();
  await bob.until(async () => (await bob.the('hit').count()) === 1, 'the message');
  assert.deepEqual(await bob.the('hit').locator('mark').allInnerTexts(), ['kettle']);
  assert.equal(await bob.the('hit').locator(':is(b):has-text("kettle")').count(), 0, 'text is never markup');
  await bob.page.keyboard.press('Enter');
  const found = bob.the('message').filter({ hasText: 'kettle' });
  await found.waitFor();
  await bob.until(() => found.evaluate((row) => row === document.activeElement), 'the focus on it');
  assert.match(bob.page.url(), new RegExp(`/r/${room}$`), 'the same place can be gone to again');
  assertNoComplaints(ada, bob);
});

test('a search in a room finds nothing of others, unless one asks for all', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  await ada.say('scones here');
  await ada.until(async () => (await ada.page.locator('[data-testid=message][data-state=stored]').count()) === 1, 'stored');
  await ada.makeRoom('elsewhere');
  await ada.say('scones there');
  await ada.until(async () => (await ada.page.locator('[data-testid=message][data-state=stored]').count()) === 1, 'stored');
  await ada.the('search-here').click();
  await ada.the('search').fill('scones');
  await ada.until(async () => (await ada.the('hit').allInnerTexts()).join().includes('there'), 'the one here');
  assert.equal(await ada.the('hit').count(), 1);
  await ada.the('tab-everywhere').click();
  await ada.until(async () => (await ada.the('hit').count()) === 2, 'both');
  await ada.the('search').fill('xylophone');
  await ada.page.getByText('Nothing found.').waitFor();
  assertNoComplaints(ada, bob);
});
