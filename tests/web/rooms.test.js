import assert from 'node:assert/strict';
import { chat, test } from '../flow/harness/index.js';
import { assertNoComplaints, twoInARoom, twoPeople, visitor } from './people.js';

test('somebody banned is told why, stands in the list of bans, and can join again once it is lifted', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  await ada.the('room-info').click();
  await ada.the('member-menu').click();
  await ada.the('ban').click();
  await ada.the('ban-hours').selectOption('24');
  await ada.the('ban-reason').fill('Advertises tea.');
  await ada.the('ban-sure').click();
  await bob.until(async () => (await bob.the('gone').allInnerTexts()).join().includes('banned'), 'the reason');
  await ada.until(async () => (await ada.the('member').count()) === 1, 'ada alone');
  await ada.the('tab-bans').click();
  await ada.until(async () => (await ada.the('ban').allInnerTexts()).join().includes('Advertises tea.'), 'the ban');
  assert.match(await ada.the('ban').innerText(), /until/);
  await ada.the('unban').click();
  await ada.until(async () => (await ada.the('ban').count()) === 0, 'no ban');
  await bob.page.goto(bob.origin);
  await bob.joinRoom(await ada.page.getByText(/Public room #/).innerText().then((text) => text.split('#')[1]));
  assertNoComplaints(ada);
});

test('who has no power in a room is offered none', async (t) => {
  const { bob } = await twoInARoom(t);
  await bob.the('room-info').click();
  assert.equal(await bob.the('tab-bans').count(), 0);
  await bob.the('member-menu').click();
  assert.equal(await bob.the('write-to').count(), 1);
  assert.equal(await bob.the('remove').count(), 0);
  assert.equal(await bob.the('ban').count(), 0);
  await bob.page.keyboard.press('Escape');
  assert.equal(await bob.the('members').count(), 1, 'Escape closes the menu alone');
});

test('from a member one comes to the direct chat with them', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  await ada.the('room-info').click();
  await ada.the('member-menu').click();
  await ada.the('write-to').click();
  await ada.the('room-title').filter({ hasText: 'Bob' }).waitFor();
  await ada.say('between us');
  await bob.until(async () => (await bob.the('chat-item').first().innerText()).includes('between us'), 'the message in the list');
  assertNoComplaints(ada, bob);
});

test('public rooms are found by a part of their name, and those that one is in are opened', async (t) => {
  const { ada, bob, name } = await twoInARoom(t);
  const { cy } = await chat(t).users('cy');
  const word = `pottery${visitor()}`;
  await cy.createRoom(`Evening ${word}`, { kind: 'public', slug: `evening-${word}` });
  await bob.the('new-room').click();
  await bob.the('tab-join').click();
  await bob.the('join-slug').fill(word);
  await bob.until(async () => (await bob.the('public-room').count()) === 1, 'the room alone');
  await bob.the('public-room').click();
  await bob.the('room-title').filter({ hasText: word }).waitFor();
  await bob.the('new-room').click();
  await bob.the('tab-join').click();
  await bob.the('join-slug').fill(name);
  await bob.the('public-room').filter({ hasText: 'Joined' }).filter({ hasText: name }).first().click();
  await bob.the('room-title').filter({ hasText: name }).waitFor();
  assertNoComplaints(ada, bob);
});

test('with the keyboard alone one goes to a chat, to a person, and through the list', async (t) => {
  const { ada, number, name } = await twoInARoom(t);
  const other = await ada.makeRoom('zoo');
  await ada.page.keyboard.press('Control+k');
  await ada.page.keyboard.type(name);
  await ada.page.keyboard.press('Enter');
  await ada.the('room-title').filter({ hasText: name }).waitFor();
  await ada.page.keyboard.press('Escape');
  await ada.the('room-title').waitFor({ state: 'detached' });
  await ada.chatItem(other).focus();
  await ada.page.keyboard.press('ArrowDown');
  await ada.page.keyboard.press('Enter');
  await ada.the('room-title').filter({ hasText: name }).waitFor();
  await ada.page.keyboard.press('Control+k');
  await ada.page.keyboard.type(`bob.${number}`);
  await ada.until(async () => (await ada.the('quick-option').allInnerTexts()).join().includes(`@bob.${number}`), 'Bob');
  await ada.page.keyboard.press('Enter');
  await ada.the('room-title').filter({ hasText: 'Bob' }).waitFor();
  assertNoComplaints(ada);
});

