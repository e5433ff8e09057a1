// The unmodified public client (npm `centrifuge`) and a gateway alone, over each transport and format that it has.
import EventSource from 'eventsource';
import WebSocket from 'ws';
import { Centrifuge } from 'centrifuge';
import { Centrifuge as CentrifugeProtobuf } from 'centrifuge/build/protobuf';
import { Happenings } from './wait.js';

export const TRANSPORTS = [
  { name: 'websocket, JSON', transport: 'websocket', isJson: true },
  { name: 'websocket, Protobuf', transport: 'websocket', isJson: false },
  { name: 'http_stream, JSON', transport: 'http_stream', isJson: true },
  { name: 'http_stream, Protobuf', transport: 'http_stream', isJson: false },
  { name: 'sse, JSON', transport: 'sse', isJson: true },
];

/** What a gateway needs for all of them; `config` on top of it. */
export function allTransports(config = {}) {
  return {
    http_stream: { enabled: true },
    sse: { enabled: true },
    ...config,
    client: { allowed_origins: ['*'], ...config.client },
  };
}

/** Runs `body(t, over)` as a test of its own for each transport; fails when one did. */
export async function overEach(t, body, transports = TRANSPORTS) {
  const failures = [];
  for (const over of transports)
    await t.test(over.name, async (inner) => {
      try {
        await body(inner, over);
      } catch (error) {
        failures.push(error);
        throw error;
      }
    });
  if (failures.length > 0) throw failures[0];
}

const EVENTS = ['connecting', 'connected', 'disconnected', 'subscribing', 'subscribed', 'unsubscribed', 'publication', 'join', 'leave', 'error'];

/**
 * One client and all that it reported, in order: {what, channel, ...context}. Payloads are values in
 * both formats: what Protobuf carries as bytes is taken for the JSON that it is.
 */
export class Client {
  static async connect(t, gateway, over, options) {
    const client = Client.make(t, gateway, over, options);
    await client.connected();
    return client;
  }

  /** `options` are the library's; `port`: of a cable instead of the gateway itself. */
  static make(t, gateway, over, { port = gateway.port, ...options } = {}) {
    const client = new Client(over, port, options);
    for (const end of [t.after.bind(t), gateway.beforeEnd.bind(gateway)]) end(() => client.library.disconnect());
    return client;
  }

  constructor(over, port, options) {
    const scheme = over.transport === 'websocket' ? 'ws' : 'http';
    const endpoint = `${scheme}://127.0.0.1:${port}/connection/${over.transport}`;
    const Library = over.isJson ? Centrifuge : CentrifugeProtobuf;
    this.over = over;
    this.happened = new Happenings(`client over ${over.name}`);
    this.taken = new Map();
    this.library = new Library([{ transport: over.transport, endpoint }], {
      websocket: WebSocket,
      eventsource: EventSource,
      emulationEndpoint: `http://127.0.0.1:${port}/emulation`,
      minReconnectDelay: 20,
      maxReconnectDelay: 200,
      ...options,
      ...(options.data === undefined ? {} : { data: this.encode(options.data) }),
    });
    this.listen(this.library);
  }

  encode(value) {
    return this.over.isJson ? value : Buffer.from(JSON.stringify(value));
  }

  listen(emitter) {
    for (const what of EVENTS) emitter.on(what, (context) => this.happened.add({ what, ...readable(context) }));
  }

  get seen() {
    return this.happened.list;
  }

  until(probe, label, patienceMs) {
    return this.happened.until(probe, label, patienceMs);
  }

  /** What happened of this kind, in this channel if one is given. */
  all(what, channel) {
    return this.seen.filter((entry) => entry.what === what && (channel === undefined || entry.channel === channel));
  }

  /** The next of them that next() has not given out. */
  async next(what, channel, patienceMs) {
    const key = `${what} ${channel ?? ''}`;
    const index = this.taken.get(key) ?? 0;
    this.taken.set(key, index + 1);
    return await this.until(() => this.all(what, channel)[index], `${key}, number ${index + 1}`, patienceMs);
  }

  // ---- the connection ----

  /** Resolves with the context of 'connected'; throws {code} when it is disconnected for good. */
  async connected() {
    this.library.connect();
    const ended = () => this.all('disconnected')[0];
    await this.until(() => ended() || this.library.state === 'connected', 'connection');
    if (ended()) throw Object.assign(new Error(`disconnected: ${ended().code} ${ended().reason}`), { code: ended().code });
    return this.all('connected').at(-1);
  }

  // ---- channels ----

  /** Resolves with the context of 'subscribed'; a refusal for good is thrown: {code}. */
  async subscribe(channel, options = {}) {
    const subscription = this.library.getSubscription(channel) ?? this.subscription(channel, options);
    const from = this.seen.length;
    subscription.subscribe();
    const answers = () => this.seen.slice(from).filter((entry) => entry.channel === channel);
    const answer = await this.until(() => answers().find(({ what }) => /^(un)?subscribed$/.test(what)), `answer for ${channel}`);
    if (answer.what === 'unsubscribed') throw Object.assign(new Error(`${channel}: ${answer.code} ${answer.reason}`), { code: answer.code });
    return answer;
  }

  subscription(channel, options) {
    const subscription = this.library.newSubscription(channel, { minResubscribeDelay: 20, maxResubscribeDelay: 200, ...options });
    this.listen(subscription);
    return subscription;
  }

  async unsubscribe(channel) {
    this.library.getSubscription(channel).unsubscribe();
    await this.settle();
  }

  data(channel) {
    return this.all('publication', channel).map(({ data }) => data);
  }

  offsets(channel) {
    return this.all('publication', channel).map(({ offset }) => offset);
  }

  /** Resolves once `count` publications of the channel have come; answers the data of all. */
  async received(channel, count) {
    await this.until(() => this.all('publication', channel).length >= count, `${count} publications of ${channel}`);
    return this.data(channel);
  }

  // ---- commands ----

  async ask(method, ...args) {
    return readable(await this.library[method](...args));
  }

  publish(channel, data) {
    return this.ask('publish', channel, this.encode(data));
  }

  rpc(method, data) {
    return this.ask('rpc', method, this.encode(data));
  }

  presence(channel) {
    return this.ask('presence', channel);
  }

  history(channel, options) {
    return this.ask('history', channel, options);
  }

  /** All that the gateway wrote to this connection before now has arrived: rpc is refused, but in its turn. */
  async settle() {
    await this.rpc('settle', {}).catch(({ code }) => code);
  }
}

function readable(value) {
  if (value instanceof Uint8Array) return value.length === 0 ? undefined : JSON.parse(Buffer.from(value).toString());
  if (value instanceof Error || value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(readable);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, entry]) => [key, readable(entry)]));
  const entries = Object.entries(value).map(([key, entry]) => [key, readable(entry)]);
  return Object.fromEntries(entries.filter(([, entry]) => entry !== undefined));
}
