// Groups: people who belong together, and topics.
import assert from 'node:assert/strict';
import { chat, refused, test } from './harness/index.js';

const any = { headers: { 'if-match': '*' } };
const make = (person, name, { visibility = 'private', ...more } = {}) => person.call('POST', '/groups', { name, visibility, ...more });
const join = (person, group) => person.call('POST', `/groups/${group.id}/join`, {});
const leave = (person, group) => person.call('POST', `/groups/${group.id}/leave`, {});
const put = (person, group, other, change = {}, options) => person.call('PUT', `/groups/${group.id}/members/${other.id}`, change, options);
const remove = (person, group, other) => person.call('DELETE', `/groups/${group.id}/members/${other.id}`);
const ban = (person, group, other, body = {}) => person.call('PUT', `/groups/${group.id}/bans/${other.id}`, body);
const change = (person, group, body, version = '*') =>
  person.call('PATCH', `/groups/${group.id}`, body, { headers: { 'if-match': version === '*' ? '*' : `"${version}"` } });
const roles = async (person, group) => Object.fromEntries((await person.get(`/groups/${group.id}/members`)).items.map(({ user, role }) => [user.id, role]));
const ids = ({ items }) => items.map(({ id }) => id);

test('who makes a group owns it; a private one is there for its members alone', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const group = await make(ada, 'Tea house', { about: 'All about tea.' });
  assert.deepEqual([group.role, group.member_count, group.version, group.topics], ['owner', 1, 1, []]);
  assert.equal((await put(ada, group, bob)).role, 'member');
  assert.equal((await bob.get(`/groups/${group.id}`)).member_count, 2);
  assert.deepEqual(ids(await bob.get('/groups')), [group.id]);
  assert.deepEqual(ids(await cy.get('/groups')), []);
  for (const path of ['', '/members', '/bans']) await refused(cy.get(`/groups/${group.id}${path}`), 404, 'not_found');
  for (const path of ['/join', '/leave']) await refused(cy.call('POST', `/groups/${group.id}${path}`, {}), 404, 'not_found');
  await refused(change(cy, group, { name: 'x' }), 404, 'not_found');
  await refused(put(cy, group, cy), 404, 'not_found');
  assert.ok(!ids(await cy.get('/groups/public?q=tea')).includes(group.id));
});

test('public groups are found, by what resembles their names too, joined and left', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const listener = await cy.connect();
  await listener.subscribe('public:groups');
  const phone = await bob.connect();
  const word = `oolong${ada.id.slice(-6)}`;
  const group = await make(ada, `The ${word} house`, { visibility: 'public' });
  const told = (type) => listener.until(() => listener.publications('public:groups').find(({ data }) => data.type === type && data.group.id === group.id), type);
  assert.equal((await told('group_created')).data.group.name, group.name);
  for (const q of [word, word.replace('oo', 'o'), word.toUpperCase()])
    assert.ok(ids(await bob.get(`/groups/public?q=${q}`)).includes(group.id), q);
  await refused(bob.get(`/groups/${group.id}/members`), 403, 'member_required');
  assert.equal((await join(bob, group)).role, 'member');
  await join(bob, group); // once more is the same
  assert.deepEqual((({ group_id, reason }) => [group_id, reason])(await phone.nextOwn('group_added')), [group.id, 'join']);
  assert.equal((await ada.get(`/groups/${group.id}`)).member_count, 2);
  await leave(bob, group);
  await leave(bob, group);
  assert.equal((await phone.nextOwn('group_removed')).reason, 'leave');
  assert.equal((await ada.get(`/groups/${group.id}`)).member_count, 1);
  await change(ada, group, { name: 'Another house' });
  assert.equal((await told('group_changed')).data.group.name, 'Another house');
  await ada.call('DELETE', `/groups/${group.id}`, undefined, any);
  await told('group_deleted');
  await refused(ada.get(`/groups/${group.id}`), 404, 'not_found');
});

test('a change is for one version, by admins and above; a slug is of one group', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const group = await make(ada, 'Tea house', { visibility: 'public', slug: `tea-${ada.id}` });
  await put(ada, group, bob);
  await refused(ada.call('PATCH', `/groups/${group.id}`, { name: 'x' }), 428, 'if_match_required');
  await refused(change(ada, group, { name: 'x' }, 7), 412, 'version_changed');
  await refused(change(bob, group, { name: 'x' }), 403, 'role_required');
  await refused(bob.call('DELETE', `/groups/${group.id}`, undefined, any), 403, 'role_required');
  const answers = await Promise.all([0, 1, 2, 3].map((i) =>
    ada.ask('PATCH', `/groups/${group.id}`, { about: `${i}` }, { api: i % 2, headers: { 'if-match': '"1"' } })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412, 412, 412]);
  await refused(make(bob, 'Another', { slug: `tea-${ada.id}` }), 409, 'slug_taken');
  const other = await make(bob, 'Another');
  await refused(change(bob, other, { slug: `tea-${ada.id}` }), 409, 'slug_taken');
  assert.equal((await change(ada, group, { slug: '' })).slug, undefined);
  assert.equal((await change(bob, other, { slug: `tea-${ada.id}` })).slug, `tea-${ada.id}`);
});

