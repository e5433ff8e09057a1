import { computed } from 'vue';
import type { ChatLine, User } from '../sync';
import { useClient } from './useSession';
import { useSignal } from './useSignal';

/** The chat list and what one does to it. */
export function useChats() {
  const client = useClient();
  const { chats } = client;
  const view = useSignal(chats.changed, () => ({
    lines: chats.list(),
    unread: chats.unread,
    isReady: client.isReady,
    hasMore: client.hasMoreChats,
  }));
  return {
    lines: computed(() => view.value.lines),
    unread: computed(() => view.value.unread),
    isReady: computed(() => view.value.isReady),
    hasMore: computed(() => view.value.hasMore),
    loadMore: () => client.loadMoreChats(),
    leave: (id: string) => client.leaveRoom(id),
  };
}

/** People known from rooms whose name or login begins a word with `text`. */
export function useKnownPeople() {
  const client = useClient();
  return (text: string, except: (user: User) => boolean = () => false): User[] => {
    const wanted = text.trim().toLocaleLowerCase();
    return [...client.chats.people.values()]
      .filter((user) => user.id !== client.me.id && !except(user) && matches(user, wanted))
      .sort((a, b) => a.name.localeCompare(b.name))
      .slice(0, 8);
  };
}

/** What a room is called by those in it. */
export function roomTitle({ room }: Pick<ChatLine, 'room'>): string {
  return room.peer?.name || room.name || room.slug || 'Direct chat';
}

function matches({ name, login }: User, wanted: string): boolean {
  const words = [login, ...name.split(/\s+/)];
  return words.some((word) => word.toLocaleLowerCase().startsWith(wanted));
}
