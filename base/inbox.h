/*
 * inbox: a bounded, locked queue of pointers from many threads to one. First in, first out.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"

struct inbox;

struct inbox *inbox_create(size_t limit); /* most items that may wait */
void inbox_destroy(struct inbox *inbox);  /* must be empty; NULL does nothing */

enum inbox_push { INBOX_FIRST, INBOX_MORE, INBOX_FULL }; /* FIRST: it was empty, wake the reader */

/* Takes `item` unless INBOX_FULL, which is counted. Any thread. */
MUST_CHECK enum inbox_push inbox_push(struct inbox *inbox, void *item);

/*
 * All that waits, in order, as an array valid until the next call of inbox_take(); returns how many.
 * The reader's thread only.
 */
size_t inbox_take(struct inbox *inbox, void ***items);
uint64_t inbox_dropped(const struct inbox *inbox); /* pushes that found it full */
