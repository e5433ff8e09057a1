// T70: the bus is closed to strangers. What a stranger tries is done by hand: the frames of NNG are bytes of ours here.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import { chat, configure, eventually, exchange, running, test } from './harness/index.js';
import { freePorts } from './harness/ports.js';

const API_KEY = 'bus';
const SUB = 33, REQ = 48; // protocols of NNG, as who dials names itself

configure({ gateway: { PARLEY_HTTP_API_KEY: API_KEY } });

const port = (url) => Number(new URL(url).port);

/** A connection of a stranger's to a port of the bus: what came over it, and a way to send. */
class Stranger {
  static async dial(t, to, protocol) {
    const stranger = new Stranger();
    stranger.socket = net.connect(to, '127.0.0.1');
    t.after(() => stranger.socket.destroy());
    stranger.socket.on('data', (bytes) => stranger.got.push(bytes));
    stranger.socket.on('error', () => {});
    stranger.closed = new Promise((resolve) => stranger.socket.once('close', resolve));
    stranger.socket.write(Buffer.from([0, 0x53, 0x50, 0, 0, protocol, 0, 0]));
    await eventually(() => stranger.bytes.length >= 8, 'the handshake');
    return stranger;
  }

  got = [];

  get bytes() {
    return Buffer.concat(this.got);
  }

  send(body, length = body.length) {
    const head = Buffer.alloc(8);
    head.writeBigUInt64BE(BigInt(length));
    this.socket.write(Buffer.concat([head, body]));
  }

  /** A request of NNG: its number first. */
  ask(payload) {
    this.send(Buffer.concat([Buffer.from([0x80, 0, 0, 1]), payload]));
  }
}

/** Between a gateway and the questions of an API: keeps what the gateway says. */
async function record(t, from, to) {
  const said = [];
  const server = net.createServer((near) => {
    const far = net.connect(to, '127.0.0.1');
    near.on('data', (bytes) => said.push(bytes));
    for (const [socket, other] of [[near, far], [far, near]]) {
      socket.on('error', () => {});
      socket.on('close', () => other.destroy());
      socket.pipe(other);
    }
    t.after(() => near.destroy());
  });
  t.after(() => server.close());
  await new Promise((resolve) => server.listen(from, '127.0.0.1', resolve));
  return said;
}

const order = (gateway, method, params) => exchange(gateway.origin, 'POST', `/api/${method}`, {
  headers: { 'content-type': 'application/json', 'x-api-key': API_KEY },
  body: JSON.stringify(params),
});

test('T70 who has no key connects to the bus, and reads nothing of what is said there', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const { apis } = await running();
  const ears = await Promise.all(apis.map((api) => Stranger.dial(t, port(api.env.PARLEY_BUS_LISTEN), SUB)));
  const tea = await ada.createRoom('tea', { members: [bob] });
  const phone = await bob.connect({ rooms: [tea] });
  const secret = 'the kettle is on, tell nobody';
  await ada.post(tea, secret);
  await phone.next(tea);
  await eventually(() => ears.some(({ bytes }) => bytes.length > 500), 'something heard');
  for (const { bytes } of ears)
    for (const word of [secret, 'kettle', `room:${tea.id}`, ada.id]) assert.equal(bytes.includes(word), false, word);
});

test('T70 questions without the key, garbage and frames that are too large have no effect, and others none of it', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const { apis } = await running();
  const questions = port(apis[0].env.PARLEY_BUS_LISTEN) + 1;
  const stranger = await Stranger.dial(t, questions, REQ);
  for (const payload of ['', 'x', 'x'.repeat(44), '\x02'.repeat(300), '\x01'.repeat(100_000)]) stranger.ask(Buffer.from(payload));
  await eventually(() => fs.readFileSync(apis[0].log, 'utf8').includes('somebody asks without our bus key'), 'a word about it');
  const giant = await Stranger.dial(t, questions, REQ);
  giant.send(Buffer.alloc(16), 2 ** 40);
  await giant.closed;
  const liar = net.connect(questions, '127.0.0.1');
  liar.on('error', () => {});
  liar.resume();
  liar.write('GET / HTTP/1.1\r\n\r\n');
  await new Promise((resolve) => liar.once('close', resolve));
  const tea = await ada.createRoom('tea', { members: [bob] });
  const phone = await bob.connect({ rooms: [tea] });
  await ada.post(tea, 'all is well');
  assert.equal((await phone.next(tea)).message.text, 'all is well');
  assert.equal(stranger.bytes.length, 8, 'nobody was answered');
});

test('T70 what was recorded on the bus does nothing when it is played again', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const { apis, gateways } = await running();
  const questions = port(apis[0].env.PARLEY_BUS_LISTEN) + 1;
  const [events, between] = await freePorts(2);
  const cables = [await record(t, events, questions - 1), await record(t, between, questions)];
  const { PARLEY_BUS_APIS: known } = gateways[1].env;
  gateways[1].env.PARLEY_BUS_APIS = `tcp://127.0.0.1:${events}`;
  await gateways[1].restart();
  t.after(async () => {
    gateways[1].env.PARLEY_BUS_APIS = known;
    await gateways[1].restart();
  });
  const tea = await ada.createRoom('tea', { members: [bob] });
  const first = await bob.connect({ gateway: 0 });
  await order(gateways[1], 'disconnect', { user: bob.id, disconnect: { code: 4501, reason: 'once' } });
  assert.equal((await first.disconnected()).code, 4501);
  const phone = await bob.connect({ gateway: 0, rooms: [tea] });
  const thief = await Stranger.dial(t, questions, REQ);
  thief.socket.write(Buffer.concat(cables[1]).subarray(8)); // all but the handshake
  await eventually(() => fs.readFileSync(apis[0].log, 'utf8').includes('a question came once more than it was asked'), 'a word about it');
  await ada.post(tea, 'still here');
  assert.equal((await phone.next(tea)).message.text, 'still here');
  assert.equal(phone.seen.filter(({ what }) => what === 'connected').length, 1, 'it was not disconnected once more');
});

