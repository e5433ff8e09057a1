/* What the answers of a batch's statements mean for its rows, for the bus and for the cache. */
#include "fake_cache.h"
#include "fake_rows.h"

#include "api/log/batch.h"
#include "api/log/lane_statements.h"
#include "api/log/outbox.h"

#define HALF_PAST_NINE INT64_C(1772357400000000) /* of 1 March 2026 */
#define LATER          (HALF_PAST_NINE + 1000000)
#define ROWS_MAX       10

/* Nothing is marked here; the real one would bring the real cache with it. */
void outbox_build_mark(struct db_query *query, int lane, int64_t incarnation,
                       const int64_t *numbers, size_t count)
{
    fail();
}

struct fixture {
    struct batch *batch;
    struct log_queue queue;
    struct log_row rows[ROWS_MAX];
    size_t count;
    struct db_query *queries;
    struct announcer *announcer;
    struct refresh *refresh;
    struct cache *cache;
    void *fake_cache;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));

    f->batch = batch_create(ROWS_MAX);
    log_queue_init(&f->queue);
    f->announcer = announcer_create();
    f->refresh = refresh_create();
    fake_cache_setup(&f->fake_cache);
    f->cache = f->fake_cache;
    *state = f;
    return 0;
}

static void on_stored(void *context, enum err err)
{
    assert_int_equal(err, ERR_OK);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < f->cache->eval_count; i++)
        f->cache->evals[i].done(f->cache->evals[i].context, ERR_OK);
    fake_cache_teardown(&f->fake_cache);
    while (batch_pop(f->batch) != NULL)
        ;
    for (size_t i = 0; i < f->count; i++) {
        buf_fini(&f->rows[i].sender_name);
        buf_fini(&f->rows[i].replied_texts);
    }
    batch_release(f->batch);
    batch_destroy(f->batch);
    announcer_destroy(f->announcer);
    refresh_destroy(f->refresh);
    free(f);
    return 0;
}

static struct log_row *ask(struct fixture *f, enum log_row_kind kind, int64_t room, int64_t person)
{
    struct log_row *row = &f->rows[f->count++];

    *row =
        (struct log_row){.kind = kind, .room_id = room, .actor_id = person, .subject_id = person};
    row->nonce[0] = (unsigned char)f->count;
    row->body = TEXT("{\"text\":\"tea\"}");
    log_queue_push(&f->queue, row);
    return row;
}

static void send_off(struct fixture *f)
{
    struct batch_owner owner = {.incarnation = 1, .next_number = 1};
    size_t count;

    batch_take(f->batch, &f->queue, ROWS_MAX);
    assert_int_equal(batch_count(f->batch), f->count);
    f->queries = batch_build(f->batch, 0, &owner, NULL, 0, &count);
}

/* The answer to the `nth` query with this statement. */
static void answer(struct fixture *f, const struct db_statement *statement, int nth,
                   struct fake_rows rows)
{
    size_t count;
    struct db_query *queries = batch_queries(f->batch, &count);

    for (size_t i = 0; i < count; i++)
        if (queries[i].statement == statement && nth-- == 0) {
            queries[i].rows = rows.rows;
            return;
        }
    fail_msg("%s was not asked", statement->name);
}

static void read_all(struct fixture *f)
{
    batch_read(f->batch, TEXT("word-1"), f->announcer, f->refresh);
    refresh_send(f->refresh, f->cache, 1000, on_stored, NULL);
}

/* Channels of all that is announced, with the offsets of events: "room:7@5 user:8". */
static void assert_announced(struct fixture *f, const char *expected)
{
    size_t count;
    Bus__Item **items = announce_items(f->announcer, &count);
    struct buf all = {0};

    for (size_t i = 0; i < count; i++) {
        const Bus__Publication *publication = items[i]->publication;
        buf_printf(&all, "%s%.*s", i > 0 ? " " : "", TEXT_ARGS(wire_text(publication->channel)));
        if (publication->offset > 0)
            buf_printf(&all, "@%d", (int)publication->offset);
    }
    assert_string_equal(buf_cstring(&all), expected);
    buf_fini(&all);
}

static void assert_cached(struct fixture *f, const char *values, const char *hashes)
{
    assert_int_equal(f->cache->eval_count, 2);
    assert_string_equal(f->cache->evals[0].keys.at, values);
    assert_string_equal(f->cache->evals[1].keys.at, hashes);
}

static void assert_nothing_is_told(struct fixture *f)
{
    assert_announced(f, "");
    assert_int_equal(f->cache->eval_count, 0);
}

