import { computed, ref, shallowRef } from 'vue';
import type { Member, Role, Room, RoomInfo, User } from '../sync';
import type { MenuItem } from './menu';
import { isBelow, may, rolesBelow } from './rights';
import { useAction } from './useAction';
import { useClient, useSession } from './useSession';

/** A snapshot brings the first members; those of a large room are read page by page. */
export function useMembers(room: Room, known: () => Member[], info: () => RoomInfo, me: () => Member | null) {
  const { api } = useSession();
  const client = useClient();
  const action = useAction();
  const wanted = ref('');
  const further = shallowRef(new Map<string, Member>());
  const next = ref<string>();
  const isWhole = ref((info().member_count ?? 0) <= known().length);

  /* What the log has said since a page was read is the truth; who has left since is not. */
  const gone = new Set<string>();
  const all = computed(() => {
    const now = new Map(known().map((member) => [member.user.id, member]));
    return [...now.values(), ...[...further.value.values()].filter(({ user }) => !now.has(user.id) && !gone.has(user.id))];
  });

  async function loadMore(): Promise<void> {
    await action.run(async () => {
      const page = await api.members(room.id, next.value);
      further.value = new Map([...further.value, ...page.items.map((member) => [member.user.id, member] as const)]);
      next.value = page.next;
      isWhole.value = !page.has_more;
    });
  }

  const remove = (user: User) =>
    action.run(async () => {
      await room.removeMember(user.id);
      gone.add(user.id);
    });
  const ban = (user: User, until: string | undefined, reason: string) =>
    action.run(async () => {
      await api.ban(room.id, user.id, { until, reason: reason || undefined });
      gone.add(user.id);
    });

  const change = (user: User, what: { role?: Role; silent_until?: string }) =>
    action.run(async () => {
      const now = await api.changeMember(room.id, user.id, what);
      if (further.value.has(user.id)) further.value = new Map(further.value).set(user.id, now);
    });

  return {
    ...action,
    wanted,
    isWhole,
    loadMore,
    add: (userId: string) => action.run(() => room.addMember(userId)),
    remove,
    ban,
    change,
    shown: computed(() => {
      const q = wanted.value.trim().toLocaleLowerCase();
      return all.value.filter(({ user }) => `${user.name}\n${user.login}`.toLocaleLowerCase().includes(q)).sort(byRole);
    }),
    /** What one may do to a member; oneself is not among those. */
    menuOf({ user, role, silent_until }: Member): MenuItem[] {
      if (user.id === client.me.id) return [];
      const { kind } = info();
      const above = isBelow(role, me()?.role);
      const items: (MenuItem | false)[] = [
        { id: 'profile', name: 'Profile', icon: 'person' },
        { id: 'write-to', name: 'Write to them', icon: 'chat' },
        ...(above && may('changeRole', kind, me()?.role) ? rolesBelow(me()?.role) : [])
          .filter((each) => each !== role)
          .map((each) => ({ id: `role-${each}`, name: `Make ${each === 'admin' ? 'an' : 'a'} ${each}`, icon: 'shield' }) as const),
        may('handOver', kind, me()?.role) && { id: 'hand-over', name: 'Hand over the room', icon: 'star' },
        above && may('silence', kind, me()?.role) && (isSilent(silent_until) ? { id: 'let-speak', name: 'Let them speak', icon: 'bell' } : { id: 'silence', name: 'Silence', icon: 'mute' }),
        above && may('kick', kind, me()?.role) && { id: 'remove', name: 'Remove from the room', icon: 'leave', isBad: true },
        above && may('ban', kind, me()?.role) && { id: 'ban', name: 'Ban', icon: 'ban', isBad: true },
      ];
      return items.filter((item) => item !== false);
    },
  };
}

export const isSilent = (until: string | undefined): boolean => until !== undefined && Date.parse(until) > Date.now();

const RANKS: Record<Role, number> = { owner: 0, admin: 1, moderator: 2, member: 3 };

const byRole = (a: Member, b: Member): number => RANKS[a.role] - RANKS[b.role] || a.user.name.localeCompare(b.user.name);
