import net from 'node:net';
import WebSocket from 'ws';
import { Happenings } from './wait.js';

/** A bare WebSocket to a gateway: what the public client would never send. */
export class Wire {
  /** `headers`: of the handshake. Resolves when open. */
  static async open(t, gateway, options = {}) {
    const wire = new Wire(gateway.url, options);
    t.after(() => wire.socket.terminate());
    await wire.happened.until(() => {
      const failure = wire.happened.list.find(({ what }) => what === 'error');
      if (failure) throw new Error(failure.message);
      return wire.socket.readyState === WebSocket.OPEN;
    }, 'open socket');
    return wire;
  }

  constructor(url, options) {
    this.happened = new Happenings(`a bare socket to ${url}`);
    this.socket = new WebSocket(url, options);
    this.socket.on('open', () => this.happened.add({ what: 'open' }));
    this.socket.on('message', (data) => this.onMessage(data.toString()));
    this.socket.on('close', (code, reason) => this.happened.add({ what: 'close', code, reason: reason.toString() }));
    this.socket.on('error', ({ message }) => this.happened.add({ what: 'error', message }));
  }

  onMessage(text) {
    for (const line of text.split('\n')) this.happened.add({ what: 'reply', ...JSON.parse(line) });
  }

  /** Objects become JSON, one line each; texts and buffers go as they are. */
  send(...commands) {
    const texts = commands.map((command) => (typeof command === 'string' || Buffer.isBuffer(command) ? command : JSON.stringify(command)));
    this.socket.send(texts.length === 1 ? texts[0] : texts.join('\n'), { binary: false });
  }

  /** The reply to command `id`. */
  reply(id) {
    return this.happened.until(() => this.happened.list.find((entry) => entry.what === 'reply' && entry.id === id), `reply ${id}`);
  }

  /** The close frame: {code, reason}. */
  closed(patienceMs) {
    return this.happened.until(() => this.happened.list.find(({ what }) => what === 'close'), 'close', patienceMs);
  }

  /** Connects as `person`. */
  async connect(person) {
    this.send({ id: 1, connect: { token: person.tokens.access_token } });
    return (await this.reply(1)).connect;
  }
}

/** Sends bytes to a port as they are; answers all that came back until the other end closed, or `until` matched. */
export function raw(port, bytes, { until } = {}) {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setTimeout(10_000, () => socket.destroy(new Error(`no answer: ${text}`)));
    socket.on('data', (data) => {
      text += data;
      if (until?.test(text)) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}
