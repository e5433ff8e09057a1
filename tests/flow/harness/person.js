import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Device } from './device.js';
import { Refused, exchange } from './http.js';

export const nonce = () => randomBytes(12).toString('hex');

export const idOf = (thing) => (typeof thing === 'string' ? thing : thing.id);

const reactionOf = (room, seq, emoji) => `/rooms/${idOf(room)}/messages/${seq}/reactions/${encodeURIComponent(emoji)}`;

/** Somebody with an account: calls the API with the own tokens, and connects devices. */
export class Person {
  /** `api`: which of the APIs this person's calls go to, unless a call says otherwise. */
  constructor(chat, { user, session, tokens, password }, api = 0) {
    Object.assign(this, { chat, user, session, tokens, password, api });
    this.id = user.id;
    this.login = user.login;
  }

  /** The same person and session, through another API. */
  via(api) {
    return new Person(this.chat, this, api);
  }

  /** The whole answer, whatever it is. */
  ask(method, path, body, { api = this.api, origin = this.chat.servers.apis[api].origin, headers = {}, token = this.tokens.access_token } = {}) {
    return exchange(origin, method, `/v1${path}`, {
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  }

  /** The body of a 2xx answer; anything else is thrown as Refused. */
  async call(method, path, body, options) {
    const answer = await this.ask(method, path, body, options);
    if (answer.status < 200 || answer.status > 299) throw new Refused(method, path, answer);
    return answer.body;
  }

  get = (path, options) => this.call('GET', path, undefined, options);

  // ---- rooms ----

  createRoom(name, { kind = 'private', members, slug, ...options } = {}) {
    return this.call('POST', '/rooms', { kind, name, members: members?.map(idOf), slug }, options);
  }

  direct = (person, options) => this.call('POST', '/rooms/direct', { user_id: idOf(person) }, options);
  join = (room, options) => this.call('POST', `/rooms/${idOf(room)}/join`, {}, options);
  leave = (room, options) => this.call('POST', `/rooms/${idOf(room)}/leave`, {}, options);
  add = (room, person, options) => this.call('PUT', `/rooms/${idOf(room)}/members/${idOf(person)}`, {}, options);
  /** `change`: {role, silent_until} */
  changeMember = (room, person, change, options) => this.call('PUT', `/rooms/${idOf(room)}/members/${idOf(person)}`, change, options);
  changeRoom = (room, change, { version = '*', ...options } = {}) =>
    this.call('PATCH', `/rooms/${idOf(room)}`, change, { headers: { 'if-match': version === '*' ? '*' : `"${version}"` }, ...options });
  deleteRoom = (room, { version = '*', ...options } = {}) =>
    this.call('DELETE', `/rooms/${idOf(room)}`, undefined, { headers: { 'if-match': version === '*' ? '*' : `"${version}"` }, ...options });
  kick = (room, person, options) => this.call('DELETE', `/rooms/${idOf(room)}/members/${idOf(person)}`, undefined, options);
  ban = (room, person, { until, reason, ...options } = {}) => this.call('PUT', `/rooms/${idOf(room)}/bans/${idOf(person)}`, { until, reason }, options);
  unban = (room, person, options) => this.call('DELETE', `/rooms/${idOf(room)}/bans/${idOf(person)}`, undefined, options);
  snapshot = (room, options) => this.get(`/rooms/${idOf(room)}`, options);

  // ---- messages ----

  /** Sends; answers the Event. */
  post(room, text, { nonce: given = nonce(), reply_to, ...options } = {}) {
    return this.call('POST', `/rooms/${idOf(room)}/messages`, { text, nonce: given, reply_to }, options);
  }

  /** Passes on message `seq` of the room `from`. */
  forward(room, from, seq, { nonce: given = nonce(), ...options } = {}) {
    return this.call('POST', `/rooms/${idOf(room)}/messages`, { nonce: given, forward: { room_id: idOf(from), seq } }, options);
  }

  message = (room, seq, options) => this.get(`/rooms/${idOf(room)}/messages/${seq}`, options);
  edit = (room, seq, text, options) => this.call('PATCH', `/rooms/${idOf(room)}/messages/${seq}`, { text }, options);
  react = (room, seq, emoji, options) => this.call('PUT', reactionOf(room, seq, emoji), undefined, options);
  unreact = (room, seq, emoji, options) => this.call('DELETE', reactionOf(room, seq, emoji), undefined, options);
  reacted = (room, seq, emoji, query = '', options) => this.get(`${reactionOf(room, seq, emoji)}${query}`, options);
  pin = (room, seq, options) => this.call('PUT', `/rooms/${idOf(room)}/messages/${seq}/pin`, undefined, options);
  unpin = (room, seq, options) => this.call('DELETE', `/rooms/${idOf(room)}/messages/${seq}/pin`, undefined, options);
  pins = (room, options) => this.get(`/rooms/${idOf(room)}/pins`, options);
  remove = (room, seq, options) => this.call('DELETE', `/rooms/${idOf(room)}/messages/${seq}`, undefined, options);

  messages = (room, query = '', options) => this.get(`/rooms/${idOf(room)}/messages${query && `?${query}`}`, options);

  /** The room's log after `after`, all pages of it. */
  async log(room, after = 0, options) {
    const items = [];
    for (let page = { has_more: true }; page.has_more; ) {
      page = await this.get(`/rooms/${idOf(room)}/events?after=${items.at(-1)?.seq ?? after}&limit=1000`, options);
      assert.ok(!page.has_more || page.items.length > 0, 'a page that promises more is not empty');
      items.push(...page.items);
    }
    return items;
  }

  /** Texts of the room's messages, oldest first. */
  async texts(room, options) {
    return (await this.log(room, 0, options)).filter(({ kind }) => kind === 'message').map(({ message }) => message.text);
  }

  moveCursor = (room, seq, { force, ...options } = {}) =>
    this.call('PUT', `/rooms/${idOf(room)}/cursor`, { seq, force }, options);

  /** The chat list, all pages of it. */
  async chats({ limit = 100, ...options } = {}) {
    const items = [];
    for (let page, next; page?.has_more ?? true; next = page.next) {
      page = await this.get(`/rooms?limit=${limit}${next === undefined ? '' : `&after=${encodeURIComponent(next)}`}`, options);
      assert.ok(!page.has_more || (page.items.length > 0 && page.next), 'a page that promises more says how to get it');
      items.push(...page.items);
    }
    return items;
  }

  /** The line of one room in the chat list. */
  async chatOf(room, options) {
    return (await this.chats(options)).find((chat) => chat.room.id === idOf(room));
  }

  // ---- sessions ----

  /** A new session of the same person, as another Person. */
  async signInAgain({ device = 'another', api = this.api } = {}) {
    const body = { login: this.login, password: this.password, device };
    const answer = await this.call('POST', '/sessions', body, { api, token: null });
    return new Person(this.chat, { ...answer, password: this.password }, api);
  }

  /** Takes the next refresh token; answers the new tokens. */
  async refresh(options) {
    const body = { refresh_token: this.tokens.refresh_token };
    const { tokens } = await this.call('POST', '/sessions/refresh', body, { token: null, ...options });
    return (this.tokens = tokens);
  }

  async changePassword(to, { from = this.password, ...options } = {}) {
    await this.call('POST', '/me/password', { old: from, new: to }, options);
    this.password = to;
  }

  signOut = (options) => this.call('DELETE', '/sessions/current', undefined, options);

  // ---- sockets ----

  /**
   * A device of this person, connected to one gateway and subscribed to `rooms`.
   * `token`: instead of the person's own.
   */
  async connect({ gateway = 0, rooms = [], ...options } = {}) {
    const device = new Device(this, { gateway, ...options });
    this.chat.devices.push(device);
    await device.connected();
    await Promise.all(rooms.map((room) => device.subscribe(room)));
    return device;
  }
}
