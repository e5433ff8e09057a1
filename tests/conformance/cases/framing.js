// Groups 1 to 5 and 10 of Autobahn's test suite, and what it does not ask. A row: [number and what is said, frames,
// what is to be heard, how the bytes are chopped].
import { NO_COMMAND, MESSAGE_MAX, command } from '../gateway.js';
import { BINARY, TEXT, behindFirst, binary, continuation, cut, fragments, frame, ping, pong, text } from '../frames.js';

const BROKEN = 'close 1002';
const SIZES = [125, 126, 127, 128, 65_535, 65_536];

/** A command in `count` fragments. */
const inPieces = (n, count, opcode = TEXT) => {
  const whole = command(n);
  return fragments(opcode, cut(whole, Math.ceil(whole.length / count)));
};

const sizes = (group, what, opcode) => [
  [`1.${group}.1 ${what} of 0 bytes`, [frame(opcode)], [NO_COMMAND]],
  ...SIZES.map((bytes, i) => [`1.${group}.${i + 2} ${what} of ${bytes} bytes`, [frame(opcode, command(1, '', bytes))], ['reply 1']]),
  [`1.${group}.8 ${what} of 65536 bytes, in chops of 997`, [frame(opcode, command(1, '', 65_536))], ['reply 1'], 997],
];

const messages = [...sizes(1, 'text', TEXT), ...sizes(2, 'binary', BINARY)];

const PINGS = Array.from({ length: 10 }, (_, i) => `payload-${i}`);
const pongsOf = (payloads) => payloads.map((payload) => `pong ${payload}`);
const NOT_TEXT = Buffer.from('00fffefdfcfb00ff', 'hex');
const LONGEST = 'p'.repeat(125);

const pings = [
  ['2.1 a ping without payload', [ping()], ['pong']],
  ['2.2 a ping with text', [ping('Hello, world!')], ['pong Hello, world!']],
  ['2.3 a ping with bytes that are no text', [ping(NOT_TEXT)], [`pong ${NOT_TEXT.toString('latin1')}`]],
  ['2.4 a ping of 125 bytes', [ping(LONGEST)], [`pong ${LONGEST}`]],
  ['2.5 a ping of 126 bytes', [ping('p'.repeat(126))], [BROKEN]],
  ['2.6 a ping of 125 bytes, byte by byte', [ping(LONGEST)], [`pong ${LONGEST}`], 1],
  ['2.7 a pong that nobody asked for', [pong()], []],
  ['2.8 a pong that nobody asked for, with payload', [pong('unsolicited')], []],
  ['2.9 a pong that nobody asked for, and a ping', [pong('unsolicited'), ping('asked')], ['pong asked']],
  ['2.10 ten pings', PINGS.map((payload) => ping(payload)), pongsOf(PINGS)],
  ['2.11 ten pings, byte by byte', PINGS.map((payload) => ping(payload)), pongsOf(PINGS), 1],
];

const rsvInTheMiddle = (rsv) => [text(command(1)), text(command(2), { rsv }), ping()];

const reserved = [
  ['3.1 a text with RSV 1', [text(command(1), { rsv: 1 })], [BROKEN]],
  ['3.2 a text, one with RSV 2, a ping', rsvInTheMiddle(2), ['reply 1', BROKEN]],
  ['3.3 a text, one with RSV 3, a ping, frame by frame', rsvInTheMiddle(3), ['reply 1', BROKEN], 'frames'],
  ['3.4 a text, one with RSV 4, a ping, byte by byte', rsvInTheMiddle(4), ['reply 1', BROKEN], 1],
  ['3.5 a binary with RSV 5', [binary(command(1), { rsv: 5 })], [BROKEN]],
  ['3.6 a ping with RSV 6', [ping('tea', { rsv: 6 })], [BROKEN]],
  ['3.7 a close with RSV 7', [frame(8, '\x03\xe8', { rsv: 7 })], [BROKEN]],
  ['an empty text with RSV 4', [text('', { rsv: 4 })], [BROKEN]],
  ['a continuation with RSV 4', [text('{', { fin: false }), continuation('}', { rsv: 4 })], [BROKEN]],
];

const afterText = (opcode, payload) => [text(command(1)), frame(opcode, payload), ping()];

const opcodes = [
  ['4.1.1 opcode 3', [frame(3)], [BROKEN]],
  ['4.1.2 opcode 4 with payload', [frame(4, 'reserved payload')], [BROKEN]],
  ['4.1.3 a text, opcode 5, a ping', afterText(5), ['reply 1', BROKEN]],
  ['4.1.4 a text, opcode 6 with payload, a ping', afterText(6, 'reserved payload'), ['reply 1', BROKEN]],
  ['4.1.5 a text, opcode 7 with payload, a ping, byte by byte', afterText(7, 'reserved payload'), ['reply 1', BROKEN], 1],
  ['4.2.1 opcode 11', [frame(11)], [BROKEN]],
  ['4.2.2 opcode 12 with payload', [frame(12, 'reserved payload')], [BROKEN]],
  ['4.2.3 a text, opcode 13, a ping', afterText(13), ['reply 1', BROKEN]],
  ['4.2.4 a text, opcode 14 with payload, a ping', afterText(14, 'reserved payload'), ['reply 1', BROKEN]],
  ['4.2.5 a text, opcode 15 with payload, a ping, byte by byte', afterText(15, 'reserved payload'), ['reply 1', BROKEN], 1],
];

