import assert from 'node:assert/strict';
import { chat, idOf, nonce, refused, running, test } from './harness/index.js';

const befriend = (person, other, options) => person.call('PUT', `/me/contacts/${idOf(other)}`, undefined, options);
const forget = (person, other, options) => person.call('DELETE', `/me/contacts/${idOf(other)}`, undefined, options);
const block = (person, other, options) => person.call('PUT', `/me/blocks/${idOf(other)}`, undefined, options);
const unblock = (person, other, options) => person.call('DELETE', `/me/blocks/${idOf(other)}`, undefined, options);
const contacts = (person, query = '') => person.get(`/me/contacts${query}`);
const blocks = (person) => person.get('/me/blocks');
const change = (person, body) => person.call('PATCH', '/me', body, { headers: { 'if-match': '*' } });
const ids = ({ items }) => items.map(({ id }) => id);

test('contacts are added once, listed, and removed, and nobody else hears of it', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  assert.equal((await ada.ask('PUT', `/me/contacts/${bob.id}`)).status, 201);
  assert.equal((await ada.ask('PUT', `/me/contacts/${bob.id}`, undefined, { api: 1 })).status, 200);
  await befriend(ada, cy);
  assert.deepEqual(ids(await contacts(ada)), [bob.id, cy.id].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1)));
  const first = await contacts(ada, '?limit=1');
  assert.equal(first.has_more, true);
  assert.deepEqual([...ids(first), ...ids(await contacts(ada, `?after=${first.next}`))], ids(await contacts(ada)));
  await forget(ada, bob);
  await forget(ada, bob);
  assert.deepEqual(ids(await contacts(ada)), [cy.id]);
  assert.deepEqual(ids(await contacts(bob)), []);
});

test('one is no contact of oneself, and nobody is made one who is not there', async (t) => {
  const { ada } = await chat(t).users('ada');
  await refused(befriend(ada, ada), 422, 'not_possible');
  await refused(befriend(ada, '7'), 404, 'not_found');
  await refused(block(ada, '7'), 404, 'not_found');
  await forget(ada, '7');
});

test('of many who add and remove the same contact at once each is answered, and the last state is the same everywhere', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  await Promise.all(Array.from({ length: 12 }, (_, i) => (i % 3 === 2 ? forget : befriend)(ada, bob, { api: i % 2 })));
  await befriend(ada, bob);
  assert.deepEqual(ids(await contacts(ada)), [bob.id]);
});

test('every device of a person hears of a changed contact, with absolute values, and who was away reads it', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const devices = [await ada.connect({ gateway: 0 }), await ada.connect({ gateway: 1 })];
  const { until } = await ada.get('/me/changes');
  const said = await befriend(ada, bob, { api: 1 });
  for (const device of devices)
    assert.deepEqual(await device.nextOwn('contact'), { type: 'contact', ...said });
  assert.deepEqual([said.user_id, said.contact, said.blocked], [bob.id, true, false]);
  await block(ada, bob);
  await forget(ada, bob);
  for (const [contact, blocked] of [[true, true], [false, true]])
    for (const device of devices) {
      const event = await device.nextOwn('contact');
      assert.deepEqual([event.contact, event.blocked], [contact, blocked]);
    }
  const { items } = await ada.get(`/me/changes?since=${until}`, { api: 1 });
  const last = items.filter(({ type }) => type === 'contact');
  assert.deepEqual(last.map(({ user_id, contact, blocked }) => ({ user_id, contact, blocked })), [{ user_id: bob.id, contact: false, blocked: true }]);
  assert.ok(last[0].changed_at > said.changed_at);
  assert.equal((await bob.get(`/me/changes?since=${until}`)).items.length, 0);
});

test('changes of rooms and of contacts are read in one order, page by page', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const { until } = await ada.get('/me/changes');
  await befriend(ada, bob);
  await ada.createRoom('tea');
  await befriend(ada, cy);
  await ada.createRoom('milk');
  const items = [];
  for (let page = { has_more: true }; page.has_more; items.push(...page.items))
    page = await ada.get(`/me/changes?since=${until}&limit=1${page.next ? `&after=${page.next}` : ''}`);
  assert.deepEqual(items.map(({ type }) => type), ['contact', 'room_added', 'contact', 'room_added']);
});

test('who asks for changes from when traces are gone is told to fetch anew, but for accounts that are younger', async (t) => {
  const { ada } = await chat(t).users('ada');
  const daysAgo = (days) => new Date(Date.now() - days * 86_400_000).toISOString();
  const since = (time) => ada.get(`/me/changes?since=${time}`);
  await since(daysAgo(365));
  await (await running()).sql(`UPDATE users SET created_at = now() - interval '60 days' WHERE id = ${ada.id}`);
  await refused(since(daysAgo(365)), 410, 'too_old');
  await refused(since(daysAgo(31)), 410, 'too_old');
  await since(daysAgo(29));
  assert.ok((await ada.get('/me/changes')).until);
});

test('what is for contacts is seen by those whom the person has added, not by those who added the person', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  await change(ada, { fields: { City: 'London', Phone: '5550100' }, field_visibility: { Phone: 'contacts' } });
  await befriend(cy, ada);
  await befriend(ada, bob);
  await befriend(bob, ada);
  assert.deepEqual((await bob.get(`/users/${ada.id}`)).fields, { City: 'London', Phone: '5550100' });
  assert.deepEqual((await contacts(bob)).items[0].fields, { City: 'London', Phone: '5550100' });
  assert.deepEqual((await cy.get(`/users/${ada.id}`)).fields, { City: 'London' });
  await forget(ada, bob);
  assert.deepEqual((await bob.get(`/users/${ada.id}`)).fields, { City: 'London' });
});