/* ---- messages ---- */

static struct fake_rows append_answers(void)
{
    return fake_rows(APPEND_MEMBERSHIP + MEMBERSHIP_COLUMN_COUNT);
}

static void add_stored(struct fake_rows *fake, int64_t room, int64_t sender, int64_t seq)
{
    fake_row(fake);
    fake_text(fake, "stored");
    fake_i64(fake, seq);
    fake_i64(fake, seq - 3);
    fake_time(fake, HALF_PAST_NINE);
    fake_text(fake, "Ada");
    fake_null(fake); /* until */
    fake_text(fake, "public");
    fake_i64(fake, 0); /* room_mention_no */
    fake_null(fake);   /* no reply */
    fake_text(fake, "");
    fake_null(fake);
    fake_membership_columns(fake, room, sender, "member", seq, seq - 3, HALF_PAST_NINE);
}

static void add_refused(struct fake_rows *fake, const char *outcome, int64_t seq, int64_t until_us)
{
    fake_row(fake);
    fake_text(fake, outcome);
    seq != 0 ? fake_i64(fake, seq) : fake_null(fake);
    seq != 0 ? fake_i64(fake, seq - 3) : fake_null(fake);
    fake_time(fake, seq != 0 ? HALF_PAST_NINE : 0);
    fake_text(fake, "Ada");
    fake_time(fake, until_us);
    fake_text(fake, "public");
}

static void stored_messages_are_published_in_order_and_their_senders_have_read_them(void **state)
{
    struct fixture *f = *state;
    struct fake_rows fake = append_answers();
    const struct log_row *first = ask(f, LOG_MESSAGE, 7, 8), *second = ask(f, LOG_MESSAGE, 7, 9);

    send_off(f);
    add_stored(&fake, 7, 8, 5);
    add_stored(&fake, 7, 9, 6);
    answer(f, &append_messages, 0, fake);
    read_all(f);
    assert_int_equal(first->err, ERR_OK);
    assert_int_equal(first->outcome, LOG_STORED);
    assert_int_equal(first->seq, 5);
    assert_int_equal(first->message_no, 2);
    assert_true(first->at_us == HALF_PAST_NINE);
    assert_true(text_equal(buf_text(&first->sender_name), TEXT("Ada")));
    assert_int_equal(second->seq, 6);
    assert_announced(f, "room:7@5 user:8 room:7@6 user:9");
    assert_cached(f, "head:7|activity:7|", "rooms:8|rooms:9|");
    assert_non_null(strstr(f->cache->evals[0].args.at, "|6|6 3 0 ")); /* the later one is the head */
}

static void several_messages_of_one_sender_move_one_cursor(void **state)
{
    struct fixture *f = *state;
    struct fake_rows fake = append_answers();

    for (int i = 0; i < 3; i++)
        ask(f, LOG_MESSAGE, i == 1 ? 6 : 7, 8);
    send_off(f);
    add_stored(&fake, 7, 8, 5);
    add_stored(&fake, 6, 8, 20);
    add_stored(&fake, 7, 8, 6);
    answer(f, &append_messages, 0, fake);
    read_all(f);
    assert_announced(f, "room:7@5 room:6@20 user:8 room:7@6 user:8");
    assert_cached(f, "head:6|activity:6|head:7|activity:7|", "rooms:8|rooms:8|");
}

static void repeats_and_refusals_are_answered_and_told_to_nobody(void **state)
{
    struct fixture *f = *state;
    struct fake_rows fake = append_answers();
    static const enum log_outcome expected[] = {LOG_REPEATED, LOG_REUSED, LOG_NOT_MEMBER,
                                                LOG_SILENCED};

    for (int i = 0; i < 4; i++)
        ask(f, LOG_MESSAGE, 7, 8);
    send_off(f);
    add_refused(&fake, "repeated", 5, 0);
    add_refused(&fake, "reused", 5, 0);
    add_refused(&fake, "not_member", 0, 0);
    add_refused(&fake, "silenced", 0, LATER);
    answer(f, &append_messages, 0, fake);
    read_all(f);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(f->rows[i].err, ERR_OK);
        assert_int_equal(f->rows[i].outcome, expected[i]);
        assert_true(f->rows[i].has_room_kind && f->rows[i].room_kind == ROOM_PUBLIC);
    }
    assert_int_equal(f->rows[0].seq, 5);
    assert_true(f->rows[0].at_us == HALF_PAST_NINE);
    assert_true(f->rows[3].until_us == LATER);
    assert_nothing_is_told(f);
}

