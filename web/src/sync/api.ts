import { Problem, problemOf } from './problem.js';
import type { Tokens } from './tokens.js';
import type {
  Ban,
  Chat,
  Config,
  CursorAnswer,
  Facade,
  Found,
  Group,
  LogEvent,
  Me,
  MeChange,
  Member,
  Message,
  Page,
  Pin,
  Revision,
  Role,
  RoomInfo,
  Session,
  SignedIn,
  Snapshot,
  User,
  UserEvent,
  View,
} from './types.js';

const CALL_TIMEOUT_MS = 15_000;

export interface EventsPage {
  items: LogEvent[];
  has_more: boolean;
  epoch: string;
}

export interface ChangesPage {
  items: UserEvent[];
  has_more: boolean;
  next?: string;
  until: string;
  epoch: string;
}

interface CallOptions {
  /** Takes the place of the usual time limit. */
  signal?: AbortSignal;
  /** The change is meant for this version of the thing (If-Match), and refused when it has another by now. */
  version?: number;
}

/** The HTTP API, one method per call. Every method throws Problem or SignedOut (problem.ts). */
export class Api {
  constructor(
    readonly tokens: Tokens,
    private readonly base = '/v1',
  ) {}

  config(): Promise<Config> {
    return this.open('GET', '/config');
  }

  /** `device`: what the session is called in the list of one's devices. */
  async register(login: string, password: string, name: string, device?: string): Promise<User> {
    const body = { login, password, name, device, cookie: this.tokens.useCookie };
    return this.signedIn(await this.open<SignedIn>('POST', '/users', body));
  }

  async logIn(login: string, password: string, device?: string): Promise<User> {
    const body = { login, password, device, cookie: this.tokens.useCookie };
    return this.signedIn(await this.open<SignedIn>('POST', '/sessions', body));
  }

  async logOut(): Promise<void> {
    await this.call('DELETE', '/sessions/current');
  }

  me(): Promise<Me> {
    return this.call('GET', '/me');
  }

  /** 412 `version_changed`: it is not at `version` any more, another device has changed it. */
  changeMe(change: MeChange, version: number): Promise<Me> {
    return this.call('PATCH', '/me', change, { version });
  }

  changeEmail(email: string, password: string): Promise<Me> {
    return this.call('POST', '/me/email', { email, password });
  }

  /** Ends all other sessions. */
  changePassword(old: string, wanted: string): Promise<void> {
    return this.call('POST', '/me/password', { old, new: wanted });
  }

  sessions(): Promise<Page<Session>> {
    return this.call('GET', '/sessions');
  }

  endSession(session: string): Promise<void> {
    return this.call('DELETE', `/sessions/${session}`);
  }

  /** People whose login or name begins with `q`. `signal` takes the place of the usual time limit. */
  findUsers(q: string, limit: number, signal: AbortSignal): Promise<Page<User>> {
    return this.call('GET', `/users${query({ q, limit })}`, undefined, { signal });
  }

  /** With the fields that one may see. */
  user(user: string): Promise<User> {
    return this.call('GET', `/users/${encodeURIComponent(user)}`);
  }

  /** Without `since`: only `until`, to begin with. */
  changes(since?: string, after?: string): Promise<ChangesPage> {
    return this.call('GET', `/me/changes${query({ since, after })}`);
  }

  chats(after?: string, archived?: boolean): Promise<Page<Chat>> {
    return this.call('GET', `/rooms${query({ after, archived: archived ? 'true' : undefined })}`);
  }

  /** Those whose name contains `q`; without it, all of them. */
  publicRooms(q?: string, after?: string): Promise<Page<RoomInfo>> {
    return this.call('GET', `/rooms/public${query({ q: q || undefined, after })}`);
  }

  createRoom(kind: 'private' | 'public', name: string, slug?: string): Promise<RoomInfo> {
    return this.call('POST', '/rooms', { kind, name, slug });
  }

  directRoom(userId: string): Promise<RoomInfo> {
    return this.call('POST', '/rooms/direct', { user_id: userId });
  }

  /** `name`: what the room is called if it is made by this. */
  joinBySlug(slug: string, name?: string): Promise<RoomInfo> {
    return this.call('PUT', `/rooms/by-slug/${encodeURIComponent(slug)}`, { name });
  }

  join(room: string): Promise<Member> {
    return this.call('POST', `/rooms/${room}/join`, {});
  }

  leave(room: string): Promise<void> {
    return this.call('POST', `/rooms/${room}/leave`, {});
  }

  snapshot(room: string, messages = 50): Promise<Snapshot | Facade> {
    return this.call('GET', `/rooms/${room}${query({ messages })}`);
  }

  members(room: string, after?: string, limit = 200): Promise<Page<Member>> {
    return this.call('GET', `/rooms/${room}/members${query({ after, limit })}`);
  }

