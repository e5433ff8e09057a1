// Rooms are changed and deleted.
import assert from 'node:assert/strict';
import { chat, eventually, refused, running, soon, test } from './harness/index.js';

const patch = (person, room, change, tag, options = {}) =>
  person.ask('PATCH', `/rooms/${room.id}`, change, { ...options, headers: tag === undefined ? {} : { 'if-match': tag } });
const remove = (person, room, tag) =>
  person.ask('DELETE', `/rooms/${room.id}`, undefined, { headers: tag === undefined ? {} : { 'if-match': tag } });
const codes = ({ status, body }) => [status, body?.code];

test('a changed room is one event with all of its settings, heard by all members and told by every answer', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const room = await ada.createRoom('tea', { members: [bob, cy] });
  const phone = await bob.connect({ gateway: 1, rooms: [room] });
  const elsewhere = await cy.connect({ gateway: 0 });
  const answer = await patch(ada, room, { name: 'Green tea', about: 'Only that.', slug: `green-${room.id}` }, '"1"');
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.etag, '"2"');
  const { name, about, slug, version } = answer.body;
  assert.deepEqual([name, about, slug, version], ['Green tea', 'Only that.', `green-${room.id}`, 2]);
  const event = await phone.next(room);
  assert.deepEqual([event.kind, event.sender.id], ['room', ada.id]);
  assert.deepEqual(event.room, { id: room.id, kind: 'private', name, slug, about, version });
  assert.deepEqual((await elsewhere.nextLine(room)).room, event.room, 'who does not follow the room hears of it, too');
  assert.deepEqual((await bob.log(room)).at(-1), event);
  await soon(async () => assert.equal((await cy.chatOf(room)).room.name, 'Green tea'));
  const { headers, body } = await bob.ask('GET', `/rooms/${room.id}`);
  assert.equal(headers.etag, '"2"');
  assert.equal(body.room.about, 'Only that.');

  assert.equal((await patch(ada, room, { slug: '' }, '"2"')).body.slug, undefined, 'a slug is given up');
  assert.deepEqual(Object.keys((await phone.next(room)).room).sort(), ['about', 'id', 'kind', 'name', 'version']);
});

test('a change is for one version; a member more or less is no other version', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea');
  await ada.add(room, bob);
  assert.deepEqual(codes(await patch(ada, room, { name: 'x' })), [428, 'if_match_required']);
  assert.deepEqual(codes(await patch(ada, room, { name: 'x' }, '"7"')), [412, 'version_changed']);
  assert.deepEqual(codes(await remove(ada, room)), [428, 'if_match_required']);
  assert.deepEqual(codes(await remove(ada, room, '"7"')), [412, 'version_changed']);
  assert.equal((await ada.snapshot(room)).room.name, 'tea');
  const answers = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => patch(ada, room, { name: `name ${i}` }, '"1"', { api: i % 2 })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412, 412, 412, 412, 412], 'of many at once one wins');
  assert.equal((await ada.log(room)).filter(({ kind }) => kind === 'room').length, 2);
  const same = await patch(ada, room, { name: answers.find(({ status }) => status === 200).body.name }, '"2"');
  assert.deepEqual([same.status, same.body.version], [200, 2], 'nothing changed: no event');
});

test('who may not see a room hears nothing of it, whatever the version; who may not change it hears that', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const closed = await ada.createRoom('secret', { members: [bob] });
  const open = await ada.createRoom('tea', { kind: 'public', members: [bob] });
  for (const tag of [undefined, '"7"', '*']) {
    for (const ask of [(person, room) => patch(person, room, { name: 'x' }, tag), (person, room) => remove(person, room, tag)]) {
      assert.deepEqual(codes(await ask(cy, closed)), [404, 'not_found']);
      assert.deepEqual(codes(await ask(cy, open)), [403, 'member_required']);
      assert.deepEqual(codes(await ask(bob, closed)), [403, 'role_required']);
      assert.deepEqual(codes(await ask(ada, await ada.direct(bob))), [422, 'not_possible']);
    }
  }
});

test('a slug that is given up is free, one that is taken is refused', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const [one, two] = [await ada.createRoom('one', { kind: 'public' }), await bob.createRoom('two', { kind: 'public' })];
  const slug = `slug-${one.id}`;
  await ada.changeRoom(one, { slug });
  await refused(bob.changeRoom(two, { slug, name: 'changed' }), 409, 'slug_taken');
  assert.equal((await bob.snapshot(two)).room.name, 'two', 'nothing of a refused change is done');
  assert.equal((await bob.call('PUT', `/rooms/by-slug/${slug}`, {})).id, one.id);
  await ada.changeRoom(one, { slug: `${slug}-b` });
  await bob.changeRoom(two, { slug });
  assert.equal((await ada.call('PUT', `/rooms/by-slug/${slug}`, {})).id, two.id);
  assert.equal((await ada.call('PUT', `/rooms/by-slug/${slug}-b`, {})).id, one.id);
});

test('of two slugs given at once the room keeps the one that it says it has, and the other is free', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const room = await ada.createRoom('tea', { kind: 'public', members: [bob] });
  await ada.changeMember(room, bob, { role: 'admin' });
  for (let round = 0; round < 8; round++) {
    const slugs = [`a-${round}-${room.id}`, `b-${round}-${room.id}`];
    const answers = await Promise.all(slugs.map((slug, i) => [ada, bob][i].changeRoom(room, { slug }, { api: i })));
    assert.deepEqual(answers.map(({ version }) => version).sort((a, b) => a - b).at(-1), 1 + 2 * (round + 1), 'both were done');
    const { slug } = (await ada.snapshot(room)).room;
    assert.ok(slugs.includes(slug));
    assert.equal((await cy.call('PUT', `/rooms/by-slug/${slug}`, {})).id, room.id, 'it leads to the room');
    for (const other of slugs.filter((each) => each !== slug))
      assert.notEqual((await cy.call('PUT', `/rooms/by-slug/${other}`, {})).id, room.id);
  }
});