static void a_refused_message_behind_a_stored_one_leaves_that_the_head(void **state)
{
    struct fixture *f = *state;
    struct fake_rows fake = append_answers();

    ask(f, LOG_MESSAGE, 7, 8);
    ask(f, LOG_MESSAGE, 7, 9);
    send_off(f);
    add_stored(&fake, 7, 8, 5);
    add_refused(&fake, "not_member", 0, 0);
    answer(f, &append_messages, 0, fake);
    read_all(f);
    assert_announced(f, "room:7@5 user:8");
    assert_cached(f, "head:7|activity:7|", "rooms:8|");
}

/* ---- changes ---- */

static struct fake_rows change_answers(void)
{
    return fake_rows(CHANGE_EVENT + EVENT_COLUMN_COUNT + MEMBERSHIP_COLUMN_COUNT);
}

static void add_change(struct fake_rows *fake, const char *kind, int64_t seq, int64_t subject)
{
    fake_row(fake);
    fake_text(fake, "stored");
    fake_text(fake, "public");
    fake_event_columns(fake, &(struct fake_event){.room_id = 7,
                                                  .seq = seq,
                                                  .kind = kind,
                                                  .sender_id = 8,
                                                  .sender_name = "Ada",
                                                  .body = "{}",
                                                  .created_us = HALF_PAST_NINE,
                                                  .subject_id = subject,
                                                  .subject_login = "bob"});
    if (subject != 0)
        fake_membership_columns(fake, 7, subject, "member", seq, 0, HALF_PAST_NINE);
}

static void add_refused_change(struct fake_rows *fake, const char *outcome)
{
    fake_row(fake);
    fake_text(fake, outcome);
    fake_text(fake, "private");
}

/* Of room 7, without a message yet. */
static struct fake_rows head_answer(const char *kind, int64_t seq)
{
    struct fake_rows fake = fake_rows(HEAD_EVENT + EVENT_COLUMN_COUNT);

    fake_row(&fake);
    fake_room_columns(&fake, 7, kind, "Tea", HALF_PAST_NINE);
    fake_i64(&fake, seq);
    fake_i64(&fake, 0);
    fake_i64(&fake, 0);
    return fake;
}

static void a_join_is_published_and_told_to_who_joined(void **state)
{
    struct fixture *f = *state;
    struct fake_rows fake = change_answers();
    const struct log_row *row = ask(f, LOG_ADD_MEMBER, 7, 9);

    send_off(f);
    add_change(&fake, "join", 4, 9);
    answer(f, &add_member, 0, fake);
    answer(f, &select_heads, 0, head_answer("public", 4));
    read_all(f);
    assert_int_equal(row->outcome, LOG_STORED);
    assert_int_equal(row->seq, 4);
    assert_announced(f, "room:7@4 user:9");
    assert_cached(f, "room:7|head:7|activity:7|", "rooms:9|");
}

static void a_refused_change_is_told_to_nobody(void **state)
{
    struct fixture *f = *state;
    struct fake_rows fake = change_answers();
    const struct log_row *row = ask(f, LOG_REMOVE_MEMBER, 7, 9);

    send_off(f);
    add_refused_change(&fake, "role_required");
    answer(f, &remove_member, 0, fake);
    answer(f, &select_heads, 0, head_answer("private", 4));
    read_all(f);
    assert_int_equal(row->outcome, LOG_ROLE_REQUIRED);
    assert_true(row->has_room_kind && row->room_kind == ROOM_PRIVATE);
    assert_nothing_is_told(f);
}

static void create(struct fixture *f, const char *kind)
{
    static const int64_t members[] = {8, 9};
    struct fake_rows fake = change_answers();
    struct log_row *row = ask(f, LOG_CREATE_ROOM, 7, 8);

    row->members = members;
    row->member_count = 2;
    send_off(f);
    add_change(&fake, "room", 1, 0);
    add_change(&fake, "join", 2, 8);
    add_change(&fake, "join", 3, 9);
    answer(f, &create_room, 0, fake);
    answer(f, &select_heads, 0, head_answer(kind, 3));
    read_all(f);
    assert_int_equal(row->outcome, LOG_STORED);
    assert_cached(f, "room:7|head:7|activity:7|", "rooms:8|rooms:9|");
}

static void a_new_public_room_is_published_event_by_event_and_then_to_everybody(void **state)
{
    create(*state, "public");
    assert_announced(*state, "room:7@1 room:7@2 user:8 room:7@3 user:9 public:rooms");
}

