import assert from 'node:assert/strict';
import { chat, running, test } from '../flow/harness/index.js';
import { assertNoComplaints, twoInARoom, twoPeople, visit, visitor } from './people.js';

test('two people in two windows on two gateways register, meet in a room and chat', async (t) => {
  const { ada, bob, name } = await twoInARoom(t);
  const { gateways } = await running();
  assert.ok(ada.sockets.every((url) => url === gateways[0].url), ada.sockets.join());
  assert.ok(bob.sockets.every((url) => url === gateways[1].url), bob.sockets.join());
  assert.equal(await bob.the('room-title').innerText(), name);

  const said = [];
  for (let i = 0; i < 5; i++) {
    for (const [person, text] of [[ada, `ada ${i}`], [bob, `bob ${i}`]]) {
      await person.say(text);
      said.push(text);
      await Promise.all([ada, bob].map((reader) => reader.untilTexts(said)));
    }
  }
  for (const person of [ada, bob]) {
    const seqs = await person.the('message').evaluateAll((nodes) => nodes.map((node) => Number(node.dataset.seq)));
    assert.deepEqual(seqs, seqs.map((_, i) => seqs[0] + i), 'every message is there once, in the order of the log');
  }
  assertNoComplaints(ada, bob);
});

test('messages typed quickly by both appear once and in the same order on both screens', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  const burst = async (person, name) => {
    for (let i = 0; i < 8; i++) await person.say(`${name} ${i}`);
  };
  await Promise.all([burst(ada, 'ada'), burst(bob, 'bob')]);
  for (const person of [ada, bob]) {
    await person.until(async () => (await person.the('message').count()) === 16, 'sixteen messages');
    await person.until(async () => (await person.page.locator('[data-testid=message]:not([data-state=stored])').count()) === 0, 'all stored');
  }
  assert.deepEqual(await ada.texts(), await bob.texts());
  assert.equal(new Set(await ada.texts()).size, 16);
  for (const name of ['ada', 'bob'])
    assert.deepEqual((await ada.texts()).filter((text) => text.startsWith(name)), Array.from({ length: 8 }, (_, i) => `${name} ${i}`));
  assertNoComplaints(ada, bob);
});

test('text is never markup', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  const texts = ['<b>bold</b>', '<img src=x onerror=alert(1)>', '<script>alert(2)</script>', '&amp; &lt;', '{{ 7 * 7 }}', 'javascript:alert(3)'];
  for (const text of texts) await ada.say(text);
  await bob.untilTexts(texts);
  assert.equal(await bob.page.locator('[data-testid=message-list] :is(b, img, script)').count(), 0);
  assert.equal(await bob.page.locator('a[href^="javascript"]').count(), 0);
  assertNoComplaints(ada, bob);
});

test('a room that is not open counts what is unread, and opening it clears the count', async (t) => {
  const { ada, bob, room } = await twoInARoom(t);
  await bob.makeRoom('elsewhere');
  for (const text of ['one', 'two', 'three']) await ada.say(text);
  const badge = bob.chatItem(room).getByTestId('unread');
  await bob.until(async () => (await badge.count()) === 1 && (await badge.innerText()) === '3', 'three unread');
  await bob.openRoom(room);
  await bob.untilTexts(['one', 'two', 'three']);
  await bob.until(async () => (await badge.count()) === 0, 'nothing unread');
  await bob.page.reload();
  await bob.the('chat-list').waitFor();
  await bob.until(async () => (await bob.chatItem(room).count()) === 1, 'the room in the list');
  assert.equal(await badge.count(), 0, 'the server knows it as well');
  assertNoComplaints(ada, bob);
});

test('who looks and who types is shown to the other', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  await ada.until(async () => (await ada.the('viewers').getAttribute('data-count')) === '2', 'two viewers');
  await bob.the('composer').pressSequentially('hel');
  await ada.until(async () => (await ada.the('typing').innerText()).includes('Bob'), 'Bob is typing');
  await bob.the('send').click();
  await ada.untilTexts(['hel']);
  await ada.until(async () => !(await ada.the('typing').innerText()).includes('Bob'), 'Bob has typed');
  await bob.makeRoom('elsewhere');
  await ada.until(async () => (await ada.the('viewers').getAttribute('data-count')) === '1', 'one viewer');
  assertNoComplaints(ada, bob);
});

