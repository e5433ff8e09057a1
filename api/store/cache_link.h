/*
 * cache_link: one hiredis connection on a libuv loop; what cache.c and nobody else uses. Loop's
 * thread only.
 *
 * Not hiredis' own libuv adapter: that one is silent when poll reports an error, and asks epoll
 * anew at each write.
 *
 * A reply callback and on_lost only take notes: whoever writes or closes inside of them may free
 * the connection under hiredis' feet. Acting on replies is for on_turn.
 */
#pragma once

#include <hiredis/async.h>
#include <stdbool.h>
#include <uv.h>

#include "base/err.h"
#include "base/text.h"

struct cache_link;

struct cache_link_config {
    const char *host; /* or a unix socket's path when it starts with '/' */
    int port;
    void (*on_lost)(void *context); /* once, when the connection ends by itself; all open commands
                                       got NULL replies */
    void (*on_turn)(
        void *context); /* from the loop, after replies or an end: here one may do as one likes */
    void *context;
};

/* ERR_UNAVAILABLE: refused at once. Whether it really connects shows with the first reply. */
MUST_CHECK enum err cache_link_open(struct cache_link **out, uv_loop_t *loop,
                                    const struct cache_link_config *config);
/* Open commands get NULL replies from inside this call, on_lost is not called. Not from a reply
 * callback. */
void cache_link_close(struct cache_link *link);

/* Queues one command in Redis' protocol; `fn` gets its reply, NULL when the connection ended.
 * Leaves with the loop's next turn. */
void cache_link_send(struct cache_link *link, struct text command, redisCallbackFn *fn,
                     void *context);
/* Writes what is queued now, if the socket takes it. May end the connection: then on_lost was
 * called. */
void cache_link_flush(struct cache_link *link);
/*
 * Reads some of what has come, for when the loop was late. May end the connection likewise. False: nothing had come.
 */
bool cache_link_read(struct cache_link *link);