static void a_new_private_room_is_not_told_to_everybody(void **state)
{
    create(*state, "private");
    assert_announced(*state, "room:7@1 room:7@2 user:8 room:7@3 user:9");
}

static void a_room_that_was_not_made_is_told_to_nobody(void **state)
{
    struct fixture *f = *state;
    struct fake_rows fake = change_answers();
    const struct log_row *row = ask(f, LOG_CREATE_ROOM, 7, 8);

    send_off(f);
    add_refused_change(&fake, "unknown_user");
    answer(f, &create_room, 0, fake);
    answer(f, &select_heads, 0, fake_rows(HEAD_EVENT + EVENT_COLUMN_COUNT));
    read_all(f);
    assert_int_equal(row->outcome, LOG_UNKNOWN_USER);
    assert_nothing_is_told(f);
}

/* ---- cursors ---- */

static void add_cursor(struct fake_rows *fake, const char *outcome, int64_t person, int64_t seq)
{
    fake_row(fake);
    fake_text(fake, outcome);
    fake_i64(fake, seq);
    fake_i64(fake, seq - 3);
    fake_time(fake, HALF_PAST_NINE);
    fake_i64(fake, 30); /* the room's message_no */
    fake_text(fake, "private");
    fake_i64(fake, 0); /* the room's room_mention_no */
    fake_i64(fake, 0); /* mentions */
    if (strcmp(outcome, "stored") == 0)
        fake_membership_columns(fake, 7, person, "member", seq, seq - 3, HALF_PAST_NINE);
}

static void a_cursor_that_moved_is_told_to_its_owner_and_one_that_did_not_is_answered(void **state)
{
    struct fixture *f = *state;
    struct fake_rows fake = fake_rows(CURSOR_MEMBERSHIP + MEMBERSHIP_COLUMN_COUNT);
    const struct log_row *moved = ask(f, LOG_MOVE_CURSOR, 7, 8),
                         *kept = ask(f, LOG_MOVE_CURSOR, 7, 9);

    send_off(f);
    add_cursor(&fake, "stored", 8, 20);
    add_cursor(&fake, "unchanged", 9, 25);
    answer(f, &move_cursors, 0, fake);
    read_all(f);
    assert_int_equal(moved->outcome, LOG_STORED);
    assert_int_equal(moved->seq, 20);
    assert_int_equal(moved->message_no, 17);
    assert_int_equal(moved->room_message_no, 30);
    assert_int_equal(kept->outcome, LOG_UNCHANGED);
    assert_int_equal(kept->seq, 25);
    assert_true(kept->at_us == HALF_PAST_NINE);
    assert_announced(f, "user:8");
    assert_int_equal(f->cache->eval_count, 1);
    assert_string_equal(f->cache->evals[0].keys.at, "rooms:8|");
}

static void rows_come_out_in_the_order_in_which_they_went_in(void **state)
{
    struct fixture *f = *state;
    struct fake_rows fake = append_answers(),
                     cursor = fake_rows(CURSOR_MEMBERSHIP + MEMBERSHIP_COLUMN_COUNT);

    ask(f, LOG_MOVE_CURSOR, 7, 9);
    ask(f, LOG_MESSAGE, 7, 8);
    send_off(f);
    add_stored(&fake, 7, 8, 5);
    add_cursor(&cursor, "stored", 9, 5);
    answer(f, &append_messages, 0, fake);
    answer(f, &move_cursors, 0, cursor);
    read_all(f);
    assert_announced(f, "room:7@5 user:8 user:9");
    assert_ptr_equal(batch_pop(f->batch), &f->rows[0]);
    assert_ptr_equal(batch_pop(f->batch), &f->rows[1]);
    assert_null(batch_pop(f->batch));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(stored_messages_are_published_in_order_and_their_senders_have_read_them),
        TEST(several_messages_of_one_sender_move_one_cursor),
        TEST(repeats_and_refusals_are_answered_and_told_to_nobody),
        TEST(a_refused_message_behind_a_stored_one_leaves_that_the_head),
        TEST(a_join_is_published_and_told_to_who_joined),
        TEST(a_refused_change_is_told_to_nobody),
        TEST(a_new_public_room_is_published_event_by_event_and_then_to_everybody),
        TEST(a_new_private_room_is_not_told_to_everybody),
        TEST(a_room_that_was_not_made_is_told_to_nobody),
        TEST(a_cursor_that_moved_is_told_to_its_owner_and_one_that_did_not_is_answered),
        TEST(rows_come_out_in_the_order_in_which_they_went_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
