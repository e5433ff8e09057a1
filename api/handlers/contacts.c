#include "api/handlers/contacts.h"

#include <inttypes.h>

#include "api/handlers/page.h"
#include "api/log/announce.h"
#include "api/model/me.h"
#include "api/model/relation.h"
#include "api/model/room.h"
#include "api/model/shunned.h"
#include "api/settings.h"
#include "api/store/refresh_now.h"
#include "api/worker.h"

#define LIST_DEFAULT 50
#define LIST_MAX     200
#define PUT_TRIES    3

/* Which flag a route is about. */
enum what { CONTACTS, BLOCKS };

/*
 * $1 whose, $2 with whom, $3 a contact, $4 blocked (of these two the other one is NULL: it stays), $5 how many there may be. Answers
 * whether there is such a person, whether it is one more than there may be, what changed and what was there: at most one of the two, none when
 * somebody else has just made it.
 */
#define PUT_RELATION(lock)                                                                           \
    "known AS ("                                                                                   \
    "  SELECT u.id FROM public.users u" lock " WHERE u.id = $2::bigint"                            \
    "  AND ($4::boolean OR NOT " RELATION_BLOCKS("$2::bigint", "$1::bigint") ")"                   \
    "), old AS ("                                                                                  \
    "  SELECT * FROM public.relations WHERE user_id = $1::bigint AND other_id = $2::bigint"        \
    "), full_up AS ("                                                                              \
    "  SELECT CASE WHEN $3::boolean THEN (SELECT count(*) FROM public.relations WHERE user_id = $1::bigint AND is_contact)" \
    "              ELSE (SELECT count(*) FROM public.relations WHERE user_id = $1::bigint AND is_blocked) END >= $5::bigint AS is_so" \
    "), gone AS ("                                                                                 \
    "  DELETE FROM public.relations WHERE user_id = $1::bigint AND other_id <> $2::bigint AND NOT is_contact AND NOT is_blocked" \
    "  AND changed_at < now() - " RELATION_TRACES_KEPT                                                      \
    "), put AS ("                                                                                  \
    "  INSERT INTO public.relations AS r (user_id, other_id, is_contact, is_blocked, changed_at)"  \
    "  SELECT $1::bigint, k.id, coalesce($3::boolean, false), coalesce($4::boolean, false), statement_timestamp()" \
    "  FROM known k, full_up f WHERE NOT f.is_so OR EXISTS ("                                      \
    "     SELECT FROM old WHERE CASE WHEN $3::boolean THEN is_contact ELSE is_blocked END)"        \
    "  ON CONFLICT (user_id, other_id) DO UPDATE SET is_contact = r.is_contact OR excluded.is_contact,"     \
    "     is_blocked = r.is_blocked OR excluded.is_blocked,"                                       \
    "     changed_at = greatest(statement_timestamp(), r.changed_at + interval '1 microsecond')"   \
    "  WHERE (excluded.is_contact AND NOT r.is_contact) OR (excluded.is_blocked AND NOT r.is_blocked)" \
    "  RETURNING r.*"                                                                              \
    ") SELECT EXISTS (SELECT FROM known), f.is_so, " RELATION_COLUMNS("p") ", " RELATION_COLUMNS("o")        \
    " FROM full_up f LEFT JOIN put p ON true LEFT JOIN old o ON p.user_id IS NULL"
enum { PUT_IS_KNOWN, PUT_IS_FULL, PUT_CHANGED, PUT_OLD = PUT_CHANGED + RELATION_COLUMN_COUNT };

static const struct db_statement put_relation = {"put_relation", "WITH " PUT_RELATION("")};

/*
 * Somebody is blocked who has a direct room with one, $6. The room's lock decides between this and what is being sent there: what is stored,
 * is stored before the answer to the block; batches lock first and look then.
 */
static const struct db_statement block_in_room = {
    "block_in_room", "WITH locked AS MATERIALIZED (SELECT id FROM {lane}.rooms WHERE id = $6::bigint FOR NO KEY UPDATE), "
                     PUT_RELATION(", (SELECT count(*) FROM locked) AS l")};

static const struct db_statement select_direct = {
    "select_direct", "SELECT room_id FROM public.room_names WHERE name = $1::text"};