/** Between a gateway and the events of an API: keeps what the API says; while `isHeld`, the gateway hears nothing of it. */
class Tap {
  static async lay(t, from, to) {
    const tap = new Tap();
    const server = net.createServer((near) => tap.connect(near, net.connect(to, '127.0.0.1')));
    t.after(() => {
      server.close();
      tap.near?.destroy();
    });
    await new Promise((resolve) => server.listen(from, '127.0.0.1', resolve));
    return tap;
  }

  isHeld = false;
  said = []; // messages of NNG, each behind its length

  connect(near, far) {
    this.near = near;
    let rest = Buffer.alloc(0), isGreeted = false;
    for (const [socket, other] of [[near, far], [far, near]]) {
      socket.on('error', () => {});
      socket.on('close', () => other.destroy());
    }
    near.on('data', (bytes) => far.write(bytes));
    far.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      for (let size; (size = isGreeted ? sizeOf(rest) : 8) <= rest.length; rest = rest.subarray(size)) {
        const message = rest.subarray(0, size);
        if (isGreeted) this.said.push(message);
        if (!isGreeted || !this.isHeld) near.write(message);
        isGreeted = true;
      }
    });
  }
}

const sizeOf = (bytes) => (bytes.length < 8 ? Infinity : 8 + Number(bytes.readBigUInt64BE()));

/** What the gateway has counted. */
async function counted(gateway, name) {
  const { text } = await exchange(gateway.origin, 'GET', '/metrics');
  return Number(text.match(new RegExp(`^parley_gateway_${name}_total (\\d+)$`, 'm'))[1]);
}

test('T70 recorded events do nothing, neither at a gateway that was started again nor for an API that was', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const { apis, gateways } = await running();
  const [gateway] = gateways;
  const [events] = await freePorts(2);
  const to = port(apis[0].env.PARLEY_BUS_LISTEN);
  const tap = await Tap.lay(t, events, to);
  await record(t, events + 1, to + 1);
  const { PARLEY_BUS_APIS: known } = gateway.env;
  gateway.env.PARLEY_BUS_APIS = `tcp://127.0.0.1:${events}`;
  t.after(async () => {
    gateway.env.PARLEY_BUS_APIS = known;
    await gateway.restart();
  });
  await gateway.restart();
  const tea = await ada.createRoom('tea', { members: [bob] });
  const first = await bob.connect({ gateway: 0, rooms: [tea] });
  await ada.post(tea, 'all is well');
  await first.next(tea);
  await order(gateway, 'disconnect', { user: bob.id, disconnect: { code: 4501, reason: 'once' } });
  assert.equal((await first.disconnected()).code, 4501);
  const recorded = [...tap.said];

  for (const [program, count] of [[gateway, 'bus_recorded'], [apis[0], 'bus_untrusted']]) {
    tap.isHeld = true; // the recording is the first that it hears
    await program.restart();
    const phone = await bob.connect({ gateway: 0, rooms: [tea] });
    const before = await counted(gateway, count);
    for (const message of recorded) tap.near.write(message);
    await eventually(async () => (await counted(gateway, count)) > before, count);
    tap.isHeld = false;
    tap.near.destroy();
    const { seq } = await ada.via(1).post(tea, 'still here');
    const later = await ada.via(0).post(tea, 'and here');
    await phone.reach(tea, later.seq);
    assert.deepEqual(phone.seqs(tea), [seq, later.seq]);
    assert.equal(phone.seen.some(({ what }) => what === 'disconnected'), false, 'it was not disconnected once more');
  }
});

test('a fleet changes its bus key, program by program, and nobody misses anything', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const { apis, gateways, programs } = await running();
  const tea = await ada.createRoom('tea', { members: [bob] });
  const phones = await Promise.all([0, 1].map((gateway) => bob.connect({ gateway, rooms: [tea] })));
  const old = apis[0].env.PARLEY_BUS_KEY, fresh = 'f'.repeat(48);
  let count = 0;
  const change = async (key, other) => {
    for (const program of programs) {
      program.env.PARLEY_BUS_KEY = key;
      if (other) program.env.PARLEY_BUS_OTHER_KEY = other;
      else delete program.env.PARLEY_BUS_OTHER_KEY;
      await program.restart();
      const api = apis.findIndex((each) => each !== program);
      await ada.via(api).post(tea, `message ${++count}`);
      for (const phone of phones) {
        const texts = () => phone.publications(`room:${tea.id}`).map(({ data }) => data.message.text);
        await eventually(() => texts().length >= count, `message ${count} on gateway ${phone.gateway}`);
      }
    }
  };
  await change(old, fresh);
  await change(fresh, old);
  await change(fresh, null);
  assert.equal(gateways.length + apis.length, 4);
  for (const phone of phones)
    assert.deepEqual(phone.publications(`room:${tea.id}`).map(({ data }) => data.message.text),
      Array.from({ length: count }, (_, i) => `message ${i + 1}`));
});
