#include "api/handlers/reactions.h"

#include "api/handlers/append.h"
#include "api/handlers/page.h"
#include "api/model/access.h"
#include "api/model/user.h"
#include "api/settings.h"
#include "api/worker.h"

#define EMOJI_MAX_BYTES 32
#define PEOPLE_DEFAULT 50
#define PEOPLE_MAX 200

/* A row for each, or one of nobody: the message is there, but nobody has reacted so. */
static const struct db_statement select_reacted = {
    "select_reacted",
    "SELECT " USER_COLUMNS("u") " FROM {lane}.events e "
    "LEFT JOIN ({lane}.reactions x JOIN public.users u ON u.id = x.user_id) "
    "ON e.deleted_at IS NULL AND x.room_id = e.room_id AND x.seq = e.seq AND x.emoji = $3::text AND x.user_id > $4::bigint "
    "WHERE e.room_id = $1::bigint AND e.seq = $2::bigint AND e.kind = 'message' ORDER BY x.user_id LIMIT $5::bigint"};

/* ---- the emoji ---- */

/* The character that `text`, which is UTF-8, begins with. */
static uint32_t decode(struct text text, size_t *bytes)
{
    const unsigned char *at = (const unsigned char *)text.at;

    *bytes = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    uint32_t code = *bytes == 1 ? at[0] : at[0] & (0x7fu >> *bytes);
    for (size_t i = 1; i < *bytes; i++)
        code = code << 6 | (at[i] & 0x3f);
    return code;
}

/* Blanks and line ends (Unicode's White_Space), control characters, and what turns directions. */
static bool is_invisible(uint32_t code)
{
    return code <= 0x20 || (code >= 0x7f && code <= 0xa0) || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) ||
           (code >= 0x2028 && code <= 0x202f) || code == 0x205f || (code >= 0x2066 && code <= 0x2069) || code == 0x3000 || code == 0xfeff;
}

bool reaction_is_emoji(struct text emoji)
{
    size_t bytes;

    if (emoji.len == 0 || emoji.len > EMOJI_MAX_BYTES)
        return false;
    for (struct text rest = emoji; rest.len > 0; rest = text_after(rest, bytes))
        if (is_invisible(decode(rest, &bytes)))
            return false;
    return true;
}

static enum err read_reaction(struct call *call, struct log_row *row)
{
    enum err err;

    if ((err = call_path_id(call, "room", &row->room_id)) != ERR_OK || (err = call_path_id(call, "seq", &row->target_seq)) != ERR_OK)
        return err;
    row->text = call_path_text(call, "emoji");
    if (!reaction_is_emoji(row->text))
        return call_fail_field(call, ERR_OUT_OF_RANGE, "emoji", "must have 1 to %d bytes, without blanks and control characters",
                               EMOJI_MAX_BYTES);
    return ERR_OK;
}

/* ---- reacting ---- */

/* PUT /v1/rooms/{room}/messages/{seq}/reactions/{emoji} -> 204, also when one has reacted so already */
enum err reaction_put(struct call *call)
{
    const int64_t most = call_worker(call)->app->settings->limits.reaction_kinds;
    struct log_row row = {.kind = LOG_REACT, .actor_id = call_user_id(call), .most = most};
    enum err err;

    if ((err = read_reaction(call, &row)) != ERR_OK || (err = append_row(call, &row)) != ERR_OK)
        return err == ERR_TOO_MANY ? call_fail(call, err, "a message has at most %lld kinds of reactions", (long long)most) : err;
    return call_reply_empty(call, 204);
}

/* DELETE /v1/rooms/{room}/messages/{seq}/reactions/{emoji} -> 204, also when there is none of one's own */
enum err reaction_delete(struct call *call)
{
    struct log_row row = {.kind = LOG_UNREACT, .actor_id = call_user_id(call)};
    enum err err;

    if ((err = read_reaction(call, &row)) != ERR_OK || (err = append_row(call, &row)) != ERR_OK)
        return err;
    return call_reply_empty(call, 204);
}

/* ---- who has ---- */

static void write_person(struct json_out *out, const struct db_rows *rows, int row)
{
    struct user user;

    if (db_is_null(rows, row, 0))
        return;
    user_read(&user, rows, row, 0);
    user_write(out, &user);
}

/* GET /v1/rooms/{room}/messages/{seq}/reactions/{emoji} ? after, limit -> Page of User, by id */
enum err reactions_get(struct call *call)
{
    struct db_query query = {.statement = &select_reacted};
    int64_t after = 0, limit = PEOPLE_DEFAULT;
    struct log_row place = {0};
    struct access access;
    enum err err;

    if ((err = read_reaction(call, &place)) != ERR_OK ||
        (err = call_query_i64(call, "after", 0, INT64_MAX - 1, &after)) != ERR_OK ||
        (err = call_query_i64(call, "limit", 1, PEOPLE_MAX, &limit)) != ERR_OK)
        return err;
    query.lane = room_lane(place.room_id);
    db_add_i64(&query.params, place.room_id);
    db_add_i64(&query.params, place.target_seq);
    db_add_text(&query.params, place.text);
    db_add_i64(&query.params, after);
    db_add_i64(&query.params, limit + 1);
    if ((err = access_run(call, place.room_id, &query, &access)) == ERR_OK && db_count(&query.rows) == 0)
        err = ERR_NOT_FOUND;
    if (err == ERR_OK)
        err = page_reply(call, &query.rows, limit, 0, write_person);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}
