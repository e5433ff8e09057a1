#include "api/handlers/room_names.h"

#include <sodium.h>

#include "api/model/room.h"
#include "api/store/db.h"
#include "api/worker.h"
#include "base/id.h"

#define SLUG_MIN_BYTES 2
#define SLUG_MAX_BYTES 64
#define HASH_BYTES 6
#define RESERVE_TRIES 3

static const struct db_statement make_id = {"make_room_id", "SELECT public.next_id($1::integer)"};

/* Reserves a name for a new id, or tells whose it is. No row: somebody else is just committing it. */
static const struct db_statement reserve_name = {
    "reserve_name",
    "WITH mine AS ("
    "  INSERT INTO public.room_names (name, room_id) VALUES ($1::text, public.next_id($2::integer))"
    "  ON CONFLICT (name) DO NOTHING RETURNING room_id"
    ") SELECT room_id FROM mine UNION ALL SELECT room_id FROM public.room_names WHERE name = $1::text LIMIT 1"};

static const struct db_statement claim_name = {
    "claim_name",
    "INSERT INTO public.room_names AS n (name, room_id, edition) VALUES ($1::text, $2::bigint, $3::bigint) "
    "ON CONFLICT (name) DO UPDATE SET edition = greatest(n.edition, excluded.edition) WHERE n.room_id = excluded.room_id "
    "RETURNING room_id"};

static const struct db_statement release_other_names = {
    "release_other_names",
    "DELETE FROM public.room_names WHERE room_id = $2::bigint AND name <> $1::text AND edition <= $3::bigint"};

/* Unless the room has it all the same: $4, for which somebody else has claimed it, too. */
static const struct db_statement give_up_name = {
    "give_up_name",
    "DELETE FROM public.room_names WHERE name = $1::text AND room_id = $2::bigint AND edition <= $3::bigint "
    "AND NOT EXISTS (SELECT FROM {lane}.rooms WHERE id = $2::bigint AND slug = $4::text)"};

static const struct db_statement forget_name = {
    "forget_name", "DELETE FROM public.room_names WHERE name = $1::text AND room_id = $2::bigint"};

/* ---- reserving ---- */

static int any_lane(struct worker *worker)
{
    const int count = worker->app->lane_count;

    return count == 0 ? DB_NO_LANE : (int)(id_random() % (uint64_t)count);
}

static enum err ask_id(struct worker *worker, const struct db_statement *statement, struct text name, int64_t *room_id)
{
    const int lane = any_lane(worker);

    if (lane == DB_NO_LANE)
        return ERR_UNAVAILABLE;
    for (int i = 0; i < RESERVE_TRIES; i++) {
        struct db_query query = {.statement = statement, .lane = DB_NO_LANE};
        if (name.len > 0)
            db_add_text(&query.params, name);
        db_add_i32(&query.params, lane);
        const enum err err = db_ask(worker->db, &query);
        const bool is_found = err == ERR_OK && db_count(&query.rows) > 0;
        *room_id = is_found ? db_i64(&query.rows, 0, 0) : 0;
        db_params_fini(&query.params);
        db_rows_fini(&query.rows);
        if (err != ERR_OK || is_found)
            return err;
    }
    return ERR_CONFLICT;
}

enum err room_new_id(struct worker *worker, int64_t *room_id)
{
    return ask_id(worker, &make_id, text(NULL), room_id);
}

enum err room_name_reserve(struct worker *worker, struct text name, int64_t *room_id)
{
    return ask_id(worker, &reserve_name, name, room_id);
}

/* ---- slugs ---- */

static bool is_slug_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

enum err room_slug_check(struct call *call, struct text slug)
{
    bool is_slug = slug.len >= SLUG_MIN_BYTES && slug.len <= SLUG_MAX_BYTES;

    for (size_t i = 0; i < slug.len; i++)
        is_slug = is_slug && is_slug_byte(slug.at[i]);
    if (is_slug)
        return ERR_OK;
    return call_fail_field(call, ERR_OUT_OF_RANGE, "slug", "%d to %d of a to z, 0 to 9 and '-'", SLUG_MIN_BYTES, SLUG_MAX_BYTES);
}

static void add_slug(struct db_params *params, struct text slug)
{
    struct buf name = {0};

    buf_printf(&name, "slug:%.*s", TEXT_ARGS(slug));
    db_add_text(params, buf_text(&name));
    buf_fini(&name);
}

enum err room_slug_reserve(struct worker *worker, struct text slug, int64_t *room_id)
{
    struct buf name = {0};

    buf_printf(&name, "slug:%.*s", TEXT_ARGS(slug));
    const enum err err = room_name_reserve(worker, buf_text(&name), room_id);
    buf_fini(&name);
    return err;
}

enum err room_slug_claim(struct worker *worker, struct text slug, int64_t room_id, int64_t edition)
{
    struct db_query query = {.statement = &claim_name, .lane = DB_NO_LANE};

    add_slug(&query.params, slug);
    db_add_i64(&query.params, room_id);
    db_add_i64(&query.params, edition);
    enum err err = db_ask(worker->db, &query);
    if (err == ERR_OK && db_count(&query.rows) == 0)
        err = ERR_SLUG_TAKEN;
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

void room_slugs_release(struct worker *worker, int64_t room_id, struct text slug, int64_t edition)
{
    struct db_query query = {.statement = &release_other_names, .lane = DB_NO_LANE};

    add_slug(&query.params, slug);
    db_add_i64(&query.params, room_id);
    db_add_i64(&query.params, edition);
    (void)!db_ask(worker->db, &query);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
}

void room_slug_give_up(struct worker *worker, struct text slug, int64_t room_id, int64_t edition)
{
    struct db_query query = {.statement = &give_up_name, .lane = room_lane(room_id)};

    add_slug(&query.params, slug);
    db_add_i64(&query.params, room_id);
    db_add_i64(&query.params, edition);
    db_add_text(&query.params, slug);
    (void)!db_ask(worker->db, &query);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
}

void room_slug_forget(struct worker *worker, struct text slug, int64_t room_id)
{
    struct db_query query = {.statement = &forget_name, .lane = DB_NO_LANE};

    add_slug(&query.params, slug);
    db_add_i64(&query.params, room_id);
    (void)!db_ask(worker->db, &query);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static void add_hash(struct buf *out, struct text name)
{
    unsigned char hash[crypto_generichash_BYTES_MIN];
    char hex[2 * HASH_BYTES + 1];

    CHECK(crypto_generichash(hash, sizeof(hash), (const unsigned char *)name.at, name.len, NULL, 0) == 0);
    buf_printf(out, "%s%s", out->len > 0 ? "-" : "", sodium_bin2hex(hex, sizeof(hex), hash, HASH_BYTES));
}

void room_slug_of_name(struct buf *out, struct text name)
{
    const size_t most = SLUG_MAX_BYTES - 2 * HASH_BYTES - 1;
    bool is_foreign = false, has_gap = false;

    for (size_t i = 0; i < name.len; i++) {
        const char c = lower(name.at[i]);
        is_foreign = is_foreign || (unsigned char)c >= 0x80 || out->len + 2 > most;
        if (!is_slug_byte(c) || c == '-') {
            has_gap = true;
        } else if (out->len + 2 <= most) {
            if (has_gap && out->len > 0)
                buf_add_byte(out, '-');
            buf_add_byte(out, c);
            has_gap = false;
        }
    }
    if (is_foreign || out->len < SLUG_MIN_BYTES)
        add_hash(out, name);
}
