import { computed } from 'vue';
import type { ChatLine } from '../sync';
import { isLoud } from './loud';
import { useClient } from './useSession';
import { useSignal } from './useSignal';

/** The chat list and what one does to it. */
export function useChats() {
  const client = useClient();
  const { chats } = client;
  const view = useSignal(chats.changed, () => ({
    lines: chats.list(),
    archived: chats.list(true),
    isReady: client.isReady,
    hasMore: client.hasMoreChats,
  }));
  return {
    lines: computed(() => view.value.lines),
    archived: computed(() => view.value.archived),
    /** What is unread and calls for attention. */
    unread: computed(() => view.value.lines.reduce((sum, line) => sum + (isLoud(line) ? line.unread : 0), 0)),
    find: (id: string) => [...view.value.lines, ...view.value.archived].find(({ room }) => room.id === id),
    loadArchived: () => client.loadArchived(),
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
