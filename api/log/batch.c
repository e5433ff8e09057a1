#include "api/log/batch.h"

#include <stdlib.h>

#include "api/log/lane_statements.h"
#include "api/log/marks.h"
#include "api/log/message_statements.h"
#include "api/log/outbox.h"
#include "api/log/room_statements.h"
#include "api/log/view_statements.h"
#include "api/model/rights.h"

#define LOOK_FURTHER 8   /* times the batch's size: how far into the queue it looks for rows that fit */
#define FIXED_QUERIES 7  /* lock, append, mentioned, cursors, views, heads, mark */

struct batch {
    size_t rows_max;
    struct log_row **rows;
    size_t count, popped, limit;
    struct marks closed, once; /* rooms that take no more; what may stand here once. Hashes */

    struct db_query *queries;
    size_t query_count;
    struct log_row **messages, **changes, **cursors, **views; /* the rows by statement, in order */
    size_t message_count, change_count, cursor_count, view_count;
    size_t mention_count; /* how many are named by the messages */
    size_t append_at, mentioned_at, change_at, cursor_at, view_at, heads_at; /* which query */
    int64_t append_number, change_number, cursor_number, view_number; /* of the outbox rows that they write when they store something */
    int64_t *owed; /* of those that did */
    size_t owed_count;
    struct buf scratch;
};

struct batch *batch_create(size_t rows_max)
{
    struct batch *batch = xcalloc(1, sizeof(*batch));

    batch->rows_max = rows_max;
    marks_init(&batch->closed, rows_max);
    marks_init(&batch->once, rows_max);
    batch->rows = xcalloc(rows_max, sizeof(*batch->rows));
    batch->messages = xcalloc(rows_max, sizeof(*batch->rows));
    batch->changes = xcalloc(rows_max, sizeof(*batch->rows));
    batch->cursors = xcalloc(rows_max, sizeof(*batch->rows));
    batch->views = xcalloc(rows_max, sizeof(*batch->rows));
    batch->queries = xcalloc(rows_max + FIXED_QUERIES, sizeof(*batch->queries));
    batch->owed = xcalloc(rows_max + FIXED_QUERIES, sizeof(*batch->owed));
    return batch;
}

void batch_destroy(struct batch *batch)
{
    if (batch == NULL)
        return;
    CHECK(batch->count == batch->popped);
    buf_fini(&batch->scratch);
    free(batch->owed);
    free(batch->queries);
    free(batch->views);
    free(batch->cursors);
    free(batch->changes);
    free(batch->messages);
    free(batch->rows);
    marks_fini(&batch->once);
    marks_fini(&batch->closed);
    free(batch);
}

size_t batch_count(const struct batch *batch)
{
    return batch->count;
}

/* ---- which rows fit ---- */

static uint64_t mix(uint64_t a, uint64_t b)
{
    a = (a ^ b) * 0x9e3779b97f4a7c15u;
    return a ^ a >> 29;
}

/* What may stand in a batch only once: a nonce of a sender, a cursor and a view of a user. */
static uint64_t once_key(const struct log_row *row)
{
    uint64_t nonce = row->kind == LOG_SET_VIEW;

    if (row->kind != LOG_MOVE_CURSOR && row->kind != LOG_SET_VIEW)
        memcpy(&nonce, row->nonce, sizeof(nonce));
    return mix(mix((uint64_t)row->room_id, (uint64_t)row->actor_id), nonce);
}

static bool fits(const struct batch *batch, const struct log_row *row)
{
    return !marks_have(&batch->closed, mix((uint64_t)row->room_id, 1)) && !marks_have(&batch->once, once_key(row));
}

static bool is_change(const struct log_row *row)
{
    return row->kind != LOG_MESSAGE && row->kind != LOG_MOVE_CURSOR && row->kind != LOG_SET_VIEW;
}

static enum log_offer consider(void *context, struct log_row *row)
{
    struct batch *batch = context;
    const struct log_row *first = batch->count > 0 ? batch->rows[0] : NULL;

    if (batch->count == batch->limit || (first != NULL && (first->alone || row->alone)))
        return LOG_OFFER_END;
    if (!fits(batch, row))
        return LOG_OFFER_LATER;
    if (is_change(row) || row->mention_count > 0) /* what comes later in this room must not overtake it */
        marks_add(&batch->closed, mix((uint64_t)row->room_id, 1));
    marks_add(&batch->once, once_key(row));
    batch->rows[batch->count++] = row;
    return LOG_OFFER_TAKEN;
}

