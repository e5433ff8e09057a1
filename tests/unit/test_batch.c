/* Which rows stand in a batch beside each other, and which statements they become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/log/batch.h"
#include "api/log/lane_statements.h"

#define ROWS_MAX 100
#define ALL_ROWS 1000

struct fixture {
    struct batch *batch;
    struct log_queue queue;
    struct log_row rows[ALL_ROWS]; /* in the order in which they were asked for */
    size_t count;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));

    f->batch = batch_create(ROWS_MAX);
    log_queue_init(&f->queue);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    while (batch_pop(f->batch) != NULL)
        ;
    while (log_queue_pop(&f->queue) != NULL)
        ;
    batch_destroy(f->batch);
    free(f);
    return 0;
}

/* ---- rows ---- */

static struct log_row *ask(struct fixture *f, enum log_row_kind kind, int64_t room, int64_t person)
{
    struct log_row *row = &f->rows[f->count];

    assert_true(f->count++ < ALL_ROWS);
    *row =
        (struct log_row){.kind = kind, .room_id = room, .actor_id = person, .subject_id = person};
    log_hash(text_of(&f->count, sizeof(f->count)), row->nonce);
    log_queue_push(&f->queue, row);
    return row;
}

static void say(struct fixture *f, int64_t room, int64_t person)
{
    ask(f, LOG_MESSAGE, room, person);
}

static void say_with(struct fixture *f, int64_t room, int64_t person, const char *nonce)
{
    log_hash(text(nonce), ask(f, LOG_MESSAGE, room, person)->nonce);
}

static void change(struct fixture *f, int64_t room, int64_t person)
{
    ask(f, LOG_REMOVE_MEMBER, room, person);
}

static void move_cursor(struct fixture *f, int64_t room, int64_t person)
{
    ask(f, LOG_MOVE_CURSOR, room, person);
}

/* The places of rows in the order of asking: "0 2 3". */
static void name_rows(struct fixture *f, struct buf *out, const struct log_row *row)
{
    buf_printf(out, "%s%zu", out->len > 0 ? " " : "", (size_t)(row - f->rows));
}

static void assert_taken(struct fixture *f, size_t limit, const char *expected)
{
    struct buf taken = {0};

    batch_take(f->batch, &f->queue, limit);
    for (const struct log_row *row; (row = batch_pop(f->batch)) != NULL;)
        name_rows(f, &taken, row);
    assert_string_equal(buf_cstring(&taken), expected);
    buf_fini(&taken);
}

static void assert_waiting(struct fixture *f, const char *expected)
{
    static struct log_row *rows[ALL_ROWS];
    struct buf waiting = {0};
    const size_t said = f->queue.count;
    size_t count = 0;

    while ((rows[count] = log_queue_pop(&f->queue)) != NULL)
        name_rows(f, &waiting, rows[count++]);
    assert_string_equal(buf_cstring(&waiting), expected);
    assert_int_equal(said, count);
    while (count > 0)
        log_queue_put_back(&f->queue, rows[--count]);
    buf_fini(&waiting);
}

/* ---- what fits ---- */

static void an_empty_queue_gives_an_empty_batch(void **state)
{
    struct fixture *f = *state;

    assert_taken(f, ROWS_MAX, "");
    assert_int_equal(batch_count(f->batch), 0);
}

static void rows_that_do_not_concern_each_other_go_together_in_their_order(void **state)
{
    struct fixture *f = *state;

    say(f, 1, 10);
    move_cursor(f, 2, 10);
    change(f, 3, 10);
    say(f, 1, 11);
    say(f, 1, 10);
    move_cursor(f, 1, 10);
    assert_taken(f, ROWS_MAX, "0 1 2 3 4 5");
    assert_waiting(f, "");
}

static void a_hot_room_fills_a_whole_batch(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < ALL_ROWS; i++)
        say(f, 7, i % 3 + 1);
    for (int left = ALL_ROWS; left > 0; left -= ROWS_MAX) {
        batch_take(f->batch, &f->queue, ROWS_MAX);
        assert_int_equal(batch_count(f->batch), ROWS_MAX);
        while (batch_pop(f->batch) != NULL)
            ;
    }
}

static void no_more_is_taken_than_asked_for(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 5; i++)
        say(f, 1, 10);
    assert_taken(f, 2, "0 1");
    say(f, 1, 10);
    assert_waiting(f, "2 3 4 5");
    assert_taken(f, 3, "2 3 4");
    assert_taken(f, ROWS_MAX, "5");
    say(f, 1, 10);
    assert_taken(f, ROWS_MAX, "6");
}

