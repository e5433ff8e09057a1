#include "api/store/cache_link.h"

#include "api/store/cache_reply.h"

#include <stdlib.h>
#include <sys/ioctl.h>

struct cache_link {
    struct cache_link_config config;
    redisAsyncContext *redis; /* NULL: ended */
    uv_poll_t poll;
    uv_prepare_t flush; /* active while something is queued: one write per turn of the loop */
    int events;
    int open_handles;
};

static void on_closed(uv_handle_t *handle)
{
    struct cache_link *link = handle->data;
    if (--link->open_handles == 0)
        free(link);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct cache_link *link = poll->data;

    /* a poll error comes without events: reading finds out what it is, and tells hiredis */
    if (status != 0 || (events & UV_READABLE) != 0)
        cache_link_read(link);
    if ((events & UV_WRITABLE) != 0)
        cache_link_flush(link);
    link->config.on_turn(link->config.context);
}

static void set_events(struct cache_link *link, int events)
{
    if (events == link->events)
        return;
    link->events = events;
    uv_poll_start(&link->poll, events, on_poll);
}

static void on_flush(uv_prepare_t *prepare)
{
    struct cache_link *link = prepare->data;
    uv_prepare_stop(prepare);
    cache_link_flush(link);
    if (link->redis == NULL) /* it failed: there are replies */
        link->config.on_turn(link->config.context);
}

/* ---- what hiredis asks of a loop ---- */

static void keep_reading(void *context)
{
}

static void want_write(void *context)
{
    struct cache_link *link = context;
    if ((link->events & UV_WRITABLE) == 0)
        uv_prepare_start(&link->flush, on_flush);
}

static void no_write(void *context)
{
    struct cache_link *link = context;
    uv_prepare_stop(&link->flush);
    set_events(link, UV_READABLE);
}

/* The context is about to be freed, by us or by hiredis; its socket is still open. */
static void on_cleanup(void *context)
{
    struct cache_link *link = context;
    link->redis = NULL;
    uv_close((uv_handle_t *)&link->poll, on_closed);
    uv_close((uv_handle_t *)&link->flush, on_closed);
    if (link->config.on_lost != NULL)
        link->config.on_lost(link->config.context);
}

enum err cache_link_open(struct cache_link **out, uv_loop_t *loop,
                         const struct cache_link_config *config)
{
    redisAsyncContext *redis = config->host[0] == '/'
                                   ? redisAsyncConnectUnix(config->host)
                                   : redisAsyncConnect(config->host, config->port);
    CHECK(redis != NULL); /* out of memory */
    if (redis->err != 0) {
        redisAsyncFree(redis);
        return ERR_UNAVAILABLE;
    }

    struct cache_link *link = xcalloc(1, sizeof(*link));
    link->config = *config;
    link->redis = redis;
    link->open_handles = 2;
    CHECK(uv_poll_init(loop, &link->poll, redis->c.fd) == 0);
    CHECK(uv_prepare_init(loop, &link->flush) == 0);
    link->poll.data = link->flush.data = link;
    redis->ev.data = link;
    redis->ev.addRead = redis->ev.delRead = keep_reading;
    redis->ev.addWrite = want_write;
    redis->ev.delWrite = no_write;
    redis->ev.cleanup = on_cleanup;
    redis->c.reader->fn = &cache_reply_functions;
    set_events(link, UV_READABLE | UV_WRITABLE); /* writable: connected */
    *out = link;
    return ERR_OK;
}

void cache_link_close(struct cache_link *link)
{
    link->config.on_lost = NULL;
    redisAsyncFree(link->redis);
}

void cache_link_send(struct cache_link *link, struct text command, redisCallbackFn *fn,
                     void *context)
{
    CHECK(redisAsyncFormattedCommand(link->redis, fn, context, command.at, command.len) ==
          REDIS_OK);
}

/* hiredis writes once per call: the rest waits until the socket takes it. */
void cache_link_flush(struct cache_link *link)
{
    if (link->redis == NULL)
        return;
    redisAsyncHandleWrite(link->redis);
    if (link->redis != NULL && sdslen(link->redis->c.obuf) > 0)
        set_events(link, UV_READABLE | UV_WRITABLE);
}

bool cache_link_read(struct cache_link *link)
{
    int waiting = 0;

    if (link->redis == NULL || ioctl(link->redis->c.fd, FIONREAD, &waiting) != 0)
        waiting = 0;
    if (link->redis != NULL)
        redisAsyncHandleRead(link->redis); /* 16 KiB at most */
    return waiting > 0;
}
