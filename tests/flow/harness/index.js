/**
 * What flow tests are written with:
 *
 *     test('a message arrives', async (t) => {
 *       const { ada, bob } = await chat(t).users('ada', 'bob');
 *       const tea = await ada.createRoom('tea', { members: [bob] });
 *       const phone = await bob.connect({ gateway: 1, rooms: [tea] });
 *       assert.deepEqual(await phone.next(tea), await ada.post(tea, 'kettle is on'));
 *     });
 *
 * A file's programs start with its first chat() and end with the file.
 */
import assert from 'node:assert/strict';
import nodeTest from 'node:test';
import { Alone } from './alone.js';
import { Person, nonce } from './person.js';
import { Refused, exchange } from './http.js';
import { Servers } from './servers.js';

export { Alone, Refused, exchange, nonce };
export { API_KEY, ApiError, TOKEN_KEY } from './alone.js';
export { DELIMITED, EVENTS, LINES, Socket, Stream } from './bytes.js';
export { Cable } from './cable.js';
export { Client, TRANSPORTS, allTransports, overEach } from './client.js';
export { idOf } from './person.js';
export { dice, seedOf } from './dice.js';
export { channelOf } from './device.js';
export { Ear } from './ear.js';
export { eventually, meanwhile, soon } from './wait.js';
export { Line, codeOf } from './line.js';
export { DIE, HANG, Said, Target } from './target.js';
export { Wire, raw } from './wire.js';

let wanted = {};
let servers = null; // a promise of them
let people = 0;

/** Before the first chat() of a file: what its programs are to be like (see Servers). */
export function configure(options) {
  wanted = options;
}

/** The programs of this file, running. */
export function running() {
  servers ??= start();
  return servers;
}

async function start() {
  const made = new Servers(wanted);
  await made.start();
  return made;
}

/** Asserts that `promise` fails as a Refused of this status and code; answers it. */
export async function refused(promise, status, code) {
  const error = await promise.then(
    (body) => assert.fail(`not refused: ${JSON.stringify(body)?.slice(0, 300)}`),
    (reason) => reason,
  );
  if (!(error instanceof Refused)) throw error;
  assert.deepEqual([error.status, error.code], [status, code], error.message);
  return error;
}

/** node:test's, and when a test fails the last words of all programs; a program that died fails the test. */
export function test(name, options, body = options) {
  nodeTest(name, typeof options === 'object' ? options : {}, async (t) => {
    try {
      await body(t);
      const casualties = (await servers)?.casualties() ?? [];
      if (casualties.length > 0) throw new Error(casualties.join('; '));
    } catch (error) {
      await showLogs(name);
      throw error;
    }
  });
}

async function showLogs(name) {
  const made = await Promise.resolve(servers).catch(() => null);
  const alone = [...Alone.all].map(({ program }) => program);
  for (const program of [...(made?.programs ?? []), ...alone])
    process.stderr.write(`---- ${name}: the end of ${program.log}\n${program.tail()}\n`);
}

/** One test's view of the programs: makes people, closes their devices when the test ends. */
export class Chat {
  constructor(t) {
    this.devices = [];
    t.after(() => this.devices.forEach((device) => device.close()));
  }

  /** New people of these names: {ada: Person, bob: Person}. Their calls go to the APIs in turn. */
  async users(...names) {
    this.servers = await running();
    const made = await Promise.all(names.map((name, i) => this.register(name, i % this.servers.apis.length)));
    return Object.fromEntries(made.map((person, i) => [names[i], person]));
  }

  async register(name, api = 0) {
    this.servers = await running();
    const body = { login: `${name}.${++people}`, password: `correct horse ${name}`, name };
    const answer = await exchange(this.servers.apis[api].origin, 'POST', '/v1/users', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (answer.status !== 201) throw new Refused('POST', '/users', answer);
    return new Person(this, { ...answer.body, password: body.password }, api);
  }
}

export function chat(t) {
  return new Chat(t);
}
