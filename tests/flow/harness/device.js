import { Centrifuge } from 'centrifuge';
import WebSocket from 'ws';
import { idOf } from './person.js';
import { Happenings } from './wait.js';
import { brokenRpc } from './promised.js';

const NOWHERE = 'ws://127.0.0.1:1/';

/** `room:7` for a Room or the id of one; names of channels stay as they are. */
export const channelOf = (room) => (typeof room === 'string' && !/^[0-9]+$/.test(room) ? room : `room:${idOf(room)}`);

/**
 * The unmodified public client, and everything that it reported, in order:
 * {what: 'publication' | 'subscribed' | 'unsubscribed' | 'join' | 'leave' | 'connected' | 'connecting' |
 * 'disconnected' | 'error', channel, ...}. Nothing here sleeps: tests wait for what happened.
 */
export class Device {
  constructor(person, { gateway = 0, token, getToken, name = 'flow', ...options } = {}) {
    this.person = person;
    this.gateway = gateway;
    this.isOffline = false;
    this.happened = new Happenings(`${person.login} on gateway ${gateway}`);
    this.byChannel = new Map(); // publications
    this.taken = new Map(); // channel or kind of question -> how many next*() has given out
    this.client = new Centrifuge(NOWHERE, {
      websocket: this.balancer(),
      token: token ?? person.tokens.access_token,
      getToken: getToken ?? (async () => (await person.refresh()).access_token),
      minReconnectDelay: 20,
      maxReconnectDelay: 300,
      name,
      ...options,
    });
    this.listen(this.client);
  }

  /** What a load balancer does: each new connection goes where the test says. */
  balancer() {
    const device = this;
    return class extends WebSocket {
      constructor() {
        super(device.isOffline ? NOWHERE : device.person.chat.servers.gateways[device.gateway].url);
        device.socket = this;
      }
    };
  }

  listen(emitter) {
    for (const what of ['publication', 'subscribed', 'unsubscribed', 'join', 'leave', 'connected', 'connecting', 'disconnected', 'error'])
      emitter.on(what, (context) => this.note({ what, ...context }));
  }

  note(entry) {
    if (entry.what === 'publication') this.publications(entry.channel).push(entry);
    this.happened.add(entry);
  }

  get seen() {
    return this.happened.list;
  }

  until(probe, label, patienceMs) {
    return this.happened.until(probe, label, patienceMs);
  }

  // ---- the connection ----

  async connected() {
    this.client.connect();
    await this.until(() => {
      const end = this.seen.find(({ what }) => what === 'disconnected');
      if (end) throw new Error(`${this.happened.name}: refused with ${end.code} ${end.reason}`);
      return this.client.state === 'connected';
    }, 'connection');
    return this;
  }

  /** How the client ended for good: {code, reason}. */
  async disconnected(patienceMs) {
    return await this.until(() => this.seen.find(({ what }) => what === 'disconnected'), 'end of the connection', patienceMs);
  }

  /** Loses the network; comes back with online(). */
  async offline() {
    this.isOffline = true;
    this.socket?.terminate();
    await this.until(() => this.client.state !== 'connected', 'loss of the connection');
  }

  /** Comes back, to another gateway if one is named; resolves when connected. */
  async online({ gateway = this.gateway } = {}) {
    this.gateway = gateway;
    this.isOffline = false;
    await this.until(() => this.client.state === 'connected', 'connection after an absence');
  }

  close() {
    this.client.disconnect();
    this.socket?.terminate();
  }

  // ---- channels ----

  /**
   * Subscribes, `since` a position {offset, epoch} or from now on; resolves with the context of 'subscribed', null when it
   * was subscribed already.
   * A refusal for good throws it: {code, reason}.
   */
  async subscribe(room, options = {}) {
    const channel = channelOf(room);
    const from = this.seen.length;
    let subscription = this.client.getSubscription(channel);
    if (subscription === null) {
      subscription = this.client.newSubscription(channel, { minResubscribeDelay: 20, maxResubscribeDelay: 300, ...options });
      this.listen(subscription);
    }
    if (subscription.state === 'subscribed') return null;
    subscription.subscribe();
    const answer = await this.until(
      () => this.seen.slice(from).find((entry) => entry.channel === channel && /^(un)?subscribed$/.test(entry.what)),
      `subscription to ${channel}`,
    );
    if (answer.what === 'unsubscribed')
      throw Object.assign(new Error(`${channel}: ${answer.code} ${answer.reason}`), { code: answer.code });
    return answer;
  }

  /** Follows `room` no longer; the gateway knows once the next command is answered. */
  async unsubscribe(room) {
    const subscription = this.client.getSubscription(channelOf(room));
    subscription.unsubscribe();
    this.client.removeSubscription(subscription);
    await this.settle();
  }

  /** All publications of a channel so far. */
  publications(room) {
    const channel = channelOf(room);
    if (!this.byChannel.has(channel)) this.byChannel.set(channel, []);
    return this.byChannel.get(channel);
  }

  /** Seqs of all events of a room so far, in the order of their arrival. */
  seqs(room) {
    return this.publications(room).map(({ data }) => data.seq);
  }

  /** The next event of a room that next() has not given out yet. */
  async next(room) {
    const channel = channelOf(room);
    return (await this.take(channel, () => this.publications(channel))).data;
  }

  /** The next line of `chats` about a room. */
  async nextLine(room) {
    const lines = () => this.publications('chats').filter(({ data }) => data.room_id === idOf(room));
    return (await this.take(`chats of ${idOf(room)}`, lines)).data;
  }

  /** The next publication of `type` on the person's own channel. */
  async nextOwn(type) {
    const own = () => this.publications(`user:${this.person.id}`).filter(({ data }) => data.type === type);
    return (await this.take(`own ${type}`, own)).data;
  }

  async take(key, list) {
    const index = this.taken.get(key) ?? 0;
    this.taken.set(key, index + 1);
    return await this.until(() => list()[index], `item ${index + 1} of ${key}`);
  }

  /** Resolves when the events of `room` up to `seq` have arrived; answers all seqs so far. */
  async reach(room, seq, patienceMs) {
    await this.until(() => this.publications(room).at(-1)?.data.seq >= seq, `event ${seq} of ${channelOf(room)}`, patienceMs);
    return this.seqs(room);
  }

  /** The 'unsubscribed' of a room: {code, reason}. */
  async unsubscribed(room) {
    const channel = channelOf(room);
    const news = () => this.seen.filter((entry) => entry.what === 'unsubscribed' && entry.channel === channel);
    return await this.take(`unsubscribed ${channel}`, news);
  }

  // ---- commands ----

  /** The data of the answer; an error is thrown as the library gives it: {code, message}. */
  async rpc(method, data = {}) {
    const answer = (await this.client.rpc(method, data)).data;
    const complaint = brokenRpc(method, answer);
    if (complaint !== null) throw new Error(`${method} answers otherwise than openapi.json says: ${complaint}`);
    return answer;
  }

  publish(room, data) {
    return this.client.publish(channelOf(room), data);
  }

  presence(channel) {
    return this.client.presence(channel);
  }

  /** Everything that the gateway had written to this connection before now has arrived. */
  async settle() {
    await this.rpc('rooms.list', { limit: 1 });
  }
}
