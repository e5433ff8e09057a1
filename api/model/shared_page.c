#include "api/model/shared_page.h"

#include <stdlib.h>

#include "api/flights.h"
#include "api/worker.h"

/* What one flight brings home; its passengers only read. */
struct answer {
    struct db_query queries[1 + SHARED_PAGE_QUERIES]; /* theirs, then access of all aboard */
    size_t count;
};

struct shared_page { /* one asker's */
    struct flight *flight;
    const struct answer *answer;
};

/* The statements and all their parameters: who asks for the same bytes asks the same. */
static void make_key(struct buf *key, const struct db_query *queries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct db_params *params = &queries[i].params;
        buf_printf(key, "%s@%d", queries[i].statement->name, queries[i].lane);
        for (int j = 0; j < params->count; j++) {
            buf_printf(key, ",%d:", params->values[j].len);
            if (params->values[j].len > 0)
                buf_add(key, params->bytes.at + params->values[j].at, (size_t)params->values[j].len);
        }
    }
}

static const struct db_query *access_of(const struct answer *answer)
{
    return &answer->queries[answer->count - 1];
}

static void free_answer(void *arg)
{
    struct answer *answer = arg;

    for (size_t i = 0; i < answer->count; i++) {
        db_params_fini(&answer->queries[i].params);
        db_rows_fini(&answer->queries[i].rows);
    }
    free(answer);
}

/* Takes the queries, which are empty afterwards. */
static void fly(struct worker *worker, struct flight *flight, int64_t room_id, struct db_query *queries, size_t count)
{
    struct answer *answer = xcalloc(1, sizeof(*answer));
    size_t people;
    const int64_t *user_ids = flight_passengers(flight, &people);

    for (size_t i = 0; i < count; i++) {
        answer->queries[i] = queries[i];
        queries[i] = (struct db_query){0};
    }
    access_ask_all(&answer->queries[count], room_id, user_ids, people); /* last: who was removed meanwhile gets nothing */
    answer->count = count + 1;
    const enum err err = db_run_in_order(worker->db, answer->queries, answer->count);
    flight_land(flight, err, answer, free_answer);
}

enum err shared_page_read(struct call *call, int64_t room_id, struct db_query *queries, size_t count, struct shared_page **out,
                          struct access *access)
{
    struct worker *worker = call_worker(call);
    struct buf key = {0};
    void *answer = NULL;
    bool is_pilot;

    CHECK(count <= SHARED_PAGE_QUERIES);
    make_key(&key, queries, count);
    struct flight *flight = flights_board(worker->flights, buf_text(&key), call_user_id(call), &is_pilot);
    buf_fini(&key);
    if (is_pilot)
        fly(worker, flight, room_id, queries, count);
    for (size_t i = 0; i < count; i++)
        db_params_fini(&queries[i].params);

    enum err err = flight_answer(flight, &answer);
    if (err == ERR_OK)
        err = access_judge_of(access_of(answer), call_user_id(call), access);
    if (err != ERR_OK) {
        flight_leave(flight);
        return err;
    }
    *out = xcalloc(1, sizeof(**out));
    **out = (struct shared_page){flight, answer};
    return ERR_OK;
}

const struct db_rows *shared_page_rows(const struct shared_page *page, size_t i)
{
    CHECK(i + 1 < page->answer->count);
    return &page->answer->queries[i].rows;
}

void shared_page_leave(struct shared_page *page)
{
    flight_leave(page->flight);
    free(page);
}
