// api/handlers/openapi.json is what others build clients from: it and the server are held against each other.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { chat, configure, exchange, nonce, running, test } from './harness/index.js';
import { Contract } from './harness/contract.js';
import { ROOT } from './harness/folders.js';

configure({ apis: 1, gateways: 0, api: { PARLEY_GATEWAYS: 'ws://{host}:8001/connection/websocket' } });

const contract = Contract.read();
const { operations } = contract;
const source = (...name) => fs.readFileSync(path.join(ROOT, ...name), 'utf8');

// ---- the document against the sources ----

/** The members of `"login password " SESSION_BODY`; of NULL none. */
function namesIn(expression) {
  const macro = (name) => new RegExp(`#define ${name} "([^"]*)"`).exec(source('api', 'handlers', 'sessions.h'))?.[1];
  const pieces = expression.match(/"[^"]*"|\w+/g).map((piece) => (piece[0] === '"' ? piece.slice(1, -1) : macro(piece) ?? ''));
  return pieces.join(' ').split(' ').filter(Boolean).sort();
}

/** The table of api/handlers/routes.c. */
function routes() {
  const row = /\{"([A-Z]+)", "([^"]+)", \w+, ([^,]+), ([^,]+), ([^,]+), ([^,}]+)\}/g;
  return [...source('api', 'handlers', 'routes.c').matchAll(row)].map(([, method, address, flags, query, body, rpc]) => ({
    name: `${method} /v1${address}`,
    isPublic: flags.includes('ROUTE_PUBLIC'),
    query: namesIn(query),
    body: namesIn(body),
    rpc: rpc === 'NULL' ? undefined : JSON.parse(rpc),
  }));
}

test('the document has every route of the server, and no other', () => {
  const outside = ['GET /health', 'GET /ready'];
  const served = [...routes().map(({ name }) => name), ...outside].sort();
  assert.ok(served.length > 20, 'the table of routes was understood');
  assert.deepEqual(operations.map(({ name }) => name).sort(), served);
});

test('the document names the members, the socket method and the access of each route as the server has them', () => {
  for (const route of routes()) {
    const operation = operations.find(({ name }) => name === route.name);
    assert.deepEqual(operation.parametersIn('query').map(({ name }) => name).sort(), route.query, `query of ${route.name}`);
    assert.deepEqual(Object.keys(operation.bodySchema?.properties ?? {}).sort(), route.body, `body of ${route.name}`);
    assert.equal(operation.value['x-rpc'], route.rpc, route.name);
    assert.equal(operation.isPublic, route.isPublic, `access to ${route.name}`);
  }
});

test('the document is of the version of the programs', () => {
  assert.equal(contract.document.info.version, /PARLEY_VERSION "([^"]+)"/.exec(source('base', 'version.h'))[1]);
});