test('topics have names and places, and a change of them is another version of the group', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const group = await make(ada, 'Tea house');
  await put(ada, group, bob);
  const add = (name, position) => ada.call('POST', `/groups/${group.id}/topics`, { name, position }, any);
  await add('green');
  await add('black');
  const three = await add('white', 1);
  assert.deepEqual(three.topics.map(({ name }) => name), ['green', 'white', 'black']);
  assert.equal(three.version, 4);
  const black = three.topics.at(-1);
  const moved = await ada.call('PATCH', `/groups/${group.id}/topics/${black.id}`, { name: 'Black', position: 1 }, { headers: { 'if-match': '"4"' } });
  assert.deepEqual(moved.topics.map(({ name }) => name), ['green', 'Black', 'white']);
  await refused(ada.call('PATCH', `/groups/${group.id}/topics/${black.id}`, { name: 'x' }, { headers: { 'if-match': '"4"' } }), 412, 'version_changed');
  await refused(bob.call('POST', `/groups/${group.id}/topics`, { name: 'x' }, any), 403, 'role_required');
  const other = await make(ada, 'Another');
  await refused(ada.call('DELETE', `/groups/${other.id}/topics/${black.id}`, undefined, any), 404, 'not_found');
  const two = await ada.call('DELETE', `/groups/${group.id}/topics/${black.id}`, undefined, any);
  assert.deepEqual(two.topics.map(({ name }) => name), ['green', 'white']);
});

test('roles, bans and removals are as in rooms: of those below, and one owner whatever happens at once', async (t) => {
  const { ada, bob, cy, di } = await chat(t).users('ada', 'bob', 'cy', 'di');
  const group = await make(ada, 'Tea house', { visibility: 'public' });
  assert.equal((await ada.ask('PUT', `/groups/${group.id}/members/${bob.id}`, { role: 'admin' })).status, 201);
  await put(ada, group, cy, { role: 'moderator' });
  await join(di, group);
  for (const refusal of [
    () => put(bob, group, ada, { role: 'member' }), () => put(bob, group, cy, { role: 'admin' }), () => put(cy, group, di, { role: 'moderator' }),
    () => remove(cy, group, bob), () => remove(di, group, cy), () => ban(di, group, cy), () => ban(cy, group, bob),
    () => di.get(`/groups/${group.id}/bans`), () => put(bob, group, bob, { role: 'owner' }),
  ]) await refused(refusal(), 403, 'role_required');
  await refused(put(ada, group, ada, { role: 'admin' }), 422, 'not_possible');
  await refused(put(ada, group, { id: '12345' }), 422, 'unknown_user');
  await refused(put(di, group, { id: '12345' }, { role: 'admin' }), 403, 'role_required');
  const phone = await di.connect({ gateway: 1 });
  await ban(cy, group, di, { reason: 'no tea', until: '2100-01-01T00:00:00.000Z' });
  assert.equal((await phone.nextOwn('group_removed')).reason, 'ban');
  assert.equal((await refused(join(di, group), 403, 'banned')).problem.until, '2100-01-01T00:00:00.000Z');
  await refused(put(ada, group, di), 403, 'banned');
  assert.deepEqual((await cy.get(`/groups/${group.id}/bans`)).items.map(({ user, reason }) => [user.id, reason]), [[di.id, 'no tea']]);
  await cy.call('DELETE', `/groups/${group.id}/bans/${di.id}`);
  await join(di, group);
  const answers = await Promise.all([bob, cy, di].map((person, i) =>
    ada.ask('PUT', `/groups/${group.id}/members/${person.id}`, { role: 'owner' }, { api: i % 2 })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 403, 403]);
  const now = await roles(bob, group);
  assert.equal(Object.values(now).filter((role) => role === 'owner').length, 1);
  assert.equal(now[ada.id], 'admin');
  const owner = [bob, cy, di].find(({ id }) => now[id] === 'owner');
  await leave(owner, group);
  assert.equal(Object.values(await roles(ada, group)).filter((role) => role === 'owner').length, 1, 'there is an heir');
});

