// T59: who may do what, each path for each kind of person, cell by cell. A path without a row fails.
import assert from 'node:assert/strict';
import { chat, nonce, running, test } from './harness/index.js';
import { Contract } from './harness/contract.js';

const { operations } = Contract.read();

const PEOPLE = ['owner', 'admin', 'moderator', 'member', 'silent', 'former', 'banned', 'stranger', 'anonymous'];
const REFUSALS = {
  R: [403, 'role_required'], M: [403, 'member_required'], S: [403, 'silenced'], B: [403, 'banned'], N: [404, 'not_found'],
  P: [422, 'not_possible'], T: [401, 'unauthenticated'],
};

/**
 * Paths about a room: what the people above get, in a private room and in a public one. Of the message {seq} the author is the
 * target {user}, a plain member (or who `target` says). `body`: instead of the document's example; `owner`: another cell for them.
 */
const ROOM = {
  openRoom: { private: '200 200 200 200 200 N N N T', public: '200 200 200 200 200 200 200 200 T' },
  changeRoom: { private: '200 200 R R R N N N T', public: '200 200 R R R M M M T' },
  deleteRoom: { private: '204 R R R R N N N T', public: '204 R R R R M M M T' },
  joinRoom: { private: '200 200 200 200 200 N N N T', public: '200 200 200 200 200 200 B 200 T' },
  leaveRoom: { private: '204 204 204 204 204 204 204 N T', public: '204 204 204 204 204 204 204 204 T' },
  listMembers: { private: '200 200 200 200 200 N N N T', public: '200 200 200 200 200 M M M T' },
  addMember: { private: '200 200 R R R N N N T', public: '200 200 R R R M M M T', body: { role: 'moderator' } },
  'addMember, silencing': { private: '200 200 200 R R N N N T', public: '200 200 200 R R M M M T', body: { silent_until: '2100-01-01T00:00:00.000Z' } },
  'addMember, handing over': { private: '200 R R R R N N N T', public: '200 R R R R M M M T', body: { role: 'owner' } },
  'addMember, of somebody new': { private: '201 201 201 201 201 N N N T', public: '201 201 201 201 201 M M M T', body: {}, target: 'newcomer' },
  'addMember, of an owner': { private: '200 R R R R N N N T', public: '200 R R R R M M M T', body: { role: 'member' }, target: 'owner', owner: 'P' },
  removeMember: { private: '204 204 204 R R N N N T', public: '204 204 204 R R M M M T' },
  'removeMember, of an admin': { private: '204 204 R R R N N N T', public: '204 204 R R R M M M T', target: 'admin' },
  listBans: { private: '200 200 200 R R N N N T', public: '200 200 200 R R M M M T' },
  ban: { private: '200 200 200 R R N N N T', public: '200 200 200 R R M M M T', body: {} },
  'ban, of an admin': { private: '200 P R R R N N N T', public: '200 P R R R M M M T', body: {}, target: 'admin' },
  unban: { private: '204 204 204 R R N N N T', public: '204 204 204 R R M M M T' },
  sendMessage: { private: '201 201 201 201 S N N N T', public: '201 201 201 201 S M M M T', body: () => ({ text: 'x', nonce: nonce() }) },
  listMessages: { private: '200 200 200 200 200 N N N T', public: '200 200 200 200 200 M M M T' },
  getMessage: { private: '200 200 200 200 200 N N N T', public: '200 200 200 200 200 M M M T' },
  listRevisions: { private: '200 200 200 R R N N N T', public: '200 200 200 R R M M M T' },
  editMessage: { private: 'R R R R R N N N T', public: 'R R R R R M M M T' },
  deleteMessage: { private: '204 204 204 R R N N N T', public: '204 204 204 R R M M M T' },
  listEvents: { private: '200 200 200 200 200 N N N T', public: '200 200 200 200 200 M M M T' },
  setNotify: { private: '200 200 200 200 200 N N N T', public: '200 200 200 200 200 M M M T' },
  archiveRoom: { private: '200 200 200 200 200 N N N T', public: '200 200 200 200 200 M M M T' },
  unarchiveRoom: { private: '204 204 204 204 204 N N N T', public: '204 204 204 204 204 M M M T' },
  pinChat: { private: '200 200 200 200 200 N N N T', public: '200 200 200 200 200 M M M T' },
  unpinChat: { private: '204 204 204 204 204 N N N T', public: '204 204 204 204 204 M M M T' },
  react: { private: '204 204 204 204 S N N N T', public: '204 204 204 204 S M M M T' },
  listReacted: { private: '200 200 200 200 200 N N N T', public: '200 200 200 200 200 M M M T' },
  unreact: { private: '204 204 204 204 204 N N N T', public: '204 204 204 204 204 M M M T' },
  pin: { private: '204 204 204 204 204 N N N T', public: '204 204 204 R R M M M T' },
  unpin: { private: '204 204 204 204 204 N N N T', public: '204 204 204 R R M M M T' },
  listPins: { private: '200 200 200 200 200 N N N T', public: '200 200 200 200 200 M M M T' },
  setCursor: { private: '200 200 200 200 200 N N N T', public: '200 200 200 200 200 M M M T', body: { seq: 1 } },
};

