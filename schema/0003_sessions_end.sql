-- Sessions end: one ($2) or all (0) of a user but $3 (0: none). Numbers are given under the lock of the installation's row.
CREATE FUNCTION end_sessions(of_user bigint, which bigint, but bigint)
RETURNS TABLE (number bigint, session_id bigint) LANGUAGE sql VOLATILE AS $$
    WITH locked AS ( -- in one order, so that two who end all of them do not meet
        SELECT id FROM public.sessions
        WHERE user_id = of_user AND ended_at IS NULL AND (which = 0 OR id = which) AND id <> but
        ORDER BY id FOR UPDATE
    ), gone AS (
        UPDATE public.sessions s SET ended_at = now() FROM locked l WHERE s.id = l.id RETURNING s.id
    ), counted AS (
        UPDATE public.installation SET last_ended = last_ended + (SELECT count(*) FROM gone)
        WHERE EXISTS (SELECT 1 FROM gone) RETURNING last_ended
    )
    INSERT INTO public.ended_sessions (number, session_id, user_id)
    SELECT c.last_ended - row_number() OVER () + 1, g.id, of_user FROM gone g, counted c
    RETURNING ended_sessions.number, ended_sessions.session_id
$$;

-- A password changes, and all other sessions end, or neither. No row: the old one was not that any more; else a row (0, 0), and the
-- sessions that ended. They are looked for with a snapshot that is younger than the lock of the user: who signed in before with the
-- old password, has a session that ends, and who comes later finds the new one.
CREATE FUNCTION change_password(of_user bigint, old_hash text, new_hash text, but bigint)
RETURNS TABLE (number bigint, session_id bigint) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    UPDATE public.users SET password_hash = new_hash WHERE id = of_user AND password_hash = old_hash;
    IF FOUND THEN
        RETURN QUERY SELECT 0::bigint, 0::bigint;
        RETURN QUERY SELECT e.number, e.session_id FROM public.end_sessions(of_user, 0, but) e;
    END IF;
END
$$;
