import assert from 'node:assert/strict';
import { chat, meanwhile, nonce, refused, soon, test } from './harness/index.js';

const seqs = ({ items }) => items.map(({ seq }) => seq);

test('a message comes back as the sender wrote it, once and under one number', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const given = nonce();
  const event = await ada.post(room, 'kettle is on', { nonce: given });
  assert.equal(event.kind, 'message');
  assert.deepEqual([event.room_id, event.seq, event.message_no], [room.id, 4, 1]);
  assert.equal(event.sender.id, ada.id);
  assert.equal(event.sender.name, 'ada');
  const { message } = event;
  assert.deepEqual([message.text, message.nonce, message.seq, message.message_no], ['kettle is on', given, 4, 1]);
  assert.match(event.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual((await bob.messages(room)).items, [message]);
  assert.deepEqual((await bob.log(room)).at(-1), event);
});

test('texts of every kind come back byte for byte', async (t) => {
  const { ada } = await chat(t).users('ada');
  const room = await ada.createRoom('tea');
  const device = await ada.connect({ rooms: [room] });
  const texts = [
    '<b>bold</b> &amp; "quotes" \\ / \'', 'two\nlines\r\n\ttab', '\u0001\u001f\u007f', 'naïve café, 北京, Привет',
    '👩‍👩‍👧‍👦 🇪🇺 🫖', '\u202eright to left\u202c', '\ufeffbom \u2028 \u2029', '{"json": [1, null]}', 'x'.repeat(16 * 1024), '🫖'.repeat(4 * 1024),
  ];
  for (const text of texts) {
    assert.equal((await ada.post(room, text)).message.text, text);
    assert.equal((await device.next(room)).message.text, text);
  }
  assert.deepEqual(await ada.texts(room), texts);
});

test('the same send again gets the original answer with 200, through any API and at any later time', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const path = `/rooms/${room.id}/messages`;
  const body = { text: 'once', nonce: nonce() };
  const first = await ada.ask('POST', path, body);
  assert.equal(first.status, 201);
  await bob.post(room, 'between');
  for (const api of [0, 1]) {
    const again = await ada.ask('POST', path, body, { api });
    assert.equal(again.status, 200);
    assert.deepEqual(again.body, first.body);
  }
  assert.deepEqual(await ada.texts(room), ['once', 'between']);
});

test('who was removed is told that a send was stored when they send it again, and nothing of what others say now', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  for (const kind of ['private', 'public']) {
    const room = await ada.createRoom('tea', { kind, members: [bob] });
    const { seq } = await ada.post(room, 'is it on?');
    const body = { text: 'it is', reply_to: seq, nonce: nonce() };
    const again = () => bob.call('POST', `/rooms/${room.id}/messages`, body);
    const sent = await again();
    await ada.call('PUT', `/rooms/${room.id}/messages/${sent.seq}/reactions/${encodeURIComponent('🫖')}`);
    assert.deepEqual((await again()).message.reactions, [{ emoji: '🫖', count: 1 }]);
    await ada.kick(room, bob);
    await ada.call('PATCH', `/rooms/${room.id}/messages/${seq}`, { text: 'said since' });
    const told = await again();
    assert.deepEqual([told.seq, told.message.text, told.message.reactions], [sent.seq, 'it is', sent.message.reactions]);
    assert.ok(!JSON.stringify(told).includes('said since'));
  }
});

test('a nonce with another text is refused', async (t) => {
  const { ada } = await chat(t).users('ada');
  const room = await ada.createRoom('tea');
  const given = nonce();
  await ada.post(room, 'once', { nonce: given });
  await refused(ada.post(room, 'twice', { nonce: given }), 422, 'nonce_reused');
  await refused(ada.post(room, 'twice', { nonce: given, api: 1 }), 422, 'nonce_reused');
  assert.deepEqual(await ada.texts(room), ['once']);
});

test('a nonce belongs to its room and its sender', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const [tea, milk] = [await ada.createRoom('tea', { members: [bob] }), await ada.createRoom('milk')];
  const given = nonce();
  await ada.post(tea, 'ada in tea', { nonce: given });
  await ada.post(milk, 'ada in milk', { nonce: given });
  await bob.post(tea, 'bob in tea', { nonce: given });
  assert.deepEqual(await ada.texts(tea), ['ada in tea', 'bob in tea']);
  assert.deepEqual(await ada.texts(milk), ['ada in milk']);
});

