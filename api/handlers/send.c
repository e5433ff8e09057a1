/*
 * A send is one row for the lane's writer. Two things are found out before, by who needs them: whom an @ means (one statement), and what a
 * forwarded message says (one round trip, with the right to see it).
 */
#include "api/handlers/send.h"

#include "api/handlers/messages.h"
#include "api/log/room_log.h"
#include "api/model/access.h"
#include "api/model/event.h"
#include "api/model/mention.h"
#include "api/model/rights.h"
#include "api/settings.h"
#include "api/worker.h"
#include "base/id.h"

#define NONCE_MAX_BYTES 64

static const struct db_statement select_event = {
    "select_event",
    "SELECT " EVENT_COLUMNS " FROM {lane}.events e" EVENT_JOINS "WHERE e.room_id = $1::bigint AND e.seq = $2::bigint"};

/* What was sent under this nonce: $1 room, $2 sender, $3 nonce. */
static const struct db_statement select_sent = {
    "select_sent", "SELECT " EVENT_COLUMNS ", e.digest FROM {lane}.events e" EVENT_JOINS
                   "WHERE e.room_id = $1::bigint AND e.sender_id = $2::bigint AND e.nonce = $3::bytea"};

/* Members of a room by what may be their logins, $2 and $3 side by side: the longer one counts. In the order given. */
static const struct db_statement select_named = {
    "select_named",
    "SELECT u.id FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS i (login, bare, ord) "
    "CROSS JOIN LATERAL ("
    "  SELECT u.id FROM public.users u JOIN {lane}.members m ON m.room_id = $1::bigint AND m.user_id = u.id AND m.role <> 'left'"
    "  WHERE u.login IN (i.login, i.bare) ORDER BY length(u.login) DESC LIMIT 1) u ORDER BY i.ord"};

struct draft {
    struct log_row row;
    struct text message, nonce;
    int64_t from_room, from_seq; /* what is forwarded; 0: nothing */
    struct buf origin;           /* the `forward` object */
    struct buf message_json;     /* of a forward: its text, as JSON */
    int64_t mentions[MENTION_MOST];
    size_t mention_count;
    struct buf body;
};

static void draft_fini(struct draft *draft)
{
    log_row_fini(&draft->row);
    buf_fini(&draft->origin);
    buf_fini(&draft->message_json);
    buf_fini(&draft->body);
}

/* ---- what is asked ---- */

static enum err read_forward(struct call *call, struct draft *draft)
{
    const struct json_value forward = call_body(call, "forward");
    struct buf room = {0};

    if (json_kind(forward) != JSON_OBJECT)
        return call_fail_field(call, ERR_WRONG_TYPE, "forward", "must be an object");
    for (struct json_iter it = json_iter(forward); json_next(&it);)
        if (!text_equal(it.key, TEXT("room_id")) && !text_equal(it.key, TEXT("seq")))
            return call_fail_field(call, ERR_UNKNOWN_FIELD, "forward", "has `room_id` and `seq`, and no other members");
    const bool is_good = json_to_text(json_get(forward, "room_id"), &room) && id_parse(buf_text(&room), &draft->from_room) &&
                         json_to_i64(json_get(forward, "seq"), &draft->from_seq) && draft->from_room > 0 && draft->from_seq > 0;
    buf_fini(&room);
    if (!is_good)
        return call_fail_field(call, ERR_OUT_OF_RANGE, "forward", "must have the `room_id` and `seq` of a message");
    if (call_body_has(call, "text"))
        return call_fail_field(call, ERR_INVALID, "text", "a forward says what it forwards");
    return ERR_OK;
}

static enum err read_draft(struct call *call, struct draft *draft)
{
    struct log_row *row = &draft->row;
    enum err err;

    if ((err = call_path_id(call, "room", &row->room_id)) != ERR_OK)
        return err;
    if ((err = call_body_has(call, "forward") ? read_forward(call, draft)
                                              : call_body_text(call, "text", 1, MESSAGE_MAX_BYTES, &draft->message)) != ERR_OK ||
        (err = call_body_text(call, "nonce", 1, NONCE_MAX_BYTES, &draft->nonce)) != ERR_OK)
        return err;
    log_hash(draft->nonce, row->nonce);
    return call_body_has(call, "reply_to") ? call_body_i64(call, "reply_to", 1, INT64_MAX - 1, &row->target_seq) : ERR_OK;
}

/* All members but the nonce: what a repeat must have in common with the original, whatever became of that. */
static void make_digest(struct draft *draft)
{
    struct buf asked = {0};
    struct json_out out = {.buf = &asked};

    json_open(&out, '{');
    if (draft->from_room == 0)
        json_key_text(&out, "text", draft->message);
    if (draft->row.target_seq != 0)
        json_key_i64(&out, "reply_to", draft->row.target_seq);
    if (draft->from_room != 0) {
        json_key_id(&out, "from_room", draft->from_room);
        json_key_i64(&out, "from_seq", draft->from_seq);
    }
    json_close(&out, '}');
    log_hash(buf_text(&asked), draft->row.digest);
    buf_fini(&asked);
}

