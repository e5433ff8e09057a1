#include "api/model/shunned.h"

#include <stdlib.h>

#include "api/settings.h"
#include "api/store/cache_seal.h"
#include "api/store/coherence.h"
#include "base/id.h"

static const struct db_statement select_shunned = {
    "select_shunned", "SELECT user_id FROM public.relations WHERE other_id = $1::bigint AND is_blocked ORDER BY user_id"};

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

bool shunned_has(const struct shunned *shunned, int64_t id)
{
    return shunned->count > 0 && bsearch(&id, shunned->ids, shunned->count, sizeof(id), compare) != NULL;
}

void shunned_fini(struct shunned *shunned)
{
    free(shunned->ids);
    *shunned = (struct shunned){0};
}

/* ---- as a value ---- */

void shunned_write_value(struct buf *out, const struct shunned *shunned)
{
    for (size_t i = 0; i < shunned->count; i++) {
        buf_add_i64(out, shunned->ids[i]);
        buf_add_byte(out, ' ');
    }
    buf_add_byte(out, '.'); /* nobody is a value, too */
}

bool shunned_read_value(struct text value, struct shunned *shunned)
{
    *shunned = (struct shunned){.ids = xcalloc(value.len / 2 + 1, sizeof(int64_t))};
    while (value.len > 1) {
        const char *space = memchr(value.at, ' ', value.len);
        int64_t *id = &shunned->ids[shunned->count];
        if (space == NULL || !id_parse(text_of(value.at, (size_t)(space - value.at)), id) || (shunned->count > 0 && *id <= id[-1]))
            break;
        shunned->count++;
        value = text_after(value, (size_t)(space - value.at) + 1);
    }
    if (text_equal(value, TEXT(".")))
        return true;
    shunned_fini(shunned);
    return false;
}

/* ---- reading ---- */

static bool read_cached(struct worker *worker, struct text key, struct shunned *shunned)
{
    struct cache_command command = {.verb = "GET", .keys = &key, .key_count = 1};
    bool is_known = false;

    if (cache_run(worker->cache, &command, 1) == ERR_OK && command.reply.kind == CACHE_TEXT) {
        struct text value = buf_text(&command.reply.bytes);
        is_known = cache_unseal(&value, key, text(NULL)) && shunned_read_value(value, shunned);
    }
    cache_reply_fini(&command.reply);
    return is_known;
}

static enum err ask(struct worker *worker, int64_t user_id, struct shunned *shunned)
{
    struct db_query query = {.statement = &select_shunned, .lane = DB_NO_LANE};

    db_add_i64(&query.params, user_id);
    const enum err err = db_ask(worker->db, &query);
    if (err == ERR_OK) {
        shunned->ids = xcalloc((size_t)db_count(&query.rows) + 1, sizeof(int64_t));
        for (int i = 0; i < db_count(&query.rows); i++)
            shunned->ids[shunned->count++] = db_i64(&query.rows, i, 0);
    }
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

enum err shunned_read(struct worker *worker, int64_t user_id, struct shunned *shunned)
{
    struct buf name = {0}, bytes = {0};
    struct lease lease;
    enum err err = ERR_OK;

    *shunned = (struct shunned){0};
    cache_key(&name, SHUNNED_KEY, user_id);
    const struct text key = buf_text(&name);
    if (!read_cached(worker, key, shunned)) {
        (void)!lease_take(worker->cache, &key, &lease, 1, false);
        if ((err = ask(worker, user_id, shunned)) == ERR_OK) {
            shunned_write_value(&bytes, shunned);
            const struct text value = buf_text(&bytes);
            lease_fill(worker->cache, &key, &lease, &value, 1, worker->app->settings->redis.ttl_s * 1000);
        }
    }
    buf_fini(&bytes);
    buf_fini(&name);
    return err;
}
