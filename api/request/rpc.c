#include "api/request/rpc.h"

#include <stdlib.h>

#include "api/request/call_state.h"
#include "api/request/problem.h"
#include "api/request/router.h"

struct rpc {
    rpc_done_fn done;
    void *context;
};

static void send_answer(struct call *call, int status, enum err err)
{
    struct rpc *rpc = call->peer;
    rpc->done(rpc->context, err, status, buf_text(&call->out));
    free(rpc);
}

static const struct call_sink rpc_sink = {.send = send_answer};

void rpc_start(struct worker *worker, struct text method, int64_t user_id, int64_t session_id,
               struct text path_room, struct text data, rpc_done_fn done, void *context)
{
    struct rpc *rpc = xcalloc(1, sizeof(*rpc));
    struct call *call = call_create(worker, &rpc_sink, rpc);

    *rpc = (struct rpc){done, context};
    call->is_rpc = true;
    call->user_id = user_id;
    call->session_id = session_id;
    call->body = call_copy(call, data);
    if (path_room.len > 0)
        call->captures[call->capture_count++] =
            (struct call_capture){TEXT("room"), call_copy(call, path_room)};
    call->route = router_find_rpc(method);
    if (call->route != NULL) {
        router_start(call);
        return;
    }
    problem_send(call, ERR_NOT_FOUND);
    call_destroy(call);
}
