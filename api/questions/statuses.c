#include "api/questions/statuses.h"

#include <stdlib.h>

#include "api/log/announce.h"
#include "api/model/shunned.h"
#include "api/model/status.h"
#include "api/questions/question_rooms.h"

#define LOOK_MS 200

struct statuses {
    struct worker *worker;
    uv_timer_t timer;
    bool looking;
};

static void tell(struct worker *worker, const struct status *changed, size_t count)
{
    if (count == 0)
        return;

    struct announcer *announcer = announcer_create();
    for (size_t i = 0; i < count; i++)
        announce_status(announcer, &changed[i]);
    announce_send(announcer, worker->app->publisher);
    announcer_destroy(announcer);
}

enum err statuses_take(struct worker *worker, const Bus__PresenceChange *change)
{
    struct status *changed;
    size_t count;
    const enum err err = status_store(worker, change, &changed, &count);

    tell(worker, changed, count);
    free(changed);
    return err;
}

/* ---- who is gone ---- */

static void look(void *arg)
{
    struct statuses *statuses = arg;
    bool more = true;
    enum err err = ERR_OK;

    while (more && err == ERR_OK) {
        struct status *changed;
        size_t count;
        err = status_sweep(statuses->worker, &changed, &count, &more);
        tell(statuses->worker, changed, count);
        free(changed);
    }
    statuses->looking = false;
}

static void on_timer(uv_timer_t *timer)
{
    struct statuses *statuses = container_of(timer, struct statuses, timer);

    if (statuses->looking || !cache_is_up(statuses->worker->cache))
        return;
    statuses->looking = true;
    if (task_start(statuses->worker->tasks, look, statuses) != ERR_OK)
        statuses->looking = false;
}

struct statuses *statuses_open(struct worker *worker)
{
    struct statuses *statuses = xcalloc(1, sizeof(*statuses));

    statuses->worker = worker;
    CHECK(uv_timer_init(&worker->loop, &statuses->timer) == 0);
    CHECK(uv_timer_start(&statuses->timer, on_timer, LOOK_MS, LOOK_MS) == 0);
    return statuses;
}

void statuses_stop(struct statuses *statuses)
{
    if (statuses != NULL)
        uv_timer_stop(&statuses->timer);
}

static void on_closed(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct statuses, timer));
}

void statuses_close(struct statuses *statuses)
{
    if (statuses == NULL)
        return;
    CHECK(!statuses->looking);
    uv_close((uv_handle_t *)&statuses->timer, on_closed);
}

/* ---- Subscribe ---- */

static void answer(struct inquiry *inquiry, const struct status *status)
{
    Bus__Subscribed subscribed = BUS__SUBSCRIBED__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;
    struct buf data = {0};
    struct json_out out = {.buf = &data};

    json_open(&out, '{');
    json_key_id(&out, "user_id", status->user_id);
    status_write_members(&out, status);
    json_close(&out, '}');
    subscribed.data = wire_bytes(buf_text(&data));
    answer.told_case = BUS__ANSWER__TOLD_SUBSCRIBED;
    answer.subscribed = &subscribed;
    inquiry_answer(inquiry, &answer);
    buf_fini(&data);
}

void question_subscribe_status(struct worker *worker, struct inquiry *inquiry, int64_t user_id, int64_t person_id)
{
    struct status status = {.user_id = person_id};
    struct shunned shunned;
    const enum err err = shunned_read(worker, user_id, &shunned);

    if (err != ERR_OK) {
        question_refuse(inquiry, err);
    } else if (shunned_has(&shunned, person_id)) {
        question_refuse(inquiry, ERR_NOT_FOUND);
    } else {
        status_read(worker, &status, 1);
        answer(inquiry, &status);
    }
    shunned_fini(&shunned);
}
