#include "api/questions/question_rooms.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/model/access.h"
#include "api/log/announce.h"
#include "api/ended.h"
#include "api/handlers/messages.h"
#include "api/log/watch.h"
#include "api/questions/statuses.h"
#include "base/id.h"

#define ID_TEXT_BYTES 24
#define HISTORY_MAX 1000
#define ENDED_MAX 5000

enum { REFUSED_INTERNAL = 100, REFUSED_UNKNOWN_CHANNEL = 102, REFUSED_PERMISSION = 103 };

static const struct db_statement select_ends = {
    "select_ends",
    "SELECT i.id, l.seq FROM unnest($1::bigint[]) AS i (id) "
    "CROSS JOIN LATERAL (SELECT seq FROM {lane}.events WHERE room_id = i.id ORDER BY seq DESC LIMIT 1) l"};

static const struct db_statement select_ended_after = {
    "select_ended_after",
    "SELECT number, user_id, session_id FROM public.ended_sessions WHERE number > $1::bigint ORDER BY number LIMIT $2::bigint"};

void question_refuse(struct inquiry *inquiry, enum err err)
{
    if (err == ERR_NOT_FOUND || err == ERR_MEMBER_REQUIRED)
        inquiry_refuse(inquiry, REFUSED_PERMISSION, "permission denied", false);
    else if (err == ERR_UNAVAILABLE || err == ERR_BUSY)
        inquiry_refuse_elsewhere(inquiry, REFUSED_INTERNAL, "internal server error");
    else
        inquiry_refuse(inquiry, REFUSED_INTERNAL, "internal server error", true);
}

void question_finish(struct db_query *queries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        db_params_fini(&queries[i].params);
        db_rows_fini(&queries[i].rows);
    }
}

/* "room:17" -> 17 */
static bool read_channel(struct text channel, struct text namespace, int64_t *id)
{
    return text_starts(channel, namespace) && id_parse(text_after(channel, namespace.len), id);
}

static ProtobufCBinaryData id_bytes(int64_t id, char out[ID_TEXT_BYTES])
{
    const int len = snprintf(out, ID_TEXT_BYTES, "%" PRId64, id);

    return wire_bytes(text_of(out, (size_t)len));
}

/* ---- Subscribe ---- */

static enum err ask_access(struct worker *worker, int64_t room_id, int64_t user_id, struct access *access)
{
    struct db_query query;

    if (room_lane(room_id) >= worker->app->lane_count)
        return worker->app->lane_count == 0 ? ERR_UNAVAILABLE : ERR_NOT_FOUND;
    access_ask(&query, room_id, user_id);
    enum err err = db_run(worker->db, &query, 1);
    if (err == ERR_OK)
        err = access_judge(&query, access);
    question_finish(&query, 1);
    return err;
}

void question_subscribe(struct worker *worker, struct inquiry *inquiry, const Bus__Subscribe *ask)
{
    Bus__Subscribed subscribed = BUS__SUBSCRIBED__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;
    int64_t room_id, user_id, session_id;
    struct access access;
    char epoch[64];
    const bool is_room = read_channel(wire_text(ask->channel), TEXT("room:"), &room_id);
    const bool is_status = !is_room && read_channel(wire_text(ask->channel), TEXT("status:"), &room_id); /* a person's id, then */

    if (!is_room && !is_status && !read_channel(wire_text(ask->channel), TEXT("live:"), &room_id)) {
        inquiry_refuse(inquiry, REFUSED_UNKNOWN_CHANNEL, "unknown channel", false);
        return;
    }
    if (!id_parse(wire_text(ask->user), &user_id) || !id_parse(wire_text(ask->session), &session_id) ||
        ended_contains(worker->app->ended, session_id)) {
        inquiry_refuse(inquiry, REFUSED_PERMISSION, "permission denied", false);
        return;
    }
    if (is_status) {
        question_subscribe_status(worker, inquiry, user_id, room_id);
        return;
    }
    enum err err = ask_access(worker, room_id, user_id, &access);
    if (err == ERR_OK && !watch_epoch(worker->app->watch, epoch))
        err = ERR_UNAVAILABLE;
    if (err != ERR_OK) {
        question_refuse(inquiry, err);
        return;
    }
    subscribed.streamed = is_room;
    subscribed.offset = (uint64_t)access.seq; /* for live: the as_of of the membership */
    subscribed.epoch = wire_bytes(text(epoch));
    answer.told_case = BUS__ANSWER__TOLD_SUBSCRIBED;
    answer.subscribed = &subscribed;
    inquiry_answer(inquiry, &answer);
}

