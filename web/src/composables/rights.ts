import type { Role, RoomKind } from '../sync';

/* What the page offers; the server judges. docs/rights.md in the shape of the browser, and a test compares them. */
const ROLES: readonly Role[] = ['owner', 'admin', 'moderator', 'member'];

/** The least role for each kind of room; null: nobody. */
const table = {
  deleteAny: { direct: null, private: 'moderator', public: 'moderator' },
  seeRevisions: { direct: null, private: 'moderator', public: 'moderator' }, /* of others */
  pin: { direct: 'member', private: 'member', public: 'moderator' },
  mentionRoom: { direct: null, private: 'member', public: 'moderator' },
  leave: { direct: null, private: 'member', public: 'member' },
  invite: { direct: null, private: 'member', public: 'member' },
  kick: { direct: null, private: 'moderator', public: 'moderator' },
  seeBans: { direct: null, private: 'moderator', public: 'moderator' },
  ban: { direct: null, private: 'moderator', public: 'moderator' },
  silence: { direct: null, private: 'moderator', public: 'moderator' },
  changeRole: { direct: null, private: 'admin', public: 'admin' },
  handOver: { direct: null, private: 'owner', public: 'owner' },
  editRoom: { direct: null, private: 'admin', public: 'admin' },
  deleteRoom: { direct: null, private: 'owner', public: 'owner' },
} as const satisfies Record<string, Record<RoomKind, Role | null>>;

export type Right = keyof typeof table;

export function may(right: Right, kind: RoomKind | undefined, role: Role | undefined): boolean {
  const least = kind === undefined ? null : table[right][kind];
  return least !== null && role !== undefined && ROLES.indexOf(role) <= ROLES.indexOf(least);
}

/** What one does to people takes a role above theirs. */
export const isBelow = (subject: Role, actor: Role | undefined): boolean =>
  actor !== undefined && ROLES.indexOf(subject) > ROLES.indexOf(actor);

/** The roles that one may give: those below one's own. */
export const rolesBelow = (actor: Role | undefined): Role[] => ROLES.filter((role) => isBelow(role, actor));
