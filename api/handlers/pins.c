#include "api/handlers/pins.h"

#include "api/handlers/append.h"
#include "api/model/access.h"
#include "api/model/event.h"
#include "api/model/mine.h"
#include "api/settings.h"
#include "api/worker.h"

/* The newest first. A room has few: limits.pins_per_room. */
static const struct db_statement select_pins = {
    "select_pins", "SELECT " EVENT_COLUMNS ", n.pinned_at, n.pinned_by, coalesce(nu.name, '') FROM {lane}.pins n "
                   "JOIN {lane}.events e ON e.room_id = n.room_id AND e.seq = n.seq LEFT JOIN public.users nu ON nu.id = n.pinned_by" EVENT_JOINS
                   "WHERE n.room_id = $1::bigint ORDER BY n.pinned_at DESC, n.seq DESC"};

enum { PIN_AT = EVENT_COLUMN_COUNT, PIN_BY, PIN_BY_NAME };

static void write_pin(struct json_out *out, const struct db_rows *rows, int row, const struct mine *mine)
{
    struct event event;

    event_read(&event, rows, row, 0);
    json_open(out, '{');
    json_key(out, "message");
    event_write_message_to(out, &event, mine);
    json_key(out, "pinned_by");
    user_write_sender(out, db_i64(rows, row, PIN_BY), db_text(rows, row, PIN_BY_NAME));
    json_key_time(out, "pinned_at", db_time(rows, row, PIN_AT));
    json_close(out, '}');
}

static enum err reply_pins(struct call *call, int64_t room_id, const struct db_rows *rows)
{
    struct json_out out = {.buf = call_out(call)};
    struct mine mine;
    const enum err err = mine_read(call_worker(call), room_id, call_user_id(call), &rows, 1, &mine);

    if (err == ERR_OK) {
        json_open(&out, '{');
        json_key(&out, "items");
        json_open(&out, '[');
        for (int i = 0; i < db_count(rows); i++)
            write_pin(&out, rows, i, &mine);
        json_close(&out, ']');
        json_key_bool(&out, "has_more", false);
        json_close(&out, '}');
    }
    mine_fini(&mine);
    return err != ERR_OK ? err : call_reply(call, 200);
}

/* GET /v1/rooms/{room}/pins -> Page of Pin, the newest first: all that there are */
enum err pins_get(struct call *call)
{
    struct db_query query = {.statement = &select_pins};
    struct access access;
    int64_t room_id;
    enum err err;

    if ((err = call_path_id(call, "room", &room_id)) != ERR_OK)
        return err;
    query.lane = room_lane(room_id);
    db_add_i64(&query.params, room_id);
    if ((err = access_run(call, room_id, &query, &access)) == ERR_OK)
        err = reply_pins(call, room_id, &query.rows);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

static enum err change(struct call *call, enum log_row_kind kind)
{
    const int64_t most = call_worker(call)->app->settings->limits.pins_per_room;
    struct log_row row = {.kind = kind, .actor_id = call_user_id(call), .most = most};
    enum err err;

    if ((err = call_path_id(call, "room", &row.room_id)) != ERR_OK || (err = call_path_id(call, "seq", &row.target_seq)) != ERR_OK ||
        (err = append_row(call, &row)) != ERR_OK)
        return err == ERR_TOO_MANY ? call_fail(call, err, "a room has at most %lld pins", (long long)most) : err;
    return call_reply_empty(call, 204);
}

/* PUT /v1/rooms/{room}/messages/{seq}/pin -> 204, also when it is pinned already */
enum err pin_put(struct call *call)
{
    return change(call, LOG_PIN);
}

/* DELETE /v1/rooms/{room}/messages/{seq}/pin -> 204, also when it is not pinned */
enum err pin_delete(struct call *call)
{
    return change(call, LOG_UNPIN);
}