/* $1 whose, $2 with whom, $3 which of the two ends. */
static const struct db_statement end_relation = {
    "end_relation",
    "UPDATE public.relations r SET is_contact = is_contact AND NOT $3::boolean, is_blocked = is_blocked AND $3::boolean,"
    "  changed_at = greatest(statement_timestamp(), changed_at + interval '1 microsecond') "
    "WHERE user_id = $1::bigint AND other_id = $2::bigint AND CASE WHEN $3::boolean THEN is_contact ELSE is_blocked END "
    "RETURNING " RELATION_COLUMNS("r")};

/* By id behind $2. With what the other made of oneself: of those who block one there is no more than a name. */
#define LIST_RELATED(flag)                                                                         \
    "SELECT " ME_COLUMNS("u") ", " RELATION_COLUMNS("b") " FROM public.relations r JOIN public.users u ON u.id = r.other_id " \
    "LEFT JOIN public.relations b ON b.user_id = r.other_id AND b.other_id = r.user_id "           \
    "WHERE r.user_id = $1::bigint AND r." flag " AND r.other_id > $2::bigint ORDER BY r.other_id LIMIT $3::bigint"

static const struct db_statement list_contacts = {"list_contacts", LIST_RELATED("is_contact")};
static const struct db_statement list_blocks = {"list_blocks", LIST_RELATED("is_blocked")};

/* ---- lists ---- */

static void write_contact(struct json_out *out, const struct db_rows *rows, int row)
{
    struct relation theirs;
    struct me me;

    me_read(&me, rows, row, 0);
    relation_read(&theirs, rows, row, ME_COLUMN_COUNT);
    if (theirs.is_blocked)
        user_write(out, &me.user);
    else
        me_write_for(out, &me, relation_closeness(&theirs, me.user.id, 0));
}

static enum err list(struct call *call, const struct db_statement *statement)
{
    struct db_query query = {.statement = statement, .lane = DB_NO_LANE};
    int64_t after = 0, limit = LIST_DEFAULT;
    enum err err;

    if ((err = call_query_i64(call, "after", 0, INT64_MAX - 1, &after)) != ERR_OK ||
        (err = call_query_i64(call, "limit", 1, LIST_MAX, &limit)) != ERR_OK)
        return err;
    db_add_i64(&query.params, call_user_id(call));
    db_add_i64(&query.params, after);
    db_add_i64(&query.params, limit + 1);
    if ((err = db_ask(call_worker(call)->db, &query)) == ERR_OK)
        err = page_reply(call, &query.rows, limit, 0, write_contact);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

/* ---- changes ---- */

/* Who is blocked, or no more, sees another state from now on. */
static enum err drop_cached(struct worker *worker, const struct relation *relation)
{
    struct refresh *refresh = refresh_create();

    refresh_drop(refresh, SHUNNED_KEY, relation->other_id);
    const enum err err = refresh_now(worker, refresh);
    refresh_destroy(refresh);
    return err;
}

/* All devices of the one whose it is. The other hears nothing, but follows the status of who hides no longer. Who was away reads it in /me/changes. */
static void tell(struct worker *worker, const struct relation *relation)
{
    struct announcer *announcer = announcer_create();

    announce_relation(announcer, relation);
    if (relation->is_blocked)
        announce_status_hidden(announcer, relation->other_id, relation->user_id);
    announce_send(announcer, worker->app->publisher);
    announcer_destroy(announcer);
}

static enum err reply_relation(struct call *call, const struct relation *relation, int status)
{
    struct json_out out = {.buf = call_out(call)};

    json_open(&out, '{');
    relation_write_members(&out, relation);
    json_close(&out, '}');
    return call_reply(call, status);
}

/* The direct room of the two, 0 without. */
static enum err find_direct(struct worker *worker, int64_t a, int64_t b, int64_t *room_id)
{
    struct db_query query = {.statement = &select_direct, .lane = DB_NO_LANE};
    struct buf name = {0};

    room_name_direct(&name, a, b);
    db_add_text(&query.params, buf_text(&name));
    const enum err err = db_ask(worker->db, &query);
    *room_id = err == ERR_OK && db_count(&query.rows) > 0 ? db_i64(&query.rows, 0, 0) : 0;
    if (*room_id != 0 && room_lane(*room_id) >= worker->app->lane_count)
        *room_id = 0; /* no lane of this process: nobody writes there through it */
    buf_fini(&name);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

static void add_flag(struct db_params *params, bool is_it)
{
    if (is_it)
        db_add_bool(params, true);
    else
        db_add_null(params);
}

/* `*changed_us` 0: somebody else has just made it, look again. */
static enum err put_once(struct call *call, enum what what, int64_t other_id, int64_t room_id, struct relation *relation, bool *is_new)
{
    struct db_query query = {.statement = &put_relation, .lane = DB_NO_LANE};