test('a role that one may not give adds nobody to a group', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const group = await make(ada, 'tea');
  await put(ada, group, bob, { role: 'admin' });
  for (const role of ['admin', 'owner']) await refused(put(bob, group, cy, { role }), 403, 'role_required');
  assert.deepEqual(await roles(ada, group), { [ada.id]: 'owner', [bob.id]: 'admin' });
  assert.equal((await put(bob, group, cy, { role: 'moderator' })).role, 'moderator');
});

test('many who join and leave at once are counted right', async (t) => {
  const people = Object.values(await chat(t).users('a', 'b', 'c', 'd', 'e', 'f'));
  const group = await make(people[0], 'Tea house', { visibility: 'public' });
  await Promise.all(people.flatMap((person, i) => [0, 1].map((api) => person.call('POST', `/groups/${group.id}/join`, {}, { api: (i + api) % 2 }))));
  await Promise.all(people.slice(1, 4).flatMap((person) => [0, 1].map((api) => person.call('POST', `/groups/${group.id}/leave`, {}, { api }))));
  assert.equal((await people[0].get(`/groups/${group.id}`)).member_count, 3);
  assert.equal(Object.keys(await roles(people[0], group)).length, 3);
});

const place = (person, group, room, where = {}) => person.call('PUT', `/groups/${group.id}/rooms/${room.id}`, where);
const rooms = async (person, group) => ids(await person.get(`/groups/${group.id}/rooms?limit=200`));

test('a room stands in a group, under a topic, at a place; members of the group enter those that are open to it', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const group = await make(ada, 'Tea house');
  await put(ada, group, bob);
  const { topics: [green] } = await ada.call('POST', `/groups/${group.id}/topics`, { name: 'green' }, any);
  const [open, closed] = [await ada.createRoom('open'), await ada.createRoom('closed')];
  const phone = await ada.connect({ rooms: [open] });
  const placed = await place(ada, group, open, { topic_id: green.id, position: 2, open: true });
  assert.deepEqual([placed.group_id, placed.topic_id, placed.position, placed.open_to_group, placed.version], [group.id, green.id, 2, true, 2]);
  const { kind, room: told } = await phone.next(open);
  assert.deepEqual([kind, told.group_id, told.topic_id, told.position, told.open_to_group], ['room', group.id, green.id, 2, true]);
  await place(ada, group, open, { topic_id: green.id, position: 2, open: true }); // once more is no event
  await place(ada, group, closed);
  assert.deepEqual((await rooms(ada, group)).sort(), [open.id, closed.id].sort());
  assert.deepEqual(await rooms(bob, group), [open.id]);
  await refused(cy.get(`/groups/${group.id}/rooms`), 404, 'not_found');

  assert.equal((await bob.snapshot(open)).room.name, 'open', 'it shows itself to members of the group');
  await refused(bob.messages(open), 403, 'member_required');
  await refused(bob.snapshot(closed), 404, 'not_found');
  await refused(bob.join(closed), 404, 'not_found');
  await refused(cy.snapshot(open), 404, 'not_found');
  await refused(cy.join(open), 404, 'not_found');
  assert.equal((await bob.join(open)).role, 'member');
  await bob.post(open, 'hello');
  assert.equal((await bob.chatOf(open)).room.group_id, group.id);
  assert.equal((await ada.log(open)).filter((event) => event.kind === 'room').length, 2);

  await refused(ada.call('DELETE', `/groups/${group.id}`, undefined, any), 422, 'not_possible');
  await ada.call('DELETE', `/groups/${group.id}/rooms/${open.id}`);
  await ada.call('DELETE', `/groups/${group.id}/rooms/${open.id}`); // once more is the same
  assert.equal((await bob.snapshot(open)).room.group_id, undefined, 'who has joined stays');
  await refused(place(ada, group, closed, { topic_id: '12345' }), 400, 'out_of_range');
  await ada.deleteRoom(closed);
  await ada.call('DELETE', `/groups/${group.id}`, undefined, any);
});

test('a room is put into a group by those who are admins of both', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const group = await make(ada, 'Tea house', { visibility: 'public' });
  await put(ada, group, bob, { role: 'admin' });
  const [theirs, own] = [await ada.createRoom('theirs', { kind: 'public', members: [bob] }), await cy.createRoom('own', { kind: 'public' })];
  await refused(place(bob, group, theirs), 403, 'role_required');
  await refused(place(cy, group, own), 403, 'member_required');
  await refused(place(bob, group, own), 403, 'member_required');
  await refused(place(ada, group, await ada.direct(bob)), 422, 'not_possible');
  await place(ada, group, theirs);
  assert.deepEqual(await rooms(cy, group), [theirs.id], 'a public room of a public group is for everybody');
});
