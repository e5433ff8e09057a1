import WebSocket from 'ws';

/* From several addresses, so that thousands do not run out of ports; each of these is this machine. */
const ADDRESSES = Array.from({ length: 8 }, (_, i) => `127.0.0.${i + 2}`);

/* When it comes back: at the first attempt somewhere between the two, then twice as late, and so on. */
const AGAIN_MS = [20, 300];
const AGAIN_MAX_MS = 2_400;

let opened = 0;

/**
 * A client without a library of its protocol, so that thousands of them fit into one process: follows one room, comes back wherever
 * `where()` says when its connection ends, and resumes from its last offset. Refused by HTTP it waits for as long as it was told.
 */
export class Plain {
  constructor(person, room, where) {
    Object.assign(this, { person, room, where });
    this.channel = `room:${room}`;
    this.position = null;
    this.start = null; // the offset behind which it began
    this.failures = 0; // attempts since it was connected
    this.seqs = []; // of all that it got, in order
    this.ends = []; // {code, at_ms} of its connections
    this.resumes = []; // {from, to, isRecovered} of what it was told when it came back: offsets
    this.refusals = []; // {status, retryAfter_s}
    this.isOpen = false;
  }

  connect() {
    this.isClosed = false;
    const localAddress = ADDRESSES[opened++ % ADDRESSES.length];
    this.socket = new WebSocket(this.where(), { localAddress, perMessageDeflate: false, skipUTF8Validation: true });
    this.refusal = {};
    this.socket.on('open', () => this.onOpen());
    this.socket.on('message', (bytes) => String(bytes).split('\n').forEach((line) => this.take(JSON.parse(line))));
    this.socket.on('unexpected-response', (request, answer) => this.onRefused(answer));
    this.socket.on('error', () => {});
    this.socket.on('close', (code) => this.onClose(code));
  }

  /** HTTP said no to the upgrade. */
  onRefused({ statusCode, headers }) {
    const hint = headers['retry-after'];
    this.refusal = { status: statusCode, retryAfter_s: hint && Number(hint) };
    this.socket.terminate();
  }

  onOpen() {
    const subscribe = { channel: this.channel, ...(this.position && { recover: true, ...this.position }) };
    this.socket.send(`${JSON.stringify({ id: 1, connect: { token: this.person.tokens.access_token } })}\n${JSON.stringify({ id: 2, subscribe })}`);
  }

  take({ id, error, subscribe, push }) {
    if (error) return this.socket.terminate(); // once more, later
    if (id === 2) this.enter(subscribe);
    if (push?.pub && push.channel === this.channel) this.hear(push.pub);
    if (push?.unsubscribe && push.channel === this.channel) this.removed = push.unsubscribe.code;
    if (push?.disconnect) this.said = push.disconnect.code;
    if (id === undefined && !push) this.socket.send('{}');
  }

  enter({ offset = 0, epoch, recovered = false, publications = [] }) {
    this.isOpen = true;
    this.failures = 0;
    this.start ??= offset;
    this.isRecovered = recovered;
    if (this.position) this.resumes.push({ from: this.position.offset, to: offset, isRecovered: recovered });
    if (!recovered) this.position = { offset, epoch };
    for (const publication of publications) this.hear(publication);
  }

  hear({ offset, data }) {
    this.position.offset = offset;
    this.seqs.push(data.seq);
  }

  onClose(code) {
    const { refusal } = this;
    if (this.isOpen) this.ends.push({ code, at_ms: performance.now() });
    this.isOpen = false;
    if (refusal.status) this.refusals.push(refusal);
    if (this.isClosed) return;
    const latest_ms = Math.min(AGAIN_MS[1] * 2 ** this.failures++, AGAIN_MAX_MS);
    const wait_ms = AGAIN_MS[0] + Math.random() * (latest_ms - AGAIN_MS[0]);
    this.again = setTimeout(() => this.connect(), refusal.retryAfter_s ? refusal.retryAfter_s * 1000 : wait_ms);
  }

  /** Without a word, and for good, unless somebody calls connect() once it is not `isOpen` any more. */
  close() {
    this.isClosed = true;
    clearTimeout(this.again);
    this.socket?.terminate();
  }
}
