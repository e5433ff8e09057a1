#include "api/handlers/rooms.h"

#include <inttypes.h>
#include <stdlib.h>

#include "api/handlers/append.h"
#include "api/model/access.h"
#include "api/model/mine.h"
#include "api/handlers/members.h"
#include "api/handlers/messages.h"
#include "api/handlers/room_names.h"
#include "api/model/like.h"
#include "api/model/people.h"
#include "api/model/relation.h"
#include "api/log/room_log.h"
#include "api/settings.h"
#include "api/log/watch.h"
#include "api/request/limits.h"
#include "api/request/version.h"
#include "api/worker.h"
#include "base/id.h"

#define NAME_MAX_CHARS 100
#define FIND_MAX_CHARS 100
#define MEMBERS_A_TOKEN 100 /* added at once */
#define SNAPSHOT_MEMBERS 100
#define SNAPSHOT_MESSAGES 50
#define SNAPSHOT_MESSAGES_MAX 200
#define PUBLIC_DEFAULT 50
#define PUBLIC_MAX 200

/* $1 ids below, $2 what is looked for, $3 how many, $4 the same as a pattern of LIKE: whose name has it in it, or words that resemble it. */
static const struct db_statement select_public_rooms = {
    "select_public_rooms",
    "SELECT " ROOM_COLUMNS ", l.seq, l.message_no FROM {lane}.rooms r "
    "CROSS JOIN LATERAL (SELECT seq, message_no FROM {lane}.events WHERE room_id = r.id ORDER BY seq DESC LIMIT 1) l "
    "WHERE r.kind = 'public' AND r.deleted_at IS NULL AND r.id < $1::bigint "
    "AND ($2::text = '' OR lower(r.name) LIKE lower($4::text) OR lower($2::text) OPERATOR(public.<%) lower(r.name)) "
    "ORDER BY r.id DESC LIMIT $3::bigint"};

static const struct db_statement select_maker = {
    "select_maker",
    "SELECT 1 FROM {lane}.events WHERE room_id = $1::bigint AND seq = 1 AND substr(nonce, 1, 12) = substr($2::bytea, 1, 12)"};

/* $1 who would begin to write, $2 to whom, $3 the name of their room. */
static const struct db_statement select_pair = {
    "select_pair",
    "SELECT EXISTS (SELECT FROM public.users WHERE id = $2::bigint), EXISTS (SELECT FROM public.room_names WHERE name = $3::text), "
    RELATION_PARTS("$1::bigint", "$2::bigint") ", " RELATION_SHUTS_OUT("$2::bigint", "$1::bigint")};
enum { PAIR_IS_KNOWN, PAIR_HAS_NAME, PAIR_IS_APART, PAIR_IS_SHUT_OUT };

/* ---- making ---- */

/* What a room says of itself at its creation: the body of event 1. */
static void make_body(const struct room *room, struct buf *body)
{
    struct json_out out = {.buf = body};

    json_open(&out, '{');
    json_key_id(&out, "id", room->id);
    json_key_text(&out, "kind", text(room_kind_name(room->kind)));
    json_key_text(&out, "name", room->name);
    if (room->slug.len > 0)
        json_key_text(&out, "slug", room->slug);
    json_close(&out, '}');
}

/* The row was sent twice: was it itself, the first time, that made the room? Event 1 has its nonce (batch.c, add_nonces()). */
static enum err ask_maker(struct worker *worker, const struct log_row *row, bool *was_another)
{
    struct db_query query = {.statement = &select_maker, .lane = room_lane(row->room_id)};

    db_add_i64(&query.params, row->room_id);
    db_add_bytes(&query.params, text_of(row->nonce, LOG_HASH_BYTES));
    const enum err err = db_ask(worker->db, &query);
    *was_another = err != ERR_OK || db_count(&query.rows) == 0;
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

/* Creates `room` with these members (creator first). `*was_there`: somebody else did meanwhile. */
static enum err create(struct call *call, const struct room *room, const int64_t *members, size_t count, bool *was_there)
{
    struct buf body = {0};
    struct log_row row = {.kind = LOG_CREATE_ROOM,
                          .room_id = room->id,
                          .actor_id = members[0],
                          .room = *room,
                          .members = members,
                          .member_count = count};