test('a send moves the cursor of its sender, and of nobody else', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  await bob.post(room, 'one');
  const two = await ada.post(room, 'two');
  assert.deepEqual((await ada.snapshot(room)).cursor, { seq: two.seq, message_no: 2 });
  await soon(async () => assert.equal((await ada.chatOf(room)).unread, 0));
  await soon(async () => assert.equal((await bob.chatOf(room)).unread, 1));
});

/* Events 1 and 2 are the creation and the join; messages are 3 to 9, with a join at 6. */
async function history(t) {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { kind: 'public' });
  for (const text of ['a', 'b', 'c']) await ada.post(room, text);
  await bob.join(room);
  for (const text of ['d', 'e', 'f']) await ada.post(room, text);
  return { ada, bob, room };
}

test('history is paged before, after and around a number, ascending, and says whether there is more', async (t) => {
  const { ada, bob, room } = await history(t);
  const pages = {
    '': [[3, 4, 5, 7, 8, 9], false],
    'limit=6': [[3, 4, 5, 7, 8, 9], false],
    'limit=5': [[4, 5, 7, 8, 9], true],
    'limit=1': [[9], true],
    'before=7': [[3, 4, 5], false],
    'before=7&limit=2': [[4, 5], true],
    'before=6&limit=2': [[4, 5], true],
    'before=3': [[], false],
    'before=1': [[], false],
    'before=1000': [[3, 4, 5, 7, 8, 9], false],
    'before=1000&limit=2': [[8, 9], true],
    'after=0': [[3, 4, 5, 7, 8, 9], false],
    'after=0&limit=2': [[3, 4], true],
    'after=5&limit=2': [[7, 8], true],
    'after=6': [[7, 8, 9], false],
    'after=8': [[9], false],
    'after=9': [[], false],
    'after=1000': [[], false],
    'limit=200': [[3, 4, 5, 7, 8, 9], false],
  };
  for (const [query, [expected, more]] of Object.entries(pages)) {
    const page = await bob.messages(room, query);
    assert.deepEqual([seqs(page), page.has_more], [expected, more], query);
  }
  const around = {
    'around=5&limit=3': [[4, 5, 7], true, true],
    'around=5&limit=1': [[5], true, true],
    'around=3&limit=200': [[3, 4, 5, 7, 8, 9], false, false],
  };
  for (const [query, [expected, before, after]] of Object.entries(around)) {
    const page = await ada.messages(room, query);
    assert.deepEqual([seqs(page), page.has_before, page.has_after], [expected, before, after], query);
  }
});

test('a page around a number that is no message shows its place', async (t) => {
  const { ada, room } = await history(t);
  for (const [place, within] of [[6, [5, 7]], [1000, [9]], [1, [3]]]) {
    const page = await ada.messages(room, `around=${place}&limit=3`);
    assert.ok(within.some((seq) => seqs(page).includes(seq)), `around ${place}: ${seqs(page)}`);
    assert.deepEqual(seqs(page), [...seqs(page)].sort((a, b) => a - b));
  }
});

test('walking back through history by pages of any size meets every message once', async (t) => {
  const { ada } = await chat(t).users('ada');
  const room = await ada.createRoom('tea');
  for (let i = 0; i < 30; i++) await ada.post(room, `${i}`);
  const all = (await ada.messages(room)).items;
  assert.equal(all.length, 30);
  for (const limit of [1, 7, 29, 30, 31]) {
    const walked = [];
    for (let page = { has_more: true }; page.has_more; ) {
      const before = walked[0]?.seq;
      page = await ada.messages(room, `limit=${limit}${before === undefined ? '' : `&before=${before}`}`);
      walked.unshift(...page.items);
    }
    assert.deepEqual(walked, all, `pages of ${limit}`);
  }
});

test('limits and places out of range are errors, not cut silently', async (t) => {
  const { ada, room } = await history(t);
  const outside = {
    messages: ['limit=0', 'limit=201', 'limit=-1', 'before=-1', 'after=-1'],
    events: ['limit=0', 'limit=1001', 'after=-1'],
  };
  for (const [what, queries] of Object.entries(outside))
    for (const query of queries) {
      const error = await refused(ada.get(`/rooms/${room.id}/${what}?${query}`), 400, 'out_of_range');
      assert.equal(error.problem.errors[0].field, query.split('=')[0], query);
    }
  await assert.rejects(ada.messages(room, 'before=5&after=3'), { status: 400 });
  for (const limit of ['many', '99999999999999999999', '1.5', ''])
    await assert.rejects(ada.messages(room, `limit=${limit}`), { status: 400 });
  await refused(ada.messages(room, 'befor=5'), 400, 'unknown_parameter');
  await refused(ada.get('/rooms?limit=101'), 400, 'out_of_range');
});

