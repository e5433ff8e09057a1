/* api_key: who may use the server API: who has its key. Loop's thread of the request. */
#pragma once

#include <h2o.h>
#include <stdbool.h>

#include "gateway/settings.h"

/*
 * The key is in the header `X-API-Key: KEY`, in `Authorization: apikey KEY` or in the query as
 * api_key=KEY. Without a key in the settings nobody has it, unless `http_api.insecure`.
 */
bool api_key_passes(h2o_req_t *req, const struct settings *settings);