test('the document has every code of a problem', () => {
  const codes = [...source('base', 'err.h').matchAll(/X\(\w+, \d+, \d+, "(\w+)"/g)].map(([, code]) => code);
  assert.ok(codes.length > 20, 'the table of errors was understood');
  assert.deepEqual(contract.document.components.schemas.ProblemCode.enum, codes.filter((code) => code !== 'ok'));
});

// ---- the document by itself ----

test('each operation has a summary, its own id, and a description of everything that its path names', () => {
  assert.equal(new Set(operations.map(({ id }) => id)).size, operations.length);
  for (const operation of operations) {
    assert.ok(operation.value.summary, operation.name);
    const named = [...operation.address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    assert.deepEqual(operation.parametersIn('path').map(({ name }) => name), named, operation.name);
    assert.ok(!operation.bodySchema || operation.bodySchema.additionalProperties === false, `${operation.name} refuses unknown members`);
  }
});

/** All {schema, example or examples} of the document: [pointer of the schema, example]. */
function* examples(node, pointer = '#') {
  if (typeof node !== 'object' || node === null) return;
  if (node.schema && node.example !== undefined) yield [`${pointer}/schema`, node.example];
  if (node.schema && node.examples) for (const { value } of Object.values(node.examples)) yield [`${pointer}/schema`, value];
  for (const [key, value] of Object.entries(node))
    if (key !== 'example') yield* examples(value, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
}

test('each example of the document is what its schema says', () => {
  const all = [...examples(contract.document)];
  assert.ok(all.length > 50);
  for (const [pointer, example] of all) assert.equal(contract.complaint(pointer, example), null, pointer);
});

test('each request body and each 2xx answer with a body has an example', () => {
  for (const operation of operations) {
    assert.ok(!operation.body || operation.body.example, `request of ${operation.name}`);
    for (const status of Object.keys(operation.value.responses).filter((key) => key[0] === '2')) {
      const content = operation.response(status).value.content?.['application/json'];
      assert.ok(!content || content.example || content.examples || operation.id === 'getOpenapi', `${status} of ${operation.name}`);
    }
  }
});

// ---- the document against the server ----

/** A world in which the document's examples make sense, and its ids stand for real ones. */
class World {
  constructor(api) {
    this.api = api;
    this.ids = new Map(); // of the document -> real
    this.headers = {};
  }

  static async of(t) {
    const { bob, cy } = await chat(t).users('bob', 'cy');
    const world = new World((await running()).apis[0]);
    Object.assign(world, { bob, cy });
    world.learn('ada', `ada.${bob.login}`); // a login is given away once
    return world;
  }

  /** From now on what the document calls `example` is `real`. */
  learn(example, real) {
    this.ids.set(example, real);
  }

  real(value) {
    return this.ids.get(value) ?? value;
  }

  /** Examples with the real ids put in. */
  translated(value) {
    const text = JSON.stringify(value);
    return text === undefined ? undefined : JSON.parse(text, (_, part) => this.real(part));
  }

  address(operation, query = exampleQuery(operation)) {
    const filled = operation.parametersIn('path').reduce(
      (text, { name, example }) => text.replace(`{${name}}`, encodeURIComponent(this.real(example))), operation.address);
    const members = new URLSearchParams(Object.entries(query)).toString();
    return members ? `${filled}?${members}` : filled;
  }

  /** One exchange, with the document's examples where nothing else is said. */
  ask(operation, { method = operation.method, query, body = this.translated(operation.body?.example), headers = {} } = {}) {
    return exchange(this.api.origin, method, this.address(operation, query), {
      headers: { ...this.headers, ...exampleHeaders(operation), ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
      body: body ? JSON.stringify(body) : undefined,
    });
  }

  /** The same with an answer that must be a success, and as described. */
  async succeed(operation, options) {
    const answer = await this.ask(operation, options);
    const label = `${operation.name}: ${answer.status} ${answer.text.slice(0, 200)}`;
    assert.ok(answer.status >= 200 && answer.status < 300, label);
    assert.ok(operation.value.responses[answer.status], `described status of ${label}`);
    assert.equal(operation.complaint(answer), null, label);
    return answer;
  }

  /** The same with an answer that must be this refusal, and as described. */
  async fail(operation, options, status, code) {
    const answer = await this.ask(operation, options);
    const label = `${operation.name} ${JSON.stringify(options)}: ${answer.text.slice(0, 300)}`;
    assert.deepEqual([answer.status, answer.body?.code], [status, code], label);
    assert.equal(operation.complaint(answer), null, label);
    return answer.body;
  }

  signedIn({ tokens }) {
    this.headers = { authorization: `Bearer ${tokens.access_token}` };
  }
}

const exampleQuery = (operation) =>
  Object.fromEntries(operation.parametersIn('query').filter(({ example }) => example !== undefined).map(({ name, example }) => [name, example]));

const exampleHeaders = (operation) =>
  Object.fromEntries(operation.parametersIn('header').filter(({ example }) => example !== undefined).map(({ name, example }) => [name.toLowerCase(), example]));

const exampleOf = (id, status) => operation(id).response(status).value.content['application/json'].example;

function operation(id) {
  const found = operations.find((candidate) => candidate.id === id);
  assert.ok(found, id);
  return found;
}

/** Ada of the document: registered, with the room and the message of the examples. */
async function settle(world) {
  const registered = await world.succeed(operation('register'));
  const { user, session, tokens } = registered.body;
  const told = exampleOf('register', 201);
  world.signedIn(registered.body);
  world.learn(told.user.id, user.id);
  world.learn(told.session.id, session.id);
  world.learn(told.tokens.refresh_token, tokens.refresh_token);
  world.learn(exampleOf('getUser', 200).id, world.bob.id);
  const made = await world.succeed(operation('createRoom'));
  world.learn(exampleOf('createRoom', 201).id, made.body.id);
  await world.succeed(operation('sendMessage'));
  const group = await world.succeed(operation('createGroup'));
  world.learn(exampleOf('createGroup', 201).id, group.body.id);
  const { topics } = (await world.succeed(operation('addTopic'))).body;
  world.learn(exampleOf('addTopic', 201).topics[0].id, topics[0].id);
  return world;
}

/** What must be so before an operation works, once those before it took things away. */
const before = {
  async deleteGroup(world) {
    const made = await world.succeed(operation('createGroup'));
    world.learn(exampleOf('createGroup', 201).id, made.body.id);
  },
  async deleteRoom(world) {
    const made = await world.succeed(operation('createRoom'));
    world.learn(exampleOf('createRoom', 201).id, made.body.id);
  },
  async endSession(world) {
    const other = await world.succeed(operation('signIn'));
    world.learn(exampleOf('register', 201).session.id, other.body.session.id);
  },
  async signOut(world) {
    world.signedIn((await world.succeed(operation('signIn'))).body);
  },
  async endAllSessions(world) {
    world.signedIn((await world.succeed(operation('signIn'))).body);
  },
  async changePassword(world) {
    world.signedIn((await world.succeed(operation('signIn'))).body);
  },
};

const LAST = ['unplaceRoom', 'deleteTopic', 'removeGroupMember', 'leaveGroup', 'deleteGroup', 'deleteMessage', 'removeMember', 'leaveRoom', 'deleteRoom', 'endSession', 'signOut', 'endAllSessions', 'changePassword'];

/** All operations, in an order in which each has what it needs. */
const inOrder = () => [
  ...operations.filter(({ id }) => id !== 'register' && !LAST.includes(id)),
  ...LAST.map(operation),
];

test('each operation accepts the example of its request and answers as described', async (t) => {
  const world = await settle(await World.of(t));
  for (const each of inOrder()) {
    await before[each.id]?.(world);
    await world.succeed(each);
  }
});

test('answers that the examples do not lead to are as described too', async (t) => {
  const world = await settle(await World.of(t));
  const list = operation('listChats');
  const { etag } = (await world.ask(list)).headers;
  const again = await world.ask(list, { headers: { 'if-none-match': etag } });
  assert.deepEqual([again.status, list.complaint(again)], [304, null]);

  const open = await world.succeed(operation('createRoom'), { body: { kind: 'public', name: 'open', slug: 'open' } });
  world.learn(exampleOf('createRoom', 201).id, open.body.id);
  const stranger = { headers: { authorization: `Bearer ${world.cy.tokens.access_token}` } };
  const seen = await world.succeed(operation('openRoom'), stranger);
  assert.deepEqual(Object.keys(seen.body), ['room']);
  await world.fail(operation('listMembers'), stranger, 403, 'member_required');
  await world.fail(operation('sendMessage'), stranger, 403, 'member_required');

  const send = operation('sendMessage');
  const body = { text: 'once', nonce: nonce() };
  assert.equal((await world.succeed(send, { body })).status, 201);
  assert.equal((await world.succeed(send, { body })).status, 200);
  await world.fail(send, { body: { ...body, text: 'twice' } }, 422, 'nonce_reused');
  await world.fail(operation('setCursor'), { body: { seq: 1_000_000 } }, 422, 'beyond_last');
  await world.fail(operation('createRoom'), { body: { kind: 'public', name: 'again', slug: 'open' } }, 409, 'slug_taken');
  await world.fail(operation('register'), {}, 409, 'login_taken');
});

test('pages in halves are as described, and their `next` brings the rest', async (t) => {
  const world = await settle(await World.of(t));
  for (const name of ['one', 'two', 'three']) await world.succeed(operation('createRoom'), { body: { kind: 'public', name } });
  for (const id of ['listChats', 'listPublicRooms', 'listMembers', 'listChanges']) {
    const query = { ...exampleQuery(operation(id)), limit: 1 };
    delete query.q;
    const first = (await world.succeed(operation(id), { query })).body;
    assert.equal(first.has_more, true, id);
    const second = (await world.succeed(operation(id), { query: { ...query, after: first.next } })).body;
    assert.notDeepEqual(second.items, first.items, id);
  }
});

test('a session in a cookie has no refresh token in its answers', async (t) => {
  const world = await settle(await World.of(t));
  const signIn = operation('signIn');
  const answer = await world.succeed(signIn, { body: { ...world.translated(signIn.body.example), cookie: true } });
  assert.equal(answer.body.tokens.refresh_token, undefined);
  const cookie = answer.headers['set-cookie'][0].split(';')[0];
  const refreshed = await world.succeed(operation('refresh'), { body: null, headers: { cookie } });
  assert.equal(refreshed.body.tokens.refresh_token, undefined);
});

// ---- what the server refuses is what the document forbids ----

test('each path tells its methods, and refuses those that it does not have', async (t) => {
  const world = await settle(await World.of(t));
  for (const each of operations.filter(({ address }) => address.startsWith('/v1'))) {
    const { status, headers } = await world.ask(each, { method: 'OPTIONS', body: null });
    assert.equal(status, 204);
    assert.ok(headers.allow.split(', ').includes(each.method), `${each.name}: ${headers.allow}`);
  }
  const refused = await exchange(world.api.origin, 'PATCH', '/v1/config');
  assert.deepEqual([refused.status, refused.body.code, refused.headers.allow], [405, 'method_not_allowed', 'GET, HEAD, OPTIONS']);
});

test('whoever has no token is refused where the document asks for one', async (t) => {
  const world = await World.of(t);
  for (const each of operations.filter(({ isPublic }) => !isPublic)) await world.fail(each, {}, 401, 'unauthenticated');
});

test('members that the document does not name are refused, in a body and in a query', async (t) => {
  const world = await settle(await World.of(t));
  for (const each of operations.filter(({ address }) => address.startsWith('/v1'))) {
    await world.fail(each, { query: { ...exampleQuery(each), surprise: 1 } }, 400, 'unknown_parameter');
    if (each.method === 'GET') continue;
    const body = { ...world.translated(each.body?.example), surprise: 1 };
    const { errors } = await world.fail(each, { body }, 400, 'unknown_field');
    assert.equal(errors[0].field, 'surprise');
  }
});

test('a member that the document requires is missed', async (t) => {
  const world = await settle(await World.of(t));
  for (const each of operations.filter(({ bodySchema }) => bodySchema))
    for (const field of each.bodySchema.required ?? []) {
      const { [field]: _, ...body } = world.translated(each.body.example);
      const { errors } = await world.fail(each, { body }, 400, 'missing');
      assert.equal(errors[0].field, field, each.name);
    }
});

/** Values just outside what the schema of a member allows: [value, code]. */
function* outside(schema) {
  if (schema.minLength > 0) yield ['x'.repeat(schema.minLength - 1), 'out_of_range'];
  if (schema.maxLength) yield ['x'.repeat(schema.maxLength + 1), 'out_of_range'];
  if (schema.minimum !== undefined) yield [schema.minimum - 1, 'out_of_range'];
  if (schema.maximum !== undefined) yield [schema.maximum + 1, 'out_of_range'];
  if (schema.enum) yield ['surprise', 'out_of_range'];
  if (schema.pattern) yield ['Ä?', schema.format === 'date-time' ? 'wrong_type' : 'out_of_range'];
  yield [schema.type === 'string' ? 7 : 'seven', 'wrong_type'];
}

/** Values at the very edge of what it allows. */
function* inside(schema) {
  if (schema.pattern || schema.format === 'password') return; // edges would need more thought than they are worth
  if (schema.maxLength) yield 'x'.repeat(schema.maxLength);
  if (schema.minLength > 0) yield 'x'.repeat(schema.minLength);
}

test('a member of a body outside the range of the document is refused', async (t) => {
  const world = await settle(await World.of(t));
  for (const each of operations.filter(({ bodySchema }) => bodySchema))
    for (const field of Object.keys(each.bodySchema.properties))
      for (const [value, code] of outside(each.bodyMember(field))) {
        const { errors } = await world.fail(each, { body: { ...world.translated(each.body.example), [field]: value } }, 400, code);
        assert.equal(errors[0].field, field, each.name);
      }
});

test('a member of a body at the edge of its range is taken', async (t) => {
  const world = await settle(await World.of(t));
  for (const id of ['changeMe', 'createRoom', 'sendMessage', 'enterRoomBySlug'])
    for (const field of Object.keys(operation(id).bodySchema.properties))
      for (const value of inside(operation(id).bodyMember(field))) {
        const once = id === 'sendMessage' ? { nonce: nonce() } : {};
        await world.succeed(operation(id), { body: { ...world.translated(operation(id).body.example), ...once, [field]: value } });
      }
});

test('a parameter outside the range of the document is refused, one at its edge is taken', async (t) => {
  const world = await settle(await World.of(t));
  for (const each of operations)
    for (const { name, schema } of each.parametersIn('query')) {
      if (schema.type === 'string') continue;
      const { before: _, after: __, ...rest } = exampleQuery(each); // of which there may be one
      const ask = (value) => ({ query: { ...rest, [name]: value } });
      for (const [value, code] of outside(schema)) await world.fail(each, ask(value), 400, code);
      for (const value of [schema.minimum, schema.maximum]) if (value !== undefined) await world.succeed(each, ask(value));
    }
});
