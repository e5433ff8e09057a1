/*
 * A search goes: all lanes at once for what matches, newest first; merged, the first `limit` of them; then the facts of their rooms and of the
 * people in them. When the first page finds no word at all, the newest messages are looked through for parts of words and slips of the pen;
 * `next` says which of the two it was.
 *
 * In a lane, words are looked up in {lane}.words, and what of the log is not in there yet is looked through: a message that was sent, edited or
 * deleted a moment ago is found, or is not, as it should. PostgreSQL ends what takes longer than search.timeout_ms.
 */
#include "api/handlers/search.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/model/access.h"
#include "api/model/event.h"
#include "api/model/excerpt.h"
#include "api/model/people.h"
#include "api/request/limits.h"
#include "api/settings.h"
#include "api/turns.h"
#include "api/worker.h"
#include "base/clock.h"
#include "base/id.h"

#define SEARCH_DEFAULT 50
#define SEARCH_MAX 200
#define QUERY_MAX_CHARS 200
#define MINUS_MAX 16
#define ROOMS_IN_QUERY "64" /* of one lane: fewer are looked up in the index, more are a filter */
#define WALK "5000"        /* messages that are walked through, of all rooms together */
#define WALK_LEAST "500"   /* of each */
#define LIKENESS "0.5"
#define ALIKE_CHARS "1000" /* of a text: comparing takes as long as it is, 9 ms for 16 KiB */
#define LIKE_CHARS "4000"

/* $1 user, $2 what is looked for, $3 room or NULL. `mark`: how far the room's log was read. */
#define MINE                                                                                                                             \
    "WITH mine AS MATERIALIZED ("                                                                                                        \
    "  SELECT m.room_id, CASE WHEN s.language = current_setting('default_text_search_config') THEN s.seq ELSE 0 END AS mark"             \
    "  FROM {lane}.members m JOIN {lane}.rooms r ON r.id = m.room_id AND r.deleted_at IS NULL"                                           \
    "  LEFT JOIN {lane}.searchable s ON s.room_id = m.room_id"                                                                           \
    "  WHERE m.user_id = $1::bigint AND m.role <> 'left' AND ($3::bigint IS NULL OR m.room_id = $3::bigint)), "

/* $4 sender or NULL, $5 $6 from and to or NULL, $7 $8 $9 the last one of the page before. Of table alias `t`. */
#define IS_WANTED(t)                                                                                                                     \
    "($4::bigint IS NULL OR " t ".sender_id = $4::bigint) AND ($5::timestamptz IS NULL OR " t ".created_at >= $5::timestamptz)"          \
    " AND ($6::timestamptz IS NULL OR " t ".created_at < $6::timestamptz)"                                                               \
    " AND (" t ".created_at, " t ".room_id, " t ".seq) < ($7::timestamptz, $8::bigint, $9::bigint) "

#define NEWEST_FIRST(t) "ORDER BY " t ".created_at DESC, " t ".room_id DESC, " t ".seq DESC "

/* A message says what its words were read from: what was edited or deleted since is in the rest. */
#define IS_CURRENT(t)                                                                                                                    \
    "EXISTS (SELECT FROM {lane}.events e WHERE e.room_id = " t ".room_id AND e.seq = " t ".seq"                                         \
    " AND e.deleted_at IS NULL AND e.edited_at IS NOT DISTINCT FROM " t ".edited_at OFFSET 0) "

/* Of one room, as the index on its messages' times understands it. */
#define IN_TIME                                                                                                                          \
    "room_id = mine.room_id AND created_at >= coalesce($5::timestamptz, '-infinity')"                                                   \
    " AND created_at <= least($7::timestamptz, coalesce($6::timestamptz, 'infinity')) "

/*
 * How a room, or a few since some time, are searched: newest first, message by message, which a common word ends soon, and a rare one
 * after WALK of them. Only when a room goes on behind that, and not enough was found, the index of words is asked, where then a small part of
 * the room's messages has the word. Asked at once for a common word it would bring all of them, to be thrown away but for a page.
 *
 * $10 limit, $11 search.rest_max. IS TRUE and the OFFSETs are for the planner, which knows little of what is asked: words come from their index
 * alone, once, rooms are a hash that they are held against, and only as many messages are read as are shown. What was edited since its words
 * were read is in the rest.
 */
