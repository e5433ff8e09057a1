/*
 * tag: a name and a value that a publisher gives a publication; filters look at them, clients get them with it.
 */
#pragma once

#include "base/text.h"

struct tag {
    struct text key, value; /* borrowed; UTF-8 */
};
