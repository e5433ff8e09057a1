// Faults T05: TCP may cut and join as it likes, and nothing of that may be seen.
import assert from 'node:assert/strict';
import { test } from '../flow/harness/index.js';
import { groups } from './cases/index.js';
import { BINARY, TEXT, close, cut, fragments, frame, ping } from './frames.js';
import { command, gateways } from './gateway.js';
import { Peer, play } from './peer.js';

const BYTE_BY_BYTE_MAX = 10_000; // bytes of a row; longer ones come in pieces that end nowhere in particular

const bytesOf = ({ send }) => send.reduce((sum, item) => sum + (Buffer.isBuffer(item) ? item.length : 0), 0);

for (const [title, rows] of Object.entries(groups))
  test(`group ${title}, byte by byte`, async (t) => {
    const gates = await gateways(t);
    for (const row of rows) {
      const chop = bytesOf(row) > BYTE_BY_BYTE_MAX ? 997 : 1;
      await t.test(`${row.name}: ${chop} at a time`, () => play(gates[row.gate], { ...row, chop }));
    }
  });

/** Frames number 1 to 1,000: commands whole, commands in three fragments with a ping among them, pings. */
function thousandFrames() {
  const frames = [], hear = [];
  for (let n = 1; frames.length < 1_000; n++) {
    const payload = command(n, 'µ'.repeat(n % 50));
    const opcode = n % 2 === 0 ? TEXT : BINARY;
    if (n % 3 === 0 && frames.length <= 996) {
      const pieces = fragments(opcode, cut(payload, Math.ceil(payload.length / 3)));
      frames.push(pieces[0], ping(`among ${n}`), ...pieces.slice(1));
      hear.push(`pong among ${n}`, `reply ${n}`);
    } else if (n % 3 === 1) {
      frames.push(ping(`${n}`));
      hear.push(`pong ${n}`);
    } else {
      frames.push(frame(opcode, payload));
      hear.push(`reply ${n}`);
    }
  }
  return { send: frames, hear };
}

test('1,000 frames in one write are heard as if each had come alone', async (t) => {
  const { usual } = await gateways(t);
  const { send, hear } = thousandFrames();
  assert.equal(send.length, 1_000);
  for (const chop of ['together', 'frames', 7, 1_460]) await t.test(`chop: ${chop}`, () => play(usual, { send, hear, chop }));
});

test('frames that come along with the handshake are read', async (t) => {
  const { usual } = await gateways(t);
  const early = Buffer.concat([ping('early'), frame(TEXT, usual.hello)]);
  for (const length of [0, 1, 2, 6, early.length - 1, early.length])
    await t.test(`${length} bytes of them`, async () => {
      const peer = await Peer.open(usual, { early: early.subarray(0, length) });
      await peer.say([early.subarray(length), 'reply 1', frame(TEXT, command(2)), close(1000)]);
      assert.deepEqual(await peer.ended(), ['pong early', 'reply 1', 'reply 2', 'close 1000', 'end']);
    });
});
