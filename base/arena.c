#include "base/arena.h"

#include <stdlib.h>

#define FIRST_BYTES 256 /* the texts of a small command fit; each further block is twice as large */
#define BLOCK_BYTES 16384
#define ALIGNMENT   _Alignof(max_align_t)

struct arena_block {
    struct arena_block *older;
    size_t room;
    _Alignas(max_align_t) char bytes[];
};

void arena_fini(struct arena *arena)
{
    struct arena_block *block, *older;

    for (block = arena->blocks; block != NULL; block = older) {
        older = block->older;
        free(block);
    }
    *arena = (struct arena){0};
}

static void add_block(struct arena *arena, size_t size)
{
    size_t room = arena->blocks == NULL ? FIRST_BYTES : arena->blocks->room * 2;

    if (room > BLOCK_BYTES)
        room = BLOCK_BYTES;
    if (room < size)
        room = size;
    struct arena_block *block = xmalloc(sizeof(*block) + room);
    block->room = room;
    block->older = arena->blocks;
    arena->blocks = block;
    arena->at = block->bytes;
    arena->end = block->bytes + room;
}

static void *take(struct arena *arena, size_t size, size_t alignment)
{
    const size_t gap = -(uintptr_t)arena->at % alignment;

    if (arena->at == NULL || (size_t)(arena->end - arena->at) < gap ||
        (size_t)(arena->end - arena->at) - gap < size) {
        add_block(arena, size);
        arena->at += size;
        return arena->at - size;
    }
    arena->at += gap + size;
    return arena->at - size;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *at = take(arena, size, ALIGNMENT);

    memset(at, 0, size);
    return at;
}

struct text arena_text(struct arena *arena, struct text text)
{
    if (text.len == 0)
        return (struct text){0};
    char *at = take(arena, text.len, 1);
    memcpy(at, text.at, text.len);
    return text_of(at, text.len);
}

char *arena_string(struct arena *arena, struct text text)
{
    char *at = take(arena, text.len + 1, 1);

    if (text.len > 0)
        memcpy(at, text.at, text.len);
    at[text.len] = '\0';
    return at;
}
