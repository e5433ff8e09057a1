import type { LogEvent, Message } from '../sync';

const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'short' });
const date = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const longDate = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const dateTime = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit' });

const DAY_MS = 86_400_000;

export const clockTime = (time: string): string => clock.format(new Date(time));
export const shortDateTime = (time: string): string => dateTime.format(new Date(time));
export const fullTime = (time: string): string => full.format(new Date(time));

/** The calendar days between then and now. */
function daysAgo(time: string): number {
  const midnight = (day: Date) => new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
  return Math.round((midnight(new Date()) - midnight(new Date(time))) / DAY_MS);
}

/** For the chat list: 14:05, Tue, 3 May. */
export function shortTime(time: string): string {
  const days = daysAgo(time);
  if (days <= 0) return clockTime(time);
  return (days < 7 ? weekday : date).format(new Date(time));
}

/** For the line between two days. */
export function dayName(time: string): string {
  const days = daysAgo(time);
  if (days === 0) return 'Today';
  return days === 1 ? 'Yesterday' : longDate.format(new Date(time));
}

const HOUR_MS = 3_600_000;

/** "just now", "12 min ago", "3 h ago", "on Tue", "on 3 May". */
export function timeAgo(time: string): string {
  const ms = Date.now() - Date.parse(time);
  if (ms < 60_000) return 'just now';
  if (ms < HOUR_MS) return `${Math.floor(ms / 60_000)} min ago`;
  return ms < DAY_MS ? `${Math.floor(ms / HOUR_MS)} h ago` : `on ${shortTime(time)}`;
}

/** A message in one line of a list. */
export function excerpt(message: Message | undefined, myId: string, isDirect: boolean): string {
  if (message === undefined) return 'No messages yet';
  const text = message.deleted_at !== undefined ? 'Message deleted' : (message.text ?? '');
  if (message.sender.id === myId) return `You: ${text}`;
  return isDirect ? text : `${message.sender.name}: ${text}`;
}

const ROLE_WORDS = { owner: 'the owner now', admin: 'an admin now', moderator: 'a moderator now', member: 'a member who may write' };

/** A small line about a member or the room. */
export function noteText({ kind, sender, member, seq, created_at }: LogEvent): string {
  const who = sender?.name ?? 'Somebody';
  const whom = member?.user.name ?? 'somebody';
  const isSelf = sender !== undefined && sender.id === member?.user.id;
  switch (kind) {
    case 'room':
      return seq === 1 ? `${who} created this room` : `${who} changed the room`;
    case 'join':
      return isSelf ? `${who} joined` : `${who} added ${whom}`;
    case 'leave':
      return `${member?.user.name ?? who} left`;
    case 'kick':
      return `${who} removed ${whom}`;
    case 'ban':
      return `${who} banned ${whom}`;
    case 'unban':
      return `${who} lifted the ban of ${whom}`;
    default:
      if (Date.parse(member?.silent_until ?? '') > Date.parse(created_at)) return `${who} silenced ${whom}`;
      return `${whom} is ${ROLE_WORDS[member?.role ?? 'member']}`;
  }
}

/** Why a room that was on screen is not there; `reason` as `room_removed` gives it. */
export function goneText(reason: string): string {
  if (reason === 'kick') return 'You were removed from this room.';
  if (reason === 'room_deleted') return 'This room was deleted.';
  if (reason === 'ban') return 'You were banned from this room.';
  if (reason === 'leave') return 'You have left this room.';
  return 'This room does not exist, or you are no longer a member of it.';
}

/** "Ada", "Ada and Bob", "Ada, Bob and 2 others". */
export function nameList(names: string[]): string {
  if (names.length <= 1) return names[0] ?? '';
  const shown = names.length > 3 ? [...names.slice(0, 2), `${names.length - 2} others`] : names;
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** Cuts text where the hits of a search begin and end; hits that make no sense are passed over. */
export function markedParts(text: string, hits: [number, number][]): { text: string; isHit: boolean }[] {
  const parts: { text: string; isHit: boolean }[] = [];
  let end = 0;
  for (const [from, to] of hits) {
    if (from < end || to <= from || to > text.length) continue;
    if (from > end) parts.push({ text: text.slice(end, from), isHit: false });
    parts.push({ text: text.slice(from, to), isHit: true });
    end = to;
  }
  if (end < text.length) parts.push({ text: text.slice(end), isHit: false });
  return parts;
}

export interface Part {
  text: string;
  href?: string;
  mention?: 'me' | 'other';
}

/** Whom a mention may name: logins in small letters, and one's own. */
export interface Mentionable {
  myId: string;
  mine: string;
  has(login: string): boolean;
}

const NOBODY: Mentionable = { myId: '', mine: '', has: () => false };
const MARKS = /https?:\/\/[^\s<>"]*[^\s<>"'.,;:!?)\]}]|(?<![\w@.-])@[a-z0-9_.-]*[a-z0-9_-]/gi;

/** Cuts text into plain parts, web addresses (only http and https ever become links) and mentions of people who are there. */
export function textParts(text: string, people = NOBODY): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const match of text.matchAll(MARKS)) {
    const part = markOf(match[0], people);
    if (part === null) continue;
    if (match.index > end) parts.push({ text: text.slice(end, match.index) });
    parts.push(part);
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

function markOf(text: string, people: Mentionable): Part | null {
  if (!text.startsWith('@')) return { text, href: text };
  const login = text.slice(1).toLowerCase();
  if (login === people.mine || login === 'room') return { text, mention: 'me' };
  return people.has(login) ? { text, mention: 'other' } : null;
}