    if (room_id != 0) {
        query.statement = &block_in_room;
        query.lane = room_lane(room_id);
    }
    db_add_i64(&query.params, call_user_id(call));
    db_add_i64(&query.params, other_id);
    add_flag(&query.params, what == CONTACTS);
    add_flag(&query.params, what == BLOCKS);
    db_add_i64(&query.params, call_worker(call)->app->settings->limits.relations);
    if (room_id != 0)
        db_add_i64(&query.params, room_id);
    enum err err = db_ask(call_worker(call)->db, &query);
    if (err == ERR_OK && !db_bool(&query.rows, 0, PUT_IS_KNOWN))
        err = ERR_NOT_FOUND;
    if (err == ERR_OK) {
        *is_new = !db_is_null(&query.rows, 0, PUT_CHANGED);
        relation_read(relation, &query.rows, 0, *is_new ? PUT_CHANGED : PUT_OLD);
        const bool is_so = what == CONTACTS ? relation->is_contact : relation->is_blocked;
        if (!is_so && db_bool(&query.rows, 0, PUT_IS_FULL))
            err = ERR_TOO_MANY;
        else if (!is_so)
            err = ERR_CONFLICT;
    }
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

static enum err put(struct call *call, enum what what)
{
    struct relation relation;
    int64_t other_id, room_id = 0;
    bool is_new = false;
    enum err err;

    if ((err = call_path_id(call, "user", &other_id)) != ERR_OK)
        return err;
    if (other_id == call_user_id(call))
        return call_fail(call, ERR_NOT_POSSIBLE, "somebody else");
    if (what == BLOCKS && (err = find_direct(call_worker(call), call_user_id(call), other_id, &room_id)) != ERR_OK)
        return err;
    err = ERR_CONFLICT;
    for (int i = 0; i < PUT_TRIES && err == ERR_CONFLICT; i++)
        err = put_once(call, what, other_id, room_id, &relation, &is_new);
    if (err != ERR_OK)
        return err;
    if (what == BLOCKS) /* also when it was so already: who did it may have come to an end before this */
        err = drop_cached(call_worker(call), &relation);
    if (is_new)
        tell(call_worker(call), &relation);
    if (err != ERR_OK)
        return err;
    return reply_relation(call, &relation, is_new ? 201 : 200);
}

static enum err end(struct call *call, enum what what)
{
    struct db_query query = {.statement = &end_relation, .lane = DB_NO_LANE};
    int64_t other_id;
    enum err err;

    if ((err = call_path_id(call, "user", &other_id)) != ERR_OK)
        return err;
    db_add_i64(&query.params, call_user_id(call));
    db_add_i64(&query.params, other_id);
    db_add_bool(&query.params, what == CONTACTS);
    if ((err = db_ask(call_worker(call)->db, &query)) == ERR_OK && db_count(&query.rows) > 0) {
        struct relation relation;
        relation_read(&relation, &query.rows, 0, 0);
        if (what == BLOCKS)
            err = drop_cached(call_worker(call), &relation);
        tell(call_worker(call), &relation);
    }
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err != ERR_OK ? err : call_reply_empty(call, 204);
}

/* ---- handlers ---- */

/* GET /v1/me/contacts ? after, limit -> Page of User, by id */
enum err contacts_get(struct call *call)
{
    return list(call, &list_contacts);
}

/* PUT /v1/me/contacts/{user} -> 201 Relation when new, else 200 */
enum err contacts_put(struct call *call)
{
    return put(call, CONTACTS);
}

/* DELETE /v1/me/contacts/{user} -> 204 */
enum err contacts_delete(struct call *call)
{
    return end(call, CONTACTS);
}

/* GET /v1/me/blocks ? after, limit -> Page of User, by id */
enum err blocks_get(struct call *call)
{
    return list(call, &list_blocks);
}

/* PUT /v1/me/blocks/{user} -> 201 Relation when new, else 200 */
enum err blocks_put(struct call *call)
{
    return put(call, BLOCKS);
}

/* DELETE /v1/me/blocks/{user} -> 204 */
enum err blocks_delete(struct call *call)
{
    return end(call, BLOCKS);
}
