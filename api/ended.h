/*
 * ended: the sessions that ended within one token life, held by every API process and checked at each request. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ended;

struct ended *ended_create(void);
void ended_destroy(struct ended *ended);

/* Remembers a session that was learned of at `learned_ms` (monotonic: a wall clock may jump); `number` is its place in the list. Numbers may
 * repeat. */
void ended_add(struct ended *ended, int64_t session_id, int64_t number, int64_t learned_ms);
bool ended_contains(struct ended *ended, int64_t session_id);
int64_t ended_last_number(struct ended *ended);
/* Forgets those that were learned of more than `keep_s` ago. */
void ended_prune(struct ended *ended, int64_t now_ms, int64_t keep_s);
