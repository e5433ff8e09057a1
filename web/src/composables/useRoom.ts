import { computed, onScopeDispose, ref, watch } from 'vue';
import type { LogEvent, Message } from '../sync';
import { layRows } from './rows';
import { useAttention } from './useAttention';
import { useClient } from './useSession';
import { useSignal } from './useSignal';

/** One open room, closed with the component that uses it. */
export function useRoom(id: string) {
  const client = useClient();
  const room = client.openRoom(id);
  onScopeDispose(() => client.closeRoom(room));

  const view = useSignal(room.changed, () => ({
    state: room.state,
    error: room.error,
    reason: room.reason,
    info: room.info,
    me: room.me,
    entries: room.timeline.entries(),
    pending: room.outbox.pending,
    isWaiting: room.outbox.isWaiting,
    top: room.timeline.top,
    hasOlder: room.timeline.hasOlder,
    loadingOlder: room.loadingOlder,
    members: [...room.members.values()],
    typing: room.live?.typing ?? [],
    viewers: room.live?.viewers ?? [],
    viewerCount: room.live?.viewerCount ?? 0,
  }));

  const { unreadAfter, isEndVisible, announcement } = useReading(room, () => view.value);
  const nameOf = (userId: string) => client.chats.people.get(userId)?.name ?? 'Somebody';

  return {
    room,
    view,
    isEndVisible,
    announcement,
    rows: computed(() => layRows(view.value.entries, view.value.pending, client.me.id, unreadAfter.value)),
    typingNames: computed(() => view.value.typing.map(nameOf)),
    viewerNames: computed(() => view.value.viewers.filter((user) => user !== client.me.id).map(nameOf)),
    send(text: string, replyTo?: Message) {
      unreadAfter.value = null;
      room.send(text, replyTo);
    },
  };
}

type Opened = ReturnType<ReturnType<typeof useClient>['openRoom']>;

/**
 * What counts as read: the end of the log is on screen and the person is looking. The divider stands
 * where they stopped, until they answer or stop somewhere else.
 */
function useReading(room: Opened, view: () => { state: string; top: number }) {
  const { chats, me } = useClient();
  const isAttentive = useAttention();
  const isEndVisible = ref(false); /* the list says so */
  const unreadAfter = ref<number | null>(null);
  const announcement = ref(''); /* the newest message of others, for screen readers */
  let isCaughtUp = false;

  watch(
    () => view().state,
    (state) => {
      const chat = chats.get(room.id);
      if (state === 'open' && chat !== undefined && chat.unread > 0) unreadAfter.value = chat.cursor.seq;
    },
  );

  watch(
    () => isAttentive.value && isEndVisible.value && view().state === 'open' && view().top,
    (top) => {
      if (top === false) return;
      isCaughtUp = true;
      room.seen();
    },
  );

  const stop = room.happened.on(({ kind, seq, message }: LogEvent) => {
    if (kind !== 'message' || message === undefined || message.sender.id === me.id) return;
    announcement.value = `${message.sender.name}: ${message.text ?? ''}`;
    if (isAttentive.value && isEndVisible.value) return;
    if (isCaughtUp) unreadAfter.value = seq - 1;
    isCaughtUp = false;
  });
  onScopeDispose(stop);

  return { unreadAfter, isEndVisible, announcement };
}
