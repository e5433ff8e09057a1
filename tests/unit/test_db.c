/*
 * Against the empty database that PARLEY_TEST_DB (a connection string) names; skipped without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/counters.h"
#include "api/store/db.h"
#include "api/task.h"
#include "base/clock.h"

#define PATIENCE_MS 10000
#define TIMEOUT_MS  400
#define SKIPPED     77 /* as ctest is told */

struct fixture {
    uv_loop_t loop;
    struct task_pool *tasks;
    struct db *db;
};

static const struct db_statement give_back = {
    "give_back",
    "SELECT $1::bigint, $2::text, $3::bigint[]::text, $4::text[]::text, $5::timestamptz, "
    "$6::bool, $7::text, $8::bytea[] = '{\"\\\\x0001\"}'::bytea[], $9::int"};
static const struct db_statement lane = {"lane", "SELECT '{lane}'::text"};
static const struct db_statement one = {"one", "SELECT $1::bigint"};
static const struct db_statement divide = {"divide", "SELECT 1 / $1::bigint"};
static const struct db_statement nonsense = {"nonsense", "SELECT nothing FROM nowhere"};
static const struct db_statement insert = {"insert",
                                           "INSERT INTO public.things VALUES ($1::bigint)"};
static const struct db_statement count = {"count", "SELECT count(*) FROM public.things"};
static const struct db_statement sleep_ms = {"sleep", "SELECT pg_sleep($1::bigint / 1000.0)"};
static const struct db_statement kill_me = {"kill_me",
                                            "SELECT pg_terminate_backend(pg_backend_pid())"};

static void turn_until_ready(struct fixture *f)
{
    const int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
    while (!db_is_ready(f->db)) {
        assert_true(clock_mono_ms() < end_ms);
        uv_run(&f->loop, UV_RUN_ONCE);
    }
}

