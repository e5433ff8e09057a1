#include "api/handlers/changes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/log/watch.h"
#include "api/model/membership.h"
#include "api/model/relation.h"
#include "api/model/room.h"
#include "api/worker.h"
#include "base/clock.h"
#include "base/id.h"

#define CHANGES_DEFAULT 50
#define CHANGES_MAX 200
#define LOOK_BACK_US 5000000 /* commits take time: something comes twice, nothing is missed */

/* The database's, which dates the changes: an API's own clock may be wrong. */
static const struct db_statement select_time = {"select_time", "SELECT statement_timestamp()"};

/* And whether something may be missing after $2: traces of what is over go in the end. Of an account that is younger, none has gone. */
static const struct db_statement select_time_and_age = {
    "select_time_and_age", "SELECT statement_timestamp(), EXISTS (SELECT FROM public.users WHERE id = $1::bigint "
                           "AND greatest(created_at, $2::timestamptz) < statement_timestamp() - " RELATION_TRACES_KEPT ")"};

/* $1 user, $2 changed at or after, $3 $4 place to go on after (changed_at, room), $5 limit */
static const struct db_statement select_changes = {
    "select_changes",
    "SELECT " MEMBERSHIP_COLUMNS("m") ", l.message_no, l.room_mention_no FROM {lane}.members m "
    "CROSS JOIN LATERAL (SELECT message_no, room_mention_no FROM {lane}.events WHERE room_id = m.room_id ORDER BY seq DESC LIMIT 1) l "
    "WHERE m.user_id = $1::bigint AND m.changed_at >= $2::timestamptz AND (m.changed_at, m.room_id) > ($3::timestamptz, $4::bigint) "
    "ORDER BY m.changed_at, m.room_id LIMIT $5::bigint"};

/* The same of people. */
static const struct db_statement select_relation_changes = {
    "select_relation_changes",
    "SELECT " RELATION_COLUMNS("r") " FROM public.relations r "
    "WHERE r.user_id = $1::bigint AND r.changed_at >= $2::timestamptz AND (r.changed_at, r.other_id) > ($3::timestamptz, $4::bigint) "
    "ORDER BY r.changed_at, r.other_id LIMIT $5::bigint"};

enum { Q_TIME, Q_RELATIONS, Q_LANES }; /* then one query per lane */

struct change {
    int64_t at_us, id; /* when, and of which room or person: the place in the list */
    bool is_relation;
    struct membership membership;
    int64_t room_message_no, room_mention_no;
    struct relation relation;
};

