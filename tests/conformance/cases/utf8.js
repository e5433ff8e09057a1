// Group 6 of Autobahn's test suite: what is UTF-8, and how soon what is not is refused. Its sequences are those of
// Markus Kuhn's UTF-8 decoder test.
import { NO_COMMAND, command } from '../gateway.js';
import { TEXT, cut, continuation, fragments, frame, ping, text } from '../frames.js';

const NOT_UTF8 = 'close 1007';
const KOSME = Buffer.from('κ\u1f79σμε'); // with the three-byte omicron
const HELLO = 'Hello-µ@ßöäüàá-UTF-8!!';
const hex = (digits) => Buffer.from(digits, 'hex');
const letters = (message) => fragments(TEXT, cut(message, 1));

/** A command that goes bad in its content; nothing of it is good for anything after that, so it ends there. */
const spoilt = (digits) => Buffer.concat([Buffer.from('{"pad":"'), KOSME, hex(digits)]);
const SURROGATE = spoilt('eda080656469746564'); // and "edited"
const TOO_HIGH = spoilt('f49080806564');
const AT = TOO_HIGH.length - 6; // of the byte f4

const empty = [
  ['6.1.1 a text of 0 bytes', [text('')], [NO_COMMAND]],
  ['6.1.2 a text of three empty fragments', fragments(TEXT, ['', '', '']), [NO_COMMAND]],
  ['6.1.3 a text between two empty fragments', fragments(TEXT, ['', command(1), '']), ['reply 1']],
];

const between = command(1, HELLO).indexOf('ü'); // two characters
const valid = [
  ['6.2.1 good text', [text(command(1, HELLO))], ['reply 1']],
  ['6.2.2 good text, in two fragments that cut no character', fragments(TEXT, cut(command(1, HELLO), [between])), ['reply 1']],
  ['6.2.3 good text, in fragments of one byte', letters(command(1, HELLO)), ['reply 1']],
  ['6.2.4 Greek text, in fragments of one byte', letters(command(1, KOSME)), ['reply 1']],
];

const invalid = [
  ['6.3.1 bad text', [text(SURROGATE)], [NOT_UTF8]],
  ['6.3.2 bad text, in fragments of one byte', letters(SURROGATE), [NOT_UTF8]],
];

/** The rest of each message is never sent: what was sent is bad enough. */
const open = (...payloads) => fragments(TEXT, payloads, { last: false });
const begun = (bytes) => frame(TEXT, bytes, { announced: bytes.length + 8 });
const early = [
  ['6.4.1 bad text in its second fragment',
    [...open(TOO_HIGH.subarray(0, AT)), ping('1'), 'pong 1', continuation(TOO_HIGH.subarray(AT, AT + 4), { fin: false })], ['pong 1', NOT_UTF8]],
  ['6.4.2 the byte that makes a text bad begins its second fragment',
    [...open(TOO_HIGH.subarray(0, AT + 1)), ping('1'), 'pong 1', continuation(TOO_HIGH.subarray(AT + 1, AT + 2), { fin: false })], ['pong 1', NOT_UTF8]],
  ['6.4.3 bad text in half a frame', [begun(TOO_HIGH.subarray(0, AT + 4))], [NOT_UTF8], AT],
  ['6.4.4 half a frame ends with the byte that makes a text bad', [begun(TOO_HIGH.subarray(0, AT + 2))], [NOT_UTF8], 1],
];

// Cut off in the middle of a character it is bad, at its end only: the whole message is these bytes.
const prefixes = Array.from(KOSME, (_, i) => KOSME.subarray(0, i + 1));
const isWhole = (bytes) => Buffer.from(bytes.toString()).equals(bytes);