static int setup(void **state)
{
    static const char *const statements[] = {
        "CREATE TABLE IF NOT EXISTS public.installation AS SELECT 'word'::text AS word",
        "DROP TABLE IF EXISTS public.things",
        "CREATE TABLE public.things (number bigint PRIMARY KEY)", NULL};
    const struct db_conn_config config = {.conninfo = getenv("PARLEY_TEST_DB"),
                                          .setup = statements,
                                          .connect_timeout_ms = PATIENCE_MS,
                                          .statement_timeout_ms = TIMEOUT_MS};
    struct fixture *f = calloc(1, sizeof(*f));
    uv_loop_init(&f->loop);
    f->tasks = task_pool_create(10);
    f->db = db_open(&f->loop, &config, 1, 8);
    turn_until_ready(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    db_close(f->db);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    task_pool_destroy(f->tasks);
    free(f);
    return 0;
}

struct asking {
    struct fixture *f;
    struct db_query *queries;
    size_t count;
    enum err err;
};

static void ask_task(void *arg)
{
    struct asking *asking = arg;
    asking->err = db_run(asking->f->db, asking->queries, asking->count);
}

static enum err ask(void **state, struct db_query *queries, size_t query_count)
{
    struct asking asking = {*state, queries, query_count, ERR_INTERNAL};

    assert_int_equal(task_start(asking.f->tasks, ask_task, &asking), ERR_OK);
    while (task_pool_alive(asking.f->tasks) > 0)
        uv_run(&asking.f->loop, UV_RUN_ONCE);
    return asking.err;
}

static enum err ask_number(void **state, const struct db_statement *statement, int64_t number)
{
    struct db_query query = {.statement = statement, .lane = DB_NO_LANE};

    db_add_i64(&query.params, number);
    const enum err err = ask(state, &query, 1);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

static int64_t count_things(void **state)
{
    struct db_query query = {.statement = &count, .lane = DB_NO_LANE};

    assert_int_equal(ask(state, &query, 1), ERR_OK);
    const int64_t things = db_i64(&query.rows, 0, 0);
    db_rows_fini(&query.rows);
    return things;
}

static void values_come_back_as_they_went(void **state)
{
    struct db_query query = {.statement = &give_back, .lane = DB_NO_LANE};
    struct db_params *params = &query.params;
    const struct db_rows *rows = &query.rows;

    db_add_i64(params, INT64_MIN);
    db_add_text(params, TEXT("t\xc3\xa4st"));
    db_array_begin(params, DB_I64_ARRAY);
    db_array_i64(params, 1);
    db_array_null(params);
    db_array_i64(params, -3);
    db_array_end(params);
    db_array_begin(params, DB_TEXT_ARRAY);
    db_array_end(params);
    db_add_time(params, 1234567);
    db_add_bool(params, true);
    db_add_null(params);
    db_array_begin(params, DB_BYTES_ARRAY);
    db_array_text(params, text_of("\0\1", 2));
    db_array_end(params);
    db_add_i32(params, -9);

    assert_int_equal(ask(state, &query, 1), ERR_OK);
    assert_int_equal(db_count(rows), 1);
    assert_true(db_i64(rows, 0, 0) == INT64_MIN);
    assert_true(text_equal(db_text(rows, 0, 1), TEXT("t\xc3\xa4st")));
    assert_true(text_equal(db_text(rows, 0, 2), TEXT("{1,NULL,-3}")));
    assert_true(text_equal(db_text(rows, 0, 3), TEXT("{}")));
    assert_int_equal(db_time(rows, 0, 4), 1234567);
    assert_true(db_bool(rows, 0, 5));
    assert_true(db_is_null(rows, 0, 6));
    assert_true(db_bool(rows, 0, 7));
    assert_int_equal(db_i64(rows, 0, 8), -9);
    db_params_fini(params);
    db_rows_fini(&query.rows);
}

static void a_lane_names_its_schema(void **state)
{
    struct db_query queries[] = {{.statement = &lane, .lane = 7},
                                 {.statement = &lane, .lane = 1023}};

    assert_int_equal(ask(state, queries, 2), ERR_OK);
    assert_true(text_equal(db_text(&queries[0].rows, 0, 0), TEXT("lane_007")));
    assert_true(text_equal(db_text(&queries[1].rows, 0, 0), TEXT("lane_1023")));
    db_rows_fini(&queries[0].rows);
    db_rows_fini(&queries[1].rows);
}

static void an_error_is_its_querys_own(void **state)
{
    struct db_query queries[] = {{.statement = &one, .lane = DB_NO_LANE},
                                 {.statement = &divide, .lane = DB_NO_LANE},
                                 {.statement = &nonsense, .lane = DB_NO_LANE},
                                 {.statement = &one, .lane = 3}};

    for (int i = 0; i < 4; i++)
        if (i != 2)
            db_add_i64(&queries[i].params, 0);
    assert_int_equal(ask(state, queries, 4), ERR_INTERNAL);
    assert_int_equal(queries[0].err, ERR_OK);
    assert_int_equal(queries[1].err, ERR_INTERNAL);
    assert_int_equal(queries[2].err, ERR_INTERNAL);
    assert_int_equal(queries[3].err, ERR_OK);
    for (int i = 0; i < 4; i++) {
        db_params_fini(&queries[i].params);
        db_rows_fini(&queries[i].rows);
    }
}

static void a_constraint_says_conflict(void **state)
{
    assert_int_equal(ask_number(state, &insert, 1), ERR_OK);
    assert_int_equal(ask_number(state, &insert, 1), ERR_CONFLICT);
    assert_int_equal(count_things(state), 1);
}

static void an_answer_too_late_is_unavailable(void **state)
{
    assert_int_equal(ask_number(state, &sleep_ms, 3 * TIMEOUT_MS), ERR_UNAVAILABLE);
    turn_until_ready(*state);
    assert_int_equal(ask_number(state, &one, 1), ERR_OK);
}

static void a_lost_connection_comes_back(void **state)
{
    struct db_query queries[] = {{.statement = &kill_me, .lane = DB_NO_LANE},
                                 {.statement = &count, .lane = DB_NO_LANE}};

    assert_int_equal(ask(state, queries, 2), ERR_UNAVAILABLE);
    assert_int_equal(queries[1].err, ERR_UNAVAILABLE);
    assert_int_equal(db_count(&queries[1].rows), 0);
    while (db_is_ready(((struct fixture *)*state)->db))
        uv_run(&((struct fixture *)*state)->loop, UV_RUN_ONCE);
    assert_int_equal(ask_number(state, &one, 1), ERR_UNAVAILABLE); /* at once */
    turn_until_ready(*state);
    assert_int_equal(ask_number(state, &one, 1), ERR_OK);
}

static void more_than_the_limit_is_busy(void **state)
{
    struct db_query queries[9];

    for (int i = 0; i < 9; i++)
        queries[i] = (struct db_query){.statement = &count, .lane = DB_NO_LANE};
    assert_int_equal(ask(state, queries, 9), ERR_BUSY);
    assert_int_equal(counter_value(COUNTER_DB_BUSY), 9);
    assert_int_equal(ask(state, queries, 8), ERR_OK);
    for (int i = 0; i < 8; i++)
        db_rows_fini(&queries[i].rows);
}

/* ---- one connection, whole batches ---- */

static void on_batch_done(void *context)
{
    *(bool *)context = true;
}

static void on_conn_ready(void *context)
{
    *(bool *)context = true;
}

/* Also: what a batch prepared before its error stays prepared, and what came after the error is not
 * lost. */
static void a_batch_is_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    const struct db_conn_config config = {.conninfo = getenv("PARLEY_TEST_DB"),
                                          .connect_timeout_ms = PATIENCE_MS,
                                          .statement_timeout_ms = TIMEOUT_MS};
    bool is_ready = false, first_done = false, second_done = false;
    struct db_conn *conn = db_conn_open(
        &f->loop, &config, &(struct db_conn_events){.on_ready = on_conn_ready}, &is_ready);
    struct db_query first[] = {{.statement = &insert, .lane = DB_NO_LANE},
                               {.statement = &divide, .lane = DB_NO_LANE},
                               {.statement = &count, .lane = DB_NO_LANE}};
    struct db_query second = {.statement = &count, .lane = DB_NO_LANE};

    while (!is_ready)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_true(text_starts(db_conn_epoch(conn), TEXT("word-0")));
    db_add_i64(&first[0].params, 5);
    db_add_i64(&first[1].params, 0);
    db_conn_send(conn, first, 3, on_batch_done, &first_done);
    db_conn_send(conn, &second, 1, on_batch_done, &second_done);
    assert_false(first_done);
    while (!second_done)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_true(first_done);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(first[i].err, ERR_INTERNAL);
        assert_int_equal(db_count(&first[i].rows), 0);
        db_params_fini(&first[i].params);
    }
    assert_int_equal(second.err, ERR_OK);
    assert_int_equal(db_i64(&second.rows, 0, 0), 0);
    db_rows_fini(&second.rows);
    db_conn_close(conn);
}

int main(void)
{
    if (getenv("PARLEY_TEST_DB") == NULL)
        return SKIPPED;

    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_come_back_as_they_went, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lane_names_its_schema, setup, teardown),
        cmocka_unit_test_setup_teardown(an_error_is_its_querys_own, setup, teardown),
        cmocka_unit_test_setup_teardown(a_constraint_says_conflict, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_too_late_is_unavailable, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_connection_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(more_than_the_limit_is_busy, setup, teardown),
        cmocka_unit_test_setup_teardown(a_batch_is_all_or_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
