// permessage-deflate (RFC 7692; faults T03): groups 12 and 13 of Autobahn's test suite, with fewer messages a row, and what it
// does not ask. A gateway that does not compress must not accept an offer either.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { test } from '../flow/harness/index.js';
import { ROOT } from '../flow/harness/folders.js';
import { BINARY, TEXT, behindFirst, close, continuation, cut, fragments, frame, ping, text } from './frames.js';
import { COMPRESSES, MESSAGE_MAX, NO_COMMAND, command, gateways } from './gateway.js';
import { Peer, assertHeard } from './peer.js';

const INFLATED_MAX = 10 * MESSAGE_MAX;
const TAIL = Buffer.from('0000ffff', 'hex'); // RFC 7692 7.2.1: what every message would end with is not sent
const ROW_BYTES = 400_000; // as many messages as make that much, and a few at least

// ---- offers ----

const AUTOBAHN = 'permessage-deflate; client_no_context_takeover; client_max_window_bits';

/** Group 13: [offers, whether one must be accepted]; a window other than the largest may be too much to ask. */
const offers = [
  [[AUTOBAHN], true],
  [[`${AUTOBAHN}; server_no_context_takeover`], true],
  [[`${AUTOBAHN}; server_max_window_bits=9`], false],
  [[`${AUTOBAHN}; server_max_window_bits=15`], false],
  [[`${AUTOBAHN}; server_no_context_takeover; server_max_window_bits=9`], false],
  [[`${AUTOBAHN}; server_no_context_takeover; server_max_window_bits=15`], false],
  [[`${AUTOBAHN}; server_no_context_takeover; server_max_window_bits=9`, `${AUTOBAHN}; server_no_context_takeover`, AUTOBAHN], true],
];

/** Offers that other clients make. */
const furtherOffers = [
  [['permessage-deflate'], true],
  [['permessage-deflate; client_max_window_bits'], true], // browsers
  [['permessage-deflate; server_no_context_takeover; client_no_context_takeover'], true],
  [['x-tea', 'permessage-deflate'], true],
];

/** None of these means anything (RFC 7692 7.1). */
const badOffers = [
  'server_max_window_bits=7', 'server_max_window_bits=16', 'server_max_window_bits', 'server_max_window_bits=08', 'server_max_window_bits=x',
  'client_max_window_bits=7', 'client_max_window_bits=16', 'client_max_window_bits=x', 'server_no_context_takeover=1', 'client_no_context_takeover=1',
  'server_no_context_takeover; server_no_context_takeover', 'tea', 'tea=milk',
].map((parameters) => `permessage-deflate; ${parameters}`);

function parametersOf(extension) {
  const [name, ...parameters] = extension.split(';').map((word) => word.trim());
  assert.equal(name, 'permessage-deflate');
  return Object.fromEntries(parameters.map((parameter) => parameter.split('=')).map(([key, value = true]) => [key, value]));
}

/** Whether a server may answer so (RFC 7692 7.1.2): it may promise what nobody asked for, and ask only what was offered. */
function suits(answer, offer) {
  const { server_no_context_takeover: ownFresh, client_no_context_takeover: _, server_max_window_bits: own, client_max_window_bits: client, ...rest } =
    parametersOf(answer);
  const asked = parametersOf(offer);
  return (
    Object.keys(rest).length === 0 &&
    (!asked.server_no_context_takeover || ownFresh === true) &&
    (asked.server_max_window_bits === undefined || Number(own) <= Number(asked.server_max_window_bits)) &&
    (client === undefined || (asked.client_max_window_bits !== undefined && Number(client) >= 8 && Number(client) <= 15))
  );
}

// ---- compressed messages ----

const deflateWith = (options) => (payload) => zlib.deflateRawSync(payload, { finishFlush: zlib.constants.Z_SYNC_FLUSH, ...options });
const withoutTail = (bytes) => (bytes.subarray(-4).equals(TAIL) ? bytes.subarray(0, -4) : bytes);
const deflate = (payload) => withoutTail(deflateWith({})(Buffer.from(payload)));
/** Both sides forget each message: nothing but it is needed to read it. */
const inflate = (bytes) => zlib.inflateRawSync(Buffer.concat([bytes, TAIL]), { finishFlush: zlib.constants.Z_SYNC_FLUSH });

/** One compressed message; RSV1 stands in its first frame. */
const squeezed = (payload, opcode = TEXT) => frame(opcode, deflate(payload), { rsv: 4 });
const compressed = (bytes) => frame(TEXT, bytes, { rsv: 4 });

/** A peer to whom one of `offered` was granted, or none. */
async function offering(gate, offered) {
  const peer = await Peer.connected(gate, { headers: { 'Sec-WebSocket-Extensions': offered.join(', ') }, inflate });
  const answer = peer.header('sec-websocket-extensions');
  if (answer !== undefined) {
    assert.ok(offered.filter((offer) => offer.startsWith('permessage-deflate')).some((offer) => suits(answer, offer)), answer);
    assert.equal(parametersOf(answer).server_no_context_takeover, true, answer);
  }
  return { peer, isGranted: answer !== undefined };
}