static void nothing_overtakes_a_change_in_its_room(void **state)
{
    struct fixture *f = *state;

    say(f, 1, 10);
    change(f, 1, 11);
    say(f, 1, 11);
    move_cursor(f, 1, 12);
    say(f, 2, 11);
    change(f, 1, 13);
    assert_taken(f, ROWS_MAX, "0 1 4");
    assert_waiting(f, "2 3 5");
    assert_taken(f, ROWS_MAX, "2 3 5");
}

static void a_creation_is_a_change_too(void **state)
{
    struct fixture *f = *state;

    ask(f, LOG_CREATE_ROOM, 1, 10);
    ask(f, LOG_CREATE_ROOM, 2, 10);
    say(f, 1, 10);
    ask(f, LOG_ADD_MEMBER, 2, 11);
    assert_taken(f, ROWS_MAX, "0 1");
    assert_taken(f, ROWS_MAX, "2 3");
}

static void a_message_that_names_somebody_is_the_last_of_its_room(void **state)
{
    static const int64_t named[] = {12};
    struct fixture *f = *state;

    say(f, 1, 10);
    struct log_row *row = ask(f, LOG_MESSAGE, 1, 11);
    row->mentions = named;
    row->mention_count = 1;
    say(f, 1, 12);
    say(f, 2, 12);
    move_cursor(f, 1, 12);
    assert_taken(f, ROWS_MAX, "0 1 3");
    assert_taken(f, ROWS_MAX, "2 4");
}

static void a_nonce_stands_in_a_batch_once(void **state)
{
    struct fixture *f = *state;

    say_with(f, 1, 10, "same");
    say_with(f, 1, 10, "same");
    say_with(f, 1, 11, "same");
    say_with(f, 2, 10, "same");
    assert_taken(f, ROWS_MAX, "0 3"); /* 2 is behind 1, in its room */
    assert_taken(f, ROWS_MAX, "1 2");
}

static void the_same_nonce_of_others_or_elsewhere_is_another(void **state)
{
    struct fixture *f = *state;

    say_with(f, 1, 10, "same");
    say_with(f, 1, 11, "same");
    say_with(f, 2, 10, "same");
    assert_taken(f, ROWS_MAX, "0 1 2");
}

static void a_cursor_stands_in_a_batch_once(void **state)
{
    struct fixture *f = *state;

    move_cursor(f, 1, 10);
    move_cursor(f, 1, 11);
    move_cursor(f, 2, 10);
    move_cursor(f, 1, 10);
    assert_taken(f, ROWS_MAX, "0 1 2");
    assert_taken(f, ROWS_MAX, "3");
}

static void a_row_that_waits_holds_back_all_of_its_room(void **state)
{
    struct fixture *f = *state;

    say_with(f, 1, 10, "same");
    say_with(f, 1, 10, "same");
    say(f, 1, 12);
    change(f, 1, 12);
    say(f, 1, 13);
    assert_taken(f, ROWS_MAX, "0");
    assert_taken(f, ROWS_MAX, "1 2 3");
    assert_taken(f, ROWS_MAX, "4");
}

static void it_looks_for_rows_that_fit_so_far_and_no_further(void **state)
{
    struct fixture *f = *state;
    const size_t look = 8 * ROWS_MAX; /* LOOK_FURTHER */

    change(f, 1, 10);
    while (f->count < look - 1)
        say(f, 1, 10);
    say(f, 2, 10); /* the last that is looked at */
    say(f, 3, 10);
    assert_taken(f, ROWS_MAX, "0 799");
    assert_int_equal(f->queue.count, look - 1);
}

static void a_storm_in_one_room_holds_up_no_other(void **state)
{
    struct fixture *f = *state;

    while (f->count < 900) /* more than it looks at in one go */
        change(f, 1, 10);
    say(f, 2, 10);
    say(f, 3, 10);
    assert_taken(f, ROWS_MAX, "0");
    assert_taken(f, ROWS_MAX, "1 900 901");
    say(f, 2, 10);
    change(f, 1, 10);
    assert_taken(f, ROWS_MAX, "2 902");
}

