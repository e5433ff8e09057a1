#include "gateway/transport/origin.h"

#include <ctype.h>
#include <fnmatch.h>

#include "gateway/transport/http.h"

#define ORIGIN_MAX 512 /* bytes */

/* "https://chat.example:8443" or "chat.example:8443" -> "chat.example"; "[::1]:80" -> "[::1]" */
static struct text host_of(struct text address)
{
    const char *scheme = address.len > 0 ? memmem(address.at, address.len, "://", 3) : NULL;

    if (scheme != NULL)
        address = text_after(address, (size_t)(scheme + 3 - address.at));
    const char *bracket =
        address.len > 0 && address.at[0] == '[' ? memchr(address.at, ']', address.len) : NULL;
    const size_t from = bracket != NULL ? (size_t)(bracket - address.at) : 0;
    const char *colon = address.len > 0 ? memchr(address.at + from, ':', address.len - from) : NULL;
    if (colon != NULL)
        address.len = (size_t)(colon - address.at);
    return address;
}

static bool is_of_host(struct text origin, struct text host)
{
    return memmem(origin.at, origin.len, "://", 3) != NULL &&
           http_equal_nocase(host_of(origin), host_of(host));
}

/* A C string in lower case; false: too long, or a NUL within. */
static bool lower(struct text from, char out[ORIGIN_MAX])
{
    if (from.len >= ORIGIN_MAX || memchr(from.at, '\0', from.len) != NULL)
        return false;
    for (size_t i = 0; i < from.len; i++)
        out[i] = (char)tolower((unsigned char)from.at[i]);
    out[from.len] = '\0';
    return true;
}

static bool matches(const char *pattern, const char *origin)
{
    char lowered[ORIGIN_MAX];

    return lower(text(pattern), lowered) && fnmatch(lowered, origin, 0) == 0;
}

bool origin_passes(const struct option_list *allowed, bool same_host, struct text origin,
                   struct text host)
{
    char lowered[ORIGIN_MAX];

    if (origin.len == 0)
        return true; /* no browser, or a page of the same origin */
    if (allowed->count == 0)
        return same_host && is_of_host(origin, host);
    if (!lower(origin, lowered))
        return false;
    for (size_t i = 0; i < allowed->count; i++)
        if (matches(allowed->at[i], lowered))
            return true;
    return false;
}

bool origin_of_request_passes(const h2o_req_t *req, const struct settings *settings)
{
    return origin_passes(&settings->client.allowed_origins,
                         settings->gateway.broker == BROKER_BUS, http_header(req, "origin"),
                         text_of(req->authority.base, req->authority.len));
}

void origin_add_headers(h2o_req_t *req, const struct settings *settings)
{
    const struct text origin = http_header(req, "origin");
    const struct text wanted = http_header(req, "access-control-request-headers");

    http_add_header(req, "vary", TEXT("Origin"));
    if (origin.len == 0 || !origin_of_request_passes(req, settings))
        return;
    http_add_header(req, "access-control-allow-origin", origin);
    http_add_header(req, "access-control-allow-credentials", TEXT("true"));
    if (wanted.len > 0)
        http_add_header(req, "access-control-allow-headers", wanted);
}

int origin_answer_preflight(h2o_req_t *req, const struct settings *settings)
{
    origin_add_headers(req, settings);
    http_add_header(req, "access-control-max-age", TEXT("300"));
    http_add_header(req, "access-control-allow-methods", TEXT("POST, OPTIONS"));
    return http_answer_nothing(req);
}