test('a slug whose change is refused stays free', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { kind: 'public', slug: `old-${ada.id}` });
  const slugs = Array.from({ length: 6 }, (_, i) => `new-${i}-${ada.id}`);
  const answers = await Promise.all(slugs.map((slug, i) => patch(ada, room, { slug }, '"1"', { api: i % 2 })));
  const given = slugs.filter((_, i) => answers[i].status === 200);
  assert.equal(given.length, 1, 'one of those for the same version');
  for (const slug of slugs) assert.equal((await bob.call('PUT', `/rooms/by-slug/${slug}`, {})).id === room.id, slug === given[0], slug);
});

test('many who ask for one name at once meet in one room, however they write it', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const word = `w${ada.id}`;
  const names = [`${word} Lovers`, `${word.toUpperCase()}  lovers`, `${word}-lovers!`];
  const answers = await Promise.all([...Array(12).keys()].map((i) =>
    (i % 2 ? ada : bob).ask('POST', '/rooms/by-name', { name: names[i % 3] }, { api: (i >> 1) % 2 })));
  assert.equal(new Set(answers.map(({ body }) => body.id)).size, 1);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array(11).fill(200), 201]);
  assert.equal(answers[0].body.slug, `${word}-lovers`);
  assert.equal((await ada.call('POST', '/rooms/by-name', { name: 'чай ' + word })).name, 'чай ' + word);
});

test('T54 a deleted room is there for nobody: live sockets lose it at once, lists and paths know it no more', async (t) => {
  const { ada, bob, cy } = await chat(t).users('ada', 'bob', 'cy');
  const room = await ada.createRoom('tea', { kind: 'public', members: [bob, cy], slug: 'short-lived' });
  await ada.post(room, 'soon gone');
  const listener = await cy.connect({ gateway: 0 });
  await listener.subscribe('public:rooms');
  const devices = await Promise.all([0, 1].map((gateway) => bob.connect({ gateway, rooms: [room] })));
  for (const device of devices) await device.subscribe(`live:${room.id}`);
  const before = Date.now();
  assert.equal((await remove(ada, room, '*')).status, 204);
  for (const device of devices) {
    for (const channel of [room, `live:${room.id}`]) assert.equal((await device.unsubscribed(channel)).code, 2000);
    const { room_id, reason } = await device.nextOwn('room_removed');
    assert.deepEqual([room_id, reason], [room.id, 'room_deleted']);
    const last = device.publications(room).at(-1).data;
    assert.equal(last.kind, 'room');
    assert.ok(last.room.deleted_at);
    await assert.rejects(device.subscribe(room), { code: 103 });
  }
  assert.ok(Date.now() - before < 1_000, 'within a second');
  assert.ok((await listener.nextLine(room)).room.deleted_at);
  const told = () => listener.publications('public:rooms').find(({ data }) => data.type === 'room_deleted' && data.room.id === room.id);
  await listener.until(told, 'word for those who look for rooms');

  for (const person of [ada, bob, cy]) {
    for (const api of [0, 1]) {
      await soon(async () => assert.equal(await person.chatOf(room, { api }), undefined));
      await refused(person.snapshot(room, { api }), 404, 'not_found');
      await refused(person.post(room, 'still here?', { api }), 404, 'not_found');
      await refused(person.join(room, { api }), 404, 'not_found');
      await refused(person.messages(room, '', { api }), 404, 'not_found');
      await refused(person.moveCursor(room, 1, { api }), 404, 'not_found');
    }
    const { items } = await person.get('/rooms/public?q=tea');
    assert.ok(items.every(({ id }) => id !== room.id));
  }
  assert.deepEqual(codes(await remove(ada, room, '*')), [404, 'not_found']);
  const another = await ada.createRoom('tea again', { kind: 'public', slug: 'short-lived' });
  assert.notEqual(another.id, room.id, 'its slug is free');
  await eventually(async () => (await cy.get(`/me/changes?since=${new Date(before).toISOString()}`)).items
    .find(({ type, room_id }) => type === 'room_removed' && room_id === room.id), 'a trace for those who were away');
});

test('a room is deleted once, and what was in it is removed from the database', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.createRoom('tea', { members: [bob] });
  for (let i = 0; i < 30; i++) await ada.post(room, `${i}`);
  const answers = await Promise.all([0, 1, 0, 1].map((api) => ada.ask('DELETE', `/rooms/${room.id}`, undefined, { api, headers: { 'if-match': '*' } })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 404, 404, 404]);
  const lane = `lane_${String((BigInt(room.id) >> 12n) & 1023n).padStart(3, '0')}`;
  const left = (table, which = '') => `(SELECT count(*) FROM ${lane}.${table} WHERE room_id = ${room.id} ${which})`;
  const servers = await running();
  await eventually(async () => {
    const [counts] = await servers.sql(`SELECT ${left('events')}, ${left('members', "AND role <> 'left'")}`);
    return counts.join(' ') === '1 0';
  }, 'the end of its log and its memberships');
});