void batch_take(struct batch *batch, struct log_queue *queue, size_t limit)
{
    CHECK(batch->count == batch->popped && limit <= batch->rows_max);
    batch->count = batch->popped = 0;
    batch->limit = limit;
    marks_reset(&batch->closed);
    marks_reset(&batch->once);
    log_queue_offer(queue, LOOK_FURTHER * batch->rows_max, consider, batch);
}

void batch_doubt(struct batch *batch)
{
    for (size_t i = batch->popped; i < batch->count; i++)
        batch->rows[i]->sent_before = true;
}

void batch_part(struct batch *batch)
{
    for (size_t i = batch->popped; i < batch->count; i++)
        batch->rows[i]->alone = true;
}

void batch_untake(struct batch *batch, struct log_queue *queue)
{
    for (size_t i = batch->count; i-- > batch->popped;)
        log_queue_put_back(queue, batch->rows[i]);
    batch->count = batch->popped = 0;
}

struct log_row *batch_pop(struct batch *batch)
{
    return batch->popped < batch->count ? batch->rows[batch->popped++] : NULL;
}

/* ---- the statements ---- */

static struct db_query *add_query(struct batch *batch, const struct db_statement *statement, int lane)
{
    struct db_query *query = &batch->queries[batch->query_count++];

    *query = (struct db_query){.statement = statement, .lane = lane};
    return query;
}

static void add_outbox(struct db_query *query, struct batch_owner *owner)
{
    db_add_i64(&query->params, owner->incarnation);
    db_add_i64(&query->params, owner->next_number++);
}

static struct text hash_text(const unsigned char *hash)
{
    return text_of(hash, LOG_HASH_BYTES);
}

static void sort_rows(struct batch *batch)
{
    batch->message_count = batch->change_count = batch->cursor_count = batch->view_count = batch->mention_count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct log_row *row = batch->rows[i];
        batch->mention_count += row->mention_count;
        if (row->kind == LOG_MESSAGE)
            batch->messages[batch->message_count++] = row;
        else if (row->kind == LOG_MOVE_CURSOR)
            batch->cursors[batch->cursor_count++] = row;
        else if (row->kind == LOG_SET_VIEW)
            batch->views[batch->view_count++] = row;
        else
            batch->changes[batch->change_count++] = row;
    }
}

static void build_lock(struct batch *batch, int lane)
{
    struct db_query *query = add_query(batch, &lock_rooms, lane);
    int64_t last = 0;

    db_array_begin(&query->params, DB_I64_ARRAY);
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->rows[i]->room_id != last) /* mostly a hot room; the join does not mind other repeats */
            db_array_i64(&query->params, batch->rows[i]->room_id);
        last = batch->rows[i]->room_id;
    }
    db_array_end(&query->params);
}

/* Side by side: the place of a message or its room, and whom it names. */
static void add_mentions(struct db_params *params, struct log_row **rows, size_t count, bool by_place)
{
    db_array_begin(params, DB_I64_ARRAY);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < rows[i]->mention_count; k++)
            db_array_i64(params, by_place ? (int64_t)i + 1 : rows[i]->room_id);
    db_array_end(params);
    db_array_begin(params, DB_I64_ARRAY);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < rows[i]->mention_count; k++)
            db_array_i64(params, rows[i]->mentions[k]);
    db_array_end(params);
}

static void build_mentioned(struct batch *batch, int lane)
{
    batch->mentioned_at = batch->query_count;
    struct db_query *query = add_query(batch, &select_mentioned, lane);

    add_mentions(&query->params, batch->messages, batch->message_count, false);
}

