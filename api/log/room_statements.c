#include "api/log/room_statements.h"

#include "api/model/membership.h"
#include "api/model/rights.h"

/* What both know before they judge. */
#define ROOM_FACTS                                                                                 \
    "WITH facts AS MATERIALIZED ("                                                                 \
    "  SELECT r.*, l.seq AS last_seq, l.message_no AS last_no, l.room_mention_no AS last_room_no, a.role AS actor_role, o.seq AS old_seq, " \
    "         " RIGHTS_LEAST("$6", "r.kind") " AS least"                                           \
    "  FROM (SELECT 1) AS one"                                                                     \
    "  LEFT JOIN {lane}.rooms r ON r.id = $1::bigint AND r.deleted_at IS NULL"                     \
    "  LEFT JOIN LATERAL (SELECT seq, message_no, room_mention_no FROM {lane}.events WHERE room_id = $1::bigint"    \
    "                     ORDER BY seq DESC LIMIT 1) l ON true"                                    \
    "  LEFT JOIN {lane}.members a ON a.room_id = $1::bigint AND a.user_id = $2::bigint"            \
    "  LEFT JOIN {lane}.events o ON o.room_id = $1::bigint AND o.sender_id = $2::bigint"           \
    "                           AND o.nonce = $3::bytea"                                           \
    ")"

/* The outcome; `otherwise` when nothing speaks against it. */
#define ROOM_JUDGED(otherwise)                                                                     \
    ", judged AS MATERIALIZED ("                                                                   \
    "  SELECT *, CASE WHEN id IS NULL THEN 'no_room'"                                              \
    "              WHEN old_seq IS NOT NULL THEN 'repeated'"                                       \
    "              WHEN actor_role IS NULL OR actor_role = 'left' THEN 'not_member'"               \
    "              WHEN least IS NULL THEN 'not_possible'"                                         \
    "              WHEN actor_role > least THEN 'role_required'"                                   \
    "              WHEN $7::bigint <> 0 AND $7::bigint <> edition THEN 'stale'"                    \
    "              ELSE " otherwise " END AS outcome"                                              \
    "  FROM facts"                                                                                 \
    ")"

/* How they end, once `changed` (the room's row as it is now) and its `body` stand. */
#define ROOM_WRITES                                                                                \
    ", stored AS ("                                                                                \
    "  INSERT INTO {lane}.events (room_id, seq, kind, sender_id, nonce, digest, body, message_no, room_mention_no, created_at)" \
    "  SELECT j.id, j.last_seq + 1, 'room', $2::bigint, $3::bytea, ''::bytea, json_strip_nulls(c.body),"       \
    "         j.last_no, j.last_room_no, statement_timestamp()"                                    \
    "  FROM judged j JOIN changed c ON true WHERE j.outcome = 'stored' RETURNING *"                \
    "), told AS ("                                                                                 \
    "  INSERT INTO {lane}.outbox (incarnation, number, entries)"                                   \
    "  SELECT $4::bigint, $5::bigint, json_build_array(json_build_array(room_id, seq)) FROM stored" \
    "), nobody AS (SELECT m.* FROM {lane}.members m WHERE false) "                                 \
    "SELECT j.outcome, j.kind::text, " EVENT_COLUMNS ", " MEMBERSHIP_COLUMNS("n")                  \
    ", NULL::timestamptz FROM judged j LEFT JOIN stored e ON true LEFT JOIN nobody n ON true" EVENT_JOINS

/* Absolute: whoever has this needs none of the events before it. */
#define SETTINGS                                                                                   \
    "json_build_object('id', r.id::text, 'kind', r.kind, 'name', r.name, 'slug', r.slug, 'about', r.about, 'version', r.edition,"   \
    " 'group_id', r.group_id::text, 'topic_id', r.topic_id::text, 'position', r.position,"         \
    " 'open_to_group', CASE WHEN r.group_id IS NOT NULL THEN r.open_to_group END)"