test('a dialog keeps the focus while it is open and gives it back', async (t) => {
  const { ada } = await twoPeople(t);
  const focused = () => ada.page.evaluate(() => document.activeElement?.closest('dialog') !== null);
  await ada.the('settings').click();
  await ada.the('profile-name').waitFor();
  for (let i = 0; i < 30; i++) {
    await ada.page.keyboard.press('Tab');
    assert.ok((await focused()) || (await ada.page.evaluate(() => document.activeElement === document.body)), `after ${i + 1} tabs`);
  }
  await ada.page.keyboard.press('Escape');
  assert.equal(await ada.page.evaluate(() => document.activeElement?.getAttribute('data-testid')), 'settings');
});

test('on a phone, what is pressed is at least 44 pixels high', async (t) => {
  const { ada } = await twoInARoom(t, { width: 390, height: 760, isPhone: true });
  const small = (scope) =>
    ada.page.locator(scope).evaluateAll((all) => all.filter((one) => one.offsetParent && one.offsetHeight < 44).map((one) => one.outerHTML.slice(0, 120)));
  await ada.the('room-info').click();
  assert.deepEqual(await small('dialog button, dialog input'), []);
  await ada.the('dialog-close').click();
  assert.deepEqual(await small('header button, .composer button'), []);
  await ada.the('back').click();
  assert.deepEqual(await small('nav button'), []);
});


test('a role that is given shows at once what it allows', async (t) => {
  const { ada, bob, number } = await twoInARoom(t);
  await ada.the('room-info').click();
  await bob.the('room-info').click();
  assert.equal(await bob.the('tab-settings').count(), 0);
  await ada.the('member-menu').click();
  await ada.the('role-admin').click();
  const line = (person) => person.page.locator(`[data-testid=member][data-login="bob.${number}"]`);
  for (const person of [ada, bob]) await person.until(async () => (await line(person).innerText()).includes('admin'), 'the role');
  await bob.the('tab-settings').waitFor();
  assertNoComplaints(ada, bob);
});

test('who is silenced is told so instead of a box to write in, until they may speak again', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  await ada.the('room-info').click();
  await ada.the('member-menu').click();
  await ada.the('silence').click();
  await ada.the('ban-hours').selectOption('1');
  await ada.the('ban-sure').click();
  await bob.the('silenced').waitFor();
  assert.equal(await bob.the('composer').count(), 0);
  await ada.the('member-menu').click();
  await ada.the('let-speak').click();
  await bob.the('composer').waitFor();
  await bob.say('at last');
  await bob.untilTexts(['at last']);
  assertNoComplaints(ada, bob);
});

test('a room that is handed over has another owner', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  await ada.the('room-info').click();
  await ada.the('member-menu').click();
  await ada.the('hand-over').click();
  await ada.the('sure').click();
  await bob.the('room-info').click();
  await bob.the('tab-settings').click();
  await bob.the('delete-room').waitFor();
  await ada.the('tab-settings').click();
  assert.equal(await ada.the('delete-room').count(), 0);
  assertNoComplaints(ada, bob);
});

test('what a room is called and about changes for everybody, and no admin overwrites another', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  await ada.the('room-info').click();
  await ada.the('member-menu').click();
  await ada.the('role-admin').click();
  await bob.the('room-info').click();
  for (const person of [bob, ada]) await person.the('tab-settings').click();
  await ada.the('room-form-name').fill('Tea and more');
  await ada.the('room-form-about').fill('<i>All</i> about tea.');
  await ada.the('room-form-save').click();
  await bob.the('room-title').filter({ hasText: 'Tea and more' }).waitFor();
  assert.match(await bob.page.locator('dialog').innerText(), /<i>All<\/i> about tea\./);
  await bob.the('room-form-name').fill('Coffee');
  await bob.the('room-form-save').click();
  await bob.the('room-form-conflict').waitFor();
  assert.equal(await bob.the('room-form-name').inputValue(), 'Tea and more');
  assert.equal(await ada.the('room-title').innerText(), 'Tea and more');
});

test('a deleted room is gone for everybody, who are told so', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  await ada.the('room-info').click();
  await ada.the('tab-settings').click();
  await ada.the('delete-room').click();
  await ada.the('sure-not').click();
  await ada.the('delete-room').click();
  await ada.the('sure').click();
  for (const person of [ada, bob]) {
    await person.until(async () => (await person.the('gone').allInnerTexts()).join().includes('deleted'), 'the reason');
    await person.until(async () => (await person.the('chat-item').count()) === 0, 'no chats');
  }
});