static void build_append(struct batch *batch, int lane, struct batch_owner *owner)
{
    if (batch->message_count == 0)
        return;

    batch->append_at = batch->query_count;
    batch->append_number = owner->next_number;
    struct db_query *query = add_query(batch, &append_messages, lane);
    struct db_params *params = &query->params;
    struct log_row **rows = batch->messages;
    const size_t count = batch->message_count;

    db_array_begin(params, DB_I64_ARRAY);
    for (size_t i = 0; i < count; i++)
        db_array_i64(params, rows[i]->room_id);
    db_array_end(params);
    db_array_begin(params, DB_I64_ARRAY);
    for (size_t i = 0; i < count; i++)
        db_array_i64(params, rows[i]->actor_id);
    db_array_end(params);
    db_array_begin(params, DB_BYTES_ARRAY);
    for (size_t i = 0; i < count; i++)
        db_array_text(params, hash_text(rows[i]->nonce));
    db_array_end(params);
    db_array_begin(params, DB_BYTES_ARRAY);
    for (size_t i = 0; i < count; i++)
        db_array_text(params, hash_text(rows[i]->digest));
    db_array_end(params);
    db_array_begin(params, DB_I64_ARRAY);
    for (size_t i = 0; i < count; i++)
        if (rows[i]->target_seq != 0)
            db_array_i64(params, rows[i]->target_seq);
        else
            db_array_null(params);
    db_array_end(params);
    db_array_begin(params, DB_TEXT_ARRAY);
    for (size_t i = 0; i < count; i++)
        db_array_text(params, rows[i]->body);
    db_array_end(params);
    add_outbox(query, owner);
    db_array_begin(params, DB_BOOL_ARRAY);
    for (size_t i = 0; i < count; i++)
        db_array_bool(params, rows[i]->mentions_room);
    db_array_end(params);
    add_mentions(params, rows, count, true);
    rights_add(params, RIGHT_MENTION_ROOM);
    if (batch->mention_count > 0)
        build_mentioned(batch, lane);
}

static void add_ban(struct db_params *params, const struct log_row *row)
{
    if (row->has_ban_until)
        db_add_time(params, row->ban_until_us);
    else
        db_add_null(params);
    db_add_text(params, row->ban_reason);
    db_add_text(params, row->body);
}

/* Two things may happen at once. */
static void add_second_nonce(struct db_params *params, const struct log_row *row)
{
    unsigned char nonce[LOG_HASH_BYTES];

    memcpy(nonce, row->nonce, sizeof(nonce));
    nonce[LOG_HASH_BYTES - 1] ^= 1;
    db_add_bytes(params, hash_text(nonce));
}

static void add_member_change(struct db_params *params, const struct log_row *row)
{
    if (row->role.at != NULL)
        db_add_text(params, row->role);
    else
        db_add_null(params);
    if (row->has_silent_until)
        db_add_time(params, row->silent_until_us);
    else
        db_add_null(params);
}

/* What the actor must be allowed to: to leave and to join are other rights than to remove and to add. */
static enum right right_of(const struct log_row *row)
{
    const bool is_own = row->actor_id == row->subject_id;

    switch (row->kind) {
    case LOG_ADD_MEMBER:
        return is_own ? RIGHT_JOIN : RIGHT_INVITE;
    case LOG_REMOVE_MEMBER:
        return is_own ? RIGHT_LEAVE : RIGHT_KICK;
    case LOG_CHANGE_MEMBER:
        if (row->role.at == NULL)
            return RIGHT_SILENCE;
        return text_equal(row->role, TEXT("owner")) ? RIGHT_HAND_OVER : RIGHT_CHANGE_ROLE;
    default:
        return RIGHT_BAN;
    }
}

static void build_member_change(struct batch *batch, int lane, struct batch_owner *owner, const struct log_row *row)
{
    static const struct db_statement *const statements[] = {[LOG_ADD_MEMBER] = &add_member,
                                                            [LOG_REMOVE_MEMBER] = &remove_member,
                                                            [LOG_CHANGE_MEMBER] = &change_member,
                                                            [LOG_BAN] = &ban_member,
                                                            [LOG_UNBAN] = &unban_member};
    struct db_query *query = add_query(batch, statements[row->kind], lane);

    db_add_i64(&query->params, row->room_id);
    db_add_i64(&query->params, row->actor_id);
    db_add_i64(&query->params, row->subject_id);
    db_add_bytes(&query->params, hash_text(row->nonce));
    add_outbox(query, owner);
    rights_add(&query->params, right_of(row));
    if (row->kind == LOG_ADD_MEMBER)
        db_add_i64(&query->params, row->members_max);
    if (row->kind == LOG_REMOVE_MEMBER || row->kind == LOG_CHANGE_MEMBER)
        add_second_nonce(&query->params, row);
    if (row->kind == LOG_CHANGE_MEMBER)
        add_member_change(&query->params, row);
    if (row->kind == LOG_BAN)
        add_ban(&query->params, row);
}

static void add_optional_id(struct db_params *params, int64_t id)
{
    if (id != 0)
        db_add_i64(params, id);
    else
        db_add_null(params);
}