// ---- data ----

/** What may stand in a JSON string as it is. */
const plain = (words) => words.replaceAll(/[^ -~]|["\\]/g, ' ');
const file = (...names) => plain(fs.readFileSync(path.join(ROOT, ...names), 'utf8'));

/** The same at each run, and as random as can be. */
function* noise() {
  for (let hash = Buffer.from('tea'), i = 0; i < 4_096; i++) yield (hash = crypto.createHash('sha256').update(hash).digest()).toString('base64');
}

/** Group 12: what is sent. */
const data = () => ({
  'text': [file('docs', 'design.md'), TEXT],
  'JSON': [file('api', 'handlers', 'openapi.json'), TEXT],
  'a program': [file('tests', 'run'), BINARY],
  'noise': [[...noise()].join(''), BINARY],
  'one letter': ['x'.repeat(1_000), TEXT],
});

/** [bytes of a message, of its fragments; 0: it is one frame] */
const SIZES = [
  [16, 0], [64, 0], [256, 0], [1_024, 0], [4_096, 0], [8_192, 0], [16_384, 0], [32_768, 0], [65_536, 0], [131_072, 0],
  [8_192, 256], [16_384, 256], [32_768, 256], [65_536, 256], [131_072, 256], [131_072, 1_024], [131_072, 4_096], [131_072, 32_768],
];

/** `bytes` of the words, another part for each number. */
function part(words, n, bytes) {
  const start = (n * bytes) % words.length;
  return words.repeat(Math.ceil((start + bytes) / words.length)).slice(start, start + bytes);
}

/** A row of groups 12 and 13: messages of one size. */
async function playSize(gate, offered, mustGrant, [words, opcode], [bytes, fragmentBytes]) {
  const { peer, isGranted } = await offering(gate, offered);
  if (mustGrant) assert.ok(isGranted, 'granted');
  const count = Math.max(4, Math.min(100, Math.floor(ROW_BYTES / bytes)));
  const send = [], hear = [];
  for (let n = 1; n <= count; n++) {
    const message = command(n, part(words, n, Math.max(0, bytes - 64)), bytes);
    const payload = isGranted ? deflate(message) : message;
    send.push(...fragments(opcode, cut(payload, fragmentBytes || payload.length), { rsv: isGranted ? 4 : 0 }));
    hear.push(`reply ${n}`);
  }
  await assertHeard(peer, send, hear);
}

const sizeName = ([bytes, fragmentBytes]) => `messages of ${bytes} bytes${fragmentBytes ? ` in fragments of ${fragmentBytes}` : ''}`;

// ---- rows about single messages ----

const halves = (bytes) => fragments(TEXT, cut(bytes, Math.ceil(bytes.length / 2)), { rsv: 4 });
const { Z_FULL_FLUSH, Z_FIXED, Z_HUFFMAN_ONLY } = zlib.constants;
const stored = deflateWith({ level: 0 })(command(1));
const firstBlock = deflateWith({ finishFlush: Z_FULL_FLUSH })(command(1).subarray(0, 9));
const finished = zlib.deflateRawSync(command(1));
const BAD = 'close 1007', BROKEN = 'close 1002', TOO_BIG = 'close 1009';

/** [what, frames, what is heard, chop] */
const messages = () => [
  ['a text', [squeezed(command(1))], ['reply 1']],
  ['a binary', [squeezed(command(1), BINARY)], ['reply 1']],
  ['byte by byte', [squeezed(command(1)), squeezed(command(2))], ['reply 1', 'reply 2'], 1],
  ['in two fragments, RSV1 in the first alone', halves(deflate(command(1))), ['reply 1']],
  ['in fragments of one byte', fragments(TEXT, cut(deflate(command(1)), 1), { rsv: 4 }), ['reply 1']],
  ['in fragments, a ping between', behindFirst(halves(deflate(command(1))), ping('tea')), ['pong tea', 'reply 1']],
  ['the last fragment is empty', fragments(TEXT, [deflate(command(1)), ''], { rsv: 4 }), ['reply 1']],
  ['one that is not compressed among those that are', [squeezed(command(1)), text(command(2)), squeezed(command(3))], ['reply 1', 'reply 2', 'reply 3']],
  ['blocks that are stored (7.2.3.3)', [compressed(withoutTail(stored))], ['reply 1']],
  ['a last block (7.2.3.4)', [compressed(Buffer.concat([finished, Buffer.alloc(1)]))], ['reply 1']],
  ['two blocks (7.2.3.5)', [compressed(Buffer.concat([firstBlock, deflate(command(1).subarray(9))]))], ['reply 1']],
  ['fixed codes', [compressed(withoutTail(deflateWith({ strategy: Z_FIXED })(command(1))))], ['reply 1']],
  ['no repeats', [compressed(withoutTail(deflateWith({ strategy: Z_HUFFMAN_ONLY })(command(1))))], ['reply 1']],
  ['a small window', [compressed(withoutTail(deflateWith({ windowBits: 9 })(command(1, '', 4_000))))], ['reply 1']],
  ['an empty message', [compressed(Buffer.alloc(1))], [NO_COMMAND]],
  ['RSV1 in the second fragment too', [text(deflate(command(1)), { fin: false, rsv: 4 }), continuation('', { rsv: 4 })], [BROKEN]],
  ['RSV1 in the second fragment alone', [text('{', { fin: false }), continuation(deflate('}'), { rsv: 4 })], [BROKEN]],
  ['RSV1 in a ping', [ping('tea', { rsv: 4 })], [BROKEN]],
  ['RSV1 in a close', [close(1000, '', { rsv: 4 })], [BROKEN]],
  ['RSV2 besides', [text(deflate(command(1)), { rsv: 6 })], [BROKEN]],
  ['what is not compressed', [compressed(command(1))], [BAD]],
  ['a block of no kind', [compressed(Buffer.from('ffffffff', 'hex'))], [BAD]],
  ['a repeat of what never was', [compressed(Buffer.from('0213', 'hex'))], [BAD]],
  ['text that is not UTF-8', [squeezed(Buffer.from('7b80', 'hex'))], [BAD]],
  ['text that is cut off in a character', [squeezed(Buffer.from('7bc3', 'hex'))], [BAD]],
  ['a binary that is not UTF-8', [squeezed(Buffer.from('7b80', 'hex'), BINARY)], [NO_COMMAND]],
  ['as much as may come out', [squeezed(command(1, '', INFLATED_MAX))], ['reply 1']],
  ['one byte more comes out', [squeezed(command(1, '', INFLATED_MAX + 1))], [TOO_BIG]],
  ['the same in fragments', halves(deflate(command(1, '', INFLATED_MAX + 1))), [TOO_BIG]],
  ['the same not compressed', [text(command(1, '', MESSAGE_MAX + 1))], [TOO_BIG]],
  ['a bomb: a thousand times as much comes out', [squeezed(Buffer.alloc(1_000 * 60_000))], [TOO_BIG]],
];

if (!COMPRESSES)
  test('no offer of permessage-deflate is accepted', async (t) => {
    const { usual } = await gateways(t);
    for (const offered of [...offers, ...furtherOffers].map(([list]) => list))
      await t.test(offered.join(', '), async () => {
        const { peer, isGranted } = await offering(usual, offered);
        assert.equal(isGranted, false);
        await assertHeard(peer, [text(command(1)), squeezed(command(2))], ['reply 1', BROKEN]);
      });
  });
else {
  test('an offer is answered as it may be', async (t) => {
    const { usual } = await gateways(t);
    for (const [offered, mustGrant] of [...offers, ...furtherOffers])
      await t.test(offered.join(', '), async () => {
        const { peer, isGranted } = await offering(usual, offered);
        if (mustGrant) assert.ok(isGranted);
        await assertHeard(peer, [isGranted ? squeezed(command(1)) : text(command(1))], ['reply 1']);
      });
    for (const offer of badOffers)
      await t.test(`${offer}: not granted, the one behind it is`, async () => {
        const alone = await offering(usual, [offer]);
        assert.equal(alone.isGranted, false);
        await assertHeard(alone.peer, [text(command(1))], ['reply 1']);
        const { peer, isGranted } = await offering(usual, [offer, 'permessage-deflate; server_no_context_takeover']);
        assert.equal(isGranted, true);
        await assertHeard(peer, [squeezed(command(1))], ['reply 1']);
      });
  });

  test('a compressed message', async (t) => {
    const { usual } = await gateways(t);
    for (const [what, send, hear, chop] of messages())
      await t.test(what, async () => {
        const { peer } = await offering(usual, [AUTOBAHN]);
        await assertHeard(peer, send, hear, chop);
      });
  });

  for (const [i, [what, sent]] of Object.entries(data()).entries())
    test(`group 12.${i + 1} ${what}`, async (t) => {
      const { roomy } = await gateways(t);
      for (const [k, size] of SIZES.entries())
        await t.test(`12.${i + 1}.${k + 1} ${sizeName(size)}`, () => playSize(roomy, [AUTOBAHN], true, sent, size));
    });

  for (const [i, [offered, mustGrant]] of offers.entries())
    test(`group 13.${i + 1} ${offered.join(', ')}`, async (t) => {
      const { roomy } = await gateways(t);
      const sent = data().JSON;
      for (const [k, size] of SIZES.entries())
        await t.test(`13.${i + 1}.${k + 1} ${sizeName(size)}`, () => playSize(roomy, offered, mustGrant, sent, size));
    });
}
