// Group 9 of Autobahn's test suite (faults T02): big messages, and many of them; and what is refused as too big (T56).
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from '../flow/harness/index.js';
import { BINARY, TEXT, behindFirst, close, cut, fragments, frame, ping } from './frames.js';
import { MESSAGE_MAX, ROOMY_MESSAGE_MAX, command, gateways } from './gateway.js';
import { Peer, play } from './peer.js';

const KIB = 1024, MIB = 1024 * KIB;
const BIGGEST_MS = 5_000; // faults T02
const MANY = 1_000;

const size = (bytes) => (bytes >= MIB ? `${bytes / MIB} MiB` : bytes >= KIB ? `${bytes / KIB} KiB` : `${bytes} bytes`);

/** [number of the group for texts, the next is for binaries; what varies; title; frames; chop] */
const tables = [
  [1, [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB], (bytes) => `of ${size(bytes)}`,
    (opcode, bytes) => [frame(opcode, command(1, '', bytes))]],
  [3, [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB], (bytes) => `of 4 MiB in fragments of ${size(bytes)}`,
    (opcode, bytes) => fragments(opcode, cut(command(1, '', 4 * MIB), bytes))],
  [5, [64, 128, 256, 512, KIB, 2 * KIB], (bytes) => `of 1 MiB in chops of ${size(bytes)}`,
    (opcode) => [frame(opcode, command(1, '', MIB))], (bytes) => bytes],
];

for (const [first, list, title, send, chop = () => 'together'] of tables)
  for (const [kind, group, opcode] of [['text', first, TEXT], ['binary', first + 1, BINARY]])
    test(`group 9.${group} one ${kind}`, async (t) => {
      const { roomy } = await gateways(t);
      for (const [i, bytes] of list.entries())
        await t.test(`9.${group}.${i + 1} a ${kind} ${title(bytes)}`, async () => {
          const row = { send: send(opcode, bytes), hear: ['reply 1'], chop: chop(bytes) };
          const start = performance.now();
          await play(roomy, row);
          assert.ok(performance.now() - start < BIGGEST_MS);
        });
    });

// A message must be a command: where Autobahn sends 0 or 16 bytes, the shortest one goes.
for (const [kind, group, opcode] of [['text', 7, TEXT], ['binary', 8, BINARY]])
  test(`group 9.${group} ${kind} there and back, ${MANY} times`, async (t) => {
    const { roomy } = await gateways(t);
    for (const [i, bytes] of [0, 16, 64, 256, KIB, 4 * KIB].entries())
      await t.test(`9.${group}.${i + 1} a ${kind} of ${bytes} bytes`, async () => {
        const peer = await Peer.connected(roomy);
        for (let n = 1; n <= MANY; n++) {
          await peer.write(frame(opcode, command(n, '', bytes)));
          await peer.happened.until(() => peer.transcript.at(-1) === `reply ${n}`, `reply ${n}`);
        }
        await peer.say([close(1000)]);
        assert.deepEqual((await peer.ended()).slice(MANY), ['close 1000', 'end']);
      });
  });

const TOO_BIG = ['close 1009'];
const CLAIMS = [2n ** 16n + 1n, 2n ** 31n, 2n ** 32n, 2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];

/** [what, frames, what is heard, which gateway] */
const limits = [
  ['a text of as many bytes as are allowed', () => [frame(TEXT, command(1, '', MESSAGE_MAX))], ['reply 1'], 'usual'],
  ['one byte more', () => [frame(TEXT, command(1, '', MESSAGE_MAX + 1))], TOO_BIG, 'usual'],
  ['the same in fragments', () => fragments(TEXT, cut(command(1, '', MESSAGE_MAX + 1), 1_000)), TOO_BIG, 'usual'],
  ['the same in two fragments, the second of one byte', () => fragments(TEXT, cut(command(1, '', MESSAGE_MAX + 1), MESSAGE_MAX)), TOO_BIG, 'usual'],
  ['fragments without end', () => fragments(BINARY, cut(Buffer.alloc(4 * MESSAGE_MAX), 1_000), { last: false }), TOO_BIG, 'usual'],
  ['pings within the biggest message count for nothing',
    () => behindFirst(fragments(TEXT, cut(command(1, '', MESSAGE_MAX), MESSAGE_MAX / 2)), ping('p'.repeat(125))), [`pong ${'p'.repeat(125)}`, 'reply 1'], 'usual'],
  ['many of the biggest, one after the other', () => Array.from({ length: 20 }, (_, i) => frame(TEXT, command(i + 1, '', MESSAGE_MAX))),
    Array.from({ length: 20 }, (_, i) => `reply ${i + 1}`), 'usual'],
  ['one byte more than 16 MiB', () => [frame(TEXT, command(1, '', ROOMY_MESSAGE_MAX + 1))], TOO_BIG, 'roomy'],
  ...CLAIMS.map((claim) => [`a header that announces ${claim} bytes`, () => [frame(TEXT, '{', { announced: claim })], TOO_BIG, 'usual']),
  ...CLAIMS.map((claim) => [`a fragment that announces ${claim} bytes after one`,
    () => [...fragments(TEXT, ['{'], { last: false }), frame(0, '{', { announced: claim })], TOO_BIG, 'usual']),
];

test('a message may have its limit and not a byte more', async (t) => {
  const gates = await gateways(t);
  for (const [what, send, hear, gate] of limits) await t.test(what, () => play(gates[gate], { send: send(), hear }));
});

const residentBytes = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * KIB;

test('nothing is set aside for a message that has only been announced', async (t) => {
  const { roomy } = await gateways(t);
  const peers = await Promise.all(Array.from({ length: 64 }, () => Peer.connected(roomy)));
  const before = residentBytes(roomy.pid);
  for (const peer of peers) await peer.say([...fragments(BINARY, ['a'], { last: false }), ping('there?'), 'pong there?', frame(0, 'b', { announced: 16 * MIB - 1 })]);
  const witness = await Peer.connected(roomy);
  assert.ok(residentBytes(roomy.pid) - before < 8 * MIB, `${residentBytes(roomy.pid) - before} bytes more`);
  for (const peer of [...peers, witness]) peer.drop();
});
