#include "api/log/settle.h"

#include <stdlib.h>
#include <string.h>

#include "api/counters.h"
#include "api/settings.h"
#include "api/log/watch.h"
#include "base/clock.h"

struct numbers {
    int64_t *list;
    size_t count, cap;
};

struct settle {
    struct worker *worker;
    struct numbers done; /* to be marked */
    struct numbers owed; /* the cache failed: wait until its generation is raised */
    size_t owed_asked;   /* how many of `owed` the request under way covers; 0: none is */
    struct job raised;
    size_t outstanding;  /* numbers that are not marked yet, wherever they are */
    size_t voided;       /* of those: cached in vain, marked when the outbox is done anew */
    size_t caching;      /* refreshes under way */
    struct caching *cached, **cached_end; /* done, and wait for news, oldest first */
};

static void add_numbers(struct numbers *numbers, const int64_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (numbers->count == numbers->cap) {
            numbers->cap = numbers->cap == 0 ? 64 : numbers->cap * 2;
            numbers->list = xrealloc(numbers->list, numbers->cap * sizeof(*numbers->list));
        }
        numbers->list[numbers->count++] = list[i];
    }
}

/* So many are new; or, below 0, they are marked. */
static void count_outstanding(struct settle *settle, int64_t change)
{
    settle->outstanding += (size_t)change;
    gauge_add(GAUGE_OUTBOX, change);
}

static void drop_first(struct numbers *numbers, size_t count)
{
    if (count == 0)
        return; /* the list may not even exist yet */
    numbers->count -= count;
    memmove(numbers->list, numbers->list + count, numbers->count * sizeof(*numbers->list));
}

/* The database's write that voids the cache covers all that is owed so far; what comes later asks again. */
static void ask_raise(struct settle *settle)
{
    if (settle->owed_asked != 0 || settle->owed.count == 0)
        return;
    settle->owed_asked = settle->owed.count;
    watch_raise_generation(settle->worker->app->watch, settle->worker, &settle->raised);
}

static void on_raised(struct job *job)
{
    struct settle *settle = container_of(job, struct settle, raised);

    add_numbers(&settle->done, settle->owed.list, settle->owed_asked);
    drop_first(&settle->owed, settle->owed_asked);
    settle->owed_asked = 0;
    ask_raise(settle);
}

/* One refresh of the cache, and the numbers that wait for it. */
struct caching {
    struct settle *settle;
    int64_t generation; /* under which it was sent; 0: none was set, nothing was stored */
    int64_t done_ms;
    struct caching *next;
    size_t count;
    int64_t numbers[];
};

static struct caching *take_cached(struct settle *settle)
{
    struct caching *first = settle->cached;

    settle->cached = first->next;
    if (settle->cached == NULL)
        settle->cached_end = &settle->cached;
    return first;
}

struct settle *settle_create(struct worker *worker)
{
    struct settle *settle = xcalloc(1, sizeof(*settle));

    settle->worker = worker;
    settle->raised.run = on_raised;
    settle->cached_end = &settle->cached;
    return settle;
}

bool settle_is_quiet(const struct settle *settle)
{
    return settle->caching == 0 && settle->owed_asked == 0;
}

void settle_destroy(struct settle *settle)
{
    if (settle == NULL)
        return;
    CHECK(settle_is_quiet(settle));
    count_outstanding(settle, -(int64_t)settle->outstanding);
    while (settle->cached != NULL)
        free(take_cached(settle));
    free(settle->done.list);
    free(settle->owed.list);
    free(settle);
}

static void on_cached(void *context, enum err err)
{
    struct caching *caching = context;
    struct settle *settle = caching->settle;

    settle->caching--;
    if (err == ERR_OK || (caching->generation == 0 && cache_is_up(settle->worker->cache))) {
        caching->done_ms = clock_mono_ms();
        *settle->cached_end = caching;
        settle->cached_end = &caching->next;
        return;
    }
    add_numbers(&settle->owed, caching->numbers, caching->count);
    free(caching);
    ask_raise(settle);
}

void settle_cache(struct settle *settle, struct refresh *refresh, const int64_t *numbers, size_t count)
{
    if (count == 0)
        return; /* nothing was stored: there is nothing to refresh */

    struct caching *caching = xcalloc(1, sizeof(*caching) + count * sizeof(*numbers));
    caching->settle = settle;
    caching->generation = cache_generation(settle->worker->cache);
    caching->count = count;
    memcpy(caching->numbers, numbers, count * sizeof(*numbers));
    settle->caching++;
    count_outstanding(settle, (int64_t)count);
    refresh_send(refresh, settle->worker->cache, settle->worker->app->settings->redis.ttl_s * 1000, on_cached, caching);
}

bool settle_confirm(struct settle *settle)
{
    int64_t generation, asked_ms;
    bool is_void = false;

    if (settle->cached == NULL || !watch_news(settle->worker->app->watch, &generation, &asked_ms))
        return false;
    while (settle->cached != NULL && settle->cached->done_ms < asked_ms) {
        const bool is_same = settle->cached->generation == generation;
        if (!is_same && cache_generation(settle->worker->cache) != generation)
            break; /* this loop will hear of it in a moment: doing it anew now would be as void */
        struct caching *caching = take_cached(settle);
        if (is_same)
            add_numbers(&settle->done, caching->numbers, caching->count);
        else
            settle->voided += caching->count;
        is_void = is_void || !is_same;
        free(caching);
    }
    return is_void;
}

bool settle_is_confirmed(const struct settle *settle)
{
    return settle->cached == NULL;
}

const int64_t *settle_marks(const struct settle *settle, size_t *count)
{
    *count = settle->done.count;
    return settle->done.list;
}

void settle_marked(struct settle *settle, size_t count)
{
    drop_first(&settle->done, count);
    count_outstanding(settle, -(int64_t)count);
}

size_t settle_outstanding(const struct settle *settle)
{
    return settle->outstanding;
}

size_t settle_voided(const struct settle *settle)
{
    return settle->voided;
}

void settle_redone(struct settle *settle, size_t count)
{
    settle->voided -= count;
    count_outstanding(settle, -(int64_t)count);
}
