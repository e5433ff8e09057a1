// T26: everybody asks for the same page of the same room at once.
import assert from 'node:assert/strict';
import net from 'node:net';
import { chat, configure, running, test } from './harness/index.js';

const CLIENTS = 2_000;
const PEOPLE = 40;

configure({
  postgresSettings: ['shared_preload_libraries=pg_stat_statements'],
  apis: 1,
  gateways: 0,
  api: { PARLEY_API_TASKS_MAX: String(2 * CLIENTS) },
});

/** A connection kept alive; ask() answers {status, body}. */
class Connection {
  constructor(port) {
    this.socket = net.connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.answers = [];
    this.received = Buffer.alloc(0);
    this.socket.on('data', (bytes) => {
      this.received = Buffer.concat([this.received, bytes]);
      this.read();
    });
    this.socket.on('error', (error) => this.answers.splice(0).forEach(({ reject }) => reject(error)));
    this.socket.on('close', () => this.answers.splice(0).forEach(({ reject }) => reject(new Error('the connection was closed'))));
  }

  ask(path, token) {
    this.socket.write(`GET ${path} HTTP/1.1\r\nhost: flow\r\n${token ? `authorization: Bearer ${token}\r\n` : ''}\r\n`);
    return new Promise((resolve, reject) => this.answers.push({ resolve, reject }));
  }

  read() {
    const end = this.received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.received.subarray(0, end).toString();
    const length = Number(/content-length: (\d+)/i.exec(head)[1]);
    if (this.received.length < end + 4 + length) return;
    const body = this.received.subarray(end + 4, end + 4 + length).toString();
    this.received = this.received.subarray(end + 4 + length);
    this.answers.shift().resolve({ status: Number(head.split(' ')[1]), body });
  }
}

for (const [what, page] of Object.entries({ 'the newest page': 'messages?limit=20', 'a page of the log': 'events?after=10&limit=50' }))
  test(`T26 ${CLIENTS} clients that ask for ${what} of a room at once cost PostgreSQL four questions at most`, async (t) => {
    const { postgres, databaseName, apis: [api] } = await running();
    const people = await Promise.all(Array.from({ length: PEOPLE }, (_, i) => chat(t).register(`person${i}`)));
    const [owner, stranger, ...members] = people;
    const room = await owner.createRoom('tea', { members });
    for (let i = 0; i < 30; i++) await owner.post(room, `kettle ${i}`);
    const expected = JSON.stringify(await owner.get(`/rooms/${room.id}/${page}`));

    const connections = Array.from({ length: CLIENTS }, () => new Connection(api.port));
    t.after(() => connections.forEach(({ socket }) => socket.destroy()));
    for (const { status } of await Promise.all(connections.map((connection) => connection.ask('/health')))) assert.equal(status, 200);

    const sql = (statement) => postgres.sql(statement, databaseName);
    await sql('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    await sql('SELECT pg_stat_statements_reset()');
    api.pause(); // so that all of them are there at once
    const asked = connections.map((connection, i) => connection.ask(`/v1/rooms/${room.id}/${page}`, people[i % PEOPLE].tokens.access_token));
    await Promise.all(connections.map(({ socket }) => new Promise((resolve) => (socket.writableLength === 0 ? resolve() : socket.once('drain', resolve)))));
    api.resume();
    for (const [i, { status, body }] of (await Promise.all(asked)).entries())
      if (people[i % PEOPLE] === stranger) assert.equal(status, 404, body);
      else assert.deepEqual([status, JSON.stringify(JSON.parse(body))], [200, expected]);

    const [[calls]] = await sql("SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query ~ 'lane_\\d+\\.events' AND query !~ 'search_queue'");
    assert.ok(Number(calls) > 0 && Number(calls) <= 4, `${calls} questions`);
  });