const struct db_statement edit_room = {
    "edit_room", ROOM_FACTS ROOM_JUDGED(
    "CASE WHEN coalesce($8::text, name) = name AND coalesce($9::text, about) = about"
    "      AND coalesce($10::text, slug, '') = coalesce(slug, '') THEN 'unchanged' ELSE 'stored' END")
    ", changed AS ("
    "  UPDATE {lane}.rooms r SET name = coalesce($8::text, r.name), about = coalesce($9::text, r.about),"
    "         slug = nullif(coalesce($10::text, r.slug), ''), edition = r.edition + 1, version = r.version + 1"
    "  FROM judged j WHERE j.outcome = 'stored' AND r.id = j.id"
    "  RETURNING " SETTINGS " AS body"
    ")" ROOM_WRITES};

const struct db_statement place_room = {
    "place_room", ROOM_FACTS ROOM_JUDGED(
    "CASE WHEN ($12::bigint IS NOT NULL AND group_id IS DISTINCT FROM $12::bigint) OR ((group_id, topic_id, position, open_to_group)"
    "      IS NOT DISTINCT FROM ($8::bigint, $9::bigint, $10::integer, $11::boolean)) THEN 'unchanged' ELSE 'stored' END")
    ", changed AS ("
    "  UPDATE {lane}.rooms r SET group_id = $8::bigint, topic_id = $9::bigint, position = $10::integer, open_to_group = $11::boolean,"
    "         edition = r.edition + 1, version = r.version + 1"
    "  FROM judged j WHERE j.outcome = 'stored' AND r.id = j.id"
    "  RETURNING " SETTINGS " AS body"
    ")" ROOM_WRITES};

const struct db_statement delete_room = {
    "delete_room", ROOM_FACTS ROOM_JUDGED("'stored'")
    ", changed AS ("
    "  UPDATE {lane}.rooms r SET deleted_at = statement_timestamp(), member_count = 0, edition = r.edition + 1, version = r.version + 1"
    "  FROM judged j WHERE j.outcome = 'stored' AND r.id = j.id"
    "  RETURNING json_build_object('id', r.id::text, 'kind', r.kind, 'name', r.name, 'version', r.edition, 'deleted_at',"
    "     to_char(r.deleted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')) AS body"
    ")" ROOM_WRITES};

bool room_row_is(enum log_row_kind kind)
{
    return kind == LOG_EDIT_ROOM || kind == LOG_DELETE_ROOM || kind == LOG_PLACE_ROOM;
}

const struct db_statement *room_row_statement(enum log_row_kind kind)
{
    if (kind == LOG_PLACE_ROOM)
        return &place_room;
    return kind == LOG_EDIT_ROOM ? &edit_room : &delete_room;
}

static void add_optional(struct db_params *params, struct text value)
{
    if (value.at != NULL)
        db_add_text(params, value);
    else
        db_add_null(params);
}

static void add_place(struct db_params *params, const struct log_row *row)
{
    const int64_t ids[] = {row->place.group_id, row->place.topic_id};

    for (size_t i = 0; i < ARRAY_COUNT(ids); i++)
        if (ids[i] != 0)
            db_add_i64(params, ids[i]);
        else
            db_add_null(params);
    if (row->place.position != 0)
        db_add_i32(params, (int32_t)row->place.position);
    else
        db_add_null(params);
    db_add_bool(params, row->place.is_open);
    if (row->place.leaves_id != 0)
        db_add_i64(params, row->place.leaves_id);
    else
        db_add_null(params);
}

void room_row_add(struct db_params *params, const struct log_row *row, int64_t incarnation, int64_t number)
{
    const bool is_edit = row->kind == LOG_EDIT_ROOM;

    db_add_i64(params, row->room_id);
    db_add_i64(params, row->actor_id);
    db_add_bytes(params, text_of(row->nonce, LOG_HASH_BYTES));
    db_add_i64(params, incarnation);
    db_add_i64(params, number);
    rights_add(params, row->kind == LOG_DELETE_ROOM ? RIGHT_DELETE_ROOM : RIGHT_EDIT_ROOM);
    db_add_i64(params, row->edition);
    if (row->kind == LOG_PLACE_ROOM)
        add_place(params, row);
    if (!is_edit)
        return;
    add_optional(params, row->edit.name);
    add_optional(params, row->edit.about);
    add_optional(params, row->edit.slug);
}