static void rooms_that_wait_have_their_turns_one_after_the_other(void **state)
{
    struct fixture *f = *state;

    for (int64_t room = 1; room <= 3; room++)
        for (int i = 0; i < 2; i++)
            change(f, room, 10);
    assert_taken(f, ROWS_MAX, "0 2 4");
    change(f, 1, 10);
    change(f, 4, 10);
    assert_taken(f, 2, "1 3");
    assert_taken(f, ROWS_MAX, "5 6 7");
    assert_waiting(f, "");
}

/* ---- back into the queue ---- */

static void rows_of_a_batch_that_was_refused_go_alone(void **state)
{
    struct fixture *f = *state;

    say(f, 1, 10);
    say(f, 1, 11);
    say(f, 2, 10);
    batch_take(f->batch, &f->queue, ROWS_MAX);
    batch_part(f->batch);
    batch_untake(f->batch, &f->queue);
    say(f, 1, 12);
    say(f, 3, 10);
    assert_taken(f, ROWS_MAX, "0");
    assert_taken(f, ROWS_MAX, "2"); /* each room in its turn */
    assert_taken(f, ROWS_MAX, "1");
    assert_taken(f, ROWS_MAX, "3 4");
}

static void untaking_puts_rows_back_in_front_in_their_order(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 5; i++)
        say(f, 1, 10);
    batch_take(f->batch, &f->queue, 3);
    batch_untake(f->batch, &f->queue);
    assert_int_equal(batch_count(f->batch), 0);
    assert_waiting(f, "0 1 2 3 4");
    say(f, 1, 10);
    assert_taken(f, ROWS_MAX, "0 1 2 3 4 5");
}

static void untaking_all_leaves_a_queue_that_can_be_added_to(void **state)
{
    struct fixture *f = *state;

    say(f, 1, 10);
    say(f, 2, 10);
    batch_take(f->batch, &f->queue, ROWS_MAX);
    assert_waiting(f, "");
    batch_untake(f->batch, &f->queue);
    say(f, 1, 10);
    assert_waiting(f, "0 1 2");
}

static void untaking_keeps_the_order_of_each_room(void **state)
{
    struct fixture *f = *state;

    change(f, 1, 10);
    say(f, 1, 10);
    say(f, 2, 10);
    say(f, 1, 11);
    batch_take(f->batch, &f->queue, ROWS_MAX);
    batch_untake(f->batch, &f->queue);
    assert_waiting(f, "0 1 3 2");
    assert_taken(f, 1, "0");
    assert_taken(f, ROWS_MAX, "2 1 3");
}

static void what_was_popped_is_not_put_back(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++)
        say(f, 1, 10);
    batch_take(f->batch, &f->queue, ROWS_MAX);
    assert_ptr_equal(batch_pop(f->batch), &f->rows[0]);
    batch_untake(f->batch, &f->queue);
    assert_waiting(f, "1 2");
    assert_null(batch_pop(f->batch));
}

/* ---- all of it at once ---- */

static void ask_anything(struct fixture *f, unsigned *seed)
{
    const int64_t room = rand_r(seed) % 5 + 1, person = rand_r(seed) % 4 + 1;

    switch (rand_r(seed) % 8) {
    case 0:
        change(f, room, person);
        break;
    case 1:
    case 2:
        move_cursor(f, room, person);
        break;
    case 3:
        say_with(f, room, person, rand_r(seed) % 2 == 0 ? "this" : "that");
        break;
    default:
        say(f, room, person);
    }
}

static bool is_same_thing(const struct log_row *a, const struct log_row *b)
{
    const bool cursors = a->kind == LOG_MOVE_CURSOR && b->kind == LOG_MOVE_CURSOR;
    const bool sends = a->kind == LOG_MESSAGE && b->kind == LOG_MESSAGE;

    return a->room_id == b->room_id && a->actor_id == b->actor_id &&
           (cursors || (sends && memcmp(a->nonce, b->nonce, sizeof(a->nonce)) == 0));
}

/* The rules, for a row of a batch and one behind it. */
static void check_pair(const struct log_row *a, const struct log_row *b)
{
    if (a->room_id != b->room_id)
        return;
    assert_true(a < b); /* asked for in this order */
    assert_true(a->kind == LOG_MESSAGE || a->kind == LOG_MOVE_CURSOR);
    assert_false(is_same_thing(a, b));
}

static size_t check_batch(struct fixture *f, const struct log_row *last_of_room[])
{
    const struct log_row *rows[ROWS_MAX];
    size_t count = 0;

    while (count < ROWS_MAX && (rows[count] = batch_pop(f->batch)) != NULL)
        count++;
    for (size_t i = 0; i < count; i++) {
        assert_true(last_of_room[rows[i]->room_id] < rows[i]);
        for (size_t k = i + 1; k < count; k++)
            check_pair(rows[i], rows[k]);
    }
    for (size_t i = 0; i < count; i++)
        last_of_room[rows[i]->room_id] = rows[i];
    return count;
}