/* One nonce for each event of a creation: the row's own, with the event's place in its last bytes. */
static void add_nonces(struct db_params *params, const struct log_row *row)
{
    db_array_begin(params, DB_BYTES_ARRAY);
    for (uint32_t i = 0; i <= row->member_count; i++) {
        unsigned char nonce[LOG_HASH_BYTES];
        memcpy(nonce, row->nonce, sizeof(nonce));
        memcpy(nonce + sizeof(nonce) - sizeof(i), &i, sizeof(i));
        db_array_text(params, hash_text(nonce));
    }
    db_array_end(params);
}

static void build_creation(struct batch *batch, int lane, struct batch_owner *owner, const struct log_row *row)
{
    struct db_query *query = add_query(batch, &create_room, lane);
    struct db_params *params = &query->params;

    db_add_i64(params, row->room_id);
    db_add_text(params, text(room_kind_name(row->room.kind)));
    db_add_text(params, row->room.name);
    if (row->room.slug.len > 0)
        db_add_text(params, row->room.slug);
    else
        db_add_null(params);
    db_add_i64(params, row->actor_id);
    db_array_begin(params, DB_I64_ARRAY);
    for (size_t i = 0; i < row->member_count; i++)
        db_array_i64(params, row->members[i]);
    db_array_end(params);
    add_nonces(params, row);
    add_outbox(query, owner);
    db_add_text(params, row->body);
    add_optional_id(params, row->room.peer_a);
    add_optional_id(params, row->room.peer_b);
}

static void build_room_change(struct batch *batch, int lane, struct batch_owner *owner, const struct log_row *row)
{
    struct db_query *query = add_query(batch, room_row_statement(row->kind), lane);

    room_row_add(&query->params, row, owner->incarnation, owner->next_number++);
}

static void build_message_change(struct batch *batch, int lane, struct batch_owner *owner, const struct log_row *row)
{
    struct db_query *query = add_query(batch, message_statement(row->kind), lane);

    db_add_i64(&query->params, row->room_id);
    db_add_i64(&query->params, row->actor_id);
    db_add_i64(&query->params, row->target_seq);
    db_add_bytes(&query->params, hash_text(row->nonce));
    add_outbox(query, owner);
    message_add_params(&query->params, row);
}

static void build_changes(struct batch *batch, int lane, struct batch_owner *owner)
{
    batch->change_at = batch->query_count;
    batch->change_number = owner->next_number;
    for (size_t i = 0; i < batch->change_count; i++) {
        if (message_statement(batch->changes[i]->kind) != NULL)
            build_message_change(batch, lane, owner, batch->changes[i]);
        else if (batch->changes[i]->kind == LOG_CREATE_ROOM)
            build_creation(batch, lane, owner, batch->changes[i]);
        else if (room_row_is(batch->changes[i]->kind))
            build_room_change(batch, lane, owner, batch->changes[i]);
        else
            build_member_change(batch, lane, owner, batch->changes[i]);
    }
}

static void build_cursors(struct batch *batch, int lane, struct batch_owner *owner)
{
    if (batch->cursor_count == 0)
        return;

    batch->cursor_at = batch->query_count;
    batch->cursor_number = owner->next_number;
    struct db_query *query = add_query(batch, &move_cursors, lane);
    struct db_params *params = &query->params;

    db_array_begin(params, DB_I64_ARRAY);
    for (size_t i = 0; i < batch->cursor_count; i++)
        db_array_i64(params, batch->cursors[i]->room_id);
    db_array_end(params);
    db_array_begin(params, DB_I64_ARRAY);
    for (size_t i = 0; i < batch->cursor_count; i++)
        db_array_i64(params, batch->cursors[i]->actor_id);
    db_array_end(params);
    db_array_begin(params, DB_I64_ARRAY);
    for (size_t i = 0; i < batch->cursor_count; i++)
        db_array_i64(params, batch->cursors[i]->seq);
    db_array_end(params);
    db_array_begin(params, DB_BOOL_ARRAY);
    for (size_t i = 0; i < batch->cursor_count; i++)
        db_array_bool(params, batch->cursors[i]->force);
    db_array_end(params);
    add_outbox(query, owner);
}

