/*
 * fake_cache: stands in for cache.c: notes the scripts that are run and answers them when the test
 * says so.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/store/cache.h"

#define FAKE_EVALS_MAX 8

struct cache {
    struct fake_eval {
        struct buf keys, args; /* each followed by '|' */
        void (*done)(void *context, enum err err);
        void *context;
    } evals[FAKE_EVALS_MAX];
    size_t eval_count;

    enum err run_err;
    bool (*grants)(struct text key); /* what SET NX finds */
    struct buf run_keys;
};

static void fake_note(struct buf *out, const struct text *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_add_text(out, texts[i]);
        buf_add_byte(out, '|');
    }
    buf_cstring(out);
}

void cache_eval(struct cache *cache, struct cache_script *script, const struct text *keys,
                size_t key_count, const struct text *args, size_t arg_count,
                void (*done)(void *context, enum err err), void *context)
{
    assert_true(cache->eval_count < FAKE_EVALS_MAX);
    struct fake_eval *eval = &cache->evals[cache->eval_count++];

    fake_note(&eval->keys, keys, key_count);
    fake_note(&eval->args, args, arg_count);
    eval->done = done;
    eval->context = context;
}

enum err cache_call(struct cache *cache, struct cache_script *script, const struct text *keys,
                    size_t key_count, const struct text *args, size_t arg_count,
                    struct cache_reply *reply)
{
    return cache->run_err;
}

enum err cache_run(struct cache *cache, struct cache_command *commands, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fake_note(&cache->run_keys, commands[i].keys, commands[i].key_count);
        commands[i].err = cache->run_err;
        if (cache->grants(commands[i].keys[0]))
            commands[i].reply.kind = CACHE_TEXT;
    }
    return cache->run_err;
}

static int fake_cache_setup(void **state)
{
    *state = xcalloc(1, sizeof(struct cache));
    return 0;
}

static int fake_cache_teardown(void **state)
{
    struct cache *cache = *state;

    for (size_t i = 0; i < FAKE_EVALS_MAX; i++) {
        buf_fini(&cache->evals[i].keys);
        buf_fini(&cache->evals[i].args);
    }
    buf_fini(&cache->run_keys);
    free(cache);
    return 0;
}
