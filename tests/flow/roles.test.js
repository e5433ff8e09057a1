// Roles, silence, and who owns a room.
import assert from 'node:assert/strict';
import { chat, refused, test } from './harness/index.js';

const roles = async (person, room) => Object.fromEntries((await person.get(`/rooms/${room.id}/members`)).items.map(({ user, role }) => [user.id, role]));
const inMs = (ms) => new Date(Date.now() + ms).toISOString();

/** A room with an owner (ada), an admin (bob), a moderator (cy) and two members (di, eve). */
async function staffed(t, kind = 'private') {
  const people = await chat(t).users('ada', 'bob', 'cy', 'di', 'eve');
  const { ada, bob, cy, di, eve } = people;
  const room = await ada.createRoom('tea', { kind, members: [bob, cy, di, eve] });
  await ada.changeMember(room, bob, { role: 'admin' });
  await ada.changeMember(room, cy, { role: 'moderator' });
  return { ...people, room };
}

test('a role is one event with role and silence as they are now, and every answer has it', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  const phone = await bob.connect({ gateway: 1, rooms: [room] });
  const member = await ada.changeMember(room, bob, { role: 'moderator' });
  assert.deepEqual([member.user.id, member.role], [bob.id, 'moderator']);
  const event = await phone.next(room);
  assert.deepEqual([event.kind, event.sender.id, event.member.user.id, event.member.role], ['role', ada.id, bob.id, 'moderator']);
  const until = inMs(600_000);
  await ada.changeMember(room, bob, { silent_until: until });
  const { member: silenced } = await phone.next(room);
  assert.deepEqual([silenced.role, silenced.silent_until], ['moderator', until]);
  assert.equal((await ada.get(`/rooms/${room.id}/members`)).items.find(({ user }) => user.id === bob.id).silent_until, until);
  assert.equal((await bob.snapshot(room)).me.silent_until, until);
  assert.equal((await refused(bob.post(room, 'may I?'), 403, 'silenced')).problem.until, until);
  await ada.changeMember(room, bob, { silent_until: inMs(-1_000) });
  assert.equal((await phone.next(room)).member.silent_until, undefined);
  await bob.post(room, 'I may');
  await ada.changeMember(room, bob, { silent_until: until });
  await ada.changeMember(room, bob, { silent_until: '1970-01-01T00:00:00Z' });
  await bob.post(room, 'again');
  const before = (await ada.log(room)).length;
  await ada.changeMember(room, bob, { role: 'moderator' });
  assert.equal((await ada.log(room)).length, before, 'what is so already is no event');
});

test('somebody is added with a role; a refusal adds nobody', async (t) => {
  const { ada, bob, cy, di } = await chat(t).users('ada', 'bob', 'cy', 'di');
  const room = await ada.createRoom('tea', { members: [bob] });
  const answer = await ada.ask('PUT', `/rooms/${room.id}/members/${cy.id}`, { role: 'admin' });
  assert.deepEqual([answer.status, answer.body.role], [201, 'admin']);
  await refused(bob.changeMember(room, di, { role: 'moderator' }), 403, 'role_required');
  await refused(ada.changeMember(room, di, { role: 'king' }), 400, 'out_of_range');
  await refused(ada.changeMember(room, di, { role: 'left' }), 400, 'out_of_range');
  await refused(ada.changeMember(room, di, { silent_until: 'soon' }), 400, 'wrong_type');
  await refused(ada.changeMember(room, { id: '12345' }, { role: 'admin' }), 422, 'unknown_user');
  await refused(cy.changeMember(room, di, { role: 'admin' }), 403, 'role_required');
  await refused(cy.changeMember(room, di, { role: 'owner' }), 403, 'role_required');
  assert.equal((await roles(ada, room))[di.id], undefined);
  await refused(ada.changeMember(await ada.direct(bob), bob, { role: 'moderator' }), 422, 'not_possible');
});

