/*
 * seed_api: the API as `parley seed` uses it: JSON in, JSON out, problems as `enum err`.
 */
#pragma once

#include "base/json.h"
#include "operator/fetch.h"

struct seed_api {
    struct fetch *fetch;
    const char *url;   /* "http://127.0.0.1:8000" */
    struct buf answer; /* of the last call */
    struct json json;  /* the same, parsed; an absent root when it was empty */
};

void seed_api_init(struct seed_api *api, const char *url);
void seed_api_fini(struct seed_api *api);

/*
 * Asks `path` (below /v1) as the owner of `token` (NULL: nobody). A problem document becomes its
 * own ERR_*; only ERR_UNAVAILABLE and what nobody expects is reported here, when `expected` is not
 * what came.
 */
MUST_CHECK enum err seed_api_call(struct seed_api *api, const char *token, const char *method,
                                  const char *path, struct text body, enum err expected);

/* Appends the text of member `name` of `object`; nothing when it has none. */
void seed_api_read(struct json_value object, const char *name, struct buf *out);