    make_body(room, &body);
    row.body = buf_text(&body);
    enum err err = room_log_append(call_worker(call), &row);
    if (err == ERR_OK)
        err = log_outcome_err(&row);
    *was_there = row.outcome == LOG_UNCHANGED;
    if (err == ERR_OK && *was_there && row.sent_before)
        err = ask_maker(call_worker(call), &row, was_there);
    log_row_fini(&row);
    buf_fini(&body);
    return err;
}

enum err rooms_reply(struct call *call, int64_t room_id, int status)
{
    struct worker *worker = call_worker(call);
    struct db_query query = {.statement = &select_heads, .lane = room_lane(room_id)};
    struct people *people = NULL;
    struct buf bytes = {0};

    db_array_begin(&query.params, DB_I64_ARRAY);
    db_array_i64(&query.params, room_id);
    db_array_end(&query.params);
    enum err err = db_ask(worker->db, &query);
    if (err == ERR_OK && db_count(&query.rows) == 0)
        err = ERR_NOT_FOUND;
    if (err == ERR_OK) {
        struct json_out out = {.buf = call_out(call)};
        struct room room;
        struct head head;
        head_read(&room, &head, &query.rows, 0, &bytes);
        const int64_t peer_id = room_peer_of(&room, call_user_id(call));
        if (room.deleted_us != 0)
            err = ERR_NOT_FOUND;
        else if ((err = people_read(worker, &peer_id, 1, &people)) == ERR_OK) {
            room_write(&out, &room, head.seq, head.message_no, people_find(people, peer_id));
            call_set_version(call, room.edition);
            err = call_reply(call, status);
        }
    }
    people_destroy(people);
    buf_fini(&bytes);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

static int compare_ids(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* Each id once, and none of them the first one, which stays where it is; returns how many are left. */
static size_t drop_repeats(int64_t *ids, size_t count)
{
    size_t kept = 1;

    qsort(ids + 1, count - 1, sizeof(*ids), compare_ids);
    for (size_t i = 1; i < count; i++)
        if (ids[i] != ids[0] && (kept == 1 || ids[i] != ids[kept - 1]))
            ids[kept++] = ids[i];
    return kept;
}

/* The creator and `members` of the body, each once. */
static enum err read_members(struct call *call, int64_t **out, size_t *count)
{
    const struct json_value list = call_body(call, "members");
    const size_t most = (size_t)call_worker(call)->app->settings->limits.members_per_room;
    const size_t given = json_kind(list) == JSON_ARRAY ? json_size(list) : 0;

    if (json_kind(list) != JSON_ARRAY && json_kind(list) != JSON_NONE && json_kind(list) != JSON_NULL)
        return call_fail_field(call, ERR_WRONG_TYPE, "members", "a list of user ids");
    if (given + 1 > most)
        return call_fail_field(call, ERR_OUT_OF_RANGE, "members", "at most %zu", most - 1);

    int64_t *members = *out = call_alloc(call, (given + 1) * sizeof(*members));
    members[0] = call_user_id(call);
    *count = 1;
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        const struct text raw = json_raw(it.value);
        int64_t id;
        if (json_kind(it.value) != JSON_STRING || !id_parse(text_of(raw.at + 1, raw.len - 2), &id))
            return call_fail_field(call, ERR_WRONG_TYPE, "members", "a list of user ids, which are strings of digits");
        members[(*count)++] = id;
    }
    *count = drop_repeats(members, *count);
    return ERR_OK;
}

static enum err read_kind(struct call *call, enum room_kind *kind)
{
    struct text name;
    const enum err err = call_body_text(call, "kind", 1, 16, &name);

