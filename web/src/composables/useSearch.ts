import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue';
import type { Ref } from 'vue';
import { explain, sleep } from '../sync';
import type { Found } from '../sync';
import { useSession } from './useSession';

const TYPING_PAUSE_MS = 250;
const LEAST = 2; /* signs worth a search */

/** Messages with the words of `text`, newest first, in one room or in all of one's own. */
export function useSearch(text: Ref<string>, roomId: Ref<string | undefined>) {
  const { api } = useSession();
  const found = shallowRef<Found[]>([]);
  const next = ref<string>();
  const state = ref<'idle' | 'under way' | 'done'>('idle');
  const error = ref('');
  let abort = new AbortController();

  async function ask(after?: string): Promise<void> {
    abort.abort();
    const { signal } = (abort = new AbortController());
    const q = text.value.trim();
    error.value = '';
    if (after === undefined) {
      found.value = [];
      next.value = undefined;
    }
    state.value = q.length < LEAST ? 'idle' : 'under way';
    if (q.length < LEAST) return;
    if (after === undefined) await sleep(TYPING_PAUSE_MS);
    if (signal.aborted) return;
    try {
      const page = await api.search(q, roomId.value, after, signal);
      if (signal.aborted) return;
      found.value = after === undefined ? page.items : [...found.value, ...page.items];
      next.value = page.has_more ? page.next : undefined;
    } catch (problem) {
      if (!signal.aborted) error.value = explain(problem);
    }
    if (!signal.aborted) state.value = 'done';
  }

  watch([text, roomId], () => void ask(), { immediate: true });
  onScopeDispose(() => abort.abort());

  return { found, state, error, hasMore: computed(() => next.value !== undefined), loadMore: () => ask(next.value) };
}
