import assert from 'node:assert/strict';
import { chat, test } from '../flow/harness/index.js';
import { assertNoComplaints, twoInARoom } from './people.js';

const counts = async (person) => (await person.the('reaction').allInnerTexts()).map((text) => text.replace(/\s+/g, ' ')).join();
const bubble = (person, text) => person.the('message').filter({ hasText: text });

/** What the menu of a message offers, by the right button. */
async function menuOf(person, text) {
  await bubble(person, text).locator('.bubble').click({ button: 'right' });
  await person.the('menu').waitFor();
}

test('an answer shows what it answers, and a press on that leads there', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  await ada.say('the question');
  await ada.say(Array.from({ length: 60 }, (_, i) => `line ${i}`).join('\n'));
  await bob.until(async () => (await bob.the('message').count()) === 2, 'both messages');
  await menuOf(bob, 'the question').catch(() => {});
  await bob.the('reply').click();
  assert.match(await bob.the('composer-about').innerText(), /Reply to Ada\s+the question/);
  await bob.say('the answer');
  await ada.until(async () => (await ada.the('quote').count()) === 1, 'the quote');
  assert.match(await ada.the('quote').innerText(), /Ada\s+the question/);
  assert.equal(await bob.the('composer-about').count(), 0, 'the next one is no answer');
  await ada.the('quote').click();
  await ada.until(() => bubble(ada, 'the question').first().evaluate((row) => row === document.activeElement), 'the focus on the question');
  assertNoComplaints(ada, bob);
});

test('what is answered is found however far back it is', async (t) => {
  const { ada, bob, room } = await twoInARoom(t);
  const { cy } = await chat(t).users('cy');
  await ada.say('long ago');
  await bob.untilTexts(['long ago']);
  const seq = Number(await bob.the('message').getAttribute('data-seq'));
  await cy.join(room);
  for (let i = 0; i < 120; i++) await cy.post(room, `filler ${i}`);
  await cy.call('POST', `/rooms/${room}/messages`, { text: 'remember?', nonce: 'remember', reply_to: seq });
  await bob.page.reload();
  await bob.until(async () => (await bob.the('quote').count()) === 1, 'the answer');
  assert.equal(await bubble(bob, 'long ago').and(bob.page.locator(`[data-seq="${seq}"]`)).count(), 0, 'not loaded yet');
  await bob.the('quote').click();
  await bob.page.locator(`[data-seq="${seq}"]`).waitFor();
  await bob.until(() => bob.page.locator(`[data-seq="${seq}"]`).evaluate((row) => row === document.activeElement), 'the focus on it');
  assertNoComplaints(bob);
});

test('the arrow up edits one\'s own last message, Escape leaves it as it was, and what it said before is there for who may', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  await ada.say('the kettle is of');
  await bob.untilTexts(['the kettle is of']);
  await ada.the('composer').press('ArrowUp');
  assert.equal(await ada.the('composer').inputValue(), 'the kettle is of');
  await ada.page.keyboard.press('Escape');
  assert.equal(await ada.the('composer').inputValue(), '');
  await ada.the('composer').press('ArrowUp');
  await ada.the('composer').press('End');
  await ada.page.keyboard.type('f');
  await ada.page.keyboard.press('Enter');
  await bob.untilTexts(['the kettle is off']);
  await ada.until(async () => (await ada.the('composer').inputValue()) === '', 'the box, free again');
  assert.equal(await bob.page.locator('button[data-testid=edited]').count(), 0, 'not for other members');
  await ada.the('edited').click();
  await ada.until(async () => (await ada.the('revisions').locator('li').allInnerTexts()).at(1)?.endsWith('the kettle is of'), 'what it said before');
  assertNoComplaints(ada, bob);
});

test('deleting asks first, and leaves a place without words for everybody', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  await ada.say('never mind');
  await bob.untilTexts(['never mind']);
  await menuOf(bob, 'never mind');
  assert.equal(await bob.the('delete').count(), 0, 'who may not is not offered it');
  await bob.page.keyboard.press('Escape');
  await menuOf(ada, 'never mind');
  await ada.the('delete').click();
  await ada.the('sure-not').click();
  await ada.untilTexts(['never mind']);
  await menuOf(ada, 'never mind');
  await ada.the('delete').click();
  await ada.the('sure').click();
  for (const person of [ada, bob]) {
    await person.until(async () => (await person.the('tombstone').count()) === 1, 'the tombstone');
    await person.untilTexts([]);
  }
  assertNoComplaints(ada, bob);
});

test('a reaction is counted for everybody, is one\'s own to take back, and says who', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  await ada.say('scones?');
  await bob.untilTexts(['scones?']);
  await bubble(bob, 'scones?').hover();
  await bob.the('bar-react').click();
  await bob.the('emoji-picker').getByRole('button', { name: '🎉' }).first().click();
  await ada.until(async () => (await counts(ada)) === '🎉 1', 'the reaction');
  await ada.the('reaction').click();
  for (const person of [ada, bob]) {
    await person.until(async () => (await counts(person)) === '🎉 2', 'two');
    assert.equal(await person.the('reaction').getAttribute('aria-pressed'), 'true');
  }
  await ada.the('composer').hover();
  await ada.the('reaction').hover();
  await ada.until(async () => /Ada and Bob|Bob and Ada/.test((await ada.the('reaction').getAttribute('title')) ?? ''), 'the names');
  await ada.the('reaction').click();
  await bob.the('reaction').click();
  for (const person of [ada, bob]) await person.until(async () => (await person.the('reaction').count()) === 0, 'none');
  assertNoComplaints(ada, bob);
});

