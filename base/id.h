/*
 * id: random names and numbers (libsodium), and decimal ids as the API shows them. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "base/text.h"

#define ID_UUID_BYTES 37  /* with NUL */
#define ID_DIGITS_MAX 20

void id_init(void); /* once per process, before the rest; aborts when the system gives no randomness */
uint64_t id_random(void); /* never 0 */
void id_random_bytes(void *out, size_t len);
void id_uuid(char out[ID_UUID_BYTES]); /* RFC 9562 version 4 */

/* A positive decimal id without sign, space or leading zero, below 2^63. */
bool id_parse(struct text digits, int64_t *id);