static const struct db_statement search_words = {
    "search_words",
    MINE "asked AS MATERIALIZED ("
    "  SELECT websearch_to_tsquery($2::text) AS words"
    "), sought AS MATERIALIZED ("
    "  SELECT words FROM asked WHERE querytree(words) NOT IN ('', 'T')"
    "), walkable AS MATERIALIZED ("
    "  SELECT room_id, greatest(" WALK_LEAST ", " WALK " / count(*) OVER ()) AS most FROM mine"
    "  WHERE $3::bigint IS NOT NULL OR ($5::timestamptz IS NOT NULL AND (SELECT count(*) FROM mine) <= " ROOMS_IN_QUERY ")"
    "), walked AS MATERIALIZED ("
    "  SELECT h.* FROM walkable mine CROSS JOIN LATERAL ("
    "    SELECT t.room_id, t.seq, t.created_at FROM ("
    "      SELECT * FROM {lane}.words WHERE " IN_TIME "ORDER BY created_at DESC, seq DESC LIMIT mine.most) t"
    "    WHERE t.words @@ (SELECT words FROM sought) AND " IS_WANTED("t") "AND " IS_CURRENT("t")
    "    ORDER BY t.created_at DESC, t.seq DESC LIMIT $10::bigint) h"
    "), walk AS MATERIALIZED ("
    "  SELECT NOT EXISTS (SELECT FROM walkable) OR EXISTS (SELECT FROM walkable mine"
    "    WHERE (SELECT count(*) FROM walked w WHERE w.room_id = mine.room_id) < $10::bigint"
    "    AND EXISTS (SELECT FROM {lane}.words WHERE " IN_TIME "ORDER BY created_at DESC, seq DESC OFFSET mine.most)) AS goes_on"
    "), looked_up AS MATERIALIZED ("
    "  SELECT s.words && CASE WHEN (SELECT count(*) FROM mine) <= " ROOMS_IN_QUERY
    "    THEN coalesce((SELECT string_agg(''' ' || room_id || '''', ' | ') FROM mine), ''' 0''')::tsquery ELSE ''::tsquery END AS words"
    "  FROM sought s WHERE (SELECT goes_on FROM walk)"
    "), indexed AS ("
    "  SELECT w.room_id, w.seq, w.created_at FROM ("
    "    SELECT * FROM {lane}.words t WHERE t.words @@ (SELECT words FROM looked_up)"
    "    AND (t.room_id IN (SELECT room_id FROM mine)) IS TRUE AND " IS_WANTED("t") NEWEST_FIRST("t") "OFFSET 0) w"
    "  WHERE " IS_CURRENT("w") "LIMIT $10::bigint"
    "), behind AS MATERIALIZED ("
    "  SELECT room_id, mark FROM mine WHERE EXISTS (SELECT FROM {lane}.events e WHERE e.room_id = mine.room_id AND e.seq > mine.mark)"
    "), rest AS MATERIALIZED ("
    "  SELECT DISTINCT behind.room_id, CASE e.kind WHEN 'message' THEN e.seq ELSE e.target_seq END AS seq"
    "  FROM behind CROSS JOIN LATERAL (SELECT seq, kind, target_seq FROM {lane}.events WHERE room_id = behind.room_id AND seq > behind.mark"
    "    AND kind IN ('message', 'edit') ORDER BY seq DESC LIMIT 1 + $11::bigint / (SELECT count(*) FROM behind)) e LIMIT $11::bigint"
    "), new AS ("
    "  SELECT t.room_id, t.seq, t.created_at FROM rest CROSS JOIN LATERAL ("
    "    SELECT * FROM {lane}.events WHERE room_id = rest.room_id AND seq = rest.seq OFFSET 0) t"
    "  WHERE t.kind = 'message' AND t.deleted_at IS NULL AND " IS_WANTED("t")
    "    AND to_tsvector(t.body->>'text') @@ (SELECT words FROM sought) " NEWEST_FIRST("t") "LIMIT $10::bigint"
    "), page AS MATERIALIZED ("
    "  SELECT * FROM (SELECT * FROM indexed UNION SELECT * FROM walked UNION SELECT * FROM new) u " NEWEST_FIRST("u") "LIMIT $10::bigint"
    "), each_word AS MATERIALIZED ("
    "  SELECT regexp_replace(querytree(words), '<(-|[0-9]+)>|&', '|', 'g')::tsquery AS words FROM asked"
    ") SELECT " EVENT_COLUMNS ", e.body->>'text', coalesce((SELECT string_agg(k.token, chr(1)) FROM ("
    "    SELECT DISTINCT token FROM ts_parse('default', e.body->>'text')) k WHERE to_tsvector(k.token) @@ (SELECT words FROM each_word)), '')"
    " FROM page CROSS JOIN LATERAL (SELECT * FROM {lane}.events WHERE room_id = page.room_id AND seq = page.seq OFFSET 0) e"
    EVENT_JOINS NEWEST_FIRST("e")};

