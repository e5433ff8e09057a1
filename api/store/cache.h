/*
 * cache: Redis from tasks and callbacks, one connection per loop. The only place that knows hiredis.
 *
 * Redis may vanish or hang at any time: a command without an answer after `timeout_ms` opens the breaker; then all commands fail at
 * once until a PING is answered again (asked every `retry_ms`). Callers go on without: ERR_UNAVAILABLE is never a reason to fail.
 * Keys are given without prefix: the cache adds `parley:{epoch}:{generation}:` (see cache_set_space()).
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

struct cache;

struct cache_config {
    const char *host;  /* or a unix socket's path when it starts with '/' */
    int port;
    const char *password; /* NULL: none */
    int timeout_ms;    /* 50: what a hanging Redis costs at most */
    int retry_ms;      /* 500 */
    size_t open_limit; /* commands open at once */
    bool ask_run;      /* for cache_run_id() */
};

struct cache *cache_open(uv_loop_t *loop, const struct cache_config *config);
void cache_close(struct cache *cache); /* open commands fail first */
bool cache_is_up(const struct cache *cache);
/* Which start of which Redis its commands go to; empty while none is up, or with a Redis that does not say. */
struct text cache_run_id(const struct cache *cache);

/* What stands before every key: changes when the epoch or the generation does. Until first set, and with an empty epoch, all commands fail. */
void cache_set_space(struct cache *cache, struct text epoch, int64_t generation);
int64_t cache_generation(const struct cache *cache); /* 0: none is set */

/* A reply, copied: text (bulk or status), integer, array of texts (missing ones `is_null`), or nothing. */
enum cache_kind { CACHE_NULL, CACHE_TEXT, CACHE_INTEGER, CACHE_ARRAY, CACHE_FAILED /* an error reply: wrong type … (counted) */ };
struct cache_reply {
    enum cache_kind kind;
    struct buf bytes;     /* CACHE_TEXT, and the bytes behind `items` */
    int64_t integer;
    struct cache_item { size_t at, len; bool is_null; } *items; /* CACHE_ARRAY, flat; nested arrays and errors are null */
    size_t count;
};
void cache_reply_fini(struct cache_reply *reply);
struct text cache_item(const struct cache_reply *reply, size_t i); /* empty when null */

struct cache_command {
    const char *verb;          /* "GET", "MGET", "HGETALL", "SET" */
    const struct text *keys;   /* prefixed; come right after the verb */
    size_t key_count;
    const struct text *args;   /* as they are, after the keys */
    size_t arg_count;
    struct cache_reply reply;  /* out; the caller's to fini */
    enum err err;              /* out: ERR_OK or ERR_UNAVAILABLE */
};

/* From a task: sends all at once, suspends until all are answered or failed. Returns ERR_UNAVAILABLE if any failed so. */
MUST_CHECK enum err cache_run(struct cache *cache, struct cache_command *commands, size_t count);

/* A script with KEYS and ARGV, kept by SHA (EVALSHA, then EVAL once on NOSCRIPT). `sha` is filled at first use. */
struct cache_script {
    const char *lua;
    const char *space; /* what stands before its keys, whatever the cache's space is ("parley:limits:"); NULL: that */
    char sha[41];
};

/*
 * From the loop, without a task: runs a script and calls `done(context, err)` once, from the loop; `done` may be NULL. An error
 * reply is ERR_UNAVAILABLE too: the value may be stale now. The bytes leave for the socket before this returns when it can take them, so
 * that an answer sent to a client afterwards is not earlier than the cache.
 */
void cache_eval(struct cache *cache, struct cache_script *script, const struct text *keys, size_t key_count,
                const struct text *args, size_t arg_count, void (*done)(void *context, enum err err), void *context);

/* From a task: the same, and waits for what the script returns: `reply`, the caller's to fini. */
MUST_CHECK enum err cache_call(struct cache *cache, struct cache_script *script, const struct text *keys, size_t key_count,
                               const struct text *args, size_t arg_count, struct cache_reply *reply);
