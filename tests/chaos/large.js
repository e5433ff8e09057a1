// node large.js [--users N] [--rooms N]: how long one gateway needs to be whole again when it missed a message in each of many rooms.
// Two ways to lose them: the bus was cut (Replay has them), and the APIs were started again meanwhile, too (a sweep finds them).
import WebSocket from 'ws';
import { Network } from './network/network.js';
import { Servers } from '../flow/harness/servers.js';
import { callUntilKnown, isGood } from './load/call.js';
import { exchange } from '../flow/harness/http.js';
import { nonce } from '../flow/harness/person.js';
import { pause } from './load/pause.js';

const AT_ONCE = 48;
const PATIENCE_MS = 60_000;

const say = (line) => process.stdout.write(`${line}\n`);
const number = (name, otherwise) => Number(process.argv[process.argv.indexOf(name) + 1] || otherwise) || otherwise;

/** Runs `work(item, i)` for all, so many at once; answers their results in order. */
async function inParallel(items, work) {
  const results = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const i = next++;
      results[i] = await work(items[i], i);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

/** A connection that follows some rooms, and counts what it gets of each. */
class Listener {
  constructor(url, user, rooms) {
    this.rooms = rooms;
    this.count = 0;
    this.socket = new WebSocket(url);
    this.open = new Promise((resolve, reject) => {
      this.socket.once('error', reject);
      this.socket.once('open', () => {
        const commands = [{ id: 1, connect: { token: user.tokens.access_token } }];
        rooms.forEach((room, i) => commands.push({ id: i + 2, subscribe: { channel: `room:${room}` } }));
        for (const command of commands) this.socket.send(JSON.stringify(command));
      });
      this.socket.on('message', (bytes) => {
        for (const line of String(bytes).split('\n')) this.take(JSON.parse(line), resolve, reject);
      });
    });
  }

  take(message, resolve, reject) {
    if (message.error) reject(new Error(JSON.stringify(message)));
    else if (message.id === this.rooms.length + 1) resolve();
    else if (message.push?.channel?.startsWith('room:') && message.push.pub) this.count++;
    else if (Object.keys(message).length === 0) this.socket.send('{}');
  }
}

async function gather(servers, users, rooms) {
  const chat = { servers, devices: [] };
  const people = await inParallel(Array.from({ length: users }), async (_, i) => {
    const body = JSON.stringify({ login: `user${i}`, password: `correct horse ${i}`, name: `user ${i}` });
    const answer = await exchange(servers.apis[i % 2].origin, 'POST', '/v1/users', { headers: { 'content-type': 'application/json' }, body });
    if (answer.status !== 201) throw new Error(`no account: ${answer.status} ${answer.text}`);
    return { ...answer.body, chat, api: i % 2 };
  });
  const made = await inParallel(Array.from({ length: rooms }), async (_, i) => {
    const owner = people[i % users], other = people[(i + 1) % users];
    const answer = await callUntilKnown(owner, 'POST', '/rooms', { kind: 'private', name: `room ${i}`, members: [other.user.id] });
    if (!isGood(answer)) throw new Error(`no room: ${answer?.status}`);
    return { id: answer.body.id, owner };
  });
  return { people, made };
}

const sayInEach = (rooms, text) => inParallel(rooms, async ({ id, owner }) => {
  const answer = await callUntilKnown(owner, 'POST', `/rooms/${id}/messages`, { text, nonce: nonce() });
  if (!isGood(answer)) throw new Error(`not sent: ${answer?.status}`);
});

/** Milliseconds until all have `wanted` publications in all. */
async function untilWhole(listeners, wanted) {
  const from = performance.now();
  for (;;) {
    const count = listeners.reduce((sum, listener) => sum + listener.count, 0);
    if (count >= wanted) return { ms: performance.now() - from, extra: count - wanted };
    if (performance.now() - from > PATIENCE_MS) throw new Error(`${count} of ${wanted} after ${PATIENCE_MS} ms`);
    await pause(5);
  }
}

async function main() {
  const users = number('--users', 2000), rooms = number('--rooms', 5000);
  const servers = new Servers({ apis: 2, gateways: 1, ownPostgres: true, api: { PARLEY_TOKEN_LIFE_S: '86400' } });
  await servers.start({ programs: false });
  const network = await Network.between(servers, 1);
  await Promise.all(servers.programs.map((program) => program.start()));
  const [gateway] = servers.gateways;
  say(`making ${users} users and ${rooms} rooms`);
  const { people, made } = await gather(servers, users, rooms);
  const own = people.map((_, i) => made.filter((__, k) => k % users === i).map(({ id }) => id));
  const listeners = await inParallel(people, async (person, i) => {
    const listener = new Listener(`ws://127.0.0.1:${gateway.port}/connection/websocket`, person, own[i]);
    await listener.open;
    return listener;
  });
  let wanted = 0;
  const cutAndSay = async (text) => {
    gateway.buses.flat().forEach((proxy) => proxy.worsen({ isCut: true }));
    await sayInEach(made, text);
    wanted += rooms;
  };
  await sayInEach(made, 'first');
  wanted += rooms;
  await untilWhole(listeners, wanted);
  await cutAndSay('while the bus was cut');
  gateway.buses.flat().forEach((proxy) => proxy.heal());
  const replayed = await untilWhole(listeners, wanted);
  say(`${rooms} rooms, ${users} users: bus cut, Replay: whole after ${(replayed.ms / 1000).toFixed(2)} s, ${replayed.extra} repeated`);
  await cutAndSay('before the APIs were started again');
  for (const api of servers.apis) await api.kill();
  await Promise.all(servers.apis.map((api) => api.start()));
  gateway.buses.flat().forEach((proxy) => proxy.heal());
  const swept = await untilWhole(listeners, wanted);
  say(`${rooms} rooms, ${users} users: APIs started again, sweep: whole after ${(swept.ms / 1000).toFixed(2)} s, ${swept.extra} repeated`);
  for (const { socket } of listeners) socket.terminate();
  for (const program of servers.programs) await program.stop();
  network.close();
  process.exit(0);
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