    if (err == ERR_OK && (!room_kind_from(name, kind) || *kind == ROOM_DIRECT))
        return call_fail_field(call, ERR_OUT_OF_RANGE, "kind", "private or public; a direct room is made at /rooms/direct");
    return err;
}

/* POST /v1/rooms {"kind", "name", "members"?, "slug"?} -> 201 Room */
enum err rooms_post(struct call *call)
{
    struct room room = {0};
    int64_t *members = NULL;
    size_t count = 0;
    bool was_there;
    enum err err;

    if ((err = read_kind(call, &room.kind)) != ERR_OK || (err = call_body_chars(call, "name", 1, NAME_MAX_CHARS, &room.name)) != ERR_OK ||
        (err = read_members(call, &members, &count)) != ERR_OK || (err = limits_take_more(call, (int64_t)count / MEMBERS_A_TOKEN)) != ERR_OK)
        return err;
    if (call_body_has(call, "slug") && ((err = call_body_text(call, "slug", 0, 1024, &room.slug)) != ERR_OK ||
                                        (err = room_slug_check(call, room.slug)) != ERR_OK))
        return err;
    if (room.slug.len > 0)
        err = room_slug_reserve(call_worker(call), room.slug, &room.id);
    else
        err = room_new_id(call_worker(call), &room.id);
    if (err != ERR_OK || (err = create(call, &room, members, count, &was_there)) != ERR_OK)
        return err;
    return was_there ? ERR_SLUG_TAKEN : rooms_reply(call, room.id, 201);
}

/* Before a name is reserved for nothing; who makes the room judges again (create_room). A room that is there may be opened by both. */
static enum err may_begin(struct call *call, int64_t other_id, struct text name)
{
    struct db_query query = {.statement = &select_pair, .lane = DB_NO_LANE};

    db_add_i64(&query.params, call_user_id(call));
    db_add_i64(&query.params, other_id);
    db_add_text(&query.params, name);
    enum err err = db_ask(call_worker(call)->db, &query);
    if (err == ERR_OK && !db_bool(&query.rows, 0, PAIR_IS_KNOWN))
        err = ERR_UNKNOWN_USER;
    else if (err == ERR_OK && !db_bool(&query.rows, 0, PAIR_HAS_NAME))
        err = db_bool(&query.rows, 0, PAIR_IS_APART)     ? ERR_BLOCKED
              : db_bool(&query.rows, 0, PAIR_IS_SHUT_OUT) ? ERR_CONTACTS_ONLY
                                                          : ERR_OK;
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

/* POST /v1/rooms/direct {"user_id"} -> 201 Room, or 200: the pair's */
enum err rooms_post_direct(struct call *call)
{
    struct room room = {.kind = ROOM_DIRECT, .name = text("")};
    int64_t members[2] = {call_user_id(call), 0};
    struct buf name = {0};
    bool was_there;
    enum err err;

    if ((err = call_body_id(call, "user_id", &members[1])) != ERR_OK)
        return err;
    if (members[0] == members[1])
        return call_fail_field(call, ERR_OUT_OF_RANGE, "user_id", "somebody else");
    room.peer_a = members[0] < members[1] ? members[0] : members[1];
    room.peer_b = members[0] < members[1] ? members[1] : members[0];

    room_name_direct(&name, members[0], members[1]);
    if ((err = may_begin(call, members[1], buf_text(&name))) == ERR_OK)
        err = room_name_reserve(call_worker(call), buf_text(&name), &room.id);
    buf_fini(&name);
    if (err != ERR_OK || (err = create(call, &room, members, 2, &was_there)) != ERR_OK)
        return err;
    return rooms_reply(call, room.id, was_there ? 200 : 201);
}

/* Makes the public room of this slug, or joins it. `*was_gone`: the slug led to a room that is deleted, and leads there no more. */
static enum err enter(struct call *call, struct room *room, bool *was_gone)
{
    const int64_t user_id = call_user_id(call);
    bool was_there;
    enum err err;