/* ---- forwards ---- */

/* Where it comes from: of a forward that is forwarded, where that came from. */
static void write_origin(struct draft *draft, const struct event *event, struct json_value known)
{
    struct json_out out = {.buf = &draft->origin};

    if (json_kind(known) == JSON_OBJECT) {
        buf_add_text(&draft->origin, json_raw(known));
        return;
    }
    json_open(&out, '{');
    json_key_id(&out, "room_id", event->room_id);
    json_key_i64(&out, "seq", event->seq);
    json_key(&out, "sender");
    user_write_sender(&out, event->sender_id, event->sender_name);
    json_key_time(&out, "created_at", event->created_us);
    json_close(&out, '}');
}

static enum err take_source(struct call *call, struct draft *draft, const struct db_rows *rows)
{
    struct event event;
    struct json json;

    if (db_count(rows) == 0)
        return call_fail_field(call, ERR_UNKNOWN_MESSAGE, "forward", "there is no such message");
    event_read(&event, rows, 0, 0);
    if (event.kind != EVENT_MESSAGE)
        return call_fail_field(call, ERR_UNKNOWN_MESSAGE, "forward", "there is no such message");
    if (event.deleted_us != 0)
        return call_fail_field(call, ERR_NOT_POSSIBLE, "forward", "it was deleted");
    CHECK(json_parse(&json, event.body) == ERR_OK); /* we wrote it */
    buf_add_text(&draft->message_json, json_raw(json_get(json_root(&json), "text")));
    write_origin(draft, &event, json_get(json_root(&json), "forward"));
    json_fini(&json);
    return ERR_OK;
}

static void build_event(struct db_query *query, const struct db_statement *statement, int64_t room_id, int64_t number)
{
    *query = (struct db_query){.statement = statement, .lane = room_lane(room_id)};
    db_add_i64(&query->params, room_id);
    db_add_i64(&query->params, number);
}

/* What is not for the sender's eyes is not there for them. */
static enum err read_source(struct call *call, struct draft *draft)
{
    struct db_query query;
    struct access access;

    build_event(&query, &select_event, draft->from_room, draft->from_seq);
    enum err err = access_run(call, draft->from_room, &query, &access);
    if (err == ERR_NOT_FOUND || err == ERR_MEMBER_REQUIRED)
        err = call_fail_field(call, ERR_NOT_FOUND, "forward", "there is no such message, or not for you");
    if (err == ERR_OK)
        err = take_source(call, draft, &query.rows);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

/* A send that is repeated is answered also when what it forwarded is no longer there; true: it was. */
static bool is_answered(struct call *call, const struct draft *draft)
{
    const struct text digest = text_of(draft->row.digest, LOG_HASH_BYTES);
    struct db_query query;
    struct access access;

    build_event(&query, &select_sent, draft->row.room_id, draft->row.actor_id);
    db_add_bytes(&query.params, text_of(draft->row.nonce, LOG_HASH_BYTES));
    const bool is_sent = access_run(call, draft->row.room_id, &query, &access) == ERR_OK && db_count(&query.rows) > 0 &&
                         text_equal(db_text(&query.rows, 0, EVENT_COLUMN_COUNT), digest);
    if (is_sent) {
        struct json_out out = {.buf = call_out(call)};
        struct event event;
        event_read(&event, &query.rows, 0, 0);
        event_write(&out, &event);
        (void)call_reply(call, 200);
    }
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return is_sent;
}

/* ---- mentions ---- */

static void add_logins(struct db_params *params, const struct mentions *found, bool bare)
{
    db_array_begin(params, DB_TEXT_ARRAY);
    for (size_t i = 0; i < found->count; i++)
        db_array_text(params, text_of(found->list[i].login, bare ? found->list[i].short_len : found->list[i].len));
    db_array_end(params);
}

static void take_named(struct draft *draft, const struct db_rows *rows)
{
    for (int i = 0; i < db_count(rows); i++) {
        const int64_t id = db_i64(rows, i, 0);
        bool is_new = true;
        for (size_t k = 0; k < draft->mention_count; k++)
            is_new = is_new && draft->mentions[k] != id;
        if (is_new)
            draft->mentions[draft->mention_count++] = id;
    }
}

/* Who is no member is told so by the writer. */
static enum err find_mentions(struct call *call, struct draft *draft)
{
    struct mentions found;
    struct db_query query = {.statement = &select_named, .lane = room_lane(draft->row.room_id)};
    struct access access;

