/* node: who this process is among the gateways: a random word, new at each start. Any thread. */
#pragma once

#include <stdint.h>

#include "base/text.h"

void node_init(void); /* once, before threads start */
struct text node_id(void);
uint64_t node_uptime_s(void); /* since node_init() */
