/*
 * hasher: Argon2id (libsodium crypto_pwhash, m = 19,456 KiB, t = 2, p = 1) on libuv's thread pool, at most `parallel` at once
 * (19 MiB each) and `queue` waiting per process. From tasks.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

#define HASHER_TEXT_BYTES 128 /* crypto_pwhash_STRBYTES */

struct worker;
struct hasher;
struct hasher *hasher_create(int parallel, int queue);
void hasher_destroy(struct hasher *hasher);

/* Suspends the task. ERR_BUSY: too many wait. */
MUST_CHECK enum err hasher_hash(struct hasher *hasher, struct worker *worker, struct text password, char out[HASHER_TEXT_BYTES]);
/* ERR_OK or ERR_BAD_CREDENTIALS. `hash` NULL: takes the same time and fails (unknown login). */
MUST_CHECK enum err hasher_check(struct hasher *hasher, struct worker *worker, struct text password, const char *hash);
