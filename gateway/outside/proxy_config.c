#include "gateway/outside/proxy_config.h"

#include <stdio.h>
#include <strings.h>

#include "gateway/outside/fetch.h"
#include "gateway/outside/http_url.h"
#include "gateway/outside/proxy_answer.h"

/* Of the exchange itself, not of what is asked: another's would break it (RFC 9110 7.6.1). */
static const char *const ours[] = {
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "transfer-encoding",
    "accept-encoding",
};

static bool is_ours(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(ours); i++)
        if (strcasecmp(ours[i], name) == 0)
            return true;
    return false;
}

static const char *check_header(const char *name, struct text value)
{
    if (is_ours(name))
        return "is the gateway's own";
    return fetch_header_fits(text(name), value) ? NULL : "is no header";
}

static bool check_headers(const struct proxy_config *config, const char *option,
                          const char *const *names, size_t count, char why[PROXY_WHY_MAX])
{
    for (size_t i = 0; i < count; i++) {
        const char *wrong = check_header(names[i], (struct text){0});
        if (wrong == NULL)
            continue;
        snprintf(why, PROXY_WHY_MAX, "proxy %s: %s: %s %s", config->name, option, names[i], wrong);
        return false;
    }
    return true;
}

/* Values are secrets, perhaps: only the name is told. */
static bool check_static_headers(const struct proxy_config *config, char why[PROXY_WHY_MAX])
{
    for (size_t i = 0; i < config->static_header_count; i++) {
        const struct http_field *field = &config->static_headers[i];
        char name[128];
        snprintf(name, sizeof(name), "%.*s", TEXT_ARGS(field->name));
        const char *wrong = check_header(name, field->value);
        if (wrong == NULL)
            continue;
        snprintf(why, PROXY_WHY_MAX, "proxy %.40s: static_headers: %.100s %s", config->name, name,
                 wrong);
        return false;
    }
    return true;
}

static const char *check_transform(const struct proxy_transform *transform)
{
    if (transform->status < 100 || transform->status > 599 || transform->status == 200)
        return "must be 100 to 599, and not 200";
    if (transform->to_disconnect && !proxy_may_disconnect(transform->code))
        return "becomes a disconnect with a code that a back end may not use";
    if (!transform->to_disconnect && transform->code <= 0)
        return "becomes an error without a code";
    return NULL;
}

static bool check_transforms(const struct proxy_config *config, char why[PROXY_WHY_MAX])
{
    for (size_t i = 0; i < config->transform_count; i++) {
        const char *wrong = check_transform(&config->transforms[i]);
        if (wrong == NULL)
            continue;
        snprintf(why, PROXY_WHY_MAX, "proxy %s: status_to_code_transforms: status_code %d %s",
                 config->name, config->transforms[i].status, wrong);
        return false;
    }
    return true;
}

bool proxy_config_check(const struct proxy_config *config, char why[PROXY_WHY_MAX])
{
    const char *wrong = http_url_wrong(text(config->endpoint));

    if (wrong != NULL) {
        snprintf(why, PROXY_WHY_MAX, "proxy %s: endpoint: %s", config->name, wrong);
        return false;
    }
    return check_headers(config, "http_headers", config->http_headers, config->http_header_count,
                         why) &&
           check_headers(config, "emulated_headers", config->emulated_headers,
                         config->emulated_header_count, why) &&
           check_static_headers(config, why) && check_transforms(config, why);
}