    if ((err = room_slug_reserve(call_worker(call), room->slug, &room->id)) != ERR_OK ||
        (err = create(call, room, &user_id, 1, &was_there)) != ERR_OK)
        return err;
    if (!was_there)
        return rooms_reply(call, room->id, 201);

    struct log_row row = {.kind = LOG_ADD_MEMBER, .room_id = room->id, .actor_id = user_id, .subject_id = user_id};
    err = append_row(call, &row);
    *was_gone = err == ERR_NOT_FOUND && row.outcome == LOG_NO_ROOM;
    if (*was_gone)
        room_slug_forget(call_worker(call), room->slug, room->id);
    return err != ERR_OK ? err : rooms_reply(call, room->id, 200);
}

static enum err enter_or_make_anew(struct call *call, struct room *room)
{
    bool was_gone = false;
    enum err err = enter(call, room, &was_gone);

    return was_gone ? enter(call, room, &was_gone) : err;
}

/* PUT /v1/rooms/by-slug/{slug} {"name"?} -> 201 Room when made, 200 when joined or in it already */
enum err rooms_put_by_slug(struct call *call)
{
    struct room room = {.kind = ROOM_PUBLIC, .slug = call_path_text(call, "slug")};
    enum err err;

    room.name = room.slug;
    if ((err = room_slug_check(call, room.slug)) != ERR_OK)
        return err;
    if (call_body_has(call, "name") && (err = call_body_chars(call, "name", 1, NAME_MAX_CHARS, &room.name)) != ERR_OK)
        return err;
    return enter_or_make_anew(call, &room);
}

/* POST /v1/rooms/by-name {"name"} -> the same, under the slug that the name stands for */
enum err rooms_post_by_name(struct call *call)
{
    struct room room = {.kind = ROOM_PUBLIC};
    struct buf slug = {0};
    enum err err;

    if ((err = call_body_chars(call, "name", 1, NAME_MAX_CHARS, &room.name)) != ERR_OK)
        return err;
    room_slug_of_name(&slug, room.name);
    room.slug = buf_text(&slug);
    err = enter_or_make_anew(call, &room);
    buf_fini(&slug);
    return err;
}

/* ---- finding ---- */

static int newest_first(const void *a, const void *b)
{
    const int64_t x = ((const struct room *)a)->id, y = ((const struct room *)b)->id;

    return x > y ? -1 : x < y;
}

struct listed {
    struct room room; /* first, for newest_first() */
    int64_t seq, message_no;
};

static void write_public(struct call *call, struct listed *list, size_t count, size_t limit)
{
    struct json_out out = {.buf = call_out(call)};

    qsort(list, count, sizeof(*list), newest_first);
    json_open(&out, '{');
    json_key(&out, "items");
    json_open(&out, '[');
    for (size_t i = 0; i < count && i < limit; i++)
        room_write(&out, &list[i].room, list[i].seq, list[i].message_no, NULL);
    json_close(&out, ']');
    json_key_bool(&out, "has_more", count > limit);
    if (count > limit)
        json_key_id(&out, "next", list[limit - 1].room.id);
    json_close(&out, '}');
}

/* GET /v1/rooms/public ? q, after, limit -> Page of Room, newest first */
enum err rooms_get_public(struct call *call)
{
    struct worker *worker = call_worker(call);
    const int lanes = worker->app->lane_count;
    int64_t after = INT64_MAX - 1, limit = PUBLIC_DEFAULT;
    struct text words = text("");
    struct buf pattern = {0};
    enum err err;

    if ((err = call_query_i64(call, "after", 1, INT64_MAX - 1, &after)) != ERR_OK ||
        (err = call_query_i64(call, "limit", 1, PUBLIC_MAX, &limit)) != ERR_OK ||
        (err = call_query_chars(call, "q", FIND_MAX_CHARS, &words)) != ERR_OK)
        return err;
    like_anywhere(&pattern, words);