static void build_views(struct batch *batch, int lane, struct batch_owner *owner)
{
    if (batch->view_count == 0)
        return;

    batch->view_at = batch->query_count;
    batch->view_number = owner->next_number;
    struct db_query *query = add_query(batch, &set_views, lane);

    view_add_params(&query->params, batch->views, batch->view_count);
    add_outbox(query, owner);
}

/* Rooms that change need their facts and head anew, as they are after the change and still under the lock. */
static void build_heads(struct batch *batch, int lane)
{
    if (batch->change_count == 0)
        return;

    batch->heads_at = batch->query_count;
    struct db_query *query = add_query(batch, &select_heads, lane);

    db_array_begin(&query->params, DB_I64_ARRAY);
    for (size_t i = 0; i < batch->change_count; i++)
        db_array_i64(&query->params, batch->changes[i]->room_id);
    db_array_end(&query->params);
}

struct db_query *batch_build(struct batch *batch, int lane, struct batch_owner *owner, const int64_t *mark, size_t mark_count,
                             size_t *query_count)
{
    batch->query_count = 0;
    sort_rows(batch);
    build_lock(batch, lane);
    build_append(batch, lane, owner);
    build_changes(batch, lane, owner);
    build_cursors(batch, lane, owner);
    build_views(batch, lane, owner);
    build_heads(batch, lane);
    if (mark_count > 0)
        outbox_build_mark(&batch->queries[batch->query_count++], lane, owner->incarnation, mark, mark_count);
    *query_count = batch->query_count;
    return batch->queries;
}

struct db_query *batch_queries(struct batch *batch, size_t *count)
{
    *count = batch->query_count;
    return batch->queries;
}

void batch_release(struct batch *batch)
{
    for (size_t i = 0; i < batch->query_count; i++) {
        db_params_fini(&batch->queries[i].params);
        db_rows_fini(&batch->queries[i].rows);
    }
    batch->query_count = 0;
}

/* ---- the answers ---- */

static const struct {
    const char *name;
    enum log_outcome outcome;
} outcomes[] = {
    {"stored", LOG_STORED},           {"repeated", LOG_REPEATED},         {"reused", LOG_REUSED},
    {"unchanged", LOG_UNCHANGED},     {"no_room", LOG_NO_ROOM},           {"not_member", LOG_NOT_MEMBER},
    {"silenced", LOG_SILENCED},       {"beyond_last", LOG_BEYOND_LAST},   {"unknown_user", LOG_UNKNOWN_USER},
    {"role_required", LOG_ROLE_REQUIRED}, {"not_possible", LOG_NOT_POSSIBLE},
    {"blocked", LOG_BLOCKED},         {"contacts_only", LOG_CONTACTS_ONLY},
    {"full", LOG_FULL},               {"banned", LOG_BANNED},           {"over", LOG_OVER},
    {"no_message", LOG_NO_MESSAGE},   {"no_original", LOG_NO_ORIGINAL}, {"stale", LOG_STALE},
    {"too_many", LOG_TOO_MANY},             {"absent", LOG_ABSENT},
};

static enum log_outcome read_outcome(const struct db_rows *rows, int i)
{
    const struct text name = db_text(rows, i, 0);

    for (size_t k = 0; k < ARRAY_COUNT(outcomes); k++)
        if (text_equal(name, text(outcomes[k].name)))
            return outcomes[k].outcome;
    CHECK(!"an outcome that no statement gives");
}

static void read_answer(struct log_row *row, const struct db_rows *rows, int i, int kind_column)
{
    row->err = ERR_OK;
    row->outcome = read_outcome(rows, i);
    row->has_room_kind = !db_is_null(rows, i, kind_column) &&
                         room_kind_from(db_text(rows, i, kind_column), &row->room_kind);
}

static void owe(struct batch *batch, int64_t number)
{
    if (batch->owed_count == 0 || batch->owed[batch->owed_count - 1] != number)
        batch->owed[batch->owed_count++] = number;
}

static struct event event_of(const struct log_row *row)
{
    return (struct event){
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
    };
}

/* Is there no later stored row of the same room (and, with `sender`, of the same sender)? */
static bool is_last(struct batch *batch, size_t i, bool sender)
{
    const struct log_row *row = batch->messages[i];

    for (size_t k = i + 1; k < batch->message_count; k++)
        if (batch->messages[k]->outcome == LOG_STORED && batch->messages[k]->room_id == row->room_id &&
            (!sender || batch->messages[k]->actor_id == row->actor_id))
            return false;
    return true;
}