static int compare(const void *a, const void *b)
{
    const struct change *x = a, *y = b;

    if (x->at_us != y->at_us)
        return x->at_us < y->at_us ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void write_relation(struct json_out *out, const struct relation *relation)
{
    json_open(out, '{');
    json_key_text(out, "type", TEXT("contact"));
    relation_write_members(out, relation);
    json_close(out, '}');
}

/* The same words as on user:{id}. */
static void write_change(struct json_out *out, const struct change *change, int64_t since_us)
{
    const struct membership *m = &change->membership;

    json_open(out, '{');
    json_key_text(out, "type", m->role == ROLE_LEFT ? TEXT("room_removed")
                               : m->joined_us >= since_us ? TEXT("room_added")
                                                          : TEXT("cursor"));
    json_key_id(out, "room_id", m->room_id);
    if (m->role != ROLE_LEFT) {
        json_key(out, "cursor");
        json_open(out, '{');
        json_key_i64(out, "seq", m->seq);
        json_key_i64(out, "message_no", m->message_no);
        json_close(out, '}');
        json_key_i64(out, "unread", membership_unread(m, change->room_message_no));
        json_key_i64(out, "mentions", membership_mentions(m, change->room_message_no, change->room_mention_no));
        membership_write_view(out, m);
    }
    json_key_time_exact(out, "changed_at", m->changed_us);
    json_close(out, '}');
}

struct asked {
    bool has_since; /* else only the time is wanted, to ask from later */
    int64_t since_us, after_us, after_id, limit;
};

static enum err read_asked(struct call *call, struct asked *asked)
{
    struct text since, after;
    enum err err;

    *asked = (struct asked){.limit = CHANGES_DEFAULT};
    if ((err = call_query_i64(call, "limit", 1, CHANGES_MAX, &asked->limit)) != ERR_OK)
        return err;
    asked->has_since = call_query_text(call, "since", &since);
    if (!asked->has_since)
        return ERR_OK;
    if (!clock_parse(since, &asked->since_us))
        return call_fail_field(call, ERR_WRONG_TYPE, "since", "a time as RFC 3339 writes it");
    asked->since_us -= LOOK_BACK_US;
    if (!call_query_text(call, "after", &after))
        return ERR_OK;
    const char *dash = memchr(after.at, '-', after.len);
    if (dash == NULL || !id_parse(text_of(after.at, (size_t)(dash - after.at)), &asked->after_us) ||
        !id_parse(text_of(dash + 1, after.len - (size_t)(dash - after.at) - 1), &asked->after_id))
        return call_fail_field(call, ERR_OUT_OF_RANGE, "after", "the `next` of an earlier page");
    return ERR_OK;
}

static void write_page(struct call *call, const struct asked *asked, const struct change *list, size_t count, int64_t until_us,
                       struct text epoch)
{
    struct json_out out = {.buf = call_out(call)};
    const bool has_more = count > (size_t)asked->limit;
    const size_t shown = has_more ? (size_t)asked->limit : count;

    json_open(&out, '{');
    json_key(&out, "items");
    json_open(&out, '[');
    for (size_t i = 0; i < shown; i++)
        if (list[i].is_relation)
            write_relation(&out, &list[i].relation);
        else
            write_change(&out, &list[i], asked->since_us);
    json_close(&out, ']');
    if (has_more) {
        char next[64];
        const struct change *last = &list[shown - 1];
        const int len = snprintf(next, sizeof(next), "%" PRId64 "-%" PRId64, last->at_us, last->id);
        json_key_text(&out, "next", text_of(next, (size_t)len));
    }
    json_key_time(&out, "until", until_us);
    json_key_bool(&out, "has_more", has_more);
    json_key_text(&out, "epoch", epoch);
    json_close(&out, '}');
}

static void build_one(struct call *call, const struct asked *asked, struct db_query *query, const struct db_statement *statement, int lane)
{
    *query = (struct db_query){.statement = statement, .lane = lane};
    db_add_i64(&query->params, call_user_id(call));
    db_add_time(&query->params, asked->since_us);
    db_add_time(&query->params, asked->after_us);
    db_add_i64(&query->params, asked->after_id);
    db_add_i64(&query->params, asked->limit + 1);
}

/* Without a `since` the time is all that is asked. */
static int build(struct call *call, const struct asked *asked, struct db_query *queries, int lanes)
{
    queries[Q_TIME] = (struct db_query){.statement = &select_time, .lane = DB_NO_LANE};
    if (!asked->has_since)
        return 1;
    queries[Q_TIME].statement = &select_time_and_age;
    db_add_i64(&queries[Q_TIME].params, call_user_id(call));
    db_add_time(&queries[Q_TIME].params, asked->since_us);
    build_one(call, asked, &queries[Q_RELATIONS], &select_relation_changes, DB_NO_LANE);
    for (int lane = 0; lane < lanes; lane++)
        build_one(call, asked, &queries[Q_LANES + lane], &select_changes, lane);
    return Q_LANES + lanes;
}

static void read_membership(struct change *change, const struct db_rows *rows, int row)
{
    membership_read(&change->membership, rows, row, 0);
    change->room_message_no = db_i64(rows, row, MEMBERSHIP_COLUMN_COUNT);
    change->room_mention_no = db_i64(rows, row, MEMBERSHIP_COLUMN_COUNT + 1);
    change->at_us = change->membership.changed_us;
    change->id = change->membership.room_id;
}

static void read_relation(struct change *change, const struct db_rows *rows, int row)
{
    change->is_relation = true;
    relation_read(&change->relation, rows, row, 0);
    change->at_us = change->relation.changed_us;
    change->id = change->relation.other_id;
}

/* Of people and all lanes, the oldest first; how many there are is in `*count`. */
static struct change *gather(const struct db_query *queries, int query_count, size_t *count)
{
    size_t total = 0;

    for (int q = Q_RELATIONS; q < query_count; q++)
        total += (size_t)db_count(&queries[q].rows);
    struct change *list = xcalloc(total + 1, sizeof(*list));
    *count = 0;
    for (int q = Q_RELATIONS; q < query_count; q++)
        for (int i = 0; i < db_count(&queries[q].rows); i++)
            (q == Q_RELATIONS ? read_relation : read_membership)(&list[(*count)++], &queries[q].rows, i);
    qsort(list, total, sizeof(*list), compare);
    return list;
}

static enum err answer(struct call *call, const struct asked *asked, struct db_query *queries, int query_count,
                       struct text epoch)
{
    size_t count;
    const enum err err = db_run(call_worker(call)->db, queries, (size_t)query_count);

    if (err != ERR_OK)
        return err;
    if (asked->has_since && db_bool(&queries[Q_TIME].rows, 0, 1))
        return ERR_TOO_OLD;
    struct change *list = gather(queries, query_count, &count);
    write_page(call, asked, list, count, db_time(&queries[Q_TIME].rows, 0, 0), epoch);
    free(list);
    return call_reply(call, 200);
}

/* GET /v1/me/changes ? since, limit, after -> {items, next, until, has_more, epoch} */
enum err changes_get(struct call *call)
{
    const struct app *app = call_worker(call)->app;
    struct asked asked;
    char epoch[64];
    enum err err;

    if ((err = read_asked(call, &asked)) != ERR_OK)
        return err;
    /* Who follows no room at the moment learns here that all numbers are void. */
    if (app->lane_count == 0 || !watch_epoch(app->watch, epoch))
        return ERR_UNAVAILABLE;
    const int lanes = app->lane_count;
    struct db_query *queries = xcalloc((size_t)(Q_LANES + lanes), sizeof(*queries));
    const int query_count = build(call, &asked, queries, lanes);
    err = answer(call, &asked, queries, query_count, text(epoch));
    for (int i = 0; i < query_count; i++) {
        db_params_fini(&queries[i].params);
        db_rows_fini(&queries[i].rows);
    }
    free(queries);
    return err;
}
