#include "bus/window.h"

#include <stdlib.h>
#include <uthash.h>

#include "base/id.h"

#define WORD_BITS 64

/* Of one asker: bit (n % WINDOW_NUMBERS) stands for the number n, of those up to `highest`. */
struct window {
    uint64_t asker, highest;
    uint64_t seen[WINDOW_NUMBERS / WORD_BITS];
    UT_hash_handle hh;
};

struct windows {
    uint64_t name;
    struct window *map;
};

struct windows *windows_create(void)
{
    struct windows *windows = xcalloc(1, sizeof(*windows));

    windows->name = id_random();
    return windows;
}

static void forget_all(struct windows *windows)
{
    struct window *window, *next;

    HASH_ITER(hh, windows->map, window, next)
    {
        HASH_DEL(windows->map, window);
        free(window);
    }
}

void windows_destroy(struct windows *windows)
{
    if (windows == NULL)
        return;
    forget_all(windows);
    free(windows);
}

uint64_t windows_name(const struct windows *windows)
{
    return windows->name;
}

static struct window *create(struct windows *windows, uint64_t asker)
{
    struct window *window;

    if (HASH_COUNT(windows->map) >= WINDOW_ASKERS_MAX) {
        forget_all(windows);
        windows->name = id_random();
    }
    window = xcalloc(1, sizeof(*window));
    window->asker = asker;
    HASH_ADD(hh, windows->map, asker, sizeof(window->asker), window);
    return window;
}

static struct window *find(struct windows *windows, uint64_t asker)
{
    struct window *window;

    HASH_FIND(hh, windows->map, &asker, sizeof(asker), window);
    return window != NULL ? window : create(windows, asker);
}

/* Everything between the old highest and the new one was not here. */
static void advance(struct window *window, uint64_t highest)
{
    if (highest - window->highest >= WINDOW_NUMBERS)
        memset(window->seen, 0, sizeof(window->seen));
    else
        for (uint64_t number = window->highest + 1; number <= highest; number++)
            window->seen[number % WINDOW_NUMBERS / WORD_BITS] &= ~(UINT64_C(1) << number % WORD_BITS);
    window->highest = highest;
}

bool windows_take(struct windows *windows, uint64_t asker, uint64_t number)
{
    struct window *window = find(windows, asker);
    const uint64_t bit = UINT64_C(1) << number % WORD_BITS;
    uint64_t *word = &window->seen[number % WINDOW_NUMBERS / WORD_BITS];

    if (number == 0 || number + WINDOW_NUMBERS <= window->highest)
        return false;
    if (number > window->highest)
        advance(window, number);
    if ((*word & bit) != 0)
        return false;
    *word |= bit;
    return true;
}
