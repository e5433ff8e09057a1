import WebSocket from 'ws';

const AGAIN_MS = [20, 300];

/**
 * A client without a library, so that a thousand of them fit into one process: follows one room, comes back wherever `where()` says when
 * its connection ends, and resumes from its last offset.
 */
export class Plain {
  constructor(person, room, where) {
    Object.assign(this, { person, room, where });
    this.position = null;
    this.seqs = []; // of all that it got, in order
    this.ends = []; // {code, at_ms} of its connections
    this.isOpen = false;
  }

  connect() {
    this.socket = new WebSocket(this.where());
    this.socket.on('open', () => this.enter());
    this.socket.on('message', (bytes) => String(bytes).split('\n').forEach((line) => this.take(JSON.parse(line))));
    this.socket.on('error', () => {});
    this.socket.on('close', (code) => this.onClose(code));
  }

  enter() {
    const subscribe = { channel: `room:${this.room}`, ...(this.position && { recover: true, ...this.position }) };
    this.socket.send(`${JSON.stringify({ id: 1, connect: { token: this.person.tokens.access_token } })}\n${JSON.stringify({ id: 2, subscribe })}`);
  }

  take({ id, error, subscribe, push }) {
    if (error) return this.socket.close(); // once more, later
    if (id === 2) {
      this.isOpen = true;
      this.isRecovered = subscribe.recovered ?? false;
      this.position ??= { offset: subscribe.offset ?? 0, epoch: subscribe.epoch };
      for (const publication of subscribe.publications ?? []) this.hear(publication);
    }
    if (push?.pub && push.channel === `room:${this.room}`) this.hear(push.pub);
    if (push?.unsubscribe && push.channel === `room:${this.room}`) this.removed = push.unsubscribe.code;
    if (push?.disconnect) this.said = push.disconnect.code;
    if (id === undefined && !push) this.socket.send('{}');
  }

  hear({ offset, data }) {
    this.position.offset = offset;
    this.seqs.push(data.seq);
  }

  onClose(code) {
    if (this.isOpen) this.ends.push({ code, at_ms: performance.now() });
    this.isOpen = false;
    if (!this.isClosed) setTimeout(() => this.connect(), AGAIN_MS[0] + Math.random() * (AGAIN_MS[1] - AGAIN_MS[0]));
  }

  close() {
    this.isClosed = true;
    this.socket.terminate();
  }
}