/* $10 limit, $11 search.scan_max: that many of each lane, of each room its part of them. */
static const struct db_statement search_like = {
    "search_like",
    MINE "recent AS ("
    "  SELECT e.* FROM mine CROSS JOIN LATERAL (SELECT * FROM {lane}.events WHERE room_id = mine.room_id AND kind = 'message'"
    "    ORDER BY seq DESC LIMIT 1 + $11::bigint / (SELECT count(*) FROM mine)) e LIMIT $11::bigint"
    "), page AS MATERIALIZED ("
    "  SELECT e.*, e.body->>'text' AS said FROM recent e WHERE e.deleted_at IS NULL AND " IS_WANTED("e")
    "    AND (left(e.body->>'text', " LIKE_CHARS ") ~* ('***=' || $2::text)"
    "      OR public.word_similarity($2::text, left(e.body->>'text', " ALIKE_CHARS ")) >= " LIKENESS ") "
    NEWEST_FIRST("e") "LIMIT $10::bigint"
    ") SELECT " EVENT_COLUMNS ", e.said, coalesce("
    "    (SELECT string_agg(DISTINCT m[1], chr(1)) FROM regexp_matches(e.said, '***=' || $2::text, 'gi') m),"
    "    (SELECT token FROM ts_parse('default', left(e.said, " ALIKE_CHARS ")) WHERE tokid <> 12 ORDER BY public.word_similarity($2::text, token) DESC LIMIT 1), '')"
    " FROM page e" EVENT_JOINS NEWEST_FIRST("e")};

enum { FOUND_TEXT = EVENT_COLUMN_COUNT, FOUND_WORDS };

/* ---- what is asked ---- */

enum way { BY_WORDS, BY_LIKENESS };

struct asked {
    struct text words;
    int64_t room_id, sender_id; /* 0: any */
    bool has_from, has_to;
    int64_t from_us, to_us, limit;
    bool has_after;
    enum way way;
    int64_t after_us, after_room, after_seq;
};

static enum err read_id(struct call *call, const char *name, int64_t *id)
{
    struct text digits;

    if (!call_query_text(call, name, &digits) || id_parse(digits, id))
        return ERR_OK;
    return call_fail_field(call, ERR_WRONG_TYPE, name, "must be an id");
}

static enum err read_time(struct call *call, const char *name, bool *has, int64_t *time_us)
{
    struct text time;

    *has = call_query_text(call, name, &time);
    if (!*has || clock_parse(time, time_us))
        return ERR_OK;
    return call_fail_field(call, ERR_WRONG_TYPE, name, "a time as RFC 3339 writes it");
}

/* "w-1772357400000000-7-4" */
static enum err read_after(struct call *call, struct asked *asked)
{
    int64_t *const numbers[] = {&asked->after_us, &asked->after_room, &asked->after_seq};
    struct text after;

    asked->after_us = INT64_MAX / 2; /* beyond all, and a time that PostgreSQL knows */
    asked->has_after = call_query_text(call, "after", &after);
    if (!asked->has_after)
        return ERR_OK;
    bool good = after.len > 2 && (after.at[0] == 'w' || after.at[0] == 'l') && after.at[1] == '-';
    asked->way = good && after.at[0] == 'l' ? BY_LIKENESS : BY_WORDS;
    after = text_after(after, good ? 2 : 0);
    for (size_t i = 0; good && i < ARRAY_COUNT(numbers); i++) {
        const char *dash = after.len > 0 ? memchr(after.at, '-', after.len) : NULL;
        const size_t len = dash != NULL ? (size_t)(dash - after.at) : after.len;
        good = id_parse(text_of(after.at, len), numbers[i]) && (dash != NULL) == (i + 1 < ARRAY_COUNT(numbers));
        after = text_after(after, dash != NULL ? len + 1 : len);
    }
    if (good && asked->after_us <= INT64_MAX / 2)
        return ERR_OK;
    return call_fail_field(call, ERR_OUT_OF_RANGE, "after", "the `next` of an earlier page");
}

