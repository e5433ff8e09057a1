import assert from 'node:assert/strict';
import { chat, eventually, refused, running, test } from './harness/index.js';

const asIs = { 'if-match': '*' };
const change = (person, body, { headers = asIs, ...options } = {}) => person.call('PATCH', '/me', body, { headers, ...options });
const seenBy = (reader, person, options) => reader.get(`/users/${person.id}`, options);

test('what a person says about themselves is replaced where it is named, and stays where it is not', async (t) => {
  const { ada } = await chat(t).users('ada');
  const first = await change(ada, { about: 'Writes programs.', fields: { City: 'London', 'Shoe size': '38' } });
  assert.deepEqual([first.about, first.fields], ['Writes programs.', { City: 'London', 'Shoe size': '38' }]);
  assert.deepEqual(Object.keys(first.fields), ['City', 'Shoe size'], 'in the order that was given');
  const second = await change(ada, { fields: { City: 'Paris' } }, { api: 1 });
  assert.deepEqual([second.name, second.about, second.fields], ['ada', 'Writes programs.', { City: 'Paris' }]);
  assert.equal(second.version, first.version + 1);
  assert.deepEqual(await ada.get('/me'), second);
});

test('a field that is for nobody is seen by its owner alone, one for contacts not by strangers', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const fields = { City: 'London', Phone: '5550100', Diary: 'dear me' };
  const me = await change(ada, { fields, field_visibility: { Phone: 'contacts', Diary: 'nobody' } });
  assert.deepEqual(me.field_visibility, { City: 'everyone', Phone: 'contacts', Diary: 'nobody' });
  assert.deepEqual((await seenBy(bob, ada)).fields, { City: 'London' });
  assert.deepEqual((await seenBy(ada, ada)).fields, fields);
  const text = JSON.stringify(await seenBy(bob, ada));
  for (const secret of ['5550100', 'dear me', 'who_may_write', 'field_visibility']) assert.ok(!text.includes(secret), secret);
});

test('a field that comes back after it was taken away is as visible as a new one', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  await change(ada, { fields: { Phone: '5550100' }, field_visibility: { Phone: 'nobody' } });
  assert.deepEqual((await change(ada, { fields: { Phone: '5550199' } })).field_visibility, { Phone: 'nobody' });
  await change(ada, { fields: {} });
  await change(ada, { fields: { Phone: '5550111' } });
  assert.deepEqual((await seenBy(bob, ada)).fields, { Phone: '5550111' });
});

test('a change that is based on an older state is refused, and so is one that does not say on which', async (t) => {
  const { ada } = await chat(t).users('ada');
  const { headers } = await ada.ask('GET', '/me');
  assert.equal(headers.etag, '"1"');
  await refused(change(ada, { about: 'nothing' }, { headers: {} }), 428, 'if_match_required');
  await change(ada, { about: 'first' }, { headers: { 'if-match': headers.etag } });
  await refused(change(ada, { about: 'second' }, { headers: { 'if-match': headers.etag } }), 412, 'version_changed');
  assert.equal((await ada.get('/me')).about, 'first');
});

test('of many changes for the same version one is stored, and changes for any version all are', async (t) => {
  const { ada } = await chat(t).users('ada');
  const same = (_, i) => ada.ask('PATCH', '/me', { about: `same ${i}` }, { api: i % 2, headers: { 'if-match': '"1"' } });
  const answers = await Promise.all(Array.from({ length: 8 }, same));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(7).fill(412)]);
  await Promise.all([0, 1].map((api) => change(ada, api === 0 ? { about: 'any' } : { fields: { City: 'any' } }, { api })));
  const { about, fields, version } = await ada.get('/me');
  assert.deepEqual([about, fields, version], ['any', { City: 'any' }, 4]);
});

