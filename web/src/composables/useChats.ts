import { computed } from 'vue';
import type { ChatLine } from '../sync';
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

/** What a room is called by those in it. */
export function roomTitle({ room }: Pick<ChatLine, 'room'>): string {
  return room.peer?.name || room.name || room.slug || 'Direct chat';
}
