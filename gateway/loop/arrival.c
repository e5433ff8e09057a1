#include "gateway/loop/arrival.h"

#include <stdlib.h>

struct arrival *arrival_create(struct loop *loop, const struct transport *transport,
                               enum format format)
{
    struct arrival *arrival = xcalloc(1, sizeof(*arrival));

    arrival->loop = loop;
    arrival->transport = transport;
    arrival->format = format;
    return arrival;
}

void arrival_destroy(struct arrival *arrival)
{
    if (arrival == NULL)
        return;
    buf_fini(&arrival->first);
    arena_fini(&arrival->arena);
    free(arrival);
}
