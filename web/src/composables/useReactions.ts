import { reactive } from 'vue';
import type { Message, Reaction } from '../sync';
import { useSession } from './useSession';
import { useToasts } from './useToasts';

/** Reactions of one room's messages: drawn as soon as they are pressed, taken back when the server refuses. */
export function useReactions(roomId: string) {
  const { api } = useSession();
  const { complain } = useToasts();
  const wishes = reactive(new Map<string, boolean>()); /* "seq emoji" -> whether one's own is to be there */

  const has = (message: Message, emoji: string): boolean => message.reactions?.some((each) => each.emoji === emoji && each.mine) ?? false;

  /** With one's own as one wants them. */
  function shown(message: Message): Reaction[] {
    let list = message.reactions ?? [];
    for (const [key, on] of wishes) {
      const [seq, emoji] = key.split(' ') as [string, string];
      if (Number(seq) !== message.seq || has(message, emoji) === on) continue;
      const known = list.find((each) => each.emoji === emoji);
      if (known === undefined) list = [...list, { emoji, count: 1, mine: true }];
      else list = list.map((each) => (each === known ? { emoji, mine: on, count: each.count + (on ? 1 : -1) } : each));
    }
    return list.filter(({ count }) => count > 0);
  }

  async function toggle(message: Message, emoji: string): Promise<void> {
    const key = `${message.seq} ${emoji}`;
    const on = !(wishes.get(key) ?? has(message, emoji));
    wishes.set(key, on);
    try {
      await (on ? api.react(roomId, message.seq, emoji) : api.unreact(roomId, message.seq, emoji));
    } catch (problem) {
      if (wishes.get(key) === on) wishes.delete(key);
      complain(on ? 'Not reacted' : 'The reaction is still there', problem);
    }
  }

  /** The log says how it is: a wish that came true is none any more. */
  function settle(messages: Iterable<Message>): void {
    if (wishes.size === 0) return;
    for (const message of messages)
      for (const [key, on] of wishes) {
        const [seq, emoji] = key.split(' ') as [string, string];
        if (Number(seq) === message.seq && has(message, emoji) === on) wishes.delete(key);
      }
  }

  const whoReacted = async (seq: number, emoji: string): Promise<string[]> =>
    (await api.reacted(roomId, seq, emoji)).items.map(({ name }) => name);

  return { shown, toggle, settle, whoReacted };
}