static size_t count_chars(struct text value)
{
    size_t count = 0;

    for (size_t i = 0; i < value.len; i++)
        count += ((unsigned char)value.at[i] & 0xc0) != 0x80;
    return count;
}

/* PostgreSQL refuses a query with more than 32 of them in a row: what is beyond MINUS_MAX is no sign any more. */
static struct text with_few_signs(struct call *call, struct text words)
{
    char *at = call_alloc(call, words.len + 1);
    int count = 0;

    for (size_t i = 0; i < words.len; i++)
        at[i] = words.at[i] == '-' && count++ >= MINUS_MAX ? ' ' : words.at[i];
    return text_of(at, words.len);
}

static enum err read_asked(struct call *call, struct asked *asked)
{
    enum err err;

    *asked = (struct asked){.limit = SEARCH_DEFAULT};
    if (!call_query_text(call, "q", &asked->words))
        return call_fail_field(call, ERR_MISSING, "q", "is required");
    if (asked->words.len == 0 || count_chars(asked->words) > QUERY_MAX_CHARS)
        return call_fail_field(call, ERR_OUT_OF_RANGE, "q", "1 to %d characters", QUERY_MAX_CHARS);
    asked->words = with_few_signs(call, asked->words);
    if ((err = read_id(call, "room", &asked->room_id)) != ERR_OK || (err = read_id(call, "sender", &asked->sender_id)) != ERR_OK ||
        (err = read_time(call, "from", &asked->has_from, &asked->from_us)) != ERR_OK ||
        (err = read_time(call, "to", &asked->has_to, &asked->to_us)) != ERR_OK)
        return err;
    if ((err = call_query_i64(call, "limit", 1, SEARCH_MAX, &asked->limit)) != ERR_OK)
        return err;
    return read_after(call, asked);
}

/* The room that is asked for, if one is: 404 and 403 as for its messages. */
static enum err judge_room(struct call *call, const struct asked *asked)
{
    struct db_query query;
    struct access access;

    if (asked->room_id == 0)
        return ERR_OK;
    if (access_lane(call, asked->room_id) == DB_NO_LANE)
        return call_worker(call)->app->lane_count == 0 ? ERR_UNAVAILABLE : ERR_NOT_FOUND;
    access_ask(&query, asked->room_id, call_user_id(call));
    enum err err = db_ask(call_worker(call)->db, &query);
    if (err == ERR_OK)
        err = access_judge(&query, &access);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

/* ---- what is found ---- */

struct hit {
    const struct db_rows *rows;
    int row;
    int64_t at_us, room_id, seq;
};

struct found {
    struct db_query *lanes;
    size_t lane_count;
    struct hit *hits; /* newest first */
    size_t count;
};

static int compare(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;

    if (x->at_us != y->at_us)
        return x->at_us > y->at_us ? -1 : 1;
    if (x->room_id != y->room_id)
        return x->room_id > y->room_id ? -1 : 1;
    return x->seq > y->seq ? -1 : x->seq < y->seq;
}

static void found_fini(struct found *found)
{
    for (size_t i = 0; i < found->lane_count; i++) {
        db_params_fini(&found->lanes[i].params);
        db_rows_fini(&found->lanes[i].rows);
    }
    free(found->lanes);
    free(found->hits);
    *found = (struct found){0};
}

static void add_id_or_null(struct db_params *params, int64_t id)
{
    if (id != 0)
        db_add_i64(params, id);
    else
        db_add_null(params);
}

static void add_time_or_null(struct db_params *params, bool has, int64_t time_us)
{
    if (has)
        db_add_time(params, time_us);
    else
        db_add_null(params);
}

static void build(struct call *call, const struct asked *asked, int lane, struct db_query *query)
{
    const struct settings *settings = call_worker(call)->app->settings;

    *query = (struct db_query){.statement = asked->way == BY_WORDS ? &search_words : &search_like, .lane = lane};
    db_add_i64(&query->params, call_user_id(call));
    db_add_text(&query->params, asked->words);
    add_id_or_null(&query->params, asked->room_id);
    add_id_or_null(&query->params, asked->sender_id);
    add_time_or_null(&query->params, asked->has_from, asked->from_us);
    add_time_or_null(&query->params, asked->has_to, asked->to_us);
    db_add_time(&query->params, asked->after_us);
    db_add_i64(&query->params, asked->after_room);
    db_add_i64(&query->params, asked->after_seq);
    db_add_i64(&query->params, asked->limit + 1);
    db_add_i64(&query->params, asked->way == BY_WORDS ? settings->search.rest_max : settings->search.scan_max);
}

static void gather(struct found *found)
{
    size_t total = 0;

    for (size_t lane = 0; lane < found->lane_count; lane++)
        total += (size_t)db_count(&found->lanes[lane].rows);
    found->hits = xcalloc(total + 1, sizeof(*found->hits));
    for (size_t lane = 0; lane < found->lane_count; lane++) {
        const struct db_rows *rows = &found->lanes[lane].rows;
        for (int row = 0; row < db_count(rows); row++) {
            struct event event;
            event_read(&event, rows, row, 0);
            found->hits[found->count++] = (struct hit){rows, row, event.created_us, event.room_id, event.seq};
        }
    }
    qsort(found->hits, found->count, sizeof(*found->hits), compare);
}

static enum err find(struct call *call, const struct asked *asked, struct found *found)
{
    const struct app *app = call_worker(call)->app;
    const int lanes = asked->room_id != 0 ? 1 : app->lane_count;
    const int64_t began_ms = clock_mono_ms();

