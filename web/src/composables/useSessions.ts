import { computed, shallowRef } from 'vue';
import type { Session } from '../sync';
import { useAction } from './useAction';
import { useSession } from './useSession';

/** The devices that one is signed in on; this one first, then by their last use. */
export function useSessions() {
  const { api } = useSession();
  const action = useAction();
  const all = shallowRef<Session[] | null>(null);

  const sessions = computed(() =>
    [...(all.value ?? [])].sort((a, b) => Number(b.is_current) - Number(a.is_current) || (a.last_used_at < b.last_used_at ? 1 : -1)),
  );
  const others = computed(() => sessions.value.filter(({ is_current }) => !is_current));
  const load = () => action.run(async () => (all.value = (await api.sessions()).items));

  const end = (ended: readonly Session[]) =>
    action.run(async () => {
      for (const { id } of ended) {
        await api.endSession(id);
        all.value = (all.value ?? []).filter((session) => session.id !== id);
      }
    });

  return { ...action, isLoaded: computed(() => all.value !== null), sessions, others, load, end };
}
