#include "api/handlers/views.h"

#include <stdlib.h>

#include "api/handlers/append.h"
#include "api/settings.h"
#include "api/worker.h"
#include "base/clock.h"

/* Rooms of one's own that are pinned, but $2. */
static const struct db_statement count_pinned = {
    "count_pinned", "SELECT count(*) FROM {lane}.members m WHERE m.user_id = $1::bigint AND m.room_id <> $2::bigint "
                    "AND m.pinned_at IS NOT NULL AND m.role <> 'left'"};

static enum err set(struct call *call, struct log_row *row)
{
    enum err err;

    row->kind = LOG_SET_VIEW;
    row->actor_id = call_user_id(call);
    if ((err = call_path_id(call, "room", &row->room_id)) != ERR_OK)
        return err;
    return append_row(call, row);
}

/* The view as it is now. */
static enum err set_and_reply(struct call *call, struct log_row *row)
{
    struct json_out out = {.buf = call_out(call)};
    const enum err err = set(call, row);

    if (err != ERR_OK)
        return err;
    json_open(&out, '{');
    membership_write_view(&out, &row->membership);
    json_key_time_exact(&out, "changed_at", row->membership.changed_us);
    json_close(&out, '}');
    return call_reply(call, 200);
}

static enum err set_without_words(struct call *call, struct log_row *row)
{
    const enum err err = set(call, row);

    return err != ERR_OK ? err : call_reply_empty(call, 204);
}

/* ---- notify ---- */

static enum err read_notify(struct call *call, struct log_row *row)
{
    struct text level, until;
    enum err err;

    row->view.has_notify = true;
    if ((err = call_body_text(call, "level", 0, 1024, &level)) != ERR_OK)
        return err;
    if (!notify_level_from(level, &row->view.level))
        return call_fail_field(call, ERR_OUT_OF_RANGE, "level", "all, mentions or none");
    if (!call_body_has(call, "muted_until"))
        return ERR_OK;
    if ((err = call_body_text(call, "muted_until", 1, 64, &until)) != ERR_OK)
        return err;
    if (!clock_parse(until, &row->view.muted_us))
        return call_fail_field(call, ERR_WRONG_TYPE, "muted_until", "a time as RFC 3339 writes it");
    return ERR_OK;
}

/* PUT /v1/rooms/{room}/notify {"level", "muted_until"?} -> View */
enum err notify_put(struct call *call)
{
    struct log_row row = {0};
    const enum err err = read_notify(call, &row);

    return err != ERR_OK ? err : set_and_reply(call, &row);
}

/* ---- archive ---- */

/* PUT /v1/rooms/{room}/archive -> View */
enum err archive_put(struct call *call)
{
    return set_and_reply(call, &(struct log_row){.view.archive = VIEW_ON});
}

/* DELETE /v1/rooms/{room}/archive -> 204 */
enum err archive_delete(struct call *call)
{
    return set_without_words(call, &(struct log_row){.view.archive = VIEW_OFF});
}

/* ---- chat-pin ---- */

/* Over all lanes, so without a lock: of several requests at the same moment each may be the last that finds a place. */
static enum err check_place(struct call *call)
{
    struct worker *worker = call_worker(call);
    const int lanes = worker->app->lane_count;
    struct db_query *queries = xcalloc((size_t)lanes + 1, sizeof(*queries));
    int64_t room_id, pinned = 0;
    enum err err = lanes > 0 ? call_path_id(call, "room", &room_id) : ERR_UNAVAILABLE;

    for (int lane = 0; lane < lanes && err == ERR_OK; lane++) {
        queries[lane] = (struct db_query){.statement = &count_pinned, .lane = lane};
        db_add_i64(&queries[lane].params, call_user_id(call));
        db_add_i64(&queries[lane].params, room_id);
    }
    if (err == ERR_OK)
        err = db_run(worker->db, queries, (size_t)lanes);
    for (int lane = 0; lane < lanes; lane++) {
        if (err == ERR_OK)
            pinned += db_i64(&queries[lane].rows, 0, 0);
        db_params_fini(&queries[lane].params);
        db_rows_fini(&queries[lane].rows);
    }
    free(queries);
    return err == ERR_OK && pinned >= worker->app->settings->limits.chat_pins ? ERR_TOO_MANY : err;
}

/* PUT /v1/rooms/{room}/chat-pin -> View */
enum err chat_pin_put(struct call *call)
{
    const enum err err = check_place(call);

    return err != ERR_OK ? err : set_and_reply(call, &(struct log_row){.view.pin = VIEW_ON});
}

/* DELETE /v1/rooms/{room}/chat-pin -> 204 */
enum err chat_pin_delete(struct call *call)
{
    return set_without_words(call, &(struct log_row){.view.pin = VIEW_OFF});
}
