import assert from 'node:assert/strict';
import { test } from '../flow/harness/index.js';
import { assertNoComplaints, twoInARoom, visit } from './people.js';

/** The card of who wrote the first message. */
async function cardOfWriter(person) {
  await person.page.getByRole('button', { name: /^About (Ada|Bob)$/ }).first().click();
  await person.the('person-contact').waitFor();
}

test('a contact is added from a profile and stands in the list on all devices', async (t) => {
  const { ada, bob, number } = await twoInARoom(t);
  const phone = await visit(t, 1);
  await phone.logIn(`ada.${number}`);
  await phone.the('settings').click();
  await phone.the('tab-people').click();
  await bob.say('hello');
  await ada.untilTexts(['hello']);
  await cardOfWriter(ada);
  await ada.the('person-contact').click();
  await ada.until(async () => (await ada.the('person-contact').innerText()).includes('Remove'), 'the way back');
  await phone.until(async () => (await phone.the('contact').allInnerTexts()).join().includes('Bob'), 'the contact on the phone');
  await phone.the('contact-remove').click();
  await ada.until(async () => (await ada.the('person-contact').innerText()).includes('Add'), 'the change on the first device');
  assertNoComplaints(ada, phone);
});

test('who is blocked cannot begin to write, and can once that is lifted', async (t) => {
  const { ada, bob, number } = await twoInARoom(t);
  await bob.say('hello');
  await ada.untilTexts(['hello']);
  await cardOfWriter(ada);
  await ada.the('person-block').click();
  await ada.until(async () => (await ada.the('person-block').innerText()) === 'Unblock', 'the way back');
  await ada.page.keyboard.press('Escape');
  await bob.the('room-info').click();
  await bob.the('member-menu').click();
  await bob.the('write-to').click();
  await bob.until(async () => (await bob.the('toasts').innerText()).includes('No chat was opened'), 'the refusal');
  await ada.the('settings').click();
  await ada.the('tab-people').click();
  await ada.the('unblock').click();
  await ada.until(async () => (await ada.the('blocked-person').count()) === 0, 'nobody blocked');
  await bob.the('member-menu').click();
  await bob.the('write-to').click();
  await bob.the('room-title').filter({ hasText: 'Ada' }).waitFor();
  assert.ok(number);
});

test('a muted room counts no more in the title, and does again', async (t) => {
  const { ada, bob, room } = await twoInARoom(t);
  await bob.makeRoom('elsewhere');
  await bob.chatItem(room).click({ button: 'right' });
  await bob.the('mute').click();
  await ada.say('hello');
  await bob.until(async () => (await bob.chatItem(room).getByTestId('unread').count()) === 1, 'the number in the list');
  assert.equal(await bob.page.title(), 'Parley');
  await bob.chatItem(room).click({ button: 'right' });
  await bob.the('unmute').click();
  await bob.until(async () => (await bob.page.title()) === '(1) Parley', 'the number in the title');
  assertNoComplaints(ada, bob);
});

test('a room pinned to the top stays there, an archived one is in the archive, on every device', async (t) => {
  const { ada, bob, room, number } = await twoInARoom(t);
  const other = await bob.makeRoom('elsewhere');
  const ids = (person) => person.the('chat-item').evaluateAll((items) => items.map((item) => item.dataset.roomId).join());
  await bob.until(async () => (await ids(bob)) === `${other},${room}`, 'the newest first');
  await bob.chatItem(room).click({ button: 'right' });
  await bob.the('chat-pin').click();
  await bob.until(async () => (await ids(bob)) === `${room},${other}`, 'the pinned first');
  await bob.chatItem(other).click({ button: 'right' });
  await bob.the('archive').click();
  await bob.until(async () => (await ids(bob)) === room, 'the other one gone');
  const phone = await visit(t, 0);
  await phone.logIn(`bob.${number}`);
  await phone.until(async () => (await ids(phone)) === room, 'the same on the phone');
  await phone.the('archive-open').click();
  await phone.until(async () => (await ids(phone)) === other, 'the archive');
  await phone.chatItem(other).click({ button: 'right' });
  await phone.the('unarchive').click();
  await bob.until(async () => (await ids(bob)) === `${room},${other}`, 'both again');
  assertNoComplaints(ada, bob, phone);
});

test('what calls for attention is set for each room, and kept', async (t) => {
  const { ada, bob, room, number } = await twoInARoom(t);
  await bob.the('room-info').click();
  await bob.the('tab-notify').click();
  await bob.the('level-mentions').check();
  await bob.page.keyboard.press('Escape');
  await bob.makeRoom('elsewhere');
  await ada.say('nobody in particular');
  await bob.until(async () => (await bob.chatItem(room).getByTestId('unread').allInnerTexts()).join() === '1', 'the number in the list');
  assert.equal(await bob.page.title(), 'Parley');
  await ada.say(`@bob.${number} you`);
  await bob.until(async () => (await bob.page.title()) === '(2) Parley', 'the number in the title');
  await bob.page.reload();
  await bob.openRoom(room);
  await bob.the('room-info').click();
  await bob.the('tab-notify').click();
  assert.ok(await bob.the('level-mentions').isChecked());
  assertNoComplaints(ada, bob);
});

test('who comes and goes has a dot, and a word on when, in the chat with them', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  await ada.the('room-info').click();
  await ada.the('member-menu').click();
  await ada.the('write-to').click();
  await ada.the('room-title').filter({ hasText: 'Bob' }).waitFor();
  const dot = ada.page.locator('main').getByTestId('online');
  await dot.waitFor();
  await bob.page.goto('about:blank');
  await ada.until(async () => (await dot.count()) === 0, 'no dot');
  await ada.until(async () => (await ada.the('viewers').innerText()).includes('last seen'), 'when');
  assertNoComplaints(ada);
});
