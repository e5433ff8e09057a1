/*
 * BOARDING -> (the end of the turn, or the landing of the one before) -> FLYING -> flight_land() ->
 * LANDED -> all have left.
 *
 * A line is what flies under one key: at most one in the air and one that is boarding. A pilot
 * lands inside of his task, from which no other may be resumed: what is due is done by on_soon(),
 * from the loop.
 */
#include "api/flights.h"

#include <stdlib.h>
#include <uthash.h>

#include "api/task.h"

#define PAUSE_MS 5

struct line {
    struct flights *flights;
    struct flight *boarding, *flying;
    UT_hash_handle hh;
    size_t key_bytes;
    char key[];
};

struct flight {
    struct flight *next_due;
    struct line *line;
    struct task **tasks; /* the first is the pilot */
    int64_t *passengers;
    size_t count, cap;
    size_t aboard; /* who has not left */
    bool has_landed;
    enum err err;
    void *answer;
    void (*free_answer)(void *answer);
};

struct flights {
    struct line *lines; /* by key */
    struct flight *due, **due_end; /* to leave, or landed */
    struct pause *pauses;
    uv_timer_t soon; /* 0 ms */
    uv_timer_t pause;
    int open_handles;
};

struct pause { /* lives on its task's stack */
    struct task *task;
    struct pause *next;
};

/* ---- lines ---- */

static struct line *find_line(struct flights *flights, struct text key)
{
    struct line *line;

    HASH_FIND(hh, flights->lines, key.at, key.len, line);
    if (line != NULL)
        return line;
    line = xcalloc(1, sizeof(*line) + key.len);
    line->flights = flights;
    line->key_bytes = key.len;
    memcpy(line->key, key.at, key.len);
    HASH_ADD(hh, flights->lines, key, key.len, line);
    return line;
}

static void drop_line(struct line *line)
{
    HASH_DEL(line->flights->lines, line);
    free(line);
}

/* ---- what is due ---- */

static void add_due(struct flights *flights, struct flight *flight)
{
    flight->next_due = NULL;
    *flights->due_end = flight;
    flights->due_end = &flight->next_due;
}

static void leave_ground(struct line *line)
{
    line->flying = line->boarding;
    line->boarding = NULL;
    task_resume(line->flying->tasks[0]);
}

static void let_out(struct flight *flight)
{
    struct line *line = flight->line;

    for (size_t i = 1; i < flight->count; i++)
        task_resume(flight->tasks[i]); /* who boards again from there waits for the next one */
    line->flying = NULL;
    flight_leave(flight);
    if (line->boarding == NULL)
        drop_line(line);
    else
        leave_ground(line);
}

static void on_soon(uv_timer_t *timer)
{
    struct flights *flights = timer->data;
    struct flight *due = flights->due, *next;

    flights->due = NULL;
    flights->due_end = &flights->due;
    for (; due != NULL; due = next) {
        next = due->next_due;
        if (due->has_landed)
            let_out(due);
        else
            leave_ground(due->line);
    }
}

static void soon(struct flights *flights, struct flight *flight)
{
    add_due(flights, flight);
    uv_timer_start(&flights->soon, on_soon, 0, 0);
}

/* ---- flying ---- */

static void take_seat(struct flight *flight, int64_t passenger)
{
    if (flight->count == flight->cap) {
        flight->cap = flight->cap == 0 ? 4 : flight->cap * 2;
        flight->tasks = xrealloc(flight->tasks, flight->cap * sizeof(*flight->tasks));
        flight->passengers =
            xrealloc(flight->passengers, flight->cap * sizeof(*flight->passengers));
    }
    flight->tasks[flight->count] = task_self();
    flight->passengers[flight->count++] = passenger;
    flight->aboard++;
}

struct flight *flights_board(struct flights *flights, struct text key, int64_t passenger,
                             bool *is_pilot)
{
    struct line *line = find_line(flights, key);
    struct flight *flight = line->boarding;

    CHECK(task_self() != NULL);
    if (flight == NULL) {
        flight = line->boarding = xcalloc(1, sizeof(*flight));
        flight->line = line;
        if (line->flying == NULL)
            soon(flights, flight);
    }
    take_seat(flight, passenger);
    *is_pilot = flight->count == 1;
    task_wait();
    return flight;
}

const int64_t *flight_passengers(const struct flight *flight, size_t *count)
{
    *count = flight->count;
    return flight->passengers;
}

void flight_land(struct flight *flight, enum err err, void *answer,
                 void (*free_answer)(void *answer))
{
    CHECK(!flight->has_landed && flight->line->flying == flight);
    flight->has_landed = true;
    flight->err = err;
    flight->answer = answer;
    flight->free_answer = free_answer;
    flight->aboard++; /* let_out() is, too: the last passenger must not free it under that */
    soon(flight->line->flights, flight);
}

enum err flight_answer(const struct flight *flight, void **answer)
{
    CHECK(flight->has_landed);
    *answer = flight->answer;
    return flight->err;
}

void flight_leave(struct flight *flight)
{
    if (--flight->aboard > 0)
        return;
    if (flight->answer != NULL)
        flight->free_answer(flight->answer);
    free(flight->tasks);
    free(flight->passengers);
    free(flight);
}

/* ---- pauses ---- */

static void on_pause(uv_timer_t *timer)
{
    struct flights *flights = timer->data;
    struct pause *pause = flights->pauses, *next;

    flights->pauses = NULL;
    for (; pause != NULL; pause = next) {
        next = pause->next;
        task_resume(pause->task);
    }
}

void flights_pause(struct flights *flights)
{
    struct pause pause = {task_self(), flights->pauses};

    flights->pauses = &pause;
    if (pause.next == NULL)
        uv_timer_start(&flights->pause, on_pause, PAUSE_MS, 0);
    task_wait();
}

/* ---- life ---- */

struct flights *flights_open(uv_loop_t *loop)
{
    struct flights *flights = xcalloc(1, sizeof(*flights));

    flights->due_end = &flights->due;
    uv_timer_init(loop, &flights->soon);
    uv_timer_init(loop, &flights->pause);
    flights->soon.data = flights->pause.data = flights;
    flights->open_handles = 2;
    return flights;
}

static void on_closed(uv_handle_t *handle)
{
    struct flights *flights = handle->data;

    if (--flights->open_handles == 0)
        free(flights);
}

void flights_close(struct flights *flights)
{
    if (flights == NULL)
        return;
    on_soon(&flights->soon); /* a pilot who was alone aboard may have left just now */
    CHECK(flights->lines == NULL && flights->pauses == NULL);
    uv_close((uv_handle_t *)&flights->soon, on_closed);
    uv_close((uv_handle_t *)&flights->pause, on_closed);
}