test('fields beyond their bounds are refused by name, and change nothing', async (t) => {
  const { ada } = await chat(t).users('ada');
  const { limits } = await ada.get('/config');
  const many = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`field ${i}`, 'x']));
  const bad = [
    [{ fields: many(limits.profile_fields + 1) }, 'out_of_range', 'fields'],
    [{ fields: { City: 'x'.repeat(limits.profile_field_chars + 1) } }, 'out_of_range', 'fields'],
    [{ fields: { ['x'.repeat(33)]: 'x' } }, 'out_of_range', 'fields'],
    [{ fields: { ' ': 'x' } }, 'out_of_range', 'fields'],
    [{ fields: { City: 7 } }, 'wrong_type', 'fields'],
    [{ fields: { City: null } }, 'wrong_type', 'fields'],
    [{ fields: ['City'] }, 'wrong_type', 'fields'],
    [{ fields: { City: 'x' }, field_visibility: { Town: 'nobody' } }, 'out_of_range', 'field_visibility'],
    [{ fields: { City: 'x' }, field_visibility: { City: 'friends' } }, 'out_of_range', 'field_visibility'],
    [{ who_may_write: 'nobody' }, 'out_of_range', 'who_may_write'],
  ];
  for (const [body, code, field] of bad) {
    const { problem } = await refused(change(ada, { about: 'changed', ...body }), 400, code);
    assert.equal(problem.errors[0].field, field, JSON.stringify(body));
  }
  assert.deepEqual((await ada.get('/me')).version, 1);
  await change(ada, { fields: many(limits.profile_fields) });
  await change(ada, { fields: { ['ü'.repeat(32)]: 'ü'.repeat(limits.profile_field_chars) } });
});

test('a new name is shown by both APIs at once, in the chat list too', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const room = await ada.direct(bob);
  await bob.chatOf(room, { api: 0 });
  await bob.chatOf(room, { api: 1 });
  await change(ada, { name: 'Ada L.' });
  for (const api of [0, 1]) {
    assert.equal((await bob.chatOf(room, { api })).room.peer.name, 'Ada L.');
    assert.equal((await seenBy(bob, ada, { api })).name, 'Ada L.');
  }
});

test('an e-mail address is changed by who knows the password', async (t) => {
  const { ada } = await chat(t).users('ada');
  const to = (email, password = ada.password) => ada.call('POST', '/me/email', { email, password });
  await refused(to('ada@example.org', 'a guess'), 403, 'wrong_password');
  await refused(to('no address'), 400, 'out_of_range');
  assert.equal((await ada.get('/me')).email, undefined);
  const me = await to('ada@example.org');
  assert.deepEqual([me.email, me.email_verified, me.version], ['ada@example.org', false, 2]);
  assert.deepEqual(await ada.get('/me'), me);
});

test('a name whose change was stored while the API died is the new one everywhere', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const servers = await running();
  const room = await bob.direct(ada);
  await ada.post(room, 'hello');
  const nameSeen = async () => (await bob.chatOf(room, { api: 1 })).last_message.sender.name;
  assert.equal(await nameSeen(), 'ada'); // the cache knows it
  const holding = servers.sql(`BEGIN; SELECT 1 FROM users WHERE id = ${ada.id} FOR UPDATE; SELECT pg_sleep(60); COMMIT`).catch(() => {});
  const backends = (condition) => servers.sql(`SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND ${condition}`);
  await eventually(async () => (await backends("wait_event = 'PgSleep'")).length > 0, 'the lock');
  const asking = change(ada, { name: 'Countess' }, { api: 0 }).catch(() => {});
  await eventually(async () => (await backends("wait_event_type = 'Lock' AND query ~ 'UPDATE public.users'")).length > 0, 'the change that waits');
  await servers.apis[0].kill();
  await servers.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()");
  await Promise.all([holding, asking]);
  await eventually(async () => (await servers.sql(`SELECT name FROM users WHERE id = ${ada.id}`))[0][0] === 'Countess', 'the change');
  assert.equal(await nameSeen(), 'Countess');
  await servers.apis[0].start();
  assert.equal(await nameSeen(), 'Countess');
});
