import assert from 'node:assert/strict';
import { Wire } from './wire.js';

/**
 * A bare connection to a gateway alone that speaks the protocol as a client would.
 *
 *     const line = await Line.connect(t, gateway, { token: gateway.token({ sub: 'ada' }) });
 *     await line.subscribe('news');
 *     (await line.push('pub')).data
 */
export class Line {
  /** Open, nothing said yet. `options`: of `ws`, and `query` of the address. */
  static async open(t, gateway, { query = '', ...options } = {}) {
    return new Line(await Wire.open(t, { url: `${gateway.url}${query}` }, options), gateway);
  }

  /** Open and connected with this request; `result` is what it was told. */
  static async connect(t, gateway, request = {}, options = {}) {
    const line = await Line.open(t, gateway, options);
    const reply = await line.connect(request);
    assert.ok(reply.connect, JSON.stringify(reply));
    return line;
  }

  /** The same as this user, by a token. */
  static user(t, gateway, sub, claims = {}, options = {}) {
    return Line.connect(t, gateway, { token: gateway.token({ sub, ...claims }) }, options);
  }

  constructor(wire, gateway) {
    Object.assign(this, { wire, gateway, lastId: 0, result: null });
  }

  get client() {
    return this.result.client;
  }

  /** The whole reply to a command: {id, subscribe: {…}} or {id, error: {…}}. */
  ask(command) {
    const id = ++this.lastId;
    this.wire.send({ id, ...command });
    return this.replyOrEnd(id);
  }

  /** {id, closed: {code, reason}} when the connection ended instead. */
  replyOrEnd(id) {
    const { happened } = this.wire;
    return happened.until(() => {
      const reply = happened.list.find((entry) => entry.what === 'reply' && entry.id === id);
      const closed = happened.list.find(({ what }) => what === 'close');
      return reply ?? (closed && { id, closed });
    }, `reply ${id}`);
  }

  async connect(request = {}) {
    const reply = await this.ask({ connect: request });
    this.result = reply.connect;
    return reply;
  }

  async subscribe(channel, options = {}) {
    const reply = await this.ask({ subscribe: { channel, ...options } });
    assert.ok(reply.subscribe, `${channel}: ${JSON.stringify(reply)}`);
    return reply.subscribe;
  }

  /** The same to all of them, so many at a time. */
  async subscribeAll(channels, atOnce = 100) {
    for (let from = 0; from < channels.length; from += atOnce) {
      const some = channels.slice(from, from + atOnce);
      this.wire.send(...some.map((channel) => ({ id: ++this.lastId, subscribe: { channel } })));
      const reply = await this.replyOrEnd(this.lastId);
      assert.ok(reply.subscribe, JSON.stringify(reply));
    }
  }

  /** Resolves with the pushes of this kind when there are so many, which may be thousands. */
  async pushesUpTo(kind, count, patienceMs) {
    const { happened } = this.wire;
    const enough = () => happened.list.length > count && this.pushes(kind).length >= count && this.pushes(kind);
    return await happened.until(enough, `${count} pushes ${kind}`, patienceMs);
  }

  /** What is in them, with the `channel` of the push; the one that a pattern matched is `matched`. */
  pushes(kind) {
    const found = this.wire.happened.list.filter(({ push }) => push?.[kind]).map(({ push }) => [push, push[kind]]);
    return found.map(([{ channel }, { channel: matched, ...told }]) => ({ channel, ...told, ...(matched && { matched }) }));
  }

  /** The `number`th push of this kind: what is in it, and its channel. */
  push(kind, number = 1, patienceMs) {
    return this.wire.happened.until(() => this.pushes(kind)[number - 1], `push ${kind}, number ${number}`, patienceMs);
  }

  /** [code, reason] */
  async closed(patienceMs) {
    const { code, reason } = await this.wire.closed(patienceMs);
    return [code, reason];
  }

  /** All that was sent to it before now has arrived. */
  async settle() {
    const reply = await this.ask({ unsubscribe: { channel: 'none' } });
    assert.ok(reply.unsubscribe, JSON.stringify(reply));
  }
}

/** The error of a reply: its code. */
export const codeOf = (reply) => reply.error?.code ?? assert.fail(JSON.stringify(reply));
