/*
 * api_list: the addresses of the APIs, as `bus.apis` names them: "tcp://10.0.0.1:7800,
 * tcp://10.0.0.2:7800". Events come from there, questions are answered at the next port.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"
#include "base/text.h"

#define APIS_MAX 64

/* Zero-initialised is empty. Each URL is a string of its own. */
struct api_list {
    char *events[APIS_MAX], *questions[APIS_MAX];
    size_t count;
};

/* False: a word that is no such address (logged), too many, or none at all. api_list_fini() in any
 * case. */
MUST_CHECK bool api_list_read(struct api_list *apis, const char *list);
void api_list_fini(struct api_list *apis);