test('pinned messages stand above the others, for everybody, and lead to their place', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  for (const text of ['tea at four', 'bring cups']) await ada.say(text);
  await ada.untilTexts(['tea at four', 'bring cups']);
  await ada.until(async () => (await ada.page.locator('[data-testid=message]:not([data-state=stored])').count()) === 0, 'all stored');
  for (const text of ['tea at four', 'bring cups']) {
    await menuOf(ada, text);
    await ada.the('pin').last().click();
    await bob.until(async () => (await bob.the('pin-bar').allInnerTexts()).join().includes(text), text);
  }
  await bob.page.reload();
  await bob.the('pin-bar').waitFor();
  await bob.the('pins-all').click();
  assert.equal(await bob.the('pins').locator('li').count(), 2);
  assert.equal(await bob.the('unpin-this').count(), 0, 'in a public room moderators unpin');
  await bob.page.keyboard.press('Escape');
  await bob.the('pin').click();
  await bob.until(() => bubble(bob, 'bring cups').first().evaluate((row) => row === document.activeElement), 'the focus on it');
  await ada.the('pins-all').click();
  await ada.the('unpin-this').first().click();
  await ada.until(async () => (await ada.the('pins').locator('li').count()) === 1, 'one pin');
  await bob.until(async () => (await bob.the('pin-bar').allInnerTexts()).join().includes('tea at four'), 'the other one');
  assertNoComplaints(ada, bob);
});

test('@ offers members, takes one by keyboard, and whom it means sees it marked', async (t) => {
  const { ada, bob, number } = await twoInARoom(t);
  const elsewhere = await bob.makeRoom('elsewhere');
  await ada.the('composer').pressSequentially('hello @bo');
  await ada.the('mention-option').first().waitFor();
  await ada.page.keyboard.press('Enter');
  assert.equal(await ada.the('composer').inputValue(), `hello @bob.${number} `);
  await ada.page.keyboard.type('and @nobody');
  await ada.page.keyboard.press('Enter');
  await ada.untilTexts([`hello @bob.${number} and @nobody`]);
  await bob.until(async () => (await bob.the('mentioned').count()) === 1, 'the sign in the chat list');
  await bob.page.locator('[data-testid=chat-item]:has([data-testid=mentioned])').click();
  await bob.untilTexts([`hello @bob.${number} and @nobody`]);
  assert.deepEqual(await bob.the('mention').allInnerTexts(), [`@bob.${number}`]);
  assert.match(await bob.the('mention').getAttribute('class'), /\bme\b/);
  await bob.until(async () => (await bob.the('mentioned').count()) === 0, 'no sign once it is read');
  assert.ok(elsewhere);
  assertNoComplaints(ada, bob);
});

test('a message is passed on to another chat, which says whose it is', async (t) => {
  const { ada, bob, name } = await twoInARoom(t);
  await bob.say('worth repeating');
  await ada.untilTexts(['worth repeating']);
  const other = await ada.makeRoom('the other room');
  await ada.page.goBack();
  await ada.the('room-title').filter({ hasText: name }).waitFor();
  await menuOf(ada, 'worth repeating');
  await ada.the('forward').click();
  await ada.the('forward-find').fill('other');
  await ada.the('forward-to').click();
  await ada.until(async () => (await ada.the('forward-to').innerText()).includes('Sent'), 'the word that it is sent');
  await ada.page.keyboard.press('Escape');
  await ada.openRoom(other);
  await ada.until(async () => (await ada.the('origin').allInnerTexts()).join().includes('Forwarded from Bob'), 'whose it is');
  await ada.untilTexts(['worth repeating']);
  assertNoComplaints(ada);
});

test('with the keyboard alone a message is reached, and answered', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  await ada.say('one');
  await ada.say('two');
  await bob.untilTexts(['one', 'two']);
  await bob.page.locator('[role=region][aria-label=Messages]').focus();
  await bob.page.keyboard.press('ArrowUp');
  await bob.page.keyboard.press('ArrowUp');
  await bob.page.keyboard.press('Enter');
  await bob.the('menu').waitFor();
  await bob.the('reply').focus();
  await bob.page.keyboard.press('Enter');
  await bob.page.keyboard.type('to one');
  await bob.page.keyboard.press('Enter');
  await ada.until(async () => (await ada.the('quote').allInnerTexts()).join().includes('one'), 'the answer');
  assertNoComplaints(ada, bob);
});

test('on a phone a long press opens what can be done to a message', async (t) => {
  const { ada, bob } = await twoInARoom(t, { width: 390, height: 760, isPhone: true });
  await ada.say('press me');
  await bob.untilTexts(['press me']);
  const target = bubble(bob, 'press me').locator('.bubble');
  const down = { pointerType: 'touch', isPrimary: true, bubbles: true };
  await target.dispatchEvent('pointerdown', down);
  await bob.the('menu').waitFor();
  await bob.the('quick-reaction').first().click();
  await ada.until(async () => (await ada.the('reaction').count()) === 1, 'the reaction');
  assertNoComplaints(ada, bob);
});
