#include "api/log/view_statements.h"

const struct db_statement set_views = {
    "set_views",
    "WITH inp AS MATERIALIZED ("
    "  SELECT room_id, user_id, level::public.notify_level, archive, pin, ord,"
    "         CASE WHEN muted_us > extract(epoch FROM statement_timestamp()) * 1000000" /* a time that is over: not muted */
    "              THEN 'epoch'::timestamptz + muted_us * interval '1 microsecond' END AS muted_until"
    "  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::boolean[], $6::boolean[])"
    "  WITH ORDINALITY AS t (room_id, user_id, level, muted_us, archive, pin, ord)"
    "), judged AS MATERIALIZED ("
    "  SELECT i.*, r.kind,"
    "         CASE WHEN r.id IS NULL THEN 'no_room'"
    "              WHEN m.role IS NULL OR m.role = 'left' THEN 'not_member'"
    "              WHEN (i.level IS NULL OR (i.level = m.notify AND i.muted_until IS NOT DISTINCT FROM m.muted_until))"
    "                   AND coalesce(i.archive, m.archived_at IS NOT NULL) = (m.archived_at IS NOT NULL)"
    "                   AND coalesce(i.pin, m.pinned_at IS NOT NULL) = (m.pinned_at IS NOT NULL) THEN 'unchanged'"
    "              ELSE 'stored' END AS outcome"
    "  FROM inp i LEFT JOIN {lane}.rooms r ON r.id = i.room_id AND r.deleted_at IS NULL"
    "  LEFT JOIN {lane}.members m ON m.room_id = i.room_id AND m.user_id = i.user_id"
    "), changed AS ("
    "  UPDATE {lane}.members m SET notify = coalesce(j.level, m.notify),"
    "         muted_until = CASE WHEN j.level IS NULL THEN m.muted_until ELSE j.muted_until END,"
    "         archived_at = CASE WHEN coalesce(j.archive, m.archived_at IS NOT NULL) THEN coalesce(m.archived_at, statement_timestamp()) END,"
    "         pinned_at = CASE WHEN coalesce(j.pin, m.pinned_at IS NOT NULL) THEN coalesce(m.pinned_at, statement_timestamp()) END,"
    "         changed_at = greatest(statement_timestamp(), m.changed_at + interval '1 microsecond')"
    "  FROM judged j WHERE j.outcome = 'stored' AND m.room_id = j.room_id AND m.user_id = j.user_id"
    "  RETURNING m.*"
    "), told AS ("
    "  INSERT INTO {lane}.outbox (incarnation, number, entries)"
    "  SELECT $7::bigint, $8::bigint, json_agg(json_build_array(room_id, 0, user_id)) FROM changed HAVING count(*) > 0"
    "), old AS ("
    "  SELECT m.* FROM judged j JOIN {lane}.members m ON m.room_id = j.room_id AND m.user_id = j.user_id WHERE j.outcome = 'unchanged'"
    ") "
    "SELECT j.outcome, j.kind::text, " MEMBERSHIP_COLUMNS("v") " FROM judged j "
    "LEFT JOIN (SELECT * FROM changed UNION ALL SELECT * FROM old) v ON v.room_id = j.room_id AND v.user_id = j.user_id ORDER BY j.ord"};

static void add_flags(struct db_params *params, struct log_row *const *rows, size_t count, bool is_pin)
{
    db_array_begin(params, DB_BOOL_ARRAY);
    for (size_t i = 0; i < count; i++) {
        const enum view_flag flag = is_pin ? rows[i]->view.pin : rows[i]->view.archive;
        if (flag == VIEW_STAYS)
            db_array_null(params);
        else
            db_array_bool(params, flag == VIEW_ON);
    }
    db_array_end(params);
}

void view_add_params(struct db_params *params, struct log_row *const *rows, size_t count)
{
    db_array_begin(params, DB_I64_ARRAY);
    for (size_t i = 0; i < count; i++)
        db_array_i64(params, rows[i]->room_id);
    db_array_end(params);
    db_array_begin(params, DB_I64_ARRAY);
    for (size_t i = 0; i < count; i++)
        db_array_i64(params, rows[i]->actor_id);
    db_array_end(params);
    db_array_begin(params, DB_TEXT_ARRAY);
    for (size_t i = 0; i < count; i++)
        if (rows[i]->view.has_notify)
            db_array_text(params, text(notify_level_name(rows[i]->view.level)));
        else
            db_array_null(params);
    db_array_end(params);
    db_array_begin(params, DB_I64_ARRAY);
    for (size_t i = 0; i < count; i++)
        db_array_i64(params, rows[i]->view.muted_us);
    db_array_end(params);
    add_flags(params, rows, count, false);
    add_flags(params, rows, count, true);
}