/** Paths about a group: the same without the silent. */
const GROUP = {
  getGroup: { private: '200 200 200 200 N N N T', public: '200 200 200 200 200 200 200 T' },
  changeGroup: { private: '200 200 R R N N N T', public: '200 200 R R M M M T' },
  deleteGroup: { private: '204 R R R N N N T', public: '204 R R R M M M T' },
  joinGroup: { private: '200 200 200 200 N N N T', public: '200 200 200 200 200 B 200 T' },
  leaveGroup: { private: '204 204 204 204 N N N T', public: '204 204 204 204 204 204 204 T' },
  listGroupMembers: { private: '200 200 200 200 N N N T', public: '200 200 200 200 M M M T' },
  addGroupMember: { private: '200 200 R R N N N T', public: '200 200 R R M M M T', body: { role: 'moderator' } },
  'addGroupMember, handing over': { private: '200 R R R N N N T', public: '200 R R R M M M T', body: { role: 'owner' } },
  'addGroupMember, of somebody new': { private: '201 201 201 201 N N N T', public: '201 201 201 201 M M M T', body: {}, target: 'newcomer' },
  removeGroupMember: { private: '204 204 204 R N N N T', public: '204 204 204 R M M M T' },
  'removeGroupMember, of an admin': { private: '204 204 R R N N N T', public: '204 204 R R M M M T', target: 'admin' },
  listGroupBans: { private: '200 200 200 R N N N T', public: '200 200 200 R M M M T' },
  banFromGroup: { private: '200 200 200 R N N N T', public: '200 200 200 R M M M T', body: {} },
  unbanFromGroup: { private: '204 204 204 R N N N T', public: '204 204 204 R M M M T' },
  listGroupRooms: { private: '200 200 200 200 N N N T', public: '200 200 200 200 200 200 200 T' },
  placeRoom: { private: '200 200 R R N N N T', public: '200 200 R R M M M T', body: {} },
  unplaceRoom: { private: '204 204 R R N N N T', public: '204 204 R R M M M T' },
  addTopic: { private: '201 201 R R N N N T', public: '201 201 R R M M M T' },
  changeTopic: { private: '200 200 R R N N N T', public: '200 200 R R M M M T' },
  deleteTopic: { private: '200 200 R R N N N T', public: '200 200 R R M M M T' },
};

