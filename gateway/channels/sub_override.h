/*
 * sub_override: what a token or a back end says about one subscription, in place of its namespace's
 * options.
 */
#pragma once

#include <stdint.h>

struct sub_override { /* each 0, 1, or -1: not said */
    int8_t presence, join_leave, force_push_join_leave, force_recovery, force_positioning;
};

#define SUB_OVERRIDE_NONE ((struct sub_override){-1, -1, -1, -1, -1})
