// Whatever the OpenAPI document takes is given what it should not be: each parameter and member of each operation, one at a time. The answer
// is a precise refusal, or the thing is stored and comes back byte for byte; never a 500, never silence, and everybody else goes on.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { chat, configure, running, test } from './harness/index.js';
import { Contract } from './harness/contract.js';
import { Sample, settle } from './harness/sample.js';

configure({ apis: 1, gateways: 0 });

const AT_ONCE = 16;

const contract = Contract.read();
const operations = contract.operations.filter(({ address }) => address.startsWith('/v1/'));

// ---- bad things ----

const TEXTS = ['', ' ', 'x'.repeat(100_000), '\u0001\u0002\u001b[31m', 'a\u0000b', '\u007f\u0085\u2028\ufeff', '😀'.repeat(5), '😀'.repeat(20_000), '<script>alert(1)</script>', '"\'\\',
  "'; DROP TABLE users; --", '${7*7}{{7*7}}%s%n', '../../etc/passwd', '\u202eevil', 'é\u0301', '1', '0', '-1', '01', '+1', '1.5', '1e3', '9223372036854775807', '9223372036854775808', 'NaN', 'null', 'true',
  '2026-02-30T00:00:00Z', '2026-01-01T24:00:00Z', '-1-01-01T00:00:00Z', '2026-01-01T00:00:00+99:99'];

/** As they stand in a body; what JSON.stringify() cannot write, too. */
const RAW = [...TEXTS.map((value) => JSON.stringify(value)),
  '"\\ud800"', '"\\udfff\\ud800"', '"a\\ud83d"', '0', '-0', '-1', '1', '0.5', '1e400', '-1e400', '1e-400', '9007199254740993', '9223372036854775807', '9223372036854775808', '99999999999999999999999999',
  'true', 'false', '[]', '[null]', '[[]]', '["1", "1"]', `[${'"1",'.repeat(20_000)}"1"]`, '{}', '{"$gt": ""}', '{"a": {"b": {"c": 1}}}', `${'['.repeat(60)}${']'.repeat(60)}`, `${'['.repeat(5_000)}${']'.repeat(5_000)}`];

const IN_ADDRESSES = [...TEXTS.filter((value) => value.length < 5_000), 'x'.repeat(4_000)].map(encodeURIComponent).concat('%00', '%ff', '%c0%80', '%ed%a0%80', '%2F', '%2e%2e', '%', '%zz', '..%2f..');

/** Bodies that are none, whatever is wanted: [bytes, status]. */
const BODIES = [['{', 400], ['{"a":1,}', 400], ['[]', 400], ['null', 400], ['"x"', 400], ['7', 400], ['{"a":1}{"a":1}', 400], ['{a:1}', 400], ["{'a':1}", 400], ['\ufeff{}', 400], ['{"\\ud800":1}', 400], ['[['.repeat(50_000), 400],
  ['{"a":'.repeat(30_000), 400], [Buffer.from('{"a":"\xff"}', 'latin1'), 400], [Buffer.from([0, 1, 2, 3]), 400], ['{"surprise": 1}', 400], [`{"${'x'.repeat(5_000)}":1}`, 400], [`{"a":"${'x'.repeat(300_000)}"}`, 413]];

/** It is refused with a code, or done; nothing else. */
function assertAnswered(answer, label) {
  assert.ok(answer.status < 500, `${label}: ${answer.status} ${answer.text.slice(0, 300)}`);
  if (answer.status >= 400) assert.match(answer.body?.code ?? '', /^[a-z_]+$/, label);
}

/** All strings that are the value of a member of this name, however deep. */
function* named(node, name) {
  if (typeof node !== 'object' || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (key === name && typeof value === 'string') yield value;
    yield* named(value, name);
  }
}

/** What was taken comes back; other things in the answer may have a member of that name, too. */
function assertKept(answer, name, raw, label) {
  const value = JSON.parse(raw);
  if (typeof value !== 'string' || answer.status > 299) return;
  const back = [...named(answer.body, name)];
  if (back.length > 0 && name !== 'login' && !name.endsWith('until') && !back.includes(value)) assert.fail(`${label} came back as ${back.join(', ')}`);
}

const isJson = (raw) => {
  try {
    JSON.parse(raw);
    return true;
  } catch {
    return false;
  }
};