    *found = (struct found){.lanes = xcalloc((size_t)lanes + 1, sizeof(*found->lanes)), .lane_count = (size_t)lanes};
    for (int i = 0; i < lanes; i++)
        build(call, asked, asked->room_id != 0 ? room_lane(asked->room_id) : i, &found->lanes[i]);
    const enum err err = db_run(call_worker(call)->search, found->lanes, found->lane_count);
    if (err == ERR_OK)
        gather(found);
    const bool took_too_long = err == ERR_UNAVAILABLE && clock_mono_ms() - began_ms >= app->settings->search.timeout_ms;
    if (took_too_long && asked->way == BY_LIKENESS && !asked->has_after)
        return ERR_OK;
    if (took_too_long)
        return call_fail(call, ERR_TIMEOUT, "too much matches: name a room");
    return err;
}

/* ---- rooms and people of the page ---- */

struct shown {
    size_t count;
    struct db_query *heads; /* per lane */
    size_t head_count;
    struct people *people;
};

static enum err read_heads(struct call *call, const struct found *found, struct shown *shown)
{
    const int lanes = call_worker(call)->app->lane_count;

    shown->heads = xcalloc((size_t)lanes + 1, sizeof(*shown->heads));
    for (int lane = 0; lane < lanes; lane++) {
        struct db_query *query = &shown->heads[shown->head_count];
        int64_t wanted = 0;
        *query = (struct db_query){.statement = &select_heads, .lane = lane};
        db_array_begin(&query->params, DB_I64_ARRAY);
        for (size_t i = 0; i < shown->count; i++) {
            bool is_first = room_lane(found->hits[i].room_id) == lane;
            for (size_t j = 0; is_first && j < i; j++)
                is_first = found->hits[j].room_id != found->hits[i].room_id;
            if (!is_first)
                continue;
            db_array_i64(&query->params, found->hits[i].room_id);
            wanted++;
        }
        db_array_end(&query->params);
        if (wanted > 0)
            shown->head_count++;
        else
            db_params_fini(&query->params);
    }
    return db_run(call_worker(call)->db, shown->heads, shown->head_count);
}

static enum err read_people(struct call *call, struct shown *shown)
{
    int64_t *ids = call_alloc(call, (shown->count + 1) * sizeof(*ids));
    size_t count = 0;

