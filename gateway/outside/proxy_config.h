/*
 * proxy_config: how one back end is asked, as the operator has written it, and whether that can be.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "gateway/outside/http_field.h"

struct proxy_transform { /* what an HTTP status other than 200 says to the client */
    int status;
    bool to_disconnect; /* else to an error */
    int code;
    const char *message; /* or reason; NULL: none */
    bool temporary;      /* of an error */
};

struct proxy_config {
    const char *name;                /* for people: logs, metrics, proxies_find() */
    const char *endpoint;            /* http:// or https:// */
    int64_t timeout_ms;              /* 0: 1 s */
    const char *const *http_headers; /* of the client's request: which go along */
    size_t http_header_count;
    const char *const *emulated_headers; /* of its connect command: which go along */
    size_t emulated_header_count;
    const struct http_field *static_headers;
    size_t static_header_count;
    bool binary_encoding, include_connection_meta;
    const struct proxy_transform *transforms;
    size_t transform_count;
};

#define PROXY_WHY_MAX 200

/* False: `why` names the proxy and what is wrong. */
MUST_CHECK bool proxy_config_check(const struct proxy_config *config, char why[PROXY_WHY_MAX]);
