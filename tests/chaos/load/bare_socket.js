import net from 'node:net';

/* From several addresses, so that thousands do not run out of ports; each of these is this machine. */
const ADDRESSES = Array.from({ length: 8 }, (_, i) => `127.0.0.${i + 2}`);
const CONTINUATION = 0, TEXT = 1, CLOSE = 8, PING = 9;
const KEY = Buffer.alloc(16, 7).toString('base64');
const UPGRADE = `connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${KEY}\r\n`;

let opened = 0;

/**
 * The client's side of RFC 6455 as far as a gateway needs it, cheap enough for thousands of them in one process. `owner` is told:
 * onOpen(), onText(text), and exactly once onClose(code, {status, retryAfter_s}), where `status` is there when HTTP said no to the upgrade.
 */
export class BareSocket {
  constructor(url, owner) {
    const { hostname, port, pathname } = new URL(url);
    this.owner = owner;
    this.rest = null; // bytes of what is not complete yet
    this.isUpgraded = false;
    this.code = 1006;
    this.refusal = {};
    this.tcp = net.connect({ host: hostname, port: Number(port), localAddress: ADDRESSES[opened++ % ADDRESSES.length], noDelay: true });
    this.tcp.on('connect', () => this.tcp.write(`GET ${pathname} HTTP/1.1\r\nhost: ${hostname}:${port}\r\n${UPGRADE}\r\n`));
    this.tcp.on('data', (bytes) => this.take(bytes));
    this.tcp.on('error', () => {});
    this.tcp.on('close', () => this.owner.onClose(this.code, this.refusal));
  }

  take(bytes) {
    let all = this.rest === null ? bytes : Buffer.concat([this.rest, bytes]);
    this.rest = null;
    if (!this.isUpgraded) {
      const end = all.indexOf('\r\n\r\n');
      if (end < 0) {
        this.rest = all;
        return;
      }
      if (!this.takeAnswer(all.latin1Slice(0, end))) return;
      all = all.subarray(end + 4);
    }
    const taken = this.takeFrames(all);
    if (taken < all.length) this.rest = all.subarray(taken);
  }

  takeAnswer(head) {
    const status = Number(head.split(' ')[1]);
    if (status !== 101) {
      const hint = /\r\nretry-after: (\d+)/i.exec(head);
      this.refusal = { status, retryAfter_s: hint ? Number(hint[1]) : undefined };
      this.tcp.end();
      return false;
    }
    this.isUpgraded = true;
    this.owner.onOpen();
    return true;
  }

  /** Bytes of the whole frames. */
  takeFrames(all) {
    let at = 0;
    while (all.length - at >= 2) {
      let length = all[at + 1], from = at + 2;
      if (length === 126) {
        if (all.length < at + 4) break;
        length = all.readUInt16BE(at + 2);
        from = at + 4;
      } else if (length === 127) {
        if (all.length < at + 10) break;
        length = Number(all.readBigUInt64BE(at + 2));
        from = at + 10;
      }
      if (all.length < from + length) break;
      this.takeFrame(all[at], all, from, from + length);
      at = from + length;
    }
    return at;
  }

  takeFrame(head, all, from, to) {
    const kind = head & 0x0f;
    if (!(head & 0x80) || kind === CONTINUATION) throw new Error('a gateway does not cut messages into pieces');
    if (kind === TEXT) this.owner.onText(all.utf8Slice(from, to));
    else if (kind === PING) this.write(0x8a, all.subarray(from, to));
    else if (kind === CLOSE) {
      if (to - from >= 2) this.code = all.readUInt16BE(from);
      this.write(0x88, all.subarray(from, Math.min(to, from + 2)));
      this.tcp.end();
    }
  }

  send(text) {
    this.write(0x81, Buffer.from(text));
  }

  /** Masked with zeroes, which leave everything as it is. */
  write(head, payload) {
    const isLong = payload.length > 125;
    const start = Buffer.alloc(isLong ? 8 : 6);
    start[0] = head;
    start[1] = 0x80 | (isLong ? 126 : payload.length);
    if (isLong) start.writeUInt16BE(payload.length, 2);
    this.tcp.write(Buffer.concat([start, payload]));
  }

  /** Without a word, as if the network were gone. */
  cut() {
    this.tcp.resetAndDestroy();
  }
}