static void refresh_message_head(struct batch *batch, const struct event *event, int64_t room_mention_no, struct refresh *refresh)
{
    struct json_out out = {.buf = &batch->scratch};

    buf_reset(&batch->scratch);
    event_write_message_bare(&out, event);
    refresh_head(refresh, &(struct head){.room_id = event->room_id,
                                         .seq = event->seq,
                                         .message_no = event->message_no,
                                         .room_mention_no = room_mention_no,
                                         .activity_us = event->created_us,
                                         .has_message = true,
                                         .sender_id = event->sender_id,
                                         .message_bare = buf_text(&batch->scratch)});
}

/* Its texts outlive the rows of the batch. */
static void read_replied(struct log_row *row, const struct db_rows *rows, int i)
{
    const struct text name = db_text(rows, i, APPEND_REPLIED_NAME), excerpt = db_text(rows, i, APPEND_EXCERPT);
    struct buf *texts = &row->replied_texts;

    row->replied = (struct replied){0};
    if (row->target_seq == 0 || row->outcome != LOG_STORED)
        return;
    buf_reset(texts);
    buf_add_text(texts, name);
    buf_add_text(texts, excerpt);
    row->replied = (struct replied){.seq = row->target_seq, .sender_id = db_i64(rows, i, APPEND_REPLIED)};
    row->replied.sender_name = text_of(texts->at, name.len);
    if (!db_is_null(rows, i, APPEND_EXCERPT))
        row->replied.excerpt = text_of(texts->at + name.len, excerpt.len);
}

/* Who was named has one mention more, and is told how many there are. */
static void read_mentioned(struct batch *batch, struct announcer *announcer, struct refresh *refresh)
{
    const struct db_rows *rows = &batch->queries[batch->mentioned_at].rows;

    for (int i = 0; i < db_count(rows); i++) {
        struct membership membership;
        membership_read(&membership, rows, i, 0);
        announce_cursor(announcer, &membership, db_i64(rows, i, MEMBERSHIP_COLUMN_COUNT),
                        db_i64(rows, i, MEMBERSHIP_COLUMN_COUNT + 1));
        refresh_membership(refresh, &membership);
    }
}

static void read_messages(struct batch *batch, struct text epoch, struct announcer *announcer, struct refresh *refresh)
{
    const struct db_rows *rows = &batch->queries[batch->append_at].rows;

    for (size_t i = 0; i < batch->message_count; i++) {
        struct log_row *row = batch->messages[i];
        read_answer(row, rows, (int)i, APPEND_KIND);
        row->seq = db_i64(rows, (int)i, APPEND_SEQ);
        row->message_no = db_i64(rows, (int)i, APPEND_MESSAGE_NO);
        row->at_us = db_time(rows, (int)i, APPEND_AT);
        row->until_us = db_time(rows, (int)i, APPEND_UNTIL);
        buf_reset(&row->sender_name);
        buf_add_text(&row->sender_name, db_text(rows, (int)i, APPEND_NAME));
        read_replied(row, rows, (int)i);
    }
    for (size_t i = 0; i < batch->message_count; i++) {
        if (batch->messages[i]->outcome != LOG_STORED)
            continue;
        owe(batch, batch->append_number);
        const struct event event = event_of(batch->messages[i]);
        announce_event(announcer, &event, epoch, NULL, text(NULL));
        if (is_last(batch, i, false))
            refresh_message_head(batch, &event, db_i64(rows, (int)i, APPEND_ROOM_MENTION_NO), refresh);
        if (is_last(batch, i, true)) {
            struct membership membership;
            membership_read(&membership, rows, (int)i, APPEND_MEMBERSHIP);
            announce_cursor(announcer, &membership, membership.message_no, membership.room_mention_no);
            refresh_membership(refresh, &membership);
        }
    }
    if (batch->mention_count > 0)
        read_mentioned(batch, announcer, refresh);
}

/* The row of select_heads for a room of this batch; -1 when the room was never made. */
static int find_head(const struct db_rows *heads, int64_t room_id)
{
    for (int i = 0; i < db_count(heads); i++)
        if (db_i64(heads, i, 0) == room_id)
            return i;
    return -1;
}

/* On public:rooms. */
static struct text word_of(enum log_row_kind kind)
{
    if (kind == LOG_CREATE_ROOM)
        return TEXT("room_created");
    return kind == LOG_DELETE_ROOM ? TEXT("room_deleted") : TEXT("room_changed");
}