async function each(cases, run, atOnce = AT_ONCE) {
  const left = [...cases];
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (left.length > 0) await run(left.pop());
  }));
}

async function assertUnharmed({ ada, bob, cy, room, foreign, hidden }, operation) {
  const { apis } = await running();
  assert.ok(apis[0].isRunning);
  await bob.get('/me');
  await cy.post(foreign, 'still here');
  const page = await cy.messages(foreign);
  assert.deepEqual(page.items.map(({ text }) => text), ['nobody must read this', 'still here'], `${operation.name} left what it must not see alone`);
  const errors = fs.readFileSync(apis[0].log, 'utf8').split('\n').filter((line) => / error /.test(line));
  assert.deepEqual(errors, [], operation.name);
}

// ---- the tests ----

for (const operation of operations) {
  const hasBody = operation.bodySchema !== undefined;
  test(`bad input to ${operation.name} is refused precisely, or kept`, async (t) => {
    const world = await settle(chat(t));
    const attack = new Sample(world, operation);

    for (const { name } of operation.parametersIn('path')) {
      await each(IN_ADDRESSES, async (value) => {
        const answer = await attack.ask({ url: { [name]: value } });
        assertAnswered(answer, `${name} = ${value.slice(0, 60)}`);
      });
      if (name === 'room') {
        const answer = await attack.ask({ url: { room: world.foreign.id } });
        assert.equal(answer.status, 404, `somebody else's room: ${answer.text}`);
      }
      if (name === 'session') assert.equal((await attack.ask({ url: { session: world.cy.session.id } })).status, 404, "somebody else's session");
    }

    for (const { name, schema } of operation.parametersIn('query'))
      await each(IN_ADDRESSES, async (value) => {
        const answer = await attack.ask({ query: { [name]: value } });
        const label = `${name} = ${value.slice(0, 60)}`;
        assertAnswered(answer, label);
        const mustBeNumber = schema.type === 'integer' && !/^-?(0|[1-9]\d*)$/.test(value);
        if (mustBeNumber) assert.equal(answer.status, 400, label);
        if (answer.status === 400 && answer.body.errors) assert.equal(answer.body.errors[0].field, name, label);
      });

    for (const { name } of operation.parametersIn('query')) {
      const answer = await attack.ask({ query: { [name]: `1&${name}=2` } });
      assert.deepEqual([answer.status, answer.body.errors?.[0].field], [400, name], `${name} twice: ${answer.text}`);
    }

    if (hasBody)
      for (const name of Object.keys(operation.bodySchema.properties)) {
        const { pointer } = contract.at(`${operation.pointer}/requestBody/content/application~1json/schema`);
        const schema = contract.at(`${pointer}/properties/${name}`);
        await each(RAW, async (raw) => {
          const answer = await attack.ask({ body: attack.bodyWith(name, raw) });
          const label = `${name} = ${raw.slice(0, 60)}`;
          assertAnswered(answer, label);
          if (raw.startsWith('[[[[')) assert.equal(answer.status, 400, label);
          if (!isJson(raw) || answer.status === 413 || raw.startsWith('[[[[')) return;
          const value = JSON.parse(raw);
          const forbidden = value !== null && !Object.is(value, Infinity) && !Object.is(value, -Infinity) && contract.complaint(schema.pointer, value) !== null;
          if (forbidden) assert.ok(answer.status >= 400, `${label} is not as described, and taken: ${answer.text.slice(0, 200)}`);
          if (forbidden && answer.status === 400 && answer.body.errors) assert.equal(answer.body.errors[0].field.split(/[.[]/)[0], name, label);
          assertKept(answer, name, raw, label);
        }, operation.method === 'POST' ? AT_ONCE : 1); // several changes of the same thing would be told of each other's
        const twice = attack.bodyWith(name, '"1"').replace(/\}$/, `,${JSON.stringify(name)}:"2"}`);
        const answer = await attack.ask({ body: twice });
        assert.equal(answer.status, 400, `${name} twice: ${answer.text}`);
      }

    await each(BODIES, async ([body, status]) => {
      if (operation.method === 'GET') return;
      const answer = await attack.ask({ body });
      assert.equal(answer.status, status, `${body.slice(0, 40)}: ${answer.text.slice(0, 200)}`);
    });
    if (hasBody)
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'application/jsonx', ''])
        assert.equal((await attack.ask({ type })).status, 415, type);
    await assertUnharmed(world, operation);
  });
}
