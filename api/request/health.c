#include "api/request/health.h"

#include "api/log/room_log.h"
#include "api/worker.h"

enum err health_get(struct call *call)
{
    struct json_out out = {.buf = call_out(call)};

    json_open(&out, '{');
    json_key_text(&out, "status", TEXT("up"));
    json_close(&out, '}');
    return call_reply(call, 200);
}

static struct text up_or_down(bool is_up)
{
    return is_up ? TEXT("up") : TEXT("down");
}

enum err ready_get(struct call *call)
{
    const struct worker *worker = call_worker(call);
    const bool log_is_up = log_is_ready(worker->app);
    const bool is_ready = db_is_ready(worker->db) && db_is_ready(worker->search) && log_is_up && !listener_is_draining(worker->listener);
    struct json_out out = {.buf = call_out(call)};

    json_open(&out, '{');
    json_key_text(&out, "status", up_or_down(is_ready));
    json_key_text(&out, "database", up_or_down(db_is_ready(worker->db)));
    json_key_text(&out, "search", up_or_down(db_is_ready(worker->search)));
    json_key_text(&out, "log", up_or_down(log_is_up));
    json_key_text(&out, "cache", up_or_down(cache_is_up(worker->cache)));
    json_close(&out, '}');
    return call_reply(call, is_ready ? 200 : 503);
}