static void read_change(struct batch *batch, size_t which, struct text epoch, struct announcer *announcer, struct refresh *refresh)
{
    struct log_row *row = batch->changes[which];
    const struct db_rows *rows = &batch->queries[batch->change_at + which].rows;
    const struct db_rows *heads = &batch->queries[batch->heads_at].rows;

    read_answer(row, rows, 0, CHANGE_KIND);
    row->until_us = db_time(rows, 0, CHANGE_UNTIL);
    const int at = find_head(heads, row->room_id);
    if (row->outcome != LOG_STORED || at < 0)
        return;
    owe(batch, batch->change_number + (int64_t)which);

    struct room room;
    struct head head;
    struct event event;
    struct membership membership;

    buf_reset(&batch->scratch);
    head_read(&room, &head, heads, at, &batch->scratch);
    for (int i = 0; i < db_count(rows); i++) {
        event_read(&event, rows, i, CHANGE_EVENT);
        row->seq = event.seq;
        announce_event(announcer, &event, epoch, &head, db_text(heads, at, HEAD_SENDER_NAME));
        if (db_is_null(rows, i, CHANGE_MEMBERSHIP))
            continue; /* nobody has become a member, or is one no more */
        membership_read(&membership, rows, i, CHANGE_MEMBERSHIP);
        if (event_adds(event.kind) || event_removes(event.kind))
            announce_membership(announcer, &event, membership.changed_us);
        refresh_membership(refresh, &membership);
    }
    if (room.kind == ROOM_PUBLIC && (row->kind == LOG_CREATE_ROOM || room_row_is(row->kind)))
        announce_public_room(announcer, word_of(row->kind), &room, &head);
    refresh_room(refresh, &room);
    refresh_head(refresh, &head);
}

static void read_cursors(struct batch *batch, struct announcer *announcer, struct refresh *refresh)
{
    const struct db_rows *rows = &batch->queries[batch->cursor_at].rows;

    for (size_t i = 0; i < batch->cursor_count; i++) {
        struct log_row *row = batch->cursors[i];
        struct membership membership;

        read_answer(row, rows, (int)i, CURSOR_KIND);
        row->seq = db_i64(rows, (int)i, CURSOR_SEQ);
        row->message_no = db_i64(rows, (int)i, CURSOR_MESSAGE_NO);
        row->at_us = db_time(rows, (int)i, CURSOR_AT);
        row->room_message_no = db_i64(rows, (int)i, CURSOR_LAST_NO);
        row->mentions_unread = db_i64(rows, (int)i, CURSOR_MENTIONS);
        if (row->outcome != LOG_STORED)
            continue;
        owe(batch, batch->cursor_number);
        membership_read(&membership, rows, (int)i, CURSOR_MEMBERSHIP);
        announce_cursor(announcer, &membership, row->room_message_no, db_i64(rows, (int)i, CURSOR_LAST_ROOM_NO));
        refresh_membership(refresh, &membership);
    }
}

static void read_views(struct batch *batch, struct announcer *announcer, struct refresh *refresh)
{
    const struct db_rows *rows = &batch->queries[batch->view_at].rows;

    for (size_t i = 0; i < batch->view_count; i++) {
        struct log_row *row = batch->views[i];

        read_answer(row, rows, (int)i, VIEW_KIND);
        if (row->outcome != LOG_STORED && row->outcome != LOG_UNCHANGED)
            continue;
        membership_read(&row->membership, rows, (int)i, VIEW_MEMBERSHIP);
        if (row->outcome == LOG_UNCHANGED)
            continue;
        owe(batch, batch->view_number);
        announce_view(announcer, &row->membership);
        refresh_membership(refresh, &row->membership);
    }
}

void batch_read(struct batch *batch, struct text epoch, struct announcer *announcer, struct refresh *refresh)
{
    batch->owed_count = 0;
    if (batch->message_count > 0)
        read_messages(batch, epoch, announcer, refresh);
    for (size_t i = 0; i < batch->change_count; i++)
        read_change(batch, i, epoch, announcer, refresh);
    if (batch->cursor_count > 0)
        read_cursors(batch, announcer, refresh);
    if (batch->view_count > 0)
        read_views(batch, announcer, refresh);
}

const int64_t *batch_owed(const struct batch *batch, size_t *count)
{
    *count = batch->owed_count;
    return batch->owed;
}
