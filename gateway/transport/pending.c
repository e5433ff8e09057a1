#include "gateway/transport/pending.h"

#include <stdlib.h>

#include "base/base.h"

struct pending {
    h2o_req_t *req; /* NULL: gone */
    struct pending **hook; /* in the request's pool: clears `req` when that goes */
};

static void on_dispose(void *data)
{
    struct pending **hook = data;

    if (*hook != NULL)
        (*hook)->req = NULL;
}

struct pending *pending_begin(h2o_req_t *req)
{
    struct pending *pending = xcalloc(1, sizeof(*pending));

    pending->req = req;
    pending->hook = h2o_mem_alloc_shared(&req->pool, sizeof(*pending->hook), on_dispose);
    *pending->hook = pending;
    return pending;
}

h2o_req_t *pending_end(struct pending *pending)
{
    h2o_req_t *req = pending->req;

    if (req != NULL)
        *pending->hook = NULL;
    free(pending);
    return req;
}