test('somebody added to a private room sees it at once', async (t) => {
  const { ada, bob, number } = await twoInARoom(t);
  const secret = await ada.makeRoom('secret');
  await ada.the('room-info').click();
  await ada.the('add-member').click();
  await ada.the('person').fill(`bob.${number}`);
  await ada.the('person-option').first().click();
  await ada.page.keyboard.press('Escape');
  await ada.say('only for us');
  await bob.openRoom(secret);
  await bob.untilTexts(['only for us']);
  assertNoComplaints(ada, bob);
});

test('removing and leaving ask first, and who was removed is told so', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  await ada.the('room-info').click();
  await ada.the('member-menu').click();
  await ada.the('remove').click();
  await ada.the('sure-not').click();
  await ada.the('leave-room').click();
  await ada.the('sure-not').click();
  await bob.say('still here');
  await bob.untilTexts(['still here']);
  await ada.the('member-menu').click();
  await ada.the('remove').click();
  await ada.the('sure').click();
  await bob.until(async () => (await bob.the('gone').allInnerTexts()).join().includes('You were removed'), 'the reason');
  await ada.the('leave-room').click();
  await ada.the('sure').click();
  await ada.until(async () => (await ada.the('chat-item').count()) === 0, 'no chats');
  /* Who hears of the end by the socket first asks the API, which says 403: the plain answer. */
  assert.deepEqual(ada.complaints.filter((text) => !text.includes('status of 403')), []);
});

test('a public room is called as typed, and its address is shown before it is made', async (t) => {
  const { ada, bob, number } = await twoPeople(t);
  await ada.the('new-room').click();
  await ada.the('tab-join').click();
  await ada.the('join-slug').fill(`Grüße & Küsse ${number}!`);
  assert.match(await ada.the('join-address').innerText(), new RegExp(`#gruesse-kuesse-${number}`));
  await ada.the('join-room').click();
  await ada.the('composer').waitFor();
  assert.equal(await ada.the('room-title').innerText(), `Grüße & Küsse ${number}!`);
  await bob.joinRoom(`gruesse kuesse ${number}`);
  assert.equal(await bob.the('room-title').innerText(), `Grüße & Küsse ${number}!`);
  assertNoComplaints(ada, bob);
});

test('people are found by the beginning of their name or login, best first, without a room in common', async (t) => {
  const [ada, bob] = await Promise.all([visit(t, 0), visit(t, 1)]);
  const number = visitor();
  await Promise.all([ada.register(`ada.${number}`, 'Ada'), bob.register(`bob.${number}`, `Robert ${number}`)]);
  await ada.the('new-room').click();
  await ada.the('tab-direct').click();
  for (const text of [`bob.${number}`, `robert ${number}`]) {
    await ada.the('person').fill(text);
    await ada.until(async () => (await ada.the('person-option').allInnerTexts())[0]?.includes(`@bob.${number}`), `${text} before all others`);
  }
  await ada.the('person').fill('zzz');
  await ada.until(async () => (await ada.the('nobody').innerText()).startsWith('Nobody'), 'nobody');
  await ada.the('person').fill(`bob.${number}`);
  await ada.the('person').press('Enter');
  await ada.the('composer').waitFor();
  assert.equal(await ada.the('room-title').innerText(), `Robert ${number}`);
  assertNoComplaints(ada, bob);
});

test('history is read upwards without holes', async (t) => {
  const ada = await visit(t, 0);
  await ada.register(`ada.${visitor()}`, 'Ada');
  const { cy } = await chat(t).users('cy');
  const room = await cy.createRoom('long', { kind: 'public', slug: `long-${cy.id}` });
  for (let i = 0; i < 130; i++) await cy.post(room, `line ${i}`);
  await ada.joinRoom(room.slug);
  await ada.until(async () => (await ada.texts()).at(-1) === 'line 129', 'the newest line');
  await ada.until(async () => {
    await ada.the('message').first().scrollIntoViewIfNeeded();
    return (await ada.texts())[0] === 'line 0';
  }, 'the first line');
  assert.deepEqual(await ada.texts(), Array.from({ length: 130 }, (_, i) => `line ${i}`));
  assertNoComplaints(ada);
});