  /** 412 `version_changed`: somebody else has changed it since. */
  changeRoom(room: string, change: { name?: string; about?: string; slug?: string }, version: number): Promise<RoomInfo> {
    return this.call('PATCH', `/rooms/${room}`, change, { version });
  }

  deleteRoom(room: string, version: number): Promise<void> {
    return this.call('DELETE', `/rooms/${room}`, undefined, { version });
  }

  /** `silent_until` in the past: they may write again. */
  changeMember(room: string, user: string, change: { role?: Role; silent_until?: string }): Promise<Member> {
    return this.call('PUT', `/rooms/${room}/members/${encodeURIComponent(user)}`, change);
  }

  addMember(room: string, user: string): Promise<Member> {
    return this.call('PUT', `/rooms/${room}/members/${encodeURIComponent(user)}`, {});
  }

  removeMember(room: string, user: string): Promise<void> {
    return this.call('DELETE', `/rooms/${room}/members/${encodeURIComponent(user)}`);
  }

  bans(room: string, after?: string): Promise<Page<Ban>> {
    return this.call('GET', `/rooms/${room}/bans${query({ after })}`);
  }

  /** Who is a member is removed, too. Without `until`: for good. */
  ban(room: string, user: string, ban: { until?: string; reason?: string }): Promise<Ban> {
    return this.call('PUT', `/rooms/${room}/bans/${encodeURIComponent(user)}`, ban);
  }

  unban(room: string, user: string): Promise<void> {
    return this.call('DELETE', `/rooms/${room}/bans/${encodeURIComponent(user)}`);
  }

  messagesBefore(room: string, before: number, limit?: number): Promise<Page<Message>> {
    return this.call('GET', `/rooms/${room}/messages${query({ before, limit })}`);
  }

  messagesAround(room: string, around: number, limit?: number): Promise<Page<Message>> {
    return this.call('GET', `/rooms/${room}/messages${query({ around, limit })}`);
  }

  eventsAfter(room: string, after: number, limit: number): Promise<EventsPage> {
    return this.call('GET', `/rooms/${room}/events${query({ after, limit })}`);
  }

  send(room: string, nonce: string, text: string, replyTo?: number): Promise<LogEvent> {
    return this.call('POST', `/rooms/${room}/messages`, { text, nonce, reply_to: replyTo });
  }

  /** Passes a message on to `room`; under its nonce once, however often it is sent. */
  forward(room: string, nonce: string, original: Pick<Message, 'room_id' | 'seq'>): Promise<LogEvent> {
    const forward = { room_id: original.room_id, seq: original.seq };
    return this.call('POST', `/rooms/${room}/messages`, { nonce, forward });
  }

  /** Newest first; `after` is the `next` of the page before. */
  search(q: string, room?: string, after?: string, signal?: AbortSignal): Promise<Page<Found>> {
    return this.call('GET', `/search/messages${query({ q, room, after, limit: 30 })}`, undefined, { signal });
  }

  message(room: string, seq: number): Promise<Message> {
    return this.call('GET', `/rooms/${room}/messages/${seq}`);
  }

  editMessage(room: string, seq: number, text: string): Promise<Message> {
    return this.call('PATCH', `/rooms/${room}/messages/${seq}`, { text });
  }

  deleteMessage(room: string, seq: number): Promise<void> {
    return this.call('DELETE', `/rooms/${room}/messages/${seq}`);
  }

  revisions(room: string, seq: number, after?: string): Promise<Page<Revision>> {
    return this.call('GET', `/rooms/${room}/messages/${seq}/revisions${query({ after })}`);
  }

  react(room: string, seq: number, emoji: string): Promise<void> {
    return this.call('PUT', `/rooms/${room}/messages/${seq}/reactions/${encodeURIComponent(emoji)}`);
  }

  unreact(room: string, seq: number, emoji: string): Promise<void> {
    return this.call('DELETE', `/rooms/${room}/messages/${seq}/reactions/${encodeURIComponent(emoji)}`);
  }

  /** Who has reacted so. */
  reacted(room: string, seq: number, emoji: string, after?: string): Promise<Page<User>> {
    const path = `/rooms/${room}/messages/${seq}/reactions/${encodeURIComponent(emoji)}`;
    return this.call('GET', `${path}${query({ after })}`);
  }

  pin(room: string, seq: number): Promise<void> {
    return this.call('PUT', `/rooms/${room}/messages/${seq}/pin`);
  }

  unpin(room: string, seq: number): Promise<void> {
    return this.call('DELETE', `/rooms/${room}/messages/${seq}/pin`);
  }

  pins(room: string): Promise<Page<Pin>> {
    return this.call('GET', `/rooms/${room}/pins`);
  }

