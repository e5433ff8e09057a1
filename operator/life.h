/*
 * life: how long a token is to be valid, as people write it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LIFE_S_MAX (366 * 86400)

/* "90", "90s", "10m", "2h", "7d" in seconds; false for what is none of these or beyond LIFE_S_MAX. */
bool life_parse(const char *life, int64_t *seconds);
