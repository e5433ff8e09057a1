/*
 * admission: may one more client connect? client.connection_limit and client.connection_rate_limit,
 * of the whole process. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/settings.h"

bool admission_passes(const struct settings *settings);
/* Clients of all loops, as each of them counts. */
void admission_init(size_t (*count_clients)(void));