  moveCursor(room: string, seq: number): Promise<CursorAnswer> {
    return this.call('PUT', `/rooms/${room}/cursor`, { seq });
  }

  setNotify(room: string, notify: View['notify']): Promise<View & { changed_at: string }> {
    return this.call('PUT', `/rooms/${room}/notify`, notify);
  }

  /** Put away, or pinned to the top. */
  setView(room: string, what: 'archive' | 'chat-pin', on: boolean): Promise<void> {
    return this.call(on ? 'PUT' : 'DELETE', `/rooms/${room}/${what}`);
  }

  contacts(after?: string): Promise<Page<User>> {
    return this.call('GET', `/me/contacts${query({ after })}`);
  }

  setContact(user: string, on: boolean): Promise<void> {
    return this.call(on ? 'PUT' : 'DELETE', `/me/contacts/${encodeURIComponent(user)}`);
  }

  blocks(after?: string): Promise<Page<User>> {
    return this.call('GET', `/me/blocks${query({ after })}`);
  }

  setBlock(user: string, on: boolean): Promise<void> {
    return this.call(on ? 'PUT' : 'DELETE', `/me/blocks/${encodeURIComponent(user)}`);
  }

  groups(after?: string): Promise<Page<Group>> {
    return this.call('GET', `/groups${query({ after })}`);
  }

  publicGroups(q?: string, after?: string): Promise<Page<Group>> {
    return this.call('GET', `/groups/public${query({ q: q || undefined, after })}`);
  }

  group(group: string): Promise<Group> {
    return this.call('GET', `/groups/${group}`);
  }

  createGroup(name: string, visibility: Group['visibility'], about?: string): Promise<Group> {
    return this.call('POST', '/groups', { name, visibility, about: about || undefined });
  }

  changeGroup(group: string, change: { name?: string; about?: string }, version: number): Promise<Group> {
    return this.call('PATCH', `/groups/${group}`, change, { version });
  }

  deleteGroup(group: string, version: number): Promise<void> {
    return this.call('DELETE', `/groups/${group}`, undefined, { version });
  }

  joinGroup(group: string): Promise<Member> {
    return this.call('POST', `/groups/${group}/join`, {});
  }

  leaveGroup(group: string): Promise<void> {
    return this.call('POST', `/groups/${group}/leave`, {});
  }

  groupMembers(group: string, after?: string): Promise<Page<Member>> {
    return this.call('GET', `/groups/${group}/members${query({ after })}`);
  }

  /** Adds somebody, or gives a member another role. */
  setGroupMember(group: string, user: string, role?: Role): Promise<Member> {
    return this.call('PUT', `/groups/${group}/members/${encodeURIComponent(user)}`, { role });
  }

  removeGroupMember(group: string, user: string): Promise<void> {
    return this.call('DELETE', `/groups/${group}/members/${encodeURIComponent(user)}`);
  }

  addTopic(group: string, name: string, version: number): Promise<unknown> {
    return this.call('POST', `/groups/${group}/topics`, { name }, { version });
  }

  deleteTopic(group: string, topic: string, version: number): Promise<void> {
    return this.call('DELETE', `/groups/${group}/topics/${topic}`, undefined, { version });
  }

  private signedIn(answer: SignedIn): User {
    this.tokens.accept(answer.tokens);
    return answer.user;
  }

  /** A call that needs no session. */
  private async open<T>(method: string, path: string, body?: unknown): Promise<T> {
    return read<T>(await this.fetch(method, path, body));
  }

  /** A call with the access token; a refused token is renewed once. */
  private async call<T>(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<T> {
    const token = this.tokens.current || (await this.tokens.renew(''));
    let answer = await this.fetch(method, path, body, token, options);
    if (answer.status === 401)
      answer = await this.fetch(method, path, body, await this.tokens.renew(token), options);
    return read<T>(answer);
  }

  private async fetch(
    method: string,
    path: string,
    body?: unknown,
    token?: string,
    { signal = AbortSignal.timeout(CALL_TIMEOUT_MS), version }: CallOptions = {},
  ): Promise<Response> {
    const headers: Record<string, string> = {};
    if (token !== undefined) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (version !== undefined) headers['If-Match'] = `"${version}"`;
    try {
      return await fetch(this.base + path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
      });
    } catch {
      throw new Problem(0, 'unreachable', 'no answer');
    }
  }
}

async function read<T>(answer: Response): Promise<T> {
  if (!answer.ok) throw await problemOf(answer);
  if (answer.status === 204) return undefined as T;
  try {
    return (await answer.json()) as T;
  } catch {
    throw new Problem(0, 'cut_short', 'the answer was cut short');
  }
}

function query(values: Record<string, string | number | undefined>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  if (given.length === 0) return '';
  return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}
