/*
 * hash: 64 bits of a text, under a seed: SipHash-2-4 (libsodium crypto_shorthash). Who does not know the
 * seed cannot choose texts of one hash; with a seed that everybody knows it is a checksum. Any thread.
 */
#pragma once

#include <stdint.h>

#include "base/text.h"

/* Chained, it is the hash of several texts, and tells where each ends: hash_text(hash_text(0, a), b). */
uint64_t hash_text(uint64_t seed, struct text text);
