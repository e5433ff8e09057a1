import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { chat, refused, test } from './harness/index.js';

let turn = 0;
/** A word that nothing in the names of other tests' people resembles. */
const word = () => Array.from({ length: 9 }, () => 'abcdefghijklmnopqrstuvwxyz'[randomInt(26)]).join('');

/** Registers somebody of that name; logins are the harness's own. */
async function called(world, name) {
  const [person] = Object.values(await world.users(`p${turn++}`));
  await person.call('PATCH', '/me', { name }, { headers: { 'if-match': '*' } });
  return person;
}

const find = async (person, q, query = '', options) => (await person.get(`/users?q=${encodeURIComponent(q)}${query}`, options)).items;
const names = (items) => items.map(({ name }) => name);

test('an exact login comes first, then beginnings of logins, of names, of further words of names, then what resembles it', async (t) => {
  const world = chat(t);
  const q = word();
  const { ada } = await world.users('ada');
  const register = (login, name) => ada.call('POST', '/users', { login, name, password: 'correct horse' }, { token: null });
  await register(`${q}erx`, 'begins so');
  await register(q, 'is it');
  const inner = await called(world, `Of ${q}`);
  const outer = await called(world, `${q.toUpperCase()} the Great`);
  const like = await called(world, `${q.slice(0, -1)}`);
  const found = await find(ada, q);
  assert.deepEqual(names(found), ['is it', 'begins so', `${q.toUpperCase()} the Great`, `Of ${q}`, q.slice(0, -1)]);
  assert.deepEqual(found.slice(2).map(({ id }) => id), [outer.id, inner.id, like.id]);
  assert.deepEqual(names(await find(ada, q, '&limit=2', { api: 1 })), ['is it', 'begins so']);
});

test('somebody is found though a letter of the name is wrong, and though it is of another alphabet', async (t) => {
  const world = chat(t);
  const { ada } = await world.users('ada');
  const sure = word();
  await called(world, `Alexandra ${sure}`);
  await called(world, `Ёлкина${sure}`);
  assert.deepEqual(names(await find(ada, `Aleksandra ${sure}`)), [`Alexandra ${sure}`]);
  assert.ok(names(await find(ada, 'Ёлк')).includes(`Ёлкина${sure}`));
});

test('signs that patterns know are nothing but signs', async (t) => {
  const world = chat(t);
  const { ada } = await world.users('ada');
  const sure = word();
  await called(world, `${sure}%_\\`);
  assert.deepEqual(names(await find(ada, `${sure}%_\\`)), [`${sure}%_\\`]);
  assert.deepEqual(await find(ada, '%'), []);
  assert.deepEqual(await find(ada, '_'), []);
});

test('who is blocked does not find the blocker, and still gets a full page of the others', async (t) => {
  const world = chat(t);
  const { bob } = await world.users('bob');
  const sure = word();
  const people = [];
  for (const n of [1, 2, 3, 4]) people.push(await called(world, `${sure} ${n}`));
  assert.equal((await find(bob, sure)).length, 4);
  await people[0].call('PUT', `/me/blocks/${bob.id}`);
  await people[1].call('PUT', `/me/blocks/${bob.id}`);
  const page = await bob.get(`/users?q=${sure}&limit=2`);
  assert.deepEqual(names(page.items), [`${sure} 3`, `${sure} 4`]);
  assert.equal(page.has_more, false);
  assert.equal((await find(people[0], sure)).length, 4, 'the blocker finds themselves, and all others');
  assert.equal((await find(people[2], sure)).length, 4);
});

test('a search says what it looks for', async (t) => {
  const { ada } = await chat(t).users('ada');
  await refused(ada.get('/users'), 400, 'missing');
  await refused(ada.get('/users?q='), 400, 'missing');
  await refused(ada.get(`/users?q=${'x'.repeat(401)}`), 400, 'out_of_range');
});
