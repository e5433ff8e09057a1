/*
 * hasher: Argon2id (libsodium crypto_pwhash, m = 19,456 KiB, t = 2, p = 1) on libuv's thread pool, at most `parallel` at once
 * (19 MiB each) and `queue` waiting per process. From tasks, on any worker.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

#define HASHER_TEXT_BYTES 128 /* crypto_pwhash_STRBYTES */

struct worker;
struct hasher;

/* `ops`, `memory_kib`: Argon2id's passes and memory, 2 and 19456; tests take less. */
struct hasher *hasher_create(int parallel, int queue, int ops, int memory_kib);
void hasher_destroy(struct hasher *hasher); /* nothing may be under way */

/* A stored hash, as the functions below take it. */
void hasher_copy(char out[HASHER_TEXT_BYTES], struct text stored);
/* Suspends the task. ERR_BUSY: too many wait. */
MUST_CHECK enum err hasher_hash(struct hasher *hasher, struct worker *worker, struct text password, char out[HASHER_TEXT_BYTES]);
/* ERR_OK or ERR_BAD_CREDENTIALS. `hash` NULL: takes the same time and fails (unknown login). */
MUST_CHECK enum err hasher_check(struct hasher *hasher, struct worker *worker, struct text password, const char *hash);