test('each gives roles and silence to those below, and no role as high as the own', async (t) => {
  const { ada, bob, cy, di, eve, room } = await staffed(t);
  for (const [actor, subject, change] of [
    [bob, ada, { role: 'member' }], [bob, cy, { role: 'admin' }], [bob, cy, { role: 'owner' }], [cy, di, { role: 'moderator' }],
    [cy, bob, { silent_until: inMs(60_000) }], [di, eve, { silent_until: inMs(60_000) }], [di, eve, { role: 'member' }], [di, di, { role: 'moderator' }],
    [bob, bob, { role: 'owner' }],
  ]) await refused(actor.changeMember(room, subject, change), 403, 'role_required');
  await bob.changeMember(room, di, { role: 'moderator' });
  await cy.changeMember(room, eve, { silent_until: inMs(60_000) });
  await refused(cy.changeMember(room, di, { silent_until: inMs(60_000) }), 403, 'role_required');
  await cy.changeMember(room, cy, { role: 'member' }); // one may step down
  await refused(ada.changeMember(room, ada, { role: 'admin' }), 422, 'not_possible');
  await refused(eve.changeMember(room, eve, { silent_until: inMs(-1_000) }), 422, 'not_possible');
  assert.deepEqual(await roles(ada, room), { [ada.id]: 'owner', [bob.id]: 'admin', [cy.id]: 'member', [di.id]: 'moderator', [eve.id]: 'member' });
});

test('a silence ends by itself, and not by leaving and coming back', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { kind: 'public', members: [bob] });
  await ada.changeMember(room, bob, { silent_until: inMs(600_000) });
  await bob.leave(room);
  await bob.join(room);
  await refused(bob.post(room, 'hello'), 403, 'silenced');
  assert.ok((await ada.log(room)).at(-1).member.silent_until, 'the join says so');
});

test('an owner hands over and is an admin then: one room has one owner, however many hand it over at once', async (t) => {
  const { ada, bob, cy, di, eve, room } = await staffed(t);
  const answers = await Promise.all([bob, cy, di, eve].map((person, i) =>
    ada.ask('PUT', `/rooms/${room.id}/members/${person.id}`, { role: 'owner' }, { api: i % 2 })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 403, 403, 403]);
  const now = await roles(bob, room);
  assert.equal(Object.values(now).filter((role) => role === 'owner').length, 1);
  assert.equal(now[ada.id], 'admin');
  const told = (await bob.log(room)).slice(-2).map(({ kind, sender, member }) => [kind, sender.id, member.role]);
  assert.deepEqual(told, [['role', ada.id, 'owner'], ['role', ada.id, 'admin']]);
});

test('when the owner leaves, the highest who has been there longest owns the room; the first of an empty one does', async (t) => {
  const { ada, bob, cy, di, eve, room } = await staffed(t, 'public');
  await ada.leave(room);
  assert.equal((await roles(bob, room))[bob.id], 'owner');
  assert.deepEqual((await bob.log(room)).slice(-2).map(({ kind, member }) => [kind, member.user.id]), [['role', bob.id], ['leave', ada.id]]);
  await bob.leave(room);
  assert.equal((await roles(cy, room))[cy.id], 'owner');
  await cy.leave(room);
  const heir = (await roles(di, room))[di.id] === 'owner' ? di : eve;
  await (heir === di ? eve : di).leave(room);
  await heir.leave(room);
  await eve.join(room);
  await ada.join(room);
  assert.deepEqual(await roles(eve, room), { [eve.id]: 'owner', [ada.id]: 'member' });
});

test('a role that is taken away holds from its event on, over both APIs', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const room = await ada.createRoom('tea', { members: [bob, cy] });
  for (let round = 0; round < 10; round++) {
    await ada.changeMember(room, bob, { role: 'moderator' });
    await Promise.all([
      ada.changeMember(room, bob, { role: 'member' }, { api: round % 2 }),
      ...[0, 1].map((api) => bob.ask('PUT', `/rooms/${room.id}/members/${cy.id}`, { silent_until: inMs(60_000 + round * 1_000) }, { api })),
    ]);
    let isModerator = false;
    for (const { kind, sender, member } of await ada.log(room)) {
      if (kind === 'role' && member.user.id === bob.id) isModerator = member.role === 'moderator';
      if (kind === 'role' && sender.id === bob.id) assert.ok(isModerator, 'nothing is done with a role that is gone');
    }
  }
});