const aroundPing = () => behindFirst(inPieces(1, 2), ping('ping payload'));
const nothingToContinue = (fin) => [continuation('non-continuation payload', { fin }), text(command(1))];
const nothingThenAll = (fin) => [continuation('non-continuation payload', { fin }), ...inPieces(1, 2)];

/** Five fragments with pings after the second and the fourth. */
const aroundPings = (wait) => {
  const pieces = inPieces(1, 5);
  return [...pieces.slice(0, 2), ping('pongme 1!'), ...(wait ? ['pong pongme 1!'] : []), ...pieces.slice(2, 4), ping('pongme 2!'), pieces[4]];
};
const PONGS_FIRST = ['pong pongme 1!', 'pong pongme 2!', 'reply 1'];

const fragmentation = [
  ['5.1 a ping in two fragments', [ping('frag', { fin: false }), continuation('ment')], [BROKEN]],
  ['5.2 a pong in two fragments', [pong('frag', { fin: false }), continuation('ment')], [BROKEN]],
  ['5.3 a text in two fragments', inPieces(1, 2), ['reply 1']],
  ['5.4 a text in two fragments, frame by frame', inPieces(1, 2), ['reply 1'], 'frames'],
  ['5.5 a text in two fragments, byte by byte', inPieces(1, 2), ['reply 1'], 1],
  ['5.6 a text in two fragments, a ping between', aroundPing(), ['pong ping payload', 'reply 1']],
  ['5.7 a text in two fragments, a ping between, frame by frame', aroundPing(), ['pong ping payload', 'reply 1'], 'frames'],
  ['5.8 a text in two fragments, a ping between, byte by byte', aroundPing(), ['pong ping payload', 'reply 1'], 1],
  ['5.9 a last continuation of nothing, a text', nothingToContinue(true), [BROKEN]],
  ['5.10 a last continuation of nothing, a text, frame by frame', nothingToContinue(true), [BROKEN], 'frames'],
  ['5.11 a last continuation of nothing, a text, byte by byte', nothingToContinue(true), [BROKEN], 1],
  ['5.12 a continuation of nothing, a text', nothingToContinue(false), [BROKEN]],
  ['5.13 a continuation of nothing, a text, frame by frame', nothingToContinue(false), [BROKEN], 'frames'],
  ['5.14 a continuation of nothing, a text, byte by byte', nothingToContinue(false), [BROKEN], 1],
  ['5.15 a text in two fragments, a continuation of nothing, a text',
    [...inPieces(1, 2), continuation('fragment', { fin: false }), text(command(2))], ['reply 1', BROKEN]],
  ['5.16 twice: a continuation of nothing, a text in two fragments', [...nothingThenAll(false), ...nothingThenAll(false)], [BROKEN]],
  ['5.17 twice: a last continuation of nothing, a text in two fragments', [...nothingThenAll(true), ...nothingThenAll(true)], [BROKEN]],
  ['5.18 a text within a text', [text('fragment1', { fin: false }), text('fragment2')], [BROKEN]],
  ['5.19 a text in five fragments, two pings between, the first answered before the rest is sent', aroundPings(true), PONGS_FIRST],
  ['5.20 a text in five fragments, two pings between, frame by frame', aroundPings(false), PONGS_FIRST, 'frames'],
  ['a binary in five fragments', inPieces(1, 5, BINARY), ['reply 1']],
  ['a binary within a text', [text('fragment1', { fin: false }), binary('fragment2')], [BROKEN]],
  ['a text in as many fragments as it has bytes, and as many empty ones',
    fragments(TEXT, cut(command(1), 1).flatMap((byte) => [byte, ''])), ['reply 1']],
  ['a text in two fragments, ten pings between', behindFirst(inPieces(1, 2), ...PINGS.map((payload) => ping(payload))),
    [...pongsOf(PINGS), 'reply 1']],
  ['a continuation after a whole text', [text(command(1)), continuation('more')], ['reply 1', BROKEN]],
];

const masks = [
  ['a text without a mask', [text(command(1), { mask: null })], [BROKEN]],
  ['a ping without a mask', [ping('tea', { mask: null })], [BROKEN]],
  ['a close without a mask', [frame(8, '\x03\xe8', { mask: null })], [BROKEN]],
  ['a text whose mask is all zeros', [text(command(1), { mask: Buffer.alloc(4) })], ['reply 1']],
  ['texts of one connection under several masks',
    ['00000001', '80000000', 'ffffffff'].map((mask, i) => text(command(i + 1), { mask: Buffer.from(mask, 'hex') })), ['reply 1', 'reply 2', 'reply 3']],
];

const automatic = [
  ['10.1.1 a text of 65536 bytes in fragments of 1300', fragments(TEXT, cut(command(1, '', MESSAGE_MAX), 1300)), ['reply 1']],
];

export const groups = {
  '1 messages': messages,
  '2 pings and pongs': pings,
  '3 reserved bits': reserved,
  '4 opcodes': opcodes,
  '5 fragments': fragmentation,
  masks,
  '10 automatic fragments': automatic,
};
