/* sub_override: what a token, a proxy or the API says of one subscription against its namespace. */
#pragma once

#include <stdint.h>

#define SUB_OVERRIDE_NONE                                                                          \
    (struct sub_override)                                                                          \
    {                                                                                              \
        -1, -1, -1, -1, -1                                                                         \
    }

/* -1: not given, else 0 or 1. */
struct sub_override {
    int8_t presence, join_leave, force_push_join_leave, force_recovery, force_positioning;
};