test('who reads further up sees how many messages have come meanwhile', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  const lines = Array.from({ length: 60 }, (_, i) => `line ${i}`).join('\n');
  await ada.say(lines);
  await bob.untilTexts([lines]);
  await bob.the('message').first().evaluate((message) => message.closest('[role=region]').scrollTo(0, 0));
  await bob.the('to-end').waitFor();
  assert.equal(await bob.the('missed').count(), 0);
  for (const text of ['one', 'two']) await ada.say(text);
  await bob.until(async () => (await bob.the('missed').allInnerTexts()).join().startsWith('2'), 'two new ones');
  await bob.the('to-end').click();
  await bob.the('to-end').waitFor({ state: 'detached' });
  assertNoComplaints(ada, bob);
});

test('a page whose gateway dies says so, comes back and has missed nothing', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  const { gateways } = await running();
  await ada.say('before');
  await bob.untilTexts(['before']);
  await gateways[1].kill();
  await bob.the('offline').waitFor();
  await ada.say('meanwhile');
  await gateways[1].start();
  await bob.untilTexts(['before', 'meanwhile']);
  await bob.the('offline').waitFor({ state: 'detached' });
  await bob.say('after');
  await ada.untilTexts(['before', 'meanwhile', 'after']);
});

test('while the API is away, what is written waits in order, says so, and is sent once it is back', async (t) => {
  const { ada, bob } = await twoInARoom(t);
  const { apis } = await running();
  let attempts = 0;
  bob.page.on('requestfailed', (request) => { if (request.url().endsWith('/messages')) attempts++; });
  await apis[1].kill();
  for (const text of ['one', 'two', 'never', 'three']) await bob.say(text);
  await bob.the('offline').waitFor();
  await bob.until(async () => (await bob.the('waiting').count()) === 4, 'four that wait');
  await bob.the('discard').nth(2).click();
  await bob.until(async () => attempts >= 4, 'a few attempts in vain');
  assert.equal(await bob.the('retry').count(), 0, 'nothing has failed');
  await ada.say('meanwhile');
  await bob.until(async () => (await bob.texts()).includes('meanwhile'), 'the gateway lives');
  await apis[1].start();
  await bob.the('offline').waitFor({ state: 'detached', timeout: 15_000 });
  await ada.untilTexts(['meanwhile', 'one', 'two', 'three']);
  await bob.untilTexts(['meanwhile', 'one', 'two', 'three']);
  assert.equal(await bob.the('waiting').count(), 0);
});

test('what is wrong with a login is said at its field', async (t) => {
  const [ada, eve] = await Promise.all([visit(t, 0), visit(t, 1)]);
  const login = `ada.${visitor()}`;
  await ada.register(login, 'Ada');
  await eve.the('register-toggle').click();
  assert.match(await eve.the('login-hint').innerText(), /a-z, 0-9/);
  await eve.the('password').fill('correct horse');
  await eve.the('login').fill('ädä');
  await eve.the('login-fault').waitFor();
  await eve.the('submit').click();
  await eve.the('login').fill(login);
  await eve.the('login-fault').waitFor({ state: 'detached' });
  await eve.the('submit').click();
  await eve.until(async () => (await eve.the('login-fault').allInnerTexts()).join().includes('already'), 'the login is taken');
  assert.equal(await eve.the('form-error').count(), 0);
});

test('signing out ends the session, and signing in again shows what was there', async (t) => {
  const { ada, bob, room, number } = await twoInARoom(t);
  await ada.say('remember me');
  await bob.untilTexts(['remember me']);
  await bob.the('sign-out').click();
  await bob.the('login-form').waitFor();
  await bob.page.reload();
  await bob.the('login-form').waitFor();
  await bob.logIn(`bob.${number}`);
  await bob.openRoom(room);
  await bob.untilTexts(['remember me']);
});

test('on a phone the list and the room take turns, and nothing is wider than the screen', async (t) => {
  const { ada, bob, room } = await twoInARoom(t, { width: 390, height: 760, isPhone: true });
  await ada.say(`a long word ${'x'.repeat(300)} and the end`);
  await bob.until(async () => (await bob.the('message').count()) === 1, 'the message');
  for (const person of [ada, bob]) {
    const overflow = await person.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(overflow <= 0, `${overflow} pixels too wide`);
    assert.ok(!(await person.the('chat-list').isVisible()), 'the room has the screen');
    assert.ok(await person.the('composer').isVisible());
  }
  await bob.the('back').click();
  assert.ok(await bob.the('chat-list').isVisible());
  await bob.openRoom(room);
});
