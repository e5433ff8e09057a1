/*
 * verify_checks: what must be so in a lane, as statements that list what is not. Each is one statement, so it sees one state of the
 * database however much is written meanwhile. `{lane}` stands for the lane's schema.
 */
#pragma once

#include <stddef.h>

struct verify_check {
    const char *name; /* "unread" */
    const char *sql;  /* rows of: room id, what is wrong with it, as text */
};

extern const struct verify_check verify_checks[];
extern const size_t verify_check_count;