    struct db_query *queries = xcalloc((size_t)lanes + 1, sizeof(*queries));
    for (int lane = 0; lane < lanes; lane++) {
        queries[lane] = (struct db_query){.statement = &select_public_rooms, .lane = lane};
        db_add_i64(&queries[lane].params, after);
        db_add_text(&queries[lane].params, words);
        db_add_i64(&queries[lane].params, limit + 1);
        db_add_text(&queries[lane].params, buf_text(&pattern));
    }
    err = lanes == 0 ? ERR_UNAVAILABLE : db_run(worker->db, queries, (size_t)lanes);
    if (err == ERR_OK) {
        struct listed *list = xcalloc((size_t)lanes * ((size_t)limit + 1), sizeof(*list));
        size_t count = 0;
        for (int lane = 0; lane < lanes; lane++)
            for (int i = 0; i < db_count(&queries[lane].rows); i++, count++) {
                room_read(&list[count].room, &queries[lane].rows, i, 0);
                list[count].seq = db_i64(&queries[lane].rows, i, ROOM_COLUMN_COUNT);
                list[count].message_no = db_i64(&queries[lane].rows, i, ROOM_COLUMN_COUNT + 1);
            }
        write_public(call, list, count, (size_t)limit);
        free(list);
        err = call_reply(call, 200);
    }
    for (int lane = 0; lane < lanes; lane++) {
        db_params_fini(&queries[lane].params);
        db_rows_fini(&queries[lane].rows);
    }
    free(queries);
    buf_fini(&pattern);
    return err;
}

/* ---- the snapshot ---- */

/*
 * First where the log stands, then the contents. Messages end where the log stood; whoever joined or left since comes again as an
 * event.
 */
struct snapshot {
    int64_t room_id, messages;
    struct db_query head, contents[3]; /* messages, members, oneself among them */
    struct access access;
    struct room room;
    struct head room_head;
    struct buf bytes;
    struct people *people;
    struct mine mine;
    struct status *statuses; /* of the members; as long as the call */
};

static enum err read_head(struct call *call, struct snapshot *snapshot)
{
    struct db_query *query = &snapshot->head;

    *query = (struct db_query){.statement = &select_heads, .lane = room_lane(snapshot->room_id)};
    db_array_begin(&query->params, DB_I64_ARRAY);
    db_array_i64(&query->params, snapshot->room_id);
    db_array_end(&query->params);
    const enum err err = access_run(call, snapshot->room_id, query, &snapshot->access);
    if (err != ERR_OK && err != ERR_MEMBER_REQUIRED)
        return err;
    if (db_count(&query->rows) == 0)
        return ERR_NOT_FOUND;
    head_read(&snapshot->room, &snapshot->room_head, &query->rows, 0, &snapshot->bytes);
    return ERR_OK;
}

static enum err read_contents(struct call *call, struct snapshot *snapshot)
{
    struct db_query *messages = &snapshot->contents[0], *members = &snapshot->contents[1], *me = &snapshot->contents[2];
    const int64_t peer_id = room_peer_of(&snapshot->room, call_user_id(call));
    const int lane = room_lane(snapshot->room_id);

