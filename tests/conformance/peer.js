import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import net from 'node:net';
import { Happenings } from '../flow/harness/wait.js';
import { meanings } from './gateway.js';
import { BINARY, CLOSE, PING, PONG, TEXT, close, frame, text } from './frames.js';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // RFC 6455 1.3
const ENDS = new Set(['ECONNRESET', 'EPIPE']);

/** The lines of a handshake; `changes` replaces some, null leaves one out. */
export function handshake(key, changes = {}) {
  const { line = 'GET /connection/websocket HTTP/1.1', ...headers } = changes;
  const all = {
    Host: '127.0.0.1', Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Key': key, 'Sec-WebSocket-Version': '13', ...headers,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${value}`);
  return `${[line, ...lines].join('\r\n')}\r\n\r\n`;
}

/**
 * A bare socket that says whatever bytes it is given, and notes what it hears, a line each:
 * `reply 7`, `pong tea`, `close 1002`, and `end` once the other side is gone.
 */
export class Peer {
  /** An open WebSocket that nothing was said on; `early` bytes go along with the handshake. `headers`: of that. */
  static async open(gate, { headers, early = Buffer.alloc(0), ...options } = {}) {
    const key = crypto.randomBytes(16).toString('base64');
    const peer = new Peer(gate, options);
    await peer.write(Buffer.concat([Buffer.from(handshake(key, headers)), early]));
    await peer.happened.until(() => peer.answer !== null || peer.isOver, 'answer to the handshake');
    assert.match(peer.answer ?? '', /^HTTP\/1\.1 101 /);
    assert.equal(peer.header('sec-websocket-accept'), crypto.createHash('sha1').update(key + GUID).digest('base64'));
    return peer;
  }

  /** One that a client has connected on, with nothing noted yet. */
  static async connected(gate, options) {
    const peer = await Peer.open(gate, options);
    await peer.write(text(gate.hello));
    await peer.hears('reply 1');
    peer.happened.list.length = 0;
    return peer;
  }

  /**
   * `inflate(bytes)`: gives back what a frame with RSV1 held; without it such a frame breaks the rules. `isRude`: it
   * neither answers a close nor hangs up when the other side has.
   */
  constructor({ port }, { inflate = null, isRude = false } = {}) {
    this.happened = new Happenings(`a peer of port ${port}`);
    Object.assign(this, { inflate, isRude });
    this.hasClosed = false; // it said so
    this.answer = null; // head of the answer to the handshake
    this.input = Buffer.alloc(0);
    this.isOver = false;
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: isRude });
    this.socket.on('data', (bytes) => this.take(bytes));
    this.socket.on('error', ({ code }) => ENDS.has(code) || this.note(`error ${code}`));
    this.socket.on(isRude ? 'end' : 'close', () => {
      this.isOver = true;
      this.note('end');
    });
  }

  get transcript() {
    return this.happened.list;
  }

  note(line) {
    this.happened.add(line);
  }

  header(name) {
    return new RegExp(`^${name}: *(.*?) *\r$`, 'im').exec(this.answer)?.[1];
  }

  // ---- hearing ----

  take(bytes) {
    this.input = this.input.length === 0 ? bytes : Buffer.concat([this.input, bytes]);
    if (this.answer === null) this.takeAnswer();
    while (this.answer !== null && this.takeFrame());
  }

  takeAnswer() {
    const end = this.input.indexOf('\r\n\r\n');
    if (end < 0) return;
    this.answer = this.input.subarray(0, end + 2).toString('latin1');
    this.input = this.input.subarray(end + 4);
    this.happened.add('answer');
    this.happened.list.length = 0;
  }

  /** The frame that the input begins with; false when it is not all there yet. */
  takeFrame() {
    if (this.input.length < 2) return false;
    const [first, second] = this.input;
    const wide = { 126: 2, 127: 8 }[second & 0x7f] ?? 0;
    if (this.input.length < 2 + wide) return false;
    const length = wide === 0 ? second & 0x7f : Number(`0x${this.input.toString('hex', 2, 2 + wide)}`);
    const end = 2 + wide + length;
    if (this.input.length < end) return false;
    const payload = this.input.subarray(2 + wide, end);
    this.input = this.input.subarray(end);
    this.hear(first, second, payload);
    return true;
  }

  /** Notes a frame, and what a server must not do. */
  hear(first, second, payload) {
    const opcode = first & 0x0f;
    const compressed = (first & 0x40) !== 0;
    const widest = { 126: 126, 127: 65_536 }[second & 0x7f] ?? 0;
    if ((first & 0xb0) !== 0x80 || (compressed && (!this.inflate || opcode >= CLOSE))) this.note(`broken: first byte ${first}`);
    else if ((second & 0x80) !== 0) this.note('broken: masked');
    else if (payload.length < widest) this.note('broken: a length longer than it needs to be');
    else if (opcode === TEXT || opcode === BINARY) this.hearMessage(opcode, compressed ? this.inflate(payload) : payload);
    else if (opcode === CLOSE) this.hearClose(payload);
    else if (opcode === PING || opcode === PONG) this.note(`${opcode === PING ? 'ping' : 'pong'} ${payload.toString('latin1')}`.trimEnd());
    else this.note(`broken: opcode ${opcode}`);
  }

  hearMessage(opcode, payload) {
    this.bytesHeard = payload.length;
    if (opcode === BINARY) this.note('broken: binary for JSON');
    else for (const line of meanings(new TextDecoder('utf-8', { fatal: true }).decode(payload))) this.note(line);
  }

  hearClose(payload) {
    this.note(payload.length === 0 ? 'close' : `close ${payload.readUInt16BE()}`);
    if (!this.hasClosed && !this.isRude) this.write(frame(CLOSE, payload)); // RFC 6455 5.5.1
  }

  /** Resolves when `line` has been heard. */
  hears(line, patienceMs) {
    return this.happened.until(() => {
      if (this.isOver && !this.transcript.includes(line)) throw new Error(`no ${line}: ${JSON.stringify(this.transcript.slice(-8))}`);
      return this.transcript.includes(line);
    }, line, patienceMs);
  }

  /** All that was heard, once the other side is gone. */
  async ended(patienceMs) {
    await this.happened.until(() => this.isOver, 'end', patienceMs);
    return this.transcript;
  }

  // ---- saying ----

  /** Resolves when the kernel has them; what the other side does not want any more is dropped. */
  write(bytes) {
    if (!this.socket.writable) return Promise.resolve();
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()));
  }

  /**
   * Says frames; a text among them waits until it has been heard. `chop`: 'together' in one write, 'frames' in one
   * each, a number: so many bytes at a time.
   */
  async say(items, chop = 'together') {
    let due = [];
    for (const item of [...items, null]) {
      if (Buffer.isBuffer(item)) {
        due.push(item);
        continue;
      }
      await this.sayFrames(due, chop);
      due = [];
      if (item !== null) await this.hears(item);
    }
  }

  async sayFrames(frames, chop) {
    this.hasClosed ||= frames.some(([first]) => (first & 0x0f) === CLOSE);
    if (chop === 'together') return await this.write(Buffer.concat(frames));
    const whole = chop === 'frames' ? null : Buffer.concat(frames);
    const pieces = whole === null ? frames : function* () {
      for (let at = 0; at < whole.length; at += chop) yield whole.subarray(at, at + chop);
    }();
    for (const piece of pieces) {
      if (this.isOver) return;
      await this.write(piece);
      await new Promise((resolve) => setImmediate(resolve)); // so that it leaves by itself, and what came is heard
    }
  }

  drop() {
    this.socket.destroy();
  }
}

/**
 * Says `send`, and asserts that `hear` is what is heard, to the end of the connection and in this order. What does not
 * itself end the connection is ended by an orderly close.
 */
export async function assertHeard(peer, send, hear, chop) {
  const ends = hear.at(-1)?.startsWith('close');
  await peer.say(ends ? send : [...send, close(1000)], chop);
  assert.deepEqual(await peer.ended(), [...hear, ...(ends ? [] : ['close 1000']), 'end']);
}

/** One row of a table, on a connection of its own. */
export async function play(gate, { send, hear, chop }) {
  await assertHeard(await Peer.connected(gate), send, hear, chop);
}
