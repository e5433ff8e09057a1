/* page: page.html, as it is embedded at build time. */
#pragma once

#include <stddef.h>

extern const char PAGE_HTML[];
extern const size_t PAGE_HTML_LEN;
