/*
 * proxy_headers: which headers go along with a question.
 */
#pragma once

#include "gateway/outside/fetch.h"
#include "gateway/outside/proxy_config.h"

struct proxy_headers {             /* what the connection has; borrowed */
    const struct http_field *http; /* of its HTTP request */
    size_t http_count;
    const struct http_field *emulated; /* of its connect command: whatever the client wrote */
    size_t emulated_count;
};

/*
 * Static ones win over those of the request, and these over emulated ones of the same name: a
 * client cannot put a word of its own in place of one that the operator, the browser or the
 * operator's load balancer has said. One whose value cannot stand in a header is left out.
 */
void proxy_headers_add(struct fetch *fetch, const struct proxy_config *config,
                       const struct proxy_headers *given);