/** Paths about nobody's things but one's own: whoever has a token may. Elsewhere it is tested what they do. */
const OWN = [
  'searchUsers', 'getUser', 'listStatuses', 'getMe', 'changeMe', 'changeEmail', 'changePassword', 'listContacts', 'addContact', 'removeContact',
  'listBlocks', 'blockUser', 'unblockUser', 'listChanges', 'listSessions', 'endAllSessions', 'signOut', 'listChats', 'createRoom',
  'createGroup', 'listGroups', 'listPublicGroups', 'searchMessages', 'openDirectRoom', 'listPublicRooms', 'enterRoomBySlug', 'enterRoomByName',
];
/** Paths to one thing of one person, which for everybody else is not there. */
const PERSONAL = ['endSession'];
const PUBLIC = ['getConfig', 'getOpenapi', 'register', 'signIn', 'refresh', 'getHealth', 'getReadiness'];

const idOf = (row) => row.split(',')[0];
const operation = (id) => operations.find((candidate) => candidate.id === id);

/* A new path? Say in ROOM, for each person of PEOPLE, what they get; or in which of the other lists it belongs. */
test('every path has a row that says who may', () => {
  const known = [...Object.keys(ROOM), ...Object.keys(GROUP)].map(idOf).concat( OWN, PERSONAL, PUBLIC);
  const there = operations.map(({ id }) => id);
  assert.deepEqual(there.filter((id) => !known.includes(id)), [], 'paths without a row in tests/flow/rights.test.js');
  assert.deepEqual(known.filter((id) => !there.includes(id)), [], 'rows without a path');
  for (const [part, table] of [['{room}', ROOM], ['{group}', GROUP]]) {
    const paths = operations.filter(({ address }) => /\{(room|group)\}/.exec(address)?.[0] === part).map(({ id }) => id);
    assert.deepEqual(paths.filter((id) => !Object.keys(table).map(idOf).includes(id)), [], `paths of a ${part} need a row for each person`);
  }
});

/** One person for each column, a target, and somebody who is nowhere yet. */
async function cast(t) {
  const people = await chat(t).users(...PEOPLE.slice(0, -1), 'target', 'newcomer');
  return { ...people, anonymous: people.stranger };
}

/** A fresh room with everybody in their place, and a message of the target's as its last event. */
async function stage(people, kind, api) {
  const { owner, admin, moderator, member, silent, former, banned, target } = people;
  const room = await owner.createRoom('tea', { kind, members: [admin, moderator, member, silent, former, banned, target], api });
  await owner.changeMember(room, admin, { role: 'admin' }, { api });
  await owner.changeMember(room, moderator, { role: 'moderator' }, { api });
  await owner.changeMember(room, silent, { silent_until: '2100-01-01T00:00:00.000Z' }, { api });
  await former.leave(room, { api });
  await owner.ban(room, banned, { api });
  const { seq } = await target.post(room, 'mine', { api });
  return { ...room, seq };
}

/** The same with a group, and a topic in it. */
async function stageGroup(people, visibility, api) {
  const { owner, admin, moderator, member, former, banned, target } = people;
  const { id } = await owner.call('POST', '/groups', { name: 'tea', visibility }, { api });
  const put = (person, change) => owner.call('PUT', `/groups/${id}/members/${person.id}`, change, { api });
  for (const [person, role] of [[admin, 'admin'], [moderator, 'moderator'], [member], [former], [target]]) await put(person, { role });
  await former.call('POST', `/groups/${id}/leave`, {}, { api });
  await owner.call('PUT', `/groups/${id}/bans/${banned.id}`, {}, { api });
  const { topics } = await owner.call('POST', `/groups/${id}/topics`, { name: 'green' }, { api, headers: { 'if-match': '*' } });
  const room = await owner.createRoom('tea', { members: [admin, moderator, member, target], api });
  await owner.changeMember(room, admin, { role: 'admin' }, { api });
  return { id, topic: topics[0].id, room: room.id };
}

