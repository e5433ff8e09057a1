#include "api/handlers/messages.h"

#include "api/model/access.h"
#include "api/model/event.h"
#include "api/model/mine.h"
#include "api/model/shared_page.h"
#include "api/log/room_log.h"
#include "api/log/watch.h"
#include "api/worker.h"

#define MESSAGES_MAX 200
#define MESSAGES_DEFAULT 50
#define EVENTS_MAX 1000
#define PAGE_BYTES_MAX (1u << 20)
#define EVENTS_DEFAULT 100

const struct db_statement select_messages_before = {
    "select_messages_before",
    "SELECT " MESSAGE_COLUMNS " FROM (SELECT * FROM {lane}.events WHERE room_id = $1::bigint AND kind = 'message' AND seq < $2::bigint"
    " ORDER BY seq DESC LIMIT $3::bigint) e" MESSAGE_JOINS "ORDER BY e.seq DESC"};

static const struct db_statement select_messages_after = {
    "select_messages_after",
    "SELECT " MESSAGE_COLUMNS " FROM (SELECT * FROM {lane}.events WHERE room_id = $1::bigint AND kind = 'message' AND seq > $2::bigint"
    " ORDER BY seq LIMIT $3::bigint) e" MESSAGE_JOINS "ORDER BY e.seq"};

const struct db_statement select_events_after = {
    "select_events_after",
    "SELECT " EVENT_COLUMNS " FROM (SELECT * FROM {lane}.events WHERE room_id = $1::bigint AND seq > $2::bigint"
    " ORDER BY seq LIMIT $3::bigint) e" EVENT_JOINS "ORDER BY e.seq"};

/* ---- history ---- */

enum direction { BEFORE, AFTER, AROUND };

struct page {
    int64_t room_id, limit, at;
    enum direction direction;
};

static enum err read_page(struct call *call, struct page *page)
{
    static const char *const names[] = {"before", "after", "around"};
    int given = 0;
    enum err err;

    *page = (struct page){.limit = MESSAGES_DEFAULT, .at = INT64_MAX};
    if ((err = call_path_id(call, "room", &page->room_id)) != ERR_OK ||
        (err = call_query_i64(call, "limit", 1, MESSAGES_MAX, &page->limit)) != ERR_OK)
        return err;
    for (int i = BEFORE; i <= AROUND; i++) {
        int64_t at = -1;
        if ((err = call_query_i64(call, names[i], 0, INT64_MAX - 1, &at)) != ERR_OK)
            return err;
        if (at < 0)
            continue;
        if (given++ > 0)
            return call_fail_field(call, ERR_INVALID, names[i], "only one of before, after and around");
        page->at = at;
        page->direction = (enum direction)i;
    }
    return ERR_OK;
}

static void build_half(struct db_query *query, const struct page *page, const struct db_statement *statement, int64_t at,
                       int64_t limit)
{
    *query = (struct db_query){.statement = statement, .lane = room_lane(page->room_id)};
    db_add_i64(&query->params, page->room_id);
    db_add_i64(&query->params, at);
    db_add_i64(&query->params, limit + 1); /* one more tells whether there is more */
}

static void write_messages(struct json_out *out, const struct db_rows *rows, int count, bool reverse, const struct mine *mine)
{
    for (int i = 0; i < count; i++) {
        struct event event;
        event_read(&event, rows, reverse ? count - 1 - i : i, 0);
        event_write_message_to(out, &event, mine);
    }
}

int messages_fit(const struct db_rows *rows, int64_t limit)
{
    size_t bytes = 0;
    int count = 0;

    for (; count < db_count(rows) && count < limit; count++) {
        struct event event;
        event_read(&event, rows, count, 0);
        bytes += event_text_bytes(&event);
        if (bytes > PAGE_BYTES_MAX && count > 0)
            break;
    }
    return count;
}

/* `before` rows come newest first; `around` has both, the older half with the message itself. */
static void write_page(struct call *call, const struct page *page, const struct db_rows *older, int64_t older_limit,
                       const struct db_rows *newer, int64_t newer_limit, const struct mine *mine)
{
    struct json_out out = {.buf = call_out(call)};
    const int older_count = messages_fit(older, older_limit), newer_count = messages_fit(newer, newer_limit);
    const bool more_older = db_count(older) > older_count, more_newer = db_count(newer) > newer_count;

    json_open(&out, '{');
    json_key(&out, "items");
    json_open(&out, '[');
    write_messages(&out, older, older_count, true, mine);
    write_messages(&out, newer, newer_count, false, mine);
    json_close(&out, ']');
    json_key_bool(&out, "has_more", page->direction == AFTER ? more_newer : page->direction == BEFORE ? more_older
                                                                                                   : more_older || more_newer);
    if (page->direction == AROUND) {
        json_key_bool(&out, "has_before", more_older);
        json_key_bool(&out, "has_after", more_newer);
    }
    json_close(&out, '}');
}