    if (draft->from_room != 0 ||
        !mentions_find(draft->message, (size_t)call_worker(call)->app->settings->limits.mentions_per_message, &found))
        return ERR_OK;
    db_add_i64(&query.params, draft->row.room_id);
    add_logins(&query.params, &found, false);
    add_logins(&query.params, &found, true);
    const enum err err = access_run(call, draft->row.room_id, &query, &access);
    if (err == ERR_OK) {
        take_named(draft, &query.rows);
        draft->row.mentions_room = found.room && rights_allow(RIGHT_MENTION_ROOM, access.kind, access.membership.role);
    }
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err == ERR_NOT_FOUND || err == ERR_MEMBER_REQUIRED ? ERR_OK : err;
}

/* ---- the row ---- */

static void make_body(struct draft *draft)
{
    struct json_out out = {.buf = &draft->body};

    buf_reset(&draft->body);
    json_open(&out, '{');
    json_key_text(&out, "nonce", draft->nonce);
    if (draft->from_room != 0) {
        json_key_raw(&out, "text", buf_text(&draft->message_json));
        json_key_raw(&out, "forward", buf_text(&draft->origin));
    } else {
        json_key_text(&out, "text", draft->message);
    }
    if (draft->mention_count > 0) {
        json_key(&out, "mentions");
        json_open(&out, '[');
        for (size_t i = 0; i < draft->mention_count; i++)
            json_id(&out, draft->mentions[i]);
        json_close(&out, ']');
    }
    if (draft->row.mentions_room)
        json_key_bool(&out, "mentions_room", true);
    json_close(&out, '}');
    draft->row.body = buf_text(&draft->body);
    if (draft->row.mentions_room)
        return; /* who is named is meant with the others: once */
    draft->row.mentions = draft->mentions;
    draft->row.mention_count = draft->mention_count;
}

/*
 * The original as it is now, which may have been edited since. Whoever was removed meanwhile learns all the same that it was stored, and as
 * what; but not what others say now: reactions to it, and what it replies to.
 */
static enum err reply_repeated(struct call *call, const struct log_row *row)
{
    struct db_query query;
    struct access access;

    build_event(&query, &select_event, row->room_id, row->seq);
    const enum err may_see = access_run(call, row->room_id, &query, &access);
    enum err err = query.err;
    if (err == ERR_OK && db_count(&query.rows) == 0)
        err = ERR_INTERNAL;
    if (err == ERR_OK) {
        struct json_out out = {.buf = call_out(call)};
        struct event event;
        event_read(&event, &query.rows, 0, 0);
        if (may_see != ERR_OK) {
            event.reactions = (struct text){0};
            event.replied.excerpt = (struct text){0};
        }
        event_write(&out, &event);
        err = call_reply(call, 200);
    }
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

static enum err reply_stored(struct call *call, const struct log_row *row)
{
    struct json_out out = {.buf = call_out(call)};

    event_write(&out, &(struct event){
                          .room_id = row->room_id,
                          .seq = row->seq,
                          .kind = EVENT_MESSAGE,
                          .sender_id = row->actor_id,
                          .sender_name = buf_text(&row->sender_name),
                          .message_no = row->message_no,
                          .body = row->body,
                          .created_us = row->at_us,
                          .version = 1,
                          .target_seq = row->target_seq,
                          .replied = row->replied,
                      });
    return call_reply(call, 201);
}

static enum err append_draft(struct call *call, struct draft *draft)
{
    make_body(draft);
    const enum err err = room_log_append(call_worker(call), &draft->row);

    return err != ERR_OK ? err : log_outcome_err(&draft->row);
}

static enum err send_draft(struct call *call, struct draft *draft)
{
    struct log_row *row = &draft->row;
    enum err err;

    make_digest(draft);
    if (draft->from_room != 0 && (err = read_source(call, draft)) != ERR_OK)
        return is_answered(call, draft) ? ERR_OK : err;
    if ((err = find_mentions(call, draft)) != ERR_OK)
        return err;
    err = append_draft(call, draft);
    if (err == ERR_ROLE_REQUIRED) { /* they have become less meanwhile: it is no word to everybody then, as for others like them */
        row->mentions_room = false;
        err = append_draft(call, draft);
    }
    if (err == ERR_OK)
        return row->outcome == LOG_STORED ? reply_stored(call, row) : reply_repeated(call, row);
    if (err == ERR_SILENCED)
        call_problem_time(call, "until", row->until_us);
    return err == ERR_UNKNOWN_MESSAGE ? call_fail_field(call, err, "reply_to", "there is no such message in this room") : err;
}

/* POST /v1/rooms/{room}/messages {"text" or "forward", "nonce", "reply_to"?} -> 201, or 200 for a repeated nonce: the Event */
enum err messages_post(struct call *call)
{
    struct draft *draft = call_alloc(call, sizeof(*draft)); /* rather large for a task's stack */

    *draft = (struct draft){.row = {.kind = LOG_MESSAGE, .actor_id = call_user_id(call)}};
    enum err err = read_draft(call, draft);
    if (err == ERR_OK)
        err = send_draft(call, draft);
    draft_fini(draft);
    return err;
}