/* ---- History ---- */

/* As many publications as fit into `bytes`, but at least one. */
static void fit_bytes(Bus__Publications *publications, Bus__Item **items, size_t count, size_t bytes)
{
    size_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += items[i]->publication->data.len;
        if (sum > bytes && i > 0)
            return;
        publications->items[publications->n_items++] = items[i]->publication;
    }
}

/* The last one brings its room's head: so the lines of chats are right again, too, when it is no message itself. */
static void announce_history(struct announcer *announcer, const struct event *event, const struct db_rows *heads, const char *epoch)
{
    struct buf bytes = {0};
    struct room room;
    struct head head;

    if (heads == NULL || db_count(heads) == 0) {
        announce_event(announcer, event, text(epoch), NULL, text(NULL));
        return;
    }
    head_read(&room, &head, heads, 0, &bytes);
    announce_event(announcer, event, text(epoch), &head, db_text(heads, 0, HEAD_SENDER_NAME));
    buf_fini(&bytes);
}

static void answer_history(struct inquiry *inquiry, const Bus__History *ask, const struct db_rows *events, const struct db_rows *heads,
                           int64_t last, const char *epoch)
{
    struct announcer *announcer = announcer_create();
    Bus__Publications publications = BUS__PUBLICATIONS__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;
    size_t count, bodies = 0;

    for (int i = 0; i < db_count(events) && bodies <= ask->bytes; i++) { /* fit_bytes() drops the rest, unwritten */
        struct event event;
        event_read(&event, events, i, 0);
        bodies += event_text_bytes(&event);
        announce_history(announcer, &event, i + 1 == db_count(events) ? heads : NULL, epoch);
    }
    Bus__Item **items = announce_items(announcer, &count);
    publications.items = xcalloc(count + 1, sizeof(*publications.items));
    fit_bytes(&publications, items, count, ask->bytes);
    publications.offset = (uint64_t)last;
    publications.epoch = wire_bytes(text(epoch));
    answer.told_case = BUS__ANSWER__TOLD_PUBLICATIONS;
    answer.publications = &publications;
    inquiry_answer(inquiry, &answer);
    free(publications.items);
    announcer_destroy(announcer);
}

/* The end is asked in the same statement's neighbour: it may be older than the events by a moment, so it is the larger of both. */
void question_history(struct worker *worker, struct inquiry *inquiry, const Bus__History *ask)
{
    struct db_query queries[3] = {0};
    int64_t room_id;
    char epoch[64];

    if (!read_channel(wire_text(ask->channel), TEXT("room:"), &room_id) || room_lane(room_id) >= worker->app->lane_count) {
        inquiry_refuse(inquiry, REFUSED_UNKNOWN_CHANNEL, "unknown channel", worker->app->lane_count == 0);
        return;
    }
    queries[0] = (struct db_query){.statement = &select_events_after, .lane = room_lane(room_id)};
    db_add_i64(&queries[0].params, room_id);
    db_add_i64(&queries[0].params, (int64_t)ask->after);
    db_add_i64(&queries[0].params, ask->limit < HISTORY_MAX ? (int64_t)ask->limit : HISTORY_MAX);
    queries[1] = (struct db_query){.statement = &select_ends, .lane = room_lane(room_id)};
    db_array_begin(&queries[1].params, DB_I64_ARRAY);
    db_array_i64(&queries[1].params, room_id);
    db_array_end(&queries[1].params);
    queries[2] = (struct db_query){.statement = &select_heads, .lane = room_lane(room_id)};
    db_array_begin(&queries[2].params, DB_I64_ARRAY);
    db_array_i64(&queries[2].params, room_id);
    db_array_end(&queries[2].params);
    enum err err = db_run(worker->db, queries, 3);
    if (err == ERR_OK && (db_count(&queries[1].rows) == 0 || !watch_epoch(worker->app->watch, epoch)))
        err = ERR_UNAVAILABLE;
    if (err == ERR_OK) {
        const int events = db_count(&queries[0].rows);
        int64_t last = db_i64(&queries[1].rows, 0, 1);
        if (events > 0 && db_i64(&queries[0].rows, events - 1, 1) > last)
            last = db_i64(&queries[0].rows, events - 1, 1);
        answer_history(inquiry, ask, &queries[0].rows, &queries[2].rows, last, epoch);
    } else {
        question_refuse(inquiry, err);
    }
    question_finish(queries, 3);
}

