/*
 * senders: who writes into which rooms, read from a file that bench/run has the database write;
 * both sides of a comparison use the same. A line each: user id, session id, and the ids of the
 * user's rooms.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sender {
    int64_t user_id, session_id;
    int64_t *rooms;
    size_t room_count; /* at least 1 */
    uint64_t random;   /* state */
    uint64_t sent;     /* messages begun: the caller's */
};

struct senders {
    struct sender *all;
    size_t count;
};

/* At most `count_max` senders. ERR_INVALID: no such file, or not one like that (logged). */
MUST_CHECK enum err senders_read(struct senders *senders, const char *path, size_t count_max);
void senders_fini(struct senders *senders);

/* One of the sender's rooms, at random, the same ones in every run. */
int64_t sender_pick_room(struct sender *sender);
/* 64 random bits, likewise. */
uint64_t sender_random(struct sender *sender);
