-- As before, but nobody is added who has blocked the actor, or lets only contacts write and the actor is none; and whether a role may be
-- given is judged before it matters that its subject is no member yet: whoever is added then gets it.
-- Somebody comes into a group, leaves it, is removed, banned, or gets another role: judged under the lock of the group's row, with the
-- roles that hold then. `lowest_roles`: the least role that may do it, in private and in public groups as in rooms of these kinds
-- (rights.h: [2] and [3]); NULL: nobody. Answers how it went, and the group's visibility, since a stranger's answer depends on it.
CREATE OR REPLACE FUNCTION change_group_member(of_group bigint, actor bigint, subject bigint, act text, new_role member_role, ban_until timestamptz,
                                    ban_reason text, lowest_roles text[], most bigint)
RETURNS TABLE (outcome text, shown text, banned_until timestamptz) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    g       public.groups;
    a       public.member_role;
    s       public.member_role;
    lowest  public.member_role;
    ban     public.group_bans;
    is_self boolean := actor = subject;
BEGIN
    SELECT * INTO g FROM public.groups WHERE id = of_group FOR UPDATE;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'no_room', NULL::text, NULL::timestamptz;
        RETURN;
    END IF;
    lowest := lowest_roles[CASE g.visibility WHEN 'private' THEN 2 ELSE 3 END]::public.member_role;
    SELECT m.role INTO a FROM public.group_members m WHERE m.group_id = g.id AND m.user_id = actor;
    SELECT m.role INTO s FROM public.group_members m WHERE m.group_id = g.id AND m.user_id = subject;
    SELECT b.* INTO ban FROM public.group_bans b WHERE b.group_id = g.id AND b.user_id = subject AND (b.until IS NULL OR b.until > now());
    outcome := CASE
        WHEN act = 'join' AND s IS NOT NULL THEN 'unchanged'
        WHEN act = 'join' AND lowest IS NULL THEN 'not_member'
        WHEN act = 'join' AND ban.user_id IS NOT NULL THEN 'banned'
        WHEN act = 'join' AND g.member_count >= most THEN 'full'
        WHEN act = 'join' THEN 'stored'
        WHEN act = 'leave' AND s IS NULL AND g.visibility = 'public' THEN 'unchanged'
        WHEN a IS NULL THEN 'not_member'
        WHEN act = 'leave' THEN 'stored'
        WHEN act = 'role' AND is_self AND new_role = s THEN 'unchanged'
        WHEN act = 'role' AND is_self AND s = 'owner' THEN 'not_possible'
        WHEN act = 'role' AND is_self AND new_role > s THEN 'stored'
        WHEN act = 'ban' AND is_self THEN 'not_possible'
        WHEN a > lowest THEN 'role_required'
        WHEN NOT EXISTS (SELECT FROM public.users u WHERE u.id = subject) THEN 'unknown_user'
        WHEN act = 'unban' THEN CASE WHEN ban.user_id IS NULL THEN 'unchanged' ELSE 'stored' END
        WHEN act = 'add' AND s IS NOT NULL THEN 'unchanged'
        WHEN act = 'add' AND EXISTS (
            SELECT FROM public.relations r WHERE r.user_id = subject AND r.other_id = actor AND r.is_blocked) THEN 'unknown_user'
        WHEN act = 'add' AND EXISTS (SELECT FROM public.users u WHERE u.id = subject AND u.who_may_write = 'contacts') AND NOT EXISTS (
            SELECT FROM public.relations r WHERE r.user_id = subject AND r.other_id = actor AND r.is_contact) THEN 'contacts_only'
        WHEN act = 'add' AND ban.user_id IS NOT NULL THEN 'banned'
        WHEN act = 'add' AND g.member_count >= most THEN 'full'
        WHEN act = 'add' THEN 'stored'
        WHEN act = 'remove' AND s IS NULL THEN 'unchanged'
        WHEN act = 'role' AND new_role <> 'owner' AND new_role <= a THEN 'role_required'
        WHEN act = 'role' AND s IS NULL THEN 'absent'
        WHEN s IS NOT NULL AND a >= s THEN 'role_required'
        WHEN act = 'role' AND new_role = s THEN 'unchanged'
        WHEN act = 'ban' AND ban_until <= now() THEN 'over'
        ELSE 'stored' END;
    shown := g.visibility::text;
    banned_until := ban.until;
    IF outcome = 'stored' AND act IN ('join', 'add') THEN
        INSERT INTO public.group_members (group_id, user_id, role)
        VALUES (g.id, subject, (CASE WHEN act = 'join' AND g.member_count = 0 THEN 'owner' ELSE 'member' END)::public.member_role);
        UPDATE public.groups SET member_count = member_count + 1 WHERE id = g.id;
    ELSIF outcome = 'stored' AND act IN ('leave', 'remove', 'ban') THEN
        IF act = 'ban' THEN
            DELETE FROM public.group_bans b WHERE b.group_id = g.id AND (b.user_id = subject OR b.until <= now());
            INSERT INTO public.group_bans (group_id, user_id, by_id, until, reason) VALUES (g.id, subject, actor, ban_until, ban_reason);
        END IF;
        DELETE FROM public.group_members m WHERE m.group_id = g.id AND m.user_id = subject;
        UPDATE public.groups SET member_count = member_count - 1 WHERE id = g.id AND s IS NOT NULL;
        IF s = 'owner' THEN -- the group belongs to the highest who has been there longest
            UPDATE public.group_members m SET role = 'owner' FROM (
                SELECT h.user_id FROM public.group_members h WHERE h.group_id = g.id ORDER BY h.role, h.joined_at, h.user_id LIMIT 1
            ) heir WHERE m.group_id = g.id AND m.user_id = heir.user_id;
        END IF;
    ELSIF outcome = 'stored' AND act = 'role' THEN
        UPDATE public.group_members m SET role = new_role WHERE m.group_id = g.id AND m.user_id = subject;
        UPDATE public.group_members m SET role = 'admin' WHERE m.group_id = g.id AND m.user_id = actor AND new_role = 'owner' AND NOT is_self;
    ELSIF outcome = 'stored' AND act = 'unban' THEN
        DELETE FROM public.group_bans b WHERE b.group_id = g.id AND b.user_id = subject;
    END IF;
    RETURN NEXT;
END
$$;