async function ask(people, name, row, kind, who, api) {
  const room = await (idOf(name) in ROOM ? stage : stageGroup)(people, kind, api);
  const { address, method, body, parametersIn, parameters } = operation(idOf(name));
  const filled = address.replace('/v1', '').replace('{room}', room.room ?? room.id).replace('{group}', room.id).replace('{topic}', room.topic).replace('{user}', people[row.target ?? 'target'].id).replace('{seq}', room.seq)
    .replace('{emoji}', encodeURIComponent('👍'));
  const headers = parameters.some(({ value }) => value.name === 'If-Match') ? { 'if-match': '*' } : {};
  const given = row.body === undefined ? body?.example : typeof row.body === 'function' ? row.body() : row.body;
  return people[who].ask(method, filled, given, { api, headers, ...(who === 'anonymous' ? { token: null } : {}) });
}

/** Runs `work` on all of `list`, some at a time. */
async function each(list, work, atOnce = 6) {
  const left = [...list];
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (let next; (next = left.shift()) !== undefined; ) await work(next);
  }));
}

for (const [what, table, columns] of [['room', ROOM, PEOPLE], ['group', GROUP, PEOPLE.filter((who) => who !== 'silent')]])
  for (const kind of ['private', 'public'])
    test(`each path of a ${kind} ${what} does for each person what the table says`, async (t) => {
      const people = await cast(t);
      const wrong = [];
      const cells = Object.entries(table).flatMap(([name, row]) => row[kind].split(' ').map((cell, i) => ({ name, row, who: columns[i], cell })));
      assert.ok(cells.length === Object.keys(table).length * columns.length, 'each row has all columns');
      let turn = 0;
      await each(cells, async ({ name, row, who, cell }) => {
        const meant = who === 'owner' && row.owner ? row.owner : cell;
        const { status, body } = await ask(people, name, row, kind, who, turn++ % 2);
        const expected = REFUSALS[meant] ?? [Number(meant), undefined];
        if (status !== expected[0] || body?.code !== expected[1]) wrong.push(`${name}, ${who}: ${status} ${body?.code ?? ''} instead of ${expected.join(' ')}`);
      });
      assert.deepEqual(wrong, []);
    });

test('the channels of a room are for its members', async (t) => {
  const people = await cast(t);
  const devices = Object.fromEntries(await Promise.all(PEOPLE.slice(0, -1).map(async (who, i) => [who, await people[who].connect({ gateway: i % 2 })])));
  for (const kind of ['private', 'public']) {
    const room = await stage(people, kind, 0);
    for (const channel of [`room:${room.id}`, `live:${room.id}`])
      for (const who of PEOPLE.slice(0, -1)) {
        const outcome = await devices[who].subscribe(channel).then(() => 'subscribed', ({ code }) => code);
        assert.equal(outcome, ['former', 'banned', 'stranger'].includes(who) ? 103 : 'subscribed', `${kind} ${channel} ${who}`);
      }
  }
});

test('a direct room has no roles: what changes who is in it, or what it is, is possible for nobody', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const room = await ada.direct(bob);
  const any = { headers: { 'if-match': '*' } };
  for (const [method, path, body, options] of [
    ['PATCH', '', { name: 'x' }, any], ['DELETE', '', undefined, any], ['POST', '/leave', {}], ['PUT', `/members/${cy.id}`, {}],
    ['PUT', `/members/${bob.id}`, { role: 'admin' }], ['DELETE', `/members/${bob.id}`], ['PUT', `/bans/${bob.id}`, {}], ['DELETE', `/bans/${bob.id}`],
    ['GET', '/bans'],
  ]) {
    const answer = await ada.ask(method, `/rooms/${room.id}${path}`, body, options);
    assert.deepEqual([answer.status, answer.body?.code], [422, 'not_possible'], `${method} ${path}`);
    const hidden = await cy.ask(method, `/rooms/${room.id}${path}`, body, options);
    assert.deepEqual([hidden.status, hidden.body?.code], [404, 'not_found'], `${method} ${path} for a stranger`);
  }
});

test("another person's session is not there", async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const answer = await ada.ask('DELETE', `/sessions/${bob.session.id}`);
  assert.deepEqual([answer.status, answer.body.code], [404, 'not_found']);
  await bob.get('/me');
  assert.ok(await running());
});