test('who is blocked finds the blocker no more, not even as a contact, and is found by them', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  await change(ada, { fields: { City: 'London' } });
  await befriend(bob, ada);
  await block(ada, bob);
  await refused(bob.get(`/users/${ada.id}`), 404, 'not_found');
  assert.equal((await contacts(bob)).items[0].fields, undefined);
  await forget(bob, ada);
  await refused(befriend(bob, ada), 404, 'not_found');
  assert.equal((await ada.get(`/users/${bob.id}`)).id, bob.id);
  assert.deepEqual(ids(await blocks(ada)), [bob.id]);
  assert.deepEqual(ids(await blocks(bob)), []);
  await block(bob, ada); // that may both
  await unblock(ada, bob);
  await refused(ada.get(`/users/${bob.id}`), 404, 'not_found');
  assert.equal((await bob.get(`/users/${ada.id}`)).id, ada.id);
});

test('where one has blocked the other neither opens a direct room nor writes into the one that is there', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  await block(ada, bob);
  await refused(bob.direct(ada), 403, 'blocked');
  await refused(ada.direct(bob), 403, 'blocked');
  const room = await ada.direct(cy);
  const welcome = await ada.post(room, 'welcome');
  await ada.pin(room, welcome.seq);
  const before = await cy.post(room, 'hello', { nonce: 'before' });
  await block(ada, cy, { api: 1 });
  await refused(cy.post(room, 'are you there?'), 403, 'blocked');
  await refused(ada.post(room, 'no'), 403, 'blocked');
  for (const person of [ada, cy]) {
    await refused(person.pin(room, before.seq), 403, 'blocked');
    await refused(person.unpin(room, welcome.seq), 403, 'blocked');
  }
  assert.equal((await cy.post(room, 'hello', { nonce: 'before' })).seq, before.seq, 'a repeat gets the original answer');
  assert.equal((await cy.direct(ada)).id, room.id, 'what was said stays readable');
  assert.deepEqual(await cy.texts(room), ['welcome', 'hello']);
  await unblock(ada, cy);
  await cy.post(room, 'again');
});

test('people who blocked each other still meet in rooms with others', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  await block(ada, bob);
  await bob.post(room, 'hello all');
  assert.deepEqual(await ada.texts(room), ['hello all']);
  assert.ok((await bob.snapshot(room)).members.some(({ user }) => user.id === ada.id));
});

test('who has blocked somebody, or lets only contacts write, is put beside nobody in a new room or an old one', async (t) => {
  const { ada, bob, cy, di } = await chat(t).users('ada', 'bob', 'cy', 'di');
  const room = await bob.createRoom('tea', { members: [di] });
  const group = await bob.call('POST', '/groups', { name: 'tea', visibility: 'private' });
  const inGroup = (person) => bob.call('PUT', `/groups/${group.id}/members/${person.id}`, {});
  await block(ada, bob);
  await change(cy, { who_may_write: 'contacts' });
  for (const [victim, status, code] of [[ada, 422, 'unknown_user'], [cy, 403, 'contacts_only']]) {
    const before = await bob.log(room);
    for (const kind of ['private', 'public']) await refused(bob.createRoom('trap', { kind, members: [di, victim] }), status, code);
    await refused(bob.add(room, victim), status, code);
    await refused(bob.changeMember(room, victim, { role: 'moderator' }), status, code);
    await refused(inGroup(victim), status, code);
    assert.deepEqual(await victim.chats(), []);
    assert.deepEqual(await bob.log(room), before);
  }
  await befriend(cy, bob);
  await bob.createRoom('no trap', { members: [cy] });
  await bob.add(room, cy);
  await inGroup(cy);
  await unblock(ada, bob);
  await bob.add(room, ada);
  await block(ada, bob);
  await bob.add(room, ada); // is there already
  await bob.changeMember(room, ada, { role: 'moderator' });
});

test('after a block was answered nothing of what the blocked person was sending meanwhile is stored', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.direct(bob);
  for (let round = 0; round < 5; round++) {
    const sends = Array.from({ length: 30 }, (_, i) => bob.ask('POST', `/rooms/${room.id}/messages`, { text: `${round}.${i}`, nonce: nonce() }, { api: i % 2 }));
    await block(ada, bob, { api: round % 2 });
    const { last_seq: last } = (await ada.snapshot(room)).room;
    for (const { status, body } of await Promise.all(sends)) {
      assert.ok(status === 201 || (status === 403 && body.code === 'blocked'), `${status}`);
      assert.ok(status !== 201 || body.seq <= last, 'stored before the block was answered');
    }
    assert.equal((await ada.snapshot(room)).room.last_seq, last);
    await unblock(ada, bob);
  }
});

test('who lets only contacts begin to write gets no new direct rooms of strangers, and keeps the old ones', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const old = await cy.direct(ada);
  await change(ada, { who_may_write: 'contacts' });
  await refused(bob.direct(ada), 403, 'contacts_only');
  assert.equal((await cy.direct(ada)).id, old.id);
  await cy.post(old, 'still here');
  await befriend(bob, ada);
  await refused(bob.direct(ada, { api: 1 }), 403, 'contacts_only');
  await befriend(ada, bob);
  await bob.direct(ada);
});

test('who lets only contacts begin may begin themselves', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  await change(ada, { who_may_write: 'contacts' });
  const room = await ada.direct(bob);
  assert.equal((await bob.direct(ada)).id, room.id);
});
