/*
 * fail_point: places where a test makes a program fail on purpose. Compiled in with
 * -DPARLEY_FAIL_POINTS=ON alone; a program for people has none of it.
 *
 * Which ones are on is in the environment of the program, PARLEY_FAIL_POINTS="die_after_commit=0.1
 * no_healing": a name, or a name with its probability each time that the program comes there.
 *
 *   die_after_commit   an API dies (kill -9) between a commit and its publication
 *   no_healing         a gateway neither asks for what it missed nor compares itself with the APIs
 */
#pragma once

#include <stdbool.h>

#ifdef PARLEY_FAIL_POINTS
bool fail_point(const char *name); /* any thread */
#else
static inline bool fail_point(const char *name)
{
    return false;
}
#endif