/* ---- Heads ---- */

static void answer_heads(struct inquiry *inquiry, const struct db_query *queries, size_t lanes, const char *epoch)
{
    size_t most = 0;
    for (size_t lane = 0; lane < lanes; lane++)
        most += (size_t)db_count(&queries[lane].rows);

    Bus__Head *heads = xcalloc(most + 1, sizeof(*heads)), **list = xcalloc(most + 1, sizeof(*list));
    char(*names)[ID_TEXT_BYTES + 8] = xcalloc(most + 1, sizeof(*names));
    Bus__HeadList told = BUS__HEAD_LIST__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    for (size_t lane = 0; lane < lanes; lane++)
        for (int i = 0; i < db_count(&queries[lane].rows); i++) {
            Bus__Head *head = list[told.n_heads] = &heads[told.n_heads];
            const int len = snprintf(names[told.n_heads], sizeof(names[0]), "room:%" PRId64, db_i64(&queries[lane].rows, i, 0));
            bus__head__init(head);
            head->channel = wire_bytes(text_of(names[told.n_heads], (size_t)len));
            head->offset = (uint64_t)db_i64(&queries[lane].rows, i, 1);
            told.n_heads++;
        }
    told.heads = list;
    told.epoch = wire_bytes(text(epoch));
    answer.told_case = BUS__ANSWER__TOLD_HEADS;
    answer.heads = &told;
    inquiry_answer(inquiry, &answer);
    free(names);
    free(list);
    free(heads);
}

void question_heads(struct worker *worker, struct inquiry *inquiry, const Bus__Heads *ask)
{
    const size_t lanes = (size_t)worker->app->lane_count;
    struct db_query *queries = xcalloc(lanes + 1, sizeof(*queries));
    enum err err = lanes > 0 ? ERR_OK : ERR_UNAVAILABLE;
    char epoch[64];

    for (size_t lane = 0; lane < lanes; lane++) {
        queries[lane] = (struct db_query){.statement = &select_ends, .lane = (int)lane};
        db_array_begin(&queries[lane].params, DB_I64_ARRAY);
        for (size_t i = 0; i < ask->n_channels; i++) {
            int64_t room_id;
            if (read_channel(wire_text(ask->channels[i]), TEXT("room:"), &room_id) && room_lane(room_id) == (int)lane)
                db_array_i64(&queries[lane].params, room_id);
        }
        db_array_end(&queries[lane].params);
    }
    if (err == ERR_OK && (err = db_run(worker->db, queries, lanes)) == ERR_OK && !watch_epoch(worker->app->watch, epoch))
        err = ERR_UNAVAILABLE;
    if (err == ERR_OK)
        answer_heads(inquiry, queries, lanes, epoch);
    else
        question_refuse(inquiry, err);
    question_finish(queries, lanes);
    free(queries);
}

/* ---- EndedSessions ---- */

void question_ended(struct worker *worker, struct inquiry *inquiry, const Bus__EndedSessions *ask)
{
    struct db_query query = {.statement = &select_ended_after, .lane = DB_NO_LANE};

    db_add_i64(&query.params, (int64_t)ask->after);
    db_add_i64(&query.params, ENDED_MAX);
    const enum err err = db_ask(worker->db, &query);
    if (err != ERR_OK) {
        question_refuse(inquiry, err);
        question_finish(&query, 1);
        return;
    }

    const size_t count = (size_t)db_count(&query.rows);
    Bus__EndedSession *sessions = xcalloc(count + 1, sizeof(*sessions)), **list = xcalloc(count + 1, sizeof(*list));
    char(*names)[2][ID_TEXT_BYTES] = xcalloc(count + 1, sizeof(*names));
    Bus__EndedList told = BUS__ENDED_LIST__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    told.number = ask->after;
    for (size_t i = 0; i < count; i++) {
        bus__ended_session__init(&sessions[i]);
        sessions[i].number = told.number = (uint64_t)db_i64(&query.rows, (int)i, 0);
        sessions[i].user = id_bytes(db_i64(&query.rows, (int)i, 1), names[i][0]);
        sessions[i].session = id_bytes(db_i64(&query.rows, (int)i, 2), names[i][1]);
        list[i] = &sessions[i];
    }
    told.n_sessions = count;
    told.sessions = list;
    answer.told_case = BUS__ANSWER__TOLD_ENDED;
    answer.ended = &told;
    inquiry_answer(inquiry, &answer);
    free(names);
    free(list);
    free(sessions);
    question_finish(&query, 1);
}
