import WebSocket from 'ws';

/**
 * The least that can listen to rooms, so that a test can have hundreds: a bare socket which looks for numbers in
 * frames instead of decoding them. `batches` are seqs in the order of their arrival, one list per subscription.
 *
 *     const ear = await Ear.connect(t, bob, { gateway: 1 });
 *     const { recovered } = await ear.subscribe(room, { since: { offset: 7, epoch } });
 *     await ear.reach(20);
 */
export class Ear {
  static async connect(t, person, { gateway = 0 } = {}) {
    const ear = new Ear(person.chat.servers.gateways[gateway].url);
    t.after(() => ear.socket.terminate());
    await new Promise((resolve, reject) => ear.socket.once('open', resolve).once('error', reject));
    await ear.ask({ connect: { token: person.tokens.access_token } });
    return ear;
  }

  constructor(url) {
    this.socket = new WebSocket(url, { perMessageDeflate: false });
    this.answers = new Map(); // id of a command -> who waits for its reply
    this.lastId = 0;
    this.seqs = [];
    this.goal = null; // {seq, reached}
    this.socket.on('message', (bytes) => this.take(bytes.toString()));
    this.socket.on('close', (code, reason) => this.fail(new Error(`closed with ${code} ${reason}`)));
    this.socket.on('error', () => {}); // 'close' follows
  }

  take(frame) {
    if (frame === '{}') return this.socket.send('{}');
    for (const line of frame.split('\n')) {
      if (line.startsWith('{"id"')) this.settle(JSON.parse(line));
      else if (line.includes('"channel":"room:')) this.seqs.push(Number(/"seq":(\d+)/.exec(line)[1]));
    }
    if (this.goal !== null && this.seqs.at(-1) >= this.goal.seq) this.goal.reached();
  }

  settle(reply) {
    const publications = reply.subscribe?.publications ?? [];
    this.seqs.push(...publications.map(({ data }) => data.seq));
    this.answers.get(reply.id)?.(reply);
    this.answers.delete(reply.id);
  }

  fail(error) {
    this.failure = error;
    for (const answer of this.answers.values()) answer({ error });
    this.goal?.reached();
  }

  async ask(command) {
    const id = ++this.lastId;
    const reply = await new Promise((resolve) => {
      this.answers.set(id, resolve);
      this.socket.send(JSON.stringify({ id, ...command }));
    });
    if (reply.error) throw Object.assign(new Error(`${JSON.stringify(command)}: ${JSON.stringify(reply.error)} ${reply.error.message}`), reply.error);
    return reply;
  }

  /** Begins a new list of `seqs`. Answers what the server said. */
  async subscribe(room, { since } = {}) {
    this.seqs = [];
    const position = since && { recover: true, offset: since.offset, epoch: since.epoch };
    return (await this.ask({ subscribe: { channel: `room:${room.id}`, ...position } })).subscribe;
  }

  unsubscribe(room) {
    return this.ask({ unsubscribe: { channel: `room:${room.id}` } });
  }

  /** Resolves with all seqs so far once `seq` has come. */
  async reach(seq, patienceMs = 60_000) {
    if (!(this.seqs.at(-1) >= seq))
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, patienceMs);
        this.goal = { seq, reached: () => resolve(clearTimeout(timer)) };
      });
    this.goal = null;
    if (this.failure) throw this.failure;
    if (!(this.seqs.at(-1) >= seq)) throw new Error(`no event ${seq} in ${patienceMs} ms; the last was ${this.seqs.at(-1)}`);
    return this.seqs;
  }
}
