#include "gateway/outside/proxy_headers.h"

#include <strings.h>

static bool same_name(struct text a, struct text b)
{
    return a.len == b.len && strncasecmp(a.at, b.at, a.len) == 0;
}

static bool is_listed(const char *const *names, size_t count, struct text name)
{
    for (size_t i = 0; i < count; i++)
        if (same_name(text(names[i]), name))
            return true;
    return false;
}

static bool is_among(const struct http_field *fields, size_t count, struct text name)
{
    for (size_t i = 0; i < count; i++)
        if (same_name(fields[i].name, name))
            return true;
    return false;
}

static void add(struct fetch *fetch, const struct http_field *field)
{
    (void)!fetch_add_header(fetch, field->name, field->value);
}

void proxy_headers_add(struct fetch *fetch, const struct proxy_config *config,
                       const struct proxy_headers *given)
{
    for (size_t i = 0; i < config->static_header_count; i++)
        add(fetch, &config->static_headers[i]);

    for (size_t i = 0; i < given->http_count; i++) {
        const struct text name = given->http[i].name;
        if (is_listed(config->http_headers, config->http_header_count, name) &&
            !is_among(config->static_headers, config->static_header_count, name))
            add(fetch, &given->http[i]);
    }

    for (size_t i = 0; i < given->emulated_count; i++) {
        const struct text name = given->emulated[i].name;
        const bool said = is_listed(config->http_headers, config->http_header_count, name) &&
                          is_among(given->http, given->http_count, name);
        if (is_listed(config->emulated_headers, config->emulated_header_count, name) && !said &&
            !is_among(config->static_headers, config->static_header_count, name) &&
            !is_among(given->emulated, i, name))
            add(fetch, &given->emulated[i]);
    }
}
