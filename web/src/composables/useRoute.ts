import { computed, readonly, ref } from 'vue';

/* The page's whole address book: `/` is the chat list, `/r/{room}` a room. */
const path = ref(location.pathname);
window.addEventListener('popstate', () => (path.value = location.pathname));

const roomId = computed(() => /^\/r\/(\w+)$/.exec(path.value)?.[1] ?? null);

function go(to: string, replace = false): void {
  if (to === path.value) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', to);
  path.value = to;
}

export function useRoute() {
  return {
    roomId: readonly(roomId),
    openRoom: (id: string) => go(`/r/${id}`),
    closeRoom: () => go('/', true),
  };
}
