/*
 * http_field: a header of an HTTP request, name and value.
 */
#pragma once

#include "base/text.h"

struct http_field {
    struct text name, value;
};
