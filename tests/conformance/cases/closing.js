// Group 7 of Autobahn's test suite: how connections end.
import { command } from '../gateway.js';
import { CLOSE, TEXT, close, continuation, cut, fragments, frame, ping, text } from '../frames.js';

const BROKEN = 'close 1002';
const BAD_REASON = Buffer.concat([Buffer.from('κόσμε'), Buffer.from('eda080656469746564', 'hex')]);
const GOOD_CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
const BAD_CODES = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
const halves = fragments(TEXT, cut(command(1), 20));

const order = [
  ['7.1.1 a text, then the close', [text(command(1)), close(1000)], ['reply 1', 'close 1000']],
  ['7.1.2 two closes', [close(1000), close(1000)], ['close 1000']],
  ['7.1.3 a ping after the close', [close(1000), ping()], ['close 1000']],
  ['7.1.4 a text after the close', [close(1000), text(command(1))], ['close 1000']],
  ['7.1.5 a text in fragments, the close between', [halves[0], close(1000), ...halves.slice(1)], ['close 1000']],
  ['7.1.6 a text of 256 KiB, the close, a ping', [text(command(1, '', 262_144)), close(1000), ping()], ['reply 1', 'close 1000'], 'together', 'roomy'],
];

const payloads = [
  ['7.3.1 a close without payload', [close()], ['close']],
  ['7.3.2 a close of one byte', [frame(CLOSE, 'a')], [BROKEN]],
  ['7.3.3 a close with a code', [close(1000)], ['close 1000']],
  ['7.3.4 a close with a reason', [close(1000, 'Hello World!')], ['close 1000']],
  ['7.3.5 a close with a reason of 123 bytes', [close(1000, '*'.repeat(123))], ['close 1000']],
  ['7.3.6 a close with a reason of 124 bytes', [close(1000, '*'.repeat(124))], [BROKEN]],
  ['7.5.1 a close with a reason that is no UTF-8', [close(1000, BAD_REASON)], ['close 1007']],
  ['a close whose reason is cut off in a character', [close(1000, BAD_REASON.subarray(0, 1))], ['close 1007']],
  ['a close in two fragments', [close(1000, '', { fin: false }), continuation('')], [BROKEN]],
];

const codes = [
  ...GOOD_CODES.map((code, i) => [`7.7.${i + 1} a close with ${code}`, [close(code)], [`close ${code}`]]),
  ...BAD_CODES.map((code, i) => [`7.9.${i + 1} a close with ${code}`, [close(code)], [BROKEN]]),
  ['7.13.1 a close with 5000', [close(5000)], [BROKEN]],
  ['7.13.2 a close with 65535', [close(65_535)], [BROKEN]],
  ...[1012, 1013, 1014].map((code) => [`a close with ${code}, which came after the RFC`, [close(code)], [`close ${code}`]]),
  ['a close with 1015, which stands for no frame at all', [close(1015)], [BROKEN]],
];

const afterErrors = [
  ['a text after what breaks the rules', [frame(3), text(command(1))], [BROKEN]],
  ['a close after what breaks the rules', [frame(3), close(1000)], [BROKEN]],
  ['a ping after what breaks the rules', [frame(3), ping('tea')], [BROKEN]],
];

export const groups = { '7 the end': [...order, ...payloads, ...codes, ...afterErrors] };
