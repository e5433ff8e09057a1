/*
 * arena: pieces of memory that are given back all at once. Zero-initialised is empty and valid. One
 * thread at a time.
 */
#pragma once

#include "base/base.h"
#include "base/text.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* the newest first */
    char *at, *end;             /* what is free in it */
};

void arena_fini(struct arena *arena); /* `arena` is empty and usable again */

/* Zeroed, aligned for anything. */
void *arena_alloc(struct arena *arena, size_t size);
/* A copy. An empty text stays { NULL, 0 }. */
struct text arena_text(struct arena *arena, struct text text);
/* A copy with a NUL behind it. */
char *arena_string(struct arena *arena, struct text text);
