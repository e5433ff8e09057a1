#include "api/handlers/room_settings.h"

#include "api/handlers/append.h"
#include "api/handlers/room_names.h"
#include "api/handlers/rooms.h"
#include "api/log/clear.h"
#include "api/model/access.h"
#include "api/model/rights.h"
#include "api/request/version.h"
#include "api/worker.h"

#define NAME_MAX_CHARS 100
#define ABOUT_MAX_CHARS 500
#define PATCH_TRIES 10 /* of a slug, for any version */

/* Visible, then allowed, then for which version: `row` gets that, and `*edition` what the room is at. */
static enum err begin(struct call *call, enum right right, struct log_row *row, int64_t *edition)
{
    struct db_query query = {.statement = &select_heads};
    struct buf bytes = {0};
    struct access access;
    enum err err;

    row->actor_id = call_user_id(call);
    if ((err = call_path_id(call, "room", &row->room_id)) != ERR_OK)
        return err;
    query.lane = room_lane(row->room_id);
    db_array_begin(&query.params, DB_I64_ARRAY);
    db_array_i64(&query.params, row->room_id);
    db_array_end(&query.params);
    if ((err = access_run(call, row->room_id, &query, &access)) == ERR_OK &&
        (err = rights_check(right, access.kind, access.membership.role)) == ERR_OK) {
        struct room room;
        struct head head;
        if (db_count(&query.rows) == 0)
            err = ERR_NOT_FOUND;
        else
            head_read(&room, &head, &query.rows, 0, &bytes);
        if (err == ERR_OK && (err = call_if_match(call, &row->edition)) == ERR_OK)
            err = call_check_version(call, row->edition, *edition = room.edition);
    }
    buf_fini(&bytes);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

static enum err read_edit(struct call *call, struct log_row *row)
{
    enum err err = ERR_OK;

    if (call_body_has(call, "name"))
        err = call_body_chars(call, "name", 1, NAME_MAX_CHARS, &row->edit.name);
    if (err == ERR_OK && call_body_has(call, "about"))
        err = call_body_chars(call, "about", 0, ABOUT_MAX_CHARS, &row->edit.about);
    if (err == ERR_OK && call_body_has(call, "slug") && (err = call_body_text(call, "slug", 0, 1024, &row->edit.slug)) == ERR_OK &&
        row->edit.slug.len > 0)
        err = room_slug_check(call, row->edit.slug);
    return err;
}

/*
 * The change, and `*edition` before it. A slug is claimed before the room has it, for the edition that this makes: whoever gives one must
 * find the room as it was, so that of several only one goes through, and what the others claimed is let go of.
 */
static enum err try_patch(struct call *call, struct log_row *row, int64_t *edition)
{
    struct worker *worker = call_worker(call);
    enum err err;

    if ((err = begin(call, RIGHT_EDIT_ROOM, row, edition)) != ERR_OK || (err = read_edit(call, row)) != ERR_OK)
        return err;
    if (row->edit.slug.at == NULL)
        return append_row(call, row);
    row->edition = *edition;
    if (row->edit.slug.len > 0 && (err = room_slug_claim(worker, row->edit.slug, row->room_id, *edition + 1)) != ERR_OK)
        return err;
    err = append_row(call, row);
    if (err == ERR_OK)
        room_slugs_release(worker, row->room_id, row->edit.slug, row->outcome == LOG_UNCHANGED ? *edition : *edition + 1);
    else if (row->edit.slug.len > 0)
        room_slug_give_up(worker, row->edit.slug, row->room_id, *edition + 1);
    return err;
}

/* PATCH /v1/rooms/{room} {"name"?, "about"?, "slug"?}, If-Match -> 200 Room */
enum err room_patch(struct call *call)
{
    struct log_row row;
    int64_t edition, wanted = 0;
    enum err err;

    for (int i = 0; i < PATCH_TRIES; i++) { /* who takes any version does not hear that somebody else was quicker */
        row = (struct log_row){.kind = LOG_EDIT_ROOM};
        err = try_patch(call, &row, &edition);
        if (err != ERR_VERSION_CHANGED || row.outcome != LOG_STALE || call_if_match(call, &wanted) != ERR_OK || wanted != 0)
            break;
    }
    return err != ERR_OK ? err : rooms_reply(call, row.room_id, 200);
}

/* DELETE /v1/rooms/{room}, If-Match -> 204 */
enum err room_delete(struct call *call)
{
    struct log_row row = {.kind = LOG_DELETE_ROOM};
    int64_t edition;
    enum err err;

    if ((err = begin(call, RIGHT_DELETE_ROOM, &row, &edition)) != ERR_OK)
        return err;
    err = append_row(call, &row);
    /* The row was sent twice: what it found gone the second time is what it deleted the first time. */
    if (err != ERR_OK && !(row.outcome == LOG_NO_ROOM && row.sent_before))
        return err;
    clear_first(call_worker(call), row.room_id);
    return call_reply_empty(call, 204);
}
