#include "gateway/transport/admission.h"

#include <pthread.h>

#include "base/clock.h"

static size_t (*count_clients)(void);

/* So many may still come in this second. */
static struct {
    pthread_mutex_t lock;
    int64_t second, taken;
} rate = {.lock = PTHREAD_MUTEX_INITIALIZER};

void admission_init(size_t (*count)(void))
{
    count_clients = count;
}

static bool take_from_rate(int64_t limit)
{
    const int64_t second = clock_mono_ms() / 1000;
    bool passes;

    pthread_mutex_lock(&rate.lock);
    if (rate.second != second) {
        rate.second = second;
        rate.taken = 0;
    }
    passes = rate.taken < limit;
    rate.taken += passes;
    pthread_mutex_unlock(&rate.lock);
    return passes;
}

bool admission_passes(const struct settings *settings)
{
    const int64_t limit = settings->client.connection_limit;
    const int64_t rate_limit = settings->client.connection_rate_limit;

    if (limit > 0 && count_clients() >= (size_t)limit)
        return false;
    return rate_limit <= 0 || take_from_rate(rate_limit);
}
