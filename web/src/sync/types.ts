/** The objects of the API as they cross the wire; docs of each are in the API's OpenAPI file. */

export interface User {
  id: string;
  login: string;
  name: string;
  about?: string;
  avatar_url?: string;
  is_bot?: boolean;
  version?: number;
  /** Those that the reader may see; where rooms and events name a person there are none. */
  fields?: Record<string, string>;
}

export type Visibility = 'everyone' | 'contacts' | 'nobody';

/** Oneself, as nobody else sees it. */
export interface Me extends User {
  email?: string;
  email_verified?: boolean;
  created_at?: string;
  /** Of fields; one that is not named is for everyone. */
  field_visibility?: Record<string, Visibility>;
  who_may_write?: 'anyone' | 'contacts';
}

export type MeChange = Partial<Pick<Me, 'name' | 'about' | 'fields' | 'field_visibility' | 'who_may_write'>>;

/** A signed-in device. */
export interface Session {
  id: string;
  device?: string;
  created_at: string;
  last_used_at: string;
  ip?: string;
  is_current: boolean;
}

export interface Ban {
  user: User;
  until?: string;
  reason?: string;
  created_at: string;
}

export interface Sender {
  id: string;
  name: string;
  avatar_url?: string;
}

export interface TokenSet {
  access_token: string;
  expires_at: string;
  /** Absent when it is in a cookie. */
  refresh_token?: string;
}

export interface SignedIn {
  user: User;
  tokens: TokenSet;
}

export interface Config {
  name?: string;
  version?: string;
  gateways: string[];
  limits?: { message_bytes?: number; profile_fields?: number; profile_field_chars?: number };
}

export type RoomKind = 'direct' | 'private' | 'public';

export interface RoomInfo {
  id: string;
  kind: RoomKind;
  name?: string;
  slug?: string;
  about?: string;
  group_id?: string;
  topic_id?: string;
  position?: number;
  open_to_group?: boolean;
  created_at: string;
  member_count?: number;
  last_seq: number;
  message_no: number;
  version?: number;
  peer?: User;
}

/** Of an event or a line: all settings of a room as they are now, or that it was deleted. */
export type RoomSettings = Pick<
  RoomInfo,
  'id' | 'kind' | 'name' | 'slug' | 'about' | 'group_id' | 'topic_id' | 'position' | 'open_to_group' | 'version'
> & { deleted_at?: string };

export type Role = 'owner' | 'admin' | 'moderator' | 'member';

export interface Member {
  user: User;
  role: Role;
  silent_until?: string;
  joined_at?: string;
}

export interface Reaction {
  emoji: string;
  count: number;
  /** Absent where everybody is told the same. */
  mine?: boolean;
}

/** What an event says of a reaction: `count` is how many there are now. */
export interface Reacted {
  emoji: string;
  user_id: string;
  added: boolean;
  count: number;
}

export interface Message {
  room_id: string;
  seq: number;
  message_no: number;
  sender: Sender;
  nonce?: string;
  text?: string;
  reply_to?: { seq: number; sender?: Sender; excerpt?: string };
  forward?: { room_id: string; seq: number; sender: Sender; created_at: string };
  mentions?: string[];
  mentions_room?: boolean;
  reactions?: Reaction[];
  version?: number;
  created_at: string;
  edited_at?: string;
  deleted_at?: string;
}

/** What a search found: `hits` are from and to of the excerpt's text, as slice() takes them. */
export interface Found {
  message: Message;
  room: RoomInfo;
  excerpt: { text: string; hits: [number, number][] };
}

/** What a message said before an edit. */
export interface Revision {
  version: number;
  text: string;
  created_at: string;
}

export interface Pin {
  message: Message;
  pinned_by: Sender;
  pinned_at: string;
}

/** One row of a room's log. Kinds that this client does not know move the position and nothing else. */
export interface LogEvent {
  room_id: string;
  seq: number;
  kind: string;
  sender?: Sender;
  target_seq?: number;
  message_no: number;
  created_at: string;
  message?: Message;
  reaction?: Reacted;
  member?: { user: User; role?: Role; silent_until?: string; until?: string; reason?: string };
  room?: RoomSettings;
}

export interface Topic {
  id: string;
  name: string;
  position: number;
}

/** People who belong together. `role` is one's own; absent when one is no member. */
export interface Group {
  id: string;
  name: string;
  slug?: string;
  about: string;
  visibility: 'private' | 'public';
  member_count: number;
  topics: Topic[];
  version: number;
  role?: Role;
}

export interface Cursor {
  seq: number;
  message_no: number;
}

/** How one sees a room oneself. */
export interface View {
  notify: { level: 'all' | 'mentions' | 'none'; muted_until?: string };
  archived: boolean;
  pinned: boolean;
}

/** A line of the chat list. */
export interface Chat extends Partial<View> {
  room: RoomInfo;
  last_message?: Message;
  cursor: Cursor;
  mentions?: number;
}

export interface Position {
  offset: number;
  epoch: string;
}

/** What strangers see of a public room. */
export interface Facade {
  room: RoomInfo;
}

export interface Snapshot extends Facade, Partial<View> {
  me: Member;
  members: Member[];
  messages: Message[];
  cursor: Cursor;
  as_of: Position;
}

export interface Page<T> {
  items: T[];
  has_more: boolean;
  next?: string;
}

/** What arrives on `chats`. */
export type ChatsLine =
  | { type: 'stale' }
  | {
      type: 'chat';
      room_id: string;
      last_seq: number;
      message_no: number;
      last_message?: Message;
      mentions?: string[];
      mentions_room?: boolean;
      room?: RoomSettings;
    };

/** What one has made of another person; the newest `changed_at` counts. */
export interface Relation {
  user_id: string;
  contact: boolean;
  blocked: boolean;
  changed_at: string;
}

/** Is somebody online; the newest `changed_at` counts. */
export interface Status {
  user_id: string;
  online?: boolean; /* absent: not known */
  last_seen_at?: string;
  changed_at?: string;
}

/** What arrives on `status:{user}`. */
export type StatusEvent = ({ type: 'status' } & Status) | { type: 'profile'; user_id: string; user: User };

/** What arrives on `user:{user}`, and the items of `/me/changes`: absolute, newest `changed_at` wins. */
export interface UserEvent extends Partial<View> {
  type: string;
  room_id?: string;
  changed_at: string;
  cursor?: Cursor;
  mentions?: number;
  reason?: string;
  /** Of `contact`. */
  user_id?: string;
  contact?: boolean;
  blocked?: boolean;
}

export interface CursorAnswer {
  cursor: Cursor;
  mentions?: number;
  changed_at?: string;
}
