// Faults T04: three foreign clients, which know WebSocket and nothing of us, go through the same scenario and tell the same.
import assert from 'node:assert/strict';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { ROOT } from '../flow/harness/folders.js';
import { chat, test } from '../flow/harness/index.js';
import { command } from './gateway.js';

const HERE = path.join(ROOT, 'tests', 'conformance', 'clients');
const PYTHON = '/usr/bin/python3'; // Debian's, which has its packages, whatever else comes first in PATH
const CLIENTS = {
  'npm ws': [process.execPath, 'ws.js'],
  'Python websockets': [PYTHON, 'websockets_client.py'],
  'Python autobahn': [PYTHON, 'autobahn_client.py'],
};

const send = (text, how) => ({ do: 'send', text: text.toString(), ...how });
const hear = (lines) => ({ do: 'hear', lines });

/** What a client says; each waits for the answer, so that the order of what comes is no accident. */
const scenario = (token, room) => [
  send(JSON.stringify({ id: 1, connect: { token } })), hear(1),
  { do: 'ping', payload: 'tea?' },
  send(command(2)), hear(2),
  send(command(3, 'in fragments', 500), { fragment: 64 }), hear(3),
  send(command(4, 'µ and €', 60_000), { binary: true, fragment: 1_000 }), hear(4),
  send(`${command(5)}\n${command(6)}\n${command(7)}`), hear(7),
  send(JSON.stringify({ id: 8, subscribe: { channel: `room:${room}` } })), hear(8),
  send(JSON.stringify({ id: 9, subscribe: { channel: `room:${room}` } })), hear(9),
  send(JSON.stringify({ id: 10, unsubscribe: { channel: `room:${room}` } })), hear(10),
];

const ENDS = {
  'the client says goodbye': { steps: [{ do: 'close', code: 4000, reason: 'bye' }], closed: [4000, ''] },
  'the gateway does not like what it hears': { steps: [send('tea?'), { do: 'closed' }], closed: [3501, 'bad request'] },
};

/** What a client program tells of a scenario, with what differs at each run left out. */
async function told([program, name], url, steps, room) {
  const child = spawn(program, [path.join(HERE, name), url], { stdio: ['pipe', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (data) => (out += data));
  child.stdin.end(JSON.stringify(steps));
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  assert.equal(code, 0, out);
  const lines = out.trimEnd().split('\n').map((line) => JSON.parse(line));
  return lines.map((line) => (line.message === undefined ? line : { message: withoutChance(JSON.parse(line.message), room) }));
}

const CHANCE = new Set(['client', 'epoch', 'ttl', 'time']);

function withoutChance(reply, room) {
  return JSON.parse(JSON.stringify(reply, (key, value) => (CHANCE.has(key) ? typeof value : value)).replaceAll(room, 'ROOM'));
}

for (const [title, { steps, closed }] of Object.entries(ENDS))
  test(`three foreign clients tell the same: ${title}`, async (t) => {
    const { ada } = await chat(t).users('ada');
    const { url } = ada.chat.servers.gateways[0];
    const room = (await ada.createRoom('tea')).id;
    const whole = [...scenario(ada.tokens.access_token, room), ...steps];
    const transcripts = [];
    for (const [name, client] of Object.entries(CLIENTS))
      await t.test(name, async () => {
        const transcript = await told(client, url, whole, room);
        assert.deepEqual(transcript[0], { protocol: 'centrifuge-json' });
        assert.deepEqual(transcript.filter(({ message }) => message).map(({ message }) => message.id), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert.deepEqual(transcript.filter(({ pong }) => pong), [{ pong: 'tea?' }]);
        assert.deepEqual(transcript.at(-1), { closed });
        transcripts.push(transcript);
      });
    for (const transcript of transcripts) assert.deepEqual(transcript, transcripts[0]);
  });