    *messages = (struct db_query){.statement = &select_messages_before, .lane = lane};
    db_add_i64(&messages->params, snapshot->room_id);
    db_add_i64(&messages->params, snapshot->room_head.seq + 1);
    db_add_i64(&messages->params, snapshot->messages + 1);
    *members = (struct db_query){.statement = &select_members, .lane = lane};
    db_add_i64(&members->params, snapshot->room_id);
    db_add_i64(&members->params, 0);
    db_add_i64(&members->params, SNAPSHOT_MEMBERS);
    *me = (struct db_query){.statement = &select_member, .lane = lane};
    db_add_i64(&me->params, snapshot->room_id);
    db_add_i64(&me->params, call_user_id(call));
    enum err err = db_run_in_order(call_worker(call)->db, snapshot->contents, ARRAY_COUNT(snapshot->contents)); /* oneself last */
    if (err == ERR_OK && db_count(&me->rows) == 0)
        return ERR_NOT_FOUND; /* removed meanwhile */
    if (err != ERR_OK || (err = people_read(call_worker(call), &peer_id, 1, &snapshot->people)) != ERR_OK)
        return err;
    if ((err = mine_read(call_worker(call), snapshot->room_id, call_user_id(call), &(const struct db_rows *){&messages->rows}, 1,
                         &snapshot->mine)) != ERR_OK)
        return err;
    return members_read_statuses(call, &members->rows, db_count(&members->rows), &snapshot->statuses);
}

static void write_me(struct json_out *out, const struct snapshot *snapshot)
{
    const struct membership *cursor = &snapshot->access.membership;

    json_key(out, "me");
    member_write(out, &snapshot->contents[2].rows, 0, NULL);
    json_key(out, "cursor");
    json_open(out, '{');
    json_key_i64(out, "seq", cursor->seq);
    json_key_i64(out, "message_no", cursor->message_no);
    json_close(out, '}');
    membership_write_view(out, cursor);
}

static void write_contents(struct json_out *out, const struct snapshot *snapshot)
{
    const struct db_rows *messages = &snapshot->contents[0].rows, *members = &snapshot->contents[1].rows;
    const int shown = messages_fit(messages, snapshot->messages);

    write_me(out, snapshot);
    json_key(out, "members");
    json_open(out, '[');
    for (int i = 0; i < db_count(members); i++)
        member_write(out, members, i, &snapshot->statuses[i]);
    json_close(out, ']');
    json_key(out, "messages");
    json_open(out, '[');
    for (int i = shown; i-- > 0;) {
        struct event event;
        event_read(&event, messages, i, 0);
        event_write_message_to(out, &event, &snapshot->mine);
    }
    json_close(out, ']');
    json_key_bool(out, "has_more", db_count(messages) > shown);
}

static enum err reply_snapshot(struct call *call, const struct snapshot *snapshot)
{
    struct json_out out = {.buf = call_out(call)};
    const struct user *peer =
        snapshot->people != NULL ? people_find(snapshot->people, room_peer_of(&snapshot->room, call_user_id(call))) : NULL;
    char epoch[64];

    if (!watch_epoch(call_worker(call)->app->watch, epoch))
        return ERR_UNAVAILABLE; /* just started: a position without its epoch would be no position */
    json_open(&out, '{');
    json_key(&out, "room");
    room_write(&out, &snapshot->room, snapshot->room_head.seq, snapshot->room_head.message_no, peer);
    if (snapshot->access.is_member) {
        write_contents(&out, snapshot);
        json_key(&out, "as_of");
        json_open(&out, '{');
        json_key_i64(&out, "offset", snapshot->room_head.seq);
        json_key_text(&out, "epoch", text(epoch));
        json_close(&out, '}');
    }
    json_close(&out, '}');
    call_set_version(call, snapshot->room.edition); /* of the settings: what a change of them names */
    return call_reply(call, 200);
}

/* GET /v1/rooms/{room} ? messages -> snapshot; of a public room that one is no member of: {room} */
enum err rooms_get_one(struct call *call)
{
    struct snapshot snapshot = {.messages = SNAPSHOT_MESSAGES};
    enum err err;

    if ((err = call_path_id(call, "room", &snapshot.room_id)) != ERR_OK ||
        (err = call_query_i64(call, "messages", 1, SNAPSHOT_MESSAGES_MAX, &snapshot.messages)) != ERR_OK)
        return err;
    if ((err = read_head(call, &snapshot)) == ERR_OK && snapshot.access.is_member)
        err = read_contents(call, &snapshot);
    if (err == ERR_OK)
        err = reply_snapshot(call, &snapshot);
    people_destroy(snapshot.people);
    mine_fini(&snapshot.mine);
    buf_fini(&snapshot.bytes);
    db_params_fini(&snapshot.head.params);
    db_rows_fini(&snapshot.head.rows);
    for (size_t i = 0; i < ARRAY_COUNT(snapshot.contents); i++) {
        db_params_fini(&snapshot.contents[i].params);
        db_rows_fini(&snapshot.contents[i].rows);
    }
    return err;
}