    for (size_t lane = 0; lane < shown->head_count; lane++)
        for (int row = 0; row < db_count(&shown->heads[lane].rows); row++) {
            struct room room;
            room_read(&room, &shown->heads[lane].rows, row, 0);
            ids[count++] = room_peer_of(&room, call_user_id(call));
        }
    return people_read(call_worker(call), ids, count, &shown->people);
}

static void shown_fini(struct shown *shown)
{
    for (size_t i = 0; i < shown->head_count; i++) {
        db_params_fini(&shown->heads[i].params);
        db_rows_fini(&shown->heads[i].rows);
    }
    free(shown->heads);
    people_destroy(shown->people);
}

static bool find_room(const struct shown *shown, int64_t room_id, struct room *room, int64_t *seq, int64_t *message_no)
{
    for (size_t lane = 0; lane < shown->head_count; lane++) {
        const struct db_rows *rows = &shown->heads[lane].rows;
        for (int row = 0; row < db_count(rows); row++) {
            if (db_i64(rows, row, 0) != room_id)
                continue;
            room_read(room, rows, row, 0);
            *seq = db_i64(rows, row, HEAD_SEQ);
            *message_no = db_i64(rows, row, HEAD_MESSAGE_NO);
            return true;
        }
    }
    return false;
}

/* ---- the answer ---- */

static void write_hit(struct json_out *out, const struct hit *hit, const struct shown *shown, const struct asked *asked, int64_t user_id)
{
    struct event event;
    struct room room;
    int64_t seq, message_no;

    if (!find_room(shown, hit->room_id, &room, &seq, &message_no))
        return; /* it was deleted just now */
    event_read(&event, hit->rows, hit->row, 0);
    json_open(out, '{');
    json_key(out, "message");
    event_write_message(out, &event);
    json_key(out, "room");
    room_write(out, &room, seq, message_no, people_find(shown->people, room_peer_of(&room, user_id)));
    json_key(out, "excerpt");
    excerpt_write(out, db_text(hit->rows, hit->row, FOUND_TEXT), db_text(hit->rows, hit->row, FOUND_WORDS), asked->way == BY_WORDS);
    json_close(out, '}');
}

static void write_page(struct call *call, const struct asked *asked, const struct found *found, const struct shown *shown)
{
    struct json_out out = {.buf = call_out(call)};
    const bool has_more = found->count > shown->count;

    json_open(&out, '{');
    json_key(&out, "items");
    json_open(&out, '[');
    for (size_t i = 0; i < shown->count; i++)
        write_hit(&out, &found->hits[i], shown, asked, call_user_id(call));
    json_close(&out, ']');
    json_key_bool(&out, "has_more", has_more);
    if (has_more) {
        const struct hit *last = &found->hits[shown->count - 1];
        char next[80];
        const int len = snprintf(next, sizeof(next), "%c-%" PRId64 "-%" PRId64 "-%" PRId64, asked->way == BY_WORDS ? 'w' : 'l', last->at_us,
                                 last->room_id, last->seq);
        json_key_text(&out, "next", text_of(next, (size_t)len));
    }
    json_close(&out, '}');
}

static enum err answer(struct call *call, const struct asked *asked, const struct found *found)
{
    struct shown shown = {.count = found->count < (size_t)asked->limit ? found->count : (size_t)asked->limit};
    enum err err;

    if ((err = read_heads(call, found, &shown)) == ERR_OK && (err = read_people(call, &shown)) == ERR_OK) {
        write_page(call, asked, found, &shown);
        err = call_reply(call, 200);
    }
    shown_fini(&shown);
    return err;
}

/* Its own words first, then what resembles them. When that takes too long, nothing is like it. */
static enum err find_either(struct call *call, struct asked *asked, struct found *found)
{
    enum err err = find(call, asked, found);

    if (err != ERR_OK || found->count > 0 || asked->has_after || call_worker(call)->app->settings->search.scan_max == 0)
        return err;
    found_fini(found);
    asked->way = BY_LIKENESS;
    return find(call, asked, found);
}

enum err search_get_messages(struct call *call)
{
    struct worker *worker = call_worker(call);
    struct found found = {0};
    struct asked asked;
    enum err err;

    if ((err = read_asked(call, &asked)) != ERR_OK || (err = judge_room(call, &asked)) != ERR_OK)
        return err;
    if (worker->app->lane_count == 0)
        return ERR_UNAVAILABLE;
    if (turns_begin(worker->searches, call_user_id(call)) != ERR_OK)
        return limits_refuse(call, LIMIT_SEARCH, 1, "one search at a time, and this one has waited while another one was asked for");
    err = find_either(call, &asked, &found);
    turns_end(worker->searches, call_user_id(call));
    if (err == ERR_OK)
        err = answer(call, &asked, &found);
    found_fini(&found);
    return err;
}
