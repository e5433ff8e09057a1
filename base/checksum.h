/*
 * checksum: tells whether bytes are what they were: XXH3 (xxhash.h), some 20 GB/s. Not against people who
 * choose bytes to deceive: that is what hash.h and libsodium are for. The same on every machine. Any thread.
 */
#pragma once

#include <stdint.h>

#include "base/text.h"

/* Chained, it is the checksum of several texts, and tells where each ends: checksum(checksum(0, a), b). */
uint64_t checksum(uint64_t seed, struct text text);

#define CHECKSUM_HEX_BYTES 33 /* with the NUL */
/* 128 bits, as 32 hex digits. */
void checksum_hex(struct text text, char out[CHECKSUM_HEX_BYTES]);
