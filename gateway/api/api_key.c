#include "gateway/api/api_key.h"

#include <sodium.h>

#include "gateway/transport/http.h"

/* Its length is no secret worth keeping; what is in it takes the same time wherever it differs. */
static bool is_key(struct text given, struct text key)
{
    return given.len == key.len && key.len > 0 && sodium_memcmp(given.at, key.at, key.len) == 0;
}

static struct text authorization_key(const h2o_req_t *req)
{
    struct text words = http_header(req, "authorization");

    if (!http_equal_nocase(http_next_word(&words), TEXT("apikey")))
        return (struct text){0};
    return http_next_word(&words);
}

bool api_key_passes(h2o_req_t *req, const struct settings *settings)
{
    const struct text key = text(settings->http_api.key);
    struct text of_query = {0};

    if (settings->http_api.insecure)
        return true;
    return is_key(http_header(req, "x-api-key"), key) || is_key(authorization_key(req), key) ||
           (http_query_value(req, "api_key", &of_query) && is_key(of_query, key));
}