static void whatever_is_asked_comes_out_once_and_in_the_order_of_its_room(void **state)
{
    struct fixture *f = *state;

    for (unsigned seed = 1, round = 0; round < 300; round++) {
        const struct log_row *last_of_room[6] = {NULL};
        const size_t rows = (size_t)rand_r(&seed) % 60 + 1;
        size_t done = 0;

        f->count = 0;
        while (f->count < rows)
            ask_anything(f, &seed);
        while (done < rows) {
            batch_take(f->batch, &f->queue, (size_t)rand_r(&seed) % 10 + 1);
            assert_true(batch_count(f->batch) > 0); /* it always gets on */
            if (rand_r(&seed) % 4 == 0)
                batch_untake(f->batch, &f->queue);
            else
                done += check_batch(f, last_of_room);
        }
        assert_waiting(f, "");
    }
}

/* ---- statements ---- */

static void a_batch_becomes_its_statements_in_order_and_numbers_what_it_owes(void **state)
{
    struct fixture *f = *state;
    struct batch_owner owner = {.incarnation = 5, .next_number = 30};
    const int64_t done[] = {28, 29};
    size_t count;

    move_cursor(f, 4, 10);
    ask(f, LOG_ADD_MEMBER, 1, 10);
    change(f, 2, 10);
    say(f, 3, 10);
    say(f, 3, 11);
    batch_take(f->batch, &f->queue, ROWS_MAX);
    const struct db_query *queries = batch_build(f->batch, 9, &owner, done, 2, &count);
    const struct db_statement *const expected[] = {&lock_rooms,    &append_messages, &add_member,
                                                   &remove_member, &move_cursors,    &select_heads,
                                                   &mark_outbox};
    assert_int_equal(count, ARRAY_COUNT(expected));
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(queries[i].statement, expected[i]);
        assert_int_equal(queries[i].lane, 9);
    }
    assert_int_equal(owner.next_number, 34);
    batch_release(f->batch);
}

static void a_batch_of_messages_alone_is_two_statements(void **state)
{
    struct fixture *f = *state;
    struct batch_owner owner = {.incarnation = 5, .next_number = 1};
    size_t count;

    say(f, 3, 10);
    batch_take(f->batch, &f->queue, ROWS_MAX);
    const struct db_query *queries = batch_build(f->batch, 0, &owner, NULL, 0, &count);
    assert_int_equal(count, 2);
    assert_ptr_equal(queries[0].statement, &lock_rooms);
    assert_ptr_equal(queries[1].statement, &append_messages);
    assert_int_equal(queries[1].params.count, 12);
    batch_release(f->batch);
    (void)batch_queries(f->batch, &count);
    assert_int_equal(count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_empty_queue_gives_an_empty_batch),
        TEST(rows_that_do_not_concern_each_other_go_together_in_their_order),
        TEST(a_hot_room_fills_a_whole_batch),
        TEST(no_more_is_taken_than_asked_for),
        TEST(nothing_overtakes_a_change_in_its_room),
        TEST(a_creation_is_a_change_too),
        TEST(a_message_that_names_somebody_is_the_last_of_its_room),
        TEST(a_nonce_stands_in_a_batch_once),
        TEST(the_same_nonce_of_others_or_elsewhere_is_another),
        TEST(a_cursor_stands_in_a_batch_once),
        TEST(a_row_that_waits_holds_back_all_of_its_room),
        TEST(it_looks_for_rows_that_fit_so_far_and_no_further),
        TEST(untaking_puts_rows_back_in_front_in_their_order),
        TEST(untaking_all_leaves_a_queue_that_can_be_added_to),
        TEST(untaking_keeps_the_order_of_each_room),
        TEST(what_was_popped_is_not_put_back),
        TEST(whatever_is_asked_comes_out_once_and_in_the_order_of_its_room),
        TEST(a_batch_becomes_its_statements_in_order_and_numbers_what_it_owes),
        TEST(a_batch_of_messages_alone_is_two_statements),
        TEST(a_storm_in_one_room_holds_up_no_other),
        TEST(rooms_that_wait_have_their_turns_one_after_the_other),
        TEST(rows_of_a_batch_that_was_refused_go_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
