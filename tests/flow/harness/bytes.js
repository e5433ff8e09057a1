// What goes over the wire as it is: WebSocket messages and the bodies of HTTP streams, cut into single messages.
import http from 'node:http';
import WebSocket from 'ws';
import { Happenings } from './wait.js';

/** Cuts a stream of bytes into lines, events of an event stream or Protobuf messages; gives them out one by one. */
class Messages {
  constructor(name, cut) {
    this.happened = new Happenings(name);
    this.cut = cut;
    this.rest = Buffer.alloc(0);
    this.taken = 0;
    this.end = null; // how it ended
  }

  add(bytes) {
    this.rest = Buffer.concat([this.rest, bytes]);
    for (let length; (length = this.cut(this.rest)) > 0; this.rest = this.rest.subarray(length))
      this.happened.add(this.rest.subarray(0, length));
  }

  ended(how) {
    this.end = how;
    this.happened.add(Buffer.alloc(0));
  }

  get list() {
    return this.happened.list.filter(({ length }) => length > 0);
  }

  /** The next message, a Buffer with all that belongs to it. */
  async bytes(patienceMs) {
    const index = this.taken++;
    return await this.happened.until(() => {
      if (this.end !== null && this.list.length <= index) throw new Error(`${this.happened.name}: ended: ${JSON.stringify(this.end)}`);
      return this.list[index];
    }, `message ${index + 1}`, patienceMs);
  }

  async text(patienceMs) {
    return (await this.bytes(patienceMs)).toString();
  }

  /** Resolves with how it ended. */
  finished(patienceMs) {
    return this.happened.until(() => this.end, 'end', patienceMs);
  }
}

const after = (mark) => (bytes) => (bytes.includes(mark) ? bytes.indexOf(mark) + mark.length : 0);

export const LINES = after('\n');
export const EVENTS = after('\n\n');

/** The bytes of a Protobuf message with its length before it; 0: not all of it is there. */
export function DELIMITED(bytes) {
  for (let at = 0, length = 0; at < bytes.length; at++) {
    length += (bytes[at] & 0x7f) * 2 ** (7 * at);
    if (bytes[at] < 0x80) return bytes.length >= at + 1 + length ? at + 1 + length : 0;
  }
  return 0;
}

/** A WebSocket that gives out text messages line by line, binary ones by their lengths. `end` is {code, reason}. */
export class Socket extends Messages {
  static async open(t, url, { protocols, ...options } = {}) {
    const socket = new Socket(url, protocols, options);
    t.after(() => socket.ws.terminate());
    await new Promise((resolve, reject) => socket.ws.once('open', resolve).once('error', reject));
    return socket;
  }

  constructor(url, protocols, options) {
    super(`a socket to ${url}`, DELIMITED);
    this.pings = new Happenings('native pings');
    this.ws = new WebSocket(url, protocols, options);
    this.ws.on('message', (data, isBinary) => {
      this.isBinary = isBinary;
      if (isBinary) this.add(data);
      else for (const line of data.toString().split('\n')) this.happened.add(Buffer.from(line));
    });
    this.ws.on('ping', (data) => this.pings.add(data));
    this.ws.on('error', () => {});
    this.ws.on('close', (code, reason) => this.ended({ code, reason: reason.toString() }));
  }

  /** Texts go as text messages, Buffers as binary ones. */
  send(message) {
    this.ws.send(message, { binary: Buffer.isBuffer(message) });
  }
}

/** An HTTP answer that does not end. `end` is 'end', or the code of an error. */
export class Stream extends Messages {
  /** Resolves once the answer has begun; `status` and `headers` are its. */
  static async open(t, origin, method, path, { headers = {}, body, cut = LINES } = {}) {
    const stream = new Stream(`${method} ${path.slice(0, 40)}`, cut);
    const request = http.request(origin + path, { method, headers, agent: false });
    t.after(() => request.destroy());
    const answer = await new Promise((resolve, reject) => request.once('response', resolve).once('error', reject).end(body));
    stream.status = answer.statusCode;
    stream.headers = answer.headers;
    answer.on('data', (bytes) => stream.add(bytes));
    answer.once('end', () => stream.ended('end'));
    answer.once('error', ({ code }) => stream.ended(code));
    return stream;
  }
}
