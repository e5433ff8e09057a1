#include "api/turns.h"

#include <stdlib.h>
#include <uthash.h>

#include "api/task.h"

struct waiter { /* lives on its task's stack */
    struct task *task;
    struct waiter *next_due;
    bool has_turn;
};

struct turn {
    int64_t person;
    struct waiter *waiter; /* NULL: none */
    UT_hash_handle hh;
};

struct turns {
    struct turn *taken; /* by person */
    struct waiter *due, **due_end;
    uv_timer_t soon; /* 0 ms: a task is resumed from the loop only */
};

static void on_soon(uv_timer_t *timer)
{
    struct turns *turns = timer->data;
    struct waiter *due = turns->due, *next;

    turns->due = NULL;
    turns->due_end = &turns->due;
    for (; due != NULL; due = next) {
        next = due->next_due;
        task_resume(due->task);
    }
}

static void let_go(struct turns *turns, struct turn *turn, bool has_turn)
{
    struct waiter *waiter = turn->waiter;

    turn->waiter = NULL;
    waiter->has_turn = has_turn;
    waiter->next_due = NULL;
    *turns->due_end = waiter;
    turns->due_end = &waiter->next_due;
    uv_timer_start(&turns->soon, on_soon, 0, 0);
}

static struct turn *find(struct turns *turns, int64_t person)
{
    struct turn *turn;

    HASH_FIND(hh, turns->taken, &person, sizeof(person), turn);
    return turn;
}

enum err turns_begin(struct turns *turns, int64_t person)
{
    struct turn *turn = find(turns, person);
    struct waiter waiter = {.task = task_self()};

    CHECK(waiter.task != NULL);
    if (turn == NULL) {
        turn = xcalloc(1, sizeof(*turn));
        turn->person = person;
        HASH_ADD(hh, turns->taken, person, sizeof(turn->person), turn);
        return ERR_OK;
    }
    if (turn->waiter != NULL)
        let_go(turns, turn, false);
    turn->waiter = &waiter;
    task_wait();
    return waiter.has_turn ? ERR_OK : ERR_LIMIT;
}

void turns_end(struct turns *turns, int64_t person)
{
    struct turn *turn = find(turns, person);

    CHECK(turn != NULL);
    if (turn->waiter != NULL) {
        let_go(turns, turn, true); /* it stays taken */
        return;
    }
    HASH_DEL(turns->taken, turn);
    free(turn);
}

struct turns *turns_open(uv_loop_t *loop)
{
    struct turns *turns = xcalloc(1, sizeof(*turns));

    turns->due_end = &turns->due;
    uv_timer_init(loop, &turns->soon);
    turns->soon.data = turns;
    return turns;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void turns_close(struct turns *turns)
{
    CHECK(turns->taken == NULL && turns->due == NULL);
    uv_close((uv_handle_t *)&turns->soon, on_closed);
}
