#include "api/model/people.h"

#include <stdlib.h>

#include "api/flights.h"
#include "api/store/cache_seal.h"
#include "api/store/cache_value.h"
#include "api/store/coherence.h"
#include "api/settings.h"

struct people {
    struct user *list; /* by id, ascending */
    bool *is_known;
    size_t count;
    struct cache_command cached; /* what the texts are borrowed from */
    struct flight *flight;       /* and this one's rows; NULL: the cache knew all */
};

static const struct db_statement select_people = {
    "select_people", "SELECT " USER_COLUMNS("u") " FROM unnest($1::bigint[]) AS i (id) JOIN public.users u ON u.id = i.id"};

static int compare_ids(const void *a, const void *b)
{
    const int64_t x = ((const struct user *)a)->id, y = ((const struct user *)b)->id;

    return x < y ? -1 : x > y;
}

static struct user *find(const struct people *people, int64_t id)
{
    return bsearch(&(struct user){.id = id}, people->list, people->count, sizeof(*people->list), compare_ids);
}

/* Each id once, ascending, without 0. */
static void gather_ids(struct people *people, const int64_t *ids, size_t count)
{
    size_t kept = 0;

    people->list = xcalloc(count + 1, sizeof(*people->list));
    people->is_known = xcalloc(count + 1, sizeof(*people->is_known));
    for (size_t i = 0; i < count; i++)
        people->list[i].id = ids[i];
    qsort(people->list, count, sizeof(*people->list), compare_ids);
    for (size_t i = 0; i < count; i++)
        if (people->list[i].id != 0 && (kept == 0 || people->list[i].id != people->list[kept - 1].id))
            people->list[kept++] = people->list[i];
    people->count = kept;
}

/* A list of keys in one buffer. */
static struct text *make_keys(const struct people *people, struct buf *bytes)
{
    struct text *keys = xcalloc(people->count + 1, sizeof(*keys));
    size_t *ends = xcalloc(people->count + 1, sizeof(*ends));

    for (size_t i = 0; i < people->count; i++) {
        cache_key(bytes, "user", people->list[i].id);
        ends[i] = bytes->len;
    }
    for (size_t i = 0, start = 0; i < people->count; start = ends[i++])
        keys[i] = text_of(bytes->at + start, ends[i] - start);
    free(ends);
    return keys;
}

static void read_cached(struct worker *worker, struct people *people, const struct text *keys)
{
    people->cached = (struct cache_command){.verb = "MGET", .keys = keys, .key_count = people->count};
    if (cache_run(worker->cache, &people->cached, 1) != ERR_OK || people->cached.reply.count != people->count)
        return;
    for (size_t i = 0; i < people->count; i++) {
        struct text value = cache_item(&people->cached.reply, i);
        struct user user;
        if (!cache_unseal(&value, keys[i], text(NULL)) || !cache_read_user(value, people->list[i].id, &user))
            continue;
        people->list[i] = user;
        people->is_known[i] = true;
    }
}

/* The people that the cache did not know, under leases. */
struct missing {
    struct text *keys;
    size_t *at; /* place in the list */
    struct lease *leases;
    size_t count;
};

static void fill_cache(struct worker *worker, const struct people *people, const struct missing *missing)
{
    struct text *values = xcalloc(missing->count + 1, sizeof(*values));
    struct buf *bytes = xcalloc(missing->count + 1, sizeof(*bytes));

    for (size_t i = 0; i < missing->count; i++) {
        if (!people->is_known[missing->at[i]])
            continue;
        cache_write_user(&bytes[i], &people->list[missing->at[i]]);
        values[i] = buf_text(&bytes[i]);
    }
    lease_fill(worker->cache, missing->keys, missing->leases, values, missing->count,
               worker->app->settings->redis.ttl_s * 1000);
    for (size_t i = 0; i < missing->count; i++)
        buf_fini(&bytes[i]);
    free(bytes);
    free(values);
}

static void take_rows(struct people *people, const struct db_rows *rows)
{
    for (int i = 0; i < db_count(rows); i++) {
        struct user *user = find(people, db_i64(rows, i, 0));
        user_read(user, rows, i, 0);
        people->is_known[user - people->list] = true;
    }
}

static void free_query(void *arg)
{
    struct db_query *query = arg;

    db_params_fini(&query->params);
    db_rows_fini(&query->rows);
    free(query);
}

/* For all aboard, who miss the same people. */
static void fly(struct worker *worker, struct people *people, struct missing *missing)
{
    struct db_query *query = xcalloc(1, sizeof(*query));

    (void)lease_take(worker->cache, missing->keys, missing->leases, missing->count, false);
    *query = (struct db_query){.statement = &select_people, .lane = DB_NO_LANE};
    db_array_begin(&query->params, DB_I64_ARRAY);
    for (size_t i = 0; i < missing->count; i++)
        db_array_i64(&query->params, people->list[missing->at[i]].id);
    db_array_end(&query->params);
    const enum err err = db_ask(worker->db, query);
    if (err == ERR_OK) {
        take_rows(people, &query->rows);
        fill_cache(worker, people, missing);
    }
    flight_land(people->flight, err, query, free_query);
}

static enum err read_missing(struct worker *worker, struct people *people, struct missing *missing)
{
    struct buf key = {0};
    void *answer;
    bool is_pilot;

    for (size_t i = 0; i < missing->count; i++)
        buf_add_text(&key, missing->keys[i]);
    people->flight = flights_board(worker->flights, buf_text(&key), 0, &is_pilot);
    buf_fini(&key);
    if (is_pilot)
        fly(worker, people, missing);
    const enum err err = flight_answer(people->flight, &answer);
    if (err == ERR_OK && !is_pilot)
        take_rows(people, &((struct db_query *)answer)->rows);
    return err;
}

enum err people_read(struct worker *worker, const int64_t *ids, size_t count, struct people **out)
{
    struct people *people = *out = xcalloc(1, sizeof(*people));
    struct buf bytes = {0};
    enum err err = ERR_OK;

    gather_ids(people, ids, count);
    struct text *keys = make_keys(people, &bytes);
    if (people->count > 0)
        read_cached(worker, people, keys);

    struct missing missing = {
        .keys = xcalloc(people->count + 1, sizeof(*missing.keys)),
        .at = xcalloc(people->count + 1, sizeof(*missing.at)),
        .leases = xcalloc(people->count + 1, sizeof(*missing.leases)),
    };
    for (size_t i = 0; i < people->count; i++)
        if (!people->is_known[i]) {
            missing.keys[missing.count] = keys[i];
            missing.at[missing.count++] = i;
        }
    if (missing.count > 0)
        err = read_missing(worker, people, &missing);
    free(missing.leases);
    free(missing.at);
    free(missing.keys);
    free(keys);
    buf_fini(&bytes);
    return err;
}

const struct user *people_find(const struct people *people, int64_t id)
{
    const struct user *user = id != 0 ? find(people, id) : NULL;

    return user != NULL && people->is_known[user - people->list] ? user : NULL;
}

struct text people_name(const struct people *people, int64_t id)
{
    const struct user *user = people_find(people, id);

    return user != NULL ? user->name : text("");
}

void people_destroy(struct people *people)
{
    if (people == NULL)
        return;
    cache_reply_fini(&people->cached.reply);
    if (people->flight != NULL)
        flight_leave(people->flight);
    free(people->is_known);
    free(people->list);
    free(people);
}