const range = (from, to, of) => Buffer.concat(Array.from({ length: to - from }, (_, i) => of(from + i)));
const CUT_OFF = ['c0', 'e080', 'f08080', 'f8808080', 'fc80808080', 'df', 'efbf', 'f7bfbf', 'fbbfbfbf', 'fdbfbfbfbf'];
const LONELY = [[0xc0, 0xdf], [0xe0, 0xef], [0xf0, 0xf7], [0xf8, 0xfb], [0xfc, 0xfd]];
const HIGH_LOW = ['eda080', 'edadbf', 'edae80', 'edafbf'].flatMap((high) => ['edb080', 'edbfbf'].map((low) => high + low));
const NO_CHARACTERS = Array.from({ length: 17 }, (_, plane) => [0xfffe, 0xffff].map((last) => String.fromCodePoint(plane * 0x10000 + last))).flat();

/** [title, good ones, bad ones]: digits, text or bytes, numbered in this order. */
const sequences = [
  ['good sequences', ['hello$world', 'hello¢world', 'hello€world', 'hello𤭢world', KOSME], []],
  ['beginnings of a good text', prefixes, []],
  ['first character of each length', [hex('00'), '\u0080', '\u0800', '\u{10000}'], []],
  ['first of five and six bytes', [], ['f888808080', 'fc8480808080']],
  ['last character of each length', ['\x7f', '\u07ff', '\uffff', '\u{10ffff}'], []],
  ['last of four, five and six bytes', [], ['f7bfbfbf', 'fbbfbfbfbf', 'fdbfbfbfbfbf']],
  ['at the borders', ['\ud7ff', '\ue000', '\ufffd', '\u{10ffff}'], ['f4908080']],
  ['continuations of nothing', [], ['80', 'bf', '80bf', '80bf80', '80bf80bf', '80bf80bf80', '80bf80bf80bf', range(0x80, 0xbf, (byte) => Buffer.from([byte]))]],
  ['beginnings without continuation', [], LONELY.map(([from, to]) => range(from, to, (byte) => Buffer.from([byte, 0x20])))],
  ['the last byte is missing', [], CUT_OFF],
  ['all of these together', [], [CUT_OFF.join('')]],
  ['impossible bytes', [], ['fe', 'ff', 'fefeffff']],
  ['a slash that is too long', [], ['c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af']],
  ['the highest that are too long', [], ['c1bf', 'e09fbf', 'f08fbfbf', 'f887bfbfbf', 'fc83bfbfbfbf']],
  ['a NUL that is too long', [], ['c080', 'e08080', 'f0808080', 'f880808080', 'fc8080808080']],
  ['one surrogate', [], ['eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbe80', 'edbfbf']],
  ['a pair of surrogates', [], HIGH_LOW],
  ['numbers that are no characters', NO_CHARACTERS, []],
  ['specials', ['\ufff9', '\ufffa', '\ufffb', '\ufffc', '\ufffd', '\ufffe', '\uffff'], []],
];

function* sequenceRows() {
  for (const [group, [title, good, bad]] of sequences.entries())
    for (const [i, bytes] of [...good.map((one) => Buffer.from(one)), ...bad.map((one) => (typeof one === 'string' ? hex(one) : one))].entries()) {
      const name = `6.${group + 5}.${i + 1} ${title}: ${bytes.toString('hex')}`;
      if (i >= good.length || !isWhole(bytes)) yield [name, [text(bytes)], [NOT_UTF8]];
      else if (bytes[0] === 0) yield [name, [text(bytes)], [NO_COMMAND]]; // good, but not in a JSON string
      else yield [name, [text(command(1, bytes))], ['reply 1']];
    }
}

const further = [
  ['a binary that is bad text', [frame(2, SURROGATE)], [NO_COMMAND]],
  ['a ping that is bad text, in a good one', [...open('{'), ping(hex('ff')), 'pong \xff', continuation('x')], ['pong \xff', NO_COMMAND]],
  ['a text that is cut off in a character, after a good one', [text(command(1, HELLO)), text(KOSME.subarray(0, 4))], ['reply 1', NOT_UTF8]],
];

export const groups = { '6 UTF-8': [...empty, ...valid, ...invalid, ...early, ...sequenceRows(), ...further] };
