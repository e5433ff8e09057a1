import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue';
import type { Ref } from 'vue';
import { explain, sleep } from '../sync';
import type { RoomInfo } from '../sync';
import { useSession } from './useSession';

const TYPING_PAUSE_MS = 200;

/** The public rooms of this server whose name contains `text`, page by page. */
export function usePublicRooms(text: Ref<string>) {
  const { api } = useSession();
  const rooms = shallowRef<RoomInfo[]>([]);
  const next = ref<string>();
  const isBusy = ref(false);
  const error = ref('');
  let turn = 0; /* only the latest question's answer counts */

  async function ask(after?: string, pauseMs = 0): Promise<void> {
    const mine = ++turn;
    isBusy.value = true;
    if (pauseMs > 0) await sleep(pauseMs);
    if (mine !== turn) return;
    try {
      const page = await api.publicRooms(text.value.trim().replace(/^#/, ''), after);
      if (mine !== turn) return;
      rooms.value = after === undefined ? page.items : [...rooms.value, ...page.items];
      next.value = page.has_more ? page.next : undefined;
      error.value = '';
    } catch (problem) {
      if (mine === turn) error.value = explain(problem);
    }
    if (mine === turn) isBusy.value = false;
  }

  watch(text, () => void ask(undefined, TYPING_PAUSE_MS));
  onScopeDispose(() => turn++);
  void ask();

  return { rooms, isBusy, error, hasMore: computed(() => next.value !== undefined), loadMore: () => ask(next.value) };
}
