import { computed, onScopeDispose, shallowRef, watch } from 'vue';
import type { Ref } from 'vue';
import { sleep } from '../sync';
import type { User } from '../sync';
import { useClient, useSession } from './useSession';

const TYPING_PAUSE_MS = 200;
const ASKED = 50;
const SHOWN = 10;

/** Where the server's answer to what is typed now stands. */
type Search = 'none' | 'under way' | 'done' | 'failed';

/**
 * The people whose name or login begins with `text`, or resembles it: at once those known from rooms, then, when
 * the typing pauses, all of this server.
 */
export function usePeople(text: Ref<string>, except: (user: User) => boolean = () => false) {
  const { api } = useSession();
  const client = useClient();
  const wanted = computed(() => text.value.trim());
  const answer = shallowRef<User[]>([]);
  const search = shallowRef<Search>('none');
  let abort = new AbortController();
  let underWay = Promise.resolve();

  watch(wanted, (q) => {
    abort.abort();
    abort = new AbortController();
    answer.value = [];
    search.value = q === '' ? 'none' : 'under way';
    underWay = q === '' ? Promise.resolve() : ask(q, abort.signal);
  });
  onScopeDispose(() => abort.abort());

  async function ask(q: string, signal: AbortSignal): Promise<void> {
    await sleep(TYPING_PAUSE_MS);
    if (signal.aborted) return;
    const page = await api.findUsers(q, ASKED, signal).catch(() => null);
    if (signal.aborted) return;
    answer.value = page?.items ?? [];
    search.value = page === null ? 'failed' : 'done';
  }

  const all = computed(() => {
    const known = [...client.chats.people.values()].filter((user) => matches(user, wanted.value.toLocaleLowerCase()));
    known.sort((a, b) => a.name.localeCompare(b.name));
    const byId = new Map([...answer.value, ...known].map((user) => [user.id, user])); /* the server's order, best first */
    return [...byId.values()].filter((user) => user.id !== client.me.id && !except(user));
  });
  return {
    found: computed(() => all.value.slice(0, SHOWN)),
    hasMore: computed(() => all.value.length > SHOWN),
    search,
    /** Resolves once the server has answered what was typed last, or cannot. */
    settled: () => underWay,
  };
}

function matches({ name, login }: User, wanted: string): boolean {
  const words = [login, name, ...name.split(/\s+/)];
  return words.some((word) => word.toLocaleLowerCase().startsWith(wanted));
}