/* GET /v1/rooms/{room}/messages ? before | after | around, limit -> Page of Message, ascending */
enum err messages_get(struct call *call)
{
    static const struct db_rows none = {0};
    struct db_query queries[2]; /* the older half, the newer half: as many as are wanted */
    struct shared_page *shared;
    struct access access;
    struct mine mine;
    struct page page;
    size_t count = 0;
    enum err err;

    if ((err = read_page(call, &page)) != ERR_OK)
        return err;
    if (access_lane(call, page.room_id) == DB_NO_LANE)
        return call_worker(call)->app->lane_count == 0 ? ERR_UNAVAILABLE : ERR_NOT_FOUND;

    const int64_t newer_limit = page.direction == BEFORE ? 0 : page.direction == AFTER ? page.limit : page.limit / 2;
    const int64_t older_limit = page.limit - newer_limit;
    const bool has_older = page.direction != AFTER, has_newer = page.direction != BEFORE;
    if (has_older)
        build_half(&queries[count++], &page, &select_messages_before, page.direction == AROUND ? page.at + 1 : page.at, older_limit);
    if (has_newer)
        build_half(&queries[count++], &page, &select_messages_after, page.at, newer_limit);
    if ((err = shared_page_read(call, page.room_id, queries, count, &shared, &access)) != ERR_OK)
        return err;

    const struct db_rows *halves[] = {has_older ? shared_page_rows(shared, 0) : &none,
                                      has_newer ? shared_page_rows(shared, count - 1) : &none};
    err = mine_read(call_worker(call), page.room_id, call_user_id(call), halves, ARRAY_COUNT(halves), &mine);
    if (err == ERR_OK)
        write_page(call, &page, halves[0], older_limit, halves[1], newer_limit, &mine);
    mine_fini(&mine);
    shared_page_leave(shared);
    return err != ERR_OK ? err : call_reply(call, 200);
}

static enum err reply_events(struct call *call, const struct db_rows *rows, int64_t limit)
{
    struct json_out out = {.buf = call_out(call)};
    const int shown = messages_fit(rows, limit);
    char epoch[64];

    if (!watch_epoch(call_worker(call)->app->watch, epoch))
        return ERR_UNAVAILABLE; /* just started: positions without their epoch would be none */
    json_open(&out, '{');
    json_key(&out, "items");
    json_open(&out, '[');
    for (int i = 0; i < shown; i++) {
        struct event event;
        event_read(&event, rows, i, 0);
        event_write(&out, &event);
    }
    json_close(&out, ']');
    json_key_bool(&out, "has_more", db_count(rows) > shown);
    json_key_text(&out, "epoch", text(epoch));
    json_close(&out, '}');
    return call_reply(call, 200);
}

/* GET /v1/rooms/{room}/events ? after, limit -> {items: [Event], has_more, epoch} */
enum err events_get(struct call *call)
{
    struct page page = {.limit = EVENTS_DEFAULT};
    struct shared_page *shared;
    struct db_query query;
    struct access access;
    enum err err;

    if ((err = call_path_id(call, "room", &page.room_id)) != ERR_OK ||
        (err = call_query_i64(call, "after", 0, INT64_MAX - 1, &page.at)) != ERR_OK ||
        (err = call_query_i64(call, "limit", 1, EVENTS_MAX, &page.limit)) != ERR_OK)
        return err;
    if (access_lane(call, page.room_id) == DB_NO_LANE)
        return call_worker(call)->app->lane_count == 0 ? ERR_UNAVAILABLE : ERR_NOT_FOUND;
    build_half(&query, &page, &select_events_after, page.at, page.limit);
    if ((err = shared_page_read(call, page.room_id, &query, 1, &shared, &access)) != ERR_OK)
        return err;
    err = reply_events(call, shared_page_rows(shared, 0), page.limit);
    shared_page_leave(shared);
    return err;
}