test('/events shows the whole log in pages, with the epoch of its positions', async (t) => {
  const { ada, bob, room } = await history(t);
  const page = await bob.get(`/rooms/${room.id}/events?after=2&limit=3`);
  assert.deepEqual([seqs(page), page.has_more], [[3, 4, 5], true]);
  assert.equal(page.epoch, (await ada.snapshot(room)).as_of.epoch);
  const rest = await bob.get(`/rooms/${room.id}/events?after=5`);
  assert.deepEqual([seqs(rest), rest.has_more], [[6, 7, 8, 9], false]);
  assert.deepEqual(seqs(await bob.get(`/rooms/${room.id}/events?after=9`)), []);
});

test('a snapshot shows the room, its members, the newest messages and where the log stands', async (t) => {
  const { ada, bob, room } = await history(t);
  const snapshot = await bob.snapshot(room);
  assert.equal(snapshot.room.id, room.id);
  assert.deepEqual([snapshot.room.last_seq, snapshot.room.message_no, snapshot.as_of.offset], [9, 6, 9]);
  assert.equal(snapshot.me.user.id, bob.id);
  assert.deepEqual(snapshot.members.map(({ user, role }) => [user.id, role]).sort(),
    [[ada.id, 'owner'], [bob.id, 'member']].sort());
  assert.deepEqual(seqs({ items: snapshot.messages }), [3, 4, 5, 7, 8, 9]);
  assert.deepEqual(snapshot.cursor, { seq: 6, message_no: 3 }, 'a joiner starts at the join');
  const two = await bob.get(`/rooms/${room.id}?messages=2`);
  assert.deepEqual(seqs({ items: two.messages }), [8, 9]);
});

test('a snapshot and a subscription from where it stood lose nothing and repeat nothing while others send', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const room = await ada.createRoom('tea', { members: [bob, cy] });
  const senders = [ada, bob].map((person) => meanwhile(t, (i) => person.post(room, `${person.login} ${i}`)));
  const devices = await Promise.all([0, 1].map((gateway) => cy.connect({ gateway })));
  const rounds = [];
  for (let round = 0; round < 20; round++) {
    const device = devices[round % 2];
    const from = device.seqs(room).length;
    const snapshot = await cy.snapshot(room, { api: (round >> 1) % 2 });
    const shown = snapshot.messages.at(-1)?.seq ?? 0;
    assert.ok(shown <= snapshot.as_of.offset, 'a snapshot shows nothing beyond where it says it stands');
    await device.subscribe(room, { since: snapshot.as_of });
    await device.reach(room, snapshot.as_of.offset + 3);
    await device.unsubscribe(room);
    rounds.push({ start: snapshot.as_of.offset, seen: device.seqs(room).slice(from) });
  }
  for (const stop of senders) await stop();
  for (const { start, seen } of rounds) assert.deepEqual(seen, seen.map((_, i) => start + 1 + i));
});

test('a page of long messages is small, and the pages are complete', async (t) => {
  const { ada } = await chat(t).users('ada');
  const room = await ada.createRoom('tea');
  const text = '\u0001'.repeat(16384); // six bytes each in JSON
  const sent = [];
  for (let i = 0; i < 30; i++) sent.push((await ada.post(room, text)).seq);
  const isSmall = ({ items }) => JSON.stringify(items).length < 1.2e6;
  let before = sent.at(-1) + 1;
  for (let page = { has_more: true }; page.has_more; before = page.items[0].seq) {
    page = await ada.get(`/rooms/${room.id}/messages?before=${before}&limit=200`);
    assert.ok(isSmall(page));
    assert.deepEqual(page.items.map(({ seq }) => seq), sent.splice(-page.items.length));
  }
  assert.deepEqual(sent, []);
  assert.ok(isSmall(await ada.get(`/rooms/${room.id}/events?limit=1000`)));
  assert.equal((await ada.log(room)).length, 32);
  const snapshot = await ada.snapshot(room);
  assert.ok(isSmall({ items: snapshot.messages }) && snapshot.has_more);
});
