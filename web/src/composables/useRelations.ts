import { computed, ref, shallowRef, watch } from 'vue';
import type { ShallowRef } from 'vue';
import type { Client, User } from '../sync';
import { useAction } from './useAction';
import { useClient, useSession } from './useSession';
import { useSignal } from './useSignal';

type List = ShallowRef<Map<string, User> | null>;
type Known = { contacts: List; blocks: List };
const known = new WeakMap<Client, Known>();

/** One's contacts, and whom one has blocked: read once, then kept by what the own devices tell each other. */
export function useRelations() {
  const { api } = useSession();
  const client = useClient();
  const action = useAction();
  const lists: Known = known.get(client) ?? { contacts: shallowRef(null), blocks: shallowRef(null) };
  known.set(client, lists);
  const met = ref(0); /* people who became known here */
  const news = useSignal(client.related, () => new Map(client.relations));

  /* An own device may speak of people whom this one has never met. */
  watch(
    news,
    async (relations) => {
      for (const id of relations.keys())
        if (!client.chats.people.has(id)) {
          const user = await api.user(id).catch(() => undefined);
          client.chats.meet(user);
          met.value++;
        }
    },
    { immediate: true },
  );

  async function all(ask: (after?: string) => Promise<{ items: User[]; next?: string; has_more: boolean }>): Promise<Map<string, User>> {
    const found = new Map<string, User>();
    for (let after: string | undefined, more = true; more; ) {
      const page = await ask(after);
      for (const user of page.items) found.set(user.id, user);
      after = page.next;
      more = page.has_more;
    }
    return found;
  }

  const load = () =>
    action.run(async () => {
      lists.contacts.value ??= await all((after) => api.contacts(after));
      lists.blocks.value ??= await all((after) => api.blocks(after));
    });

  const now = (list: Map<string, User> | null, what: 'contact' | 'blocked') => {
    void met.value;
    const users = new Map(list ?? []);
    for (const relation of news.value.values()) {
      const user = users.get(relation.user_id) ?? client.chats.people.get(relation.user_id);
      if (!relation[what]) users.delete(relation.user_id);
      else if (user !== undefined) users.set(user.id, user);
    }
    return [...users.values()].sort((a, b) => a.name.localeCompare(b.name));
  };
  const contacts = computed(() => now(lists.contacts.value, 'contact'));
  const blocked = computed(() => now(lists.blocks.value, 'blocked'));

  /* Drawn once the server has said yes; the other devices hear of it from there, and so do we. */
  const set = (list: List, call: (id: string, on: boolean) => Promise<void>) => (user: User, on: boolean) =>
    action.run(async () => {
      await call(user.id, on);
      client.chats.meet(user);
      const next = new Map(list.value ?? []);
      if (on) next.set(user.id, user);
      else next.delete(user.id);
      list.value = next;
    });

  return {
    ...action,
    load,
    isLoaded: computed(() => lists.contacts.value !== null && lists.blocks.value !== null),
    contacts,
    blocked,
    isContact: (id: string) => contacts.value.some((user) => user.id === id),
    isBlocked: (id: string) => blocked.value.some((user) => user.id === id),
    setContact: set(lists.contacts, (id, on) => api.setContact(id, on)),
    setBlock: set(lists.blocks, (id, on) => api.setBlock(id, on)),
  };
}
