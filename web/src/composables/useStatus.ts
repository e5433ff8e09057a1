import { computed, shallowRef, watch } from 'vue';
import type { Status } from '../sync';
import { timeAgo } from './text';
import { useClient } from './useSession';

/** Whether a person is online, followed as long as they are on screen; undefined: nobody is meant. */
export function useStatus(userId: () => string | undefined) {
  const { statuses } = useClient();
  const status = shallowRef<Status>();

  watch(
    userId,
    (id, _, onCleanup) => {
      status.value = undefined;
      if (id === undefined) return;
      const end = statuses.follow(id);
      status.value = statuses.get(id);
      const stop = statuses.changed.on((news) => news.user_id === id && (status.value = news));
      onCleanup(() => {
        stop();
        end();
      });
    },
    { immediate: true },
  );

  return {
    isOnline: computed(() => status.value?.online === true),
    words: computed(() => {
      if (status.value?.online === true) return 'online';
      const at = status.value?.last_seen_at;
      return at === undefined ? '' : `last seen ${timeAgo(at)}`;
    }),
  };
}
