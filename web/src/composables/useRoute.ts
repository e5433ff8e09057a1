import { computed, readonly, ref } from 'vue';

/* The page's whole address book: `/` is the chat list, `/r/{room}` a room, `/r/{room}/{seq}` a message in it. */
const path = ref(location.pathname);
window.addEventListener('popstate', () => (path.value = location.pathname));

const place = computed(() => /^\/r\/(\w+)(?:\/(\d+))?$/.exec(path.value));
const roomId = computed(() => place.value?.[1] ?? null);
const seq = computed(() => (place.value?.[2] === undefined ? null : Number(place.value[2])));

function go(to: string, replace = false): void {
  if (to === path.value) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', to);
  path.value = to;
}

export function useRoute() {
  return {
    roomId: readonly(roomId),
    seq: readonly(seq),
    openRoom: (id: string, replace = false) => go(`/r/${id}`, replace),
    openMessage: (id: string, at: number) => go(`/r/${id}/${at}`),
    closeRoom: () => go('/', true),
  };
}
