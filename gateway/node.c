#include "gateway/node.h"

#include "base/clock.h"
#include "base/id.h"

static char id[ID_UUID_BYTES];
static int64_t started_ms;

void node_init(void)
{
    id_uuid(id);
    started_ms = clock_mono_ms();
}

struct text node_id(void)
{
    return text(id);
}

uint64_t node_uptime_s(void)
{
    return (uint64_t)(clock_mono_ms() - started_ms) / 1000;
}
