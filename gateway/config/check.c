#include "gateway/config/check.h"

#include <stdlib.h>

#include "base/log.h"
#include "gateway/config/check_channels.h"
#include "gateway/pattern/go_regex.h"

bool check_is_url(const char *address)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < ARRAY_COUNT(schemes); i++) {
        const size_t len = strlen(schemes[i]);
        if (strncmp(address, schemes[i], len) != 0 || strchr("/?#:", address[len]) != NULL)
            continue;
        for (const char *at = address; *at != '\0'; at++)
            if (*at <= ' ' || *at == 0x7f)
                return false;
        return true;
    }
    return false;
}

static void replace(char **text, const char *by)
{
    free(*text);
    *text = xstrdup(by);
}

/* ---- where publications come from ---- */

static bool check_broker(struct settings *settings, struct options_notes *notes)
{
    const bool has_apis = settings->bus.apis[0] != '\0';

    if (settings->gateway.broker == BROKER_AUTO)
        settings->gateway.broker = has_apis ? BROKER_BUS : BROKER_MEMORY;
    if (settings->gateway.broker == BROKER_BUS && !has_apis)
        return options_fail(notes, "gateway.broker is bus, but bus.apis is empty");
    if (settings->gateway.broker == BROKER_BUS && settings->token.secret == NULL)
        return options_fail(notes, "token.secret is required on the bus; see --help");
    return true;
}

/* The defaults that differ on the bus. */
static void fill_defaults(struct settings *settings)
{
    const bool on_bus = settings->gateway.broker == BROKER_BUS;

    if (settings->http.port < 0)
        settings->http.port = on_bus ? 8001 : 8000;
    if (settings->client.expired_close_ms < 0)
        settings->client.expired_close_ms = (on_bus ? 90 : 25) * INT64_C(1000);
    if (settings->token.audience == NULL)
        settings->token.audience = xstrdup(on_bus ? "parley" : "");
    if (settings->http.host[0] == '\0')
        replace(&settings->http.host, "0.0.0.0");
    if (settings->http.internal_host[0] == '\0')
        replace(&settings->http.internal_host, settings->http.host);
}

static void fill_tokens(struct settings *settings)
{
    struct token_settings *token = &settings->client.token;

    if (token->hmac_secret_key == NULL && settings->token.secret != NULL)
        token->hmac_secret_key = xstrdup(settings->token.secret);
    if (token->audience[0] == '\0')
        replace(&token->audience, settings->token.audience);
    settings->emulation.enabled = settings->http_stream.enabled || settings->sse.enabled;
}

/* Words that other servers know and we do not. */
static void fill_log(struct settings *settings)
{
    if (settings->log.level > LOG_DEBUG)
        settings->log.level = settings->log.level == LOG_DEBUG + 1 ? LOG_DEBUG : LOG_ERROR;
}

/* ---- clients ---- */

static bool check_pings(struct settings *settings, struct options_notes *notes)
{
    int64_t *interval_ms = &settings->client.ping_interval_ms;
    int64_t *timeout_ms = &settings->client.pong_timeout_ms;

    if (*interval_ms < 0)
        *interval_ms = 0;
    if (*timeout_ms < 0 || *interval_ms == 0)
        *timeout_ms = 0;
    if (*interval_ms % 1000 != 0)
        return options_fail(notes, "client.ping_interval must be whole seconds, for clients are "
                                   "told it in seconds");
    if (*interval_ms > 0 && *timeout_ms >= *interval_ms)
        return options_fail(notes, "client.pong_timeout must be below client.ping_interval");
    return true;
}

static bool check_regex(const char *option, const char *pattern, struct options_notes *notes)
{
    struct buf why = {0};
    regex_t regex;
    bool good = true;

    if (pattern[0] == '\0')
        return true;
    if (go_regex_compile(&regex, pattern, GO_REGEX_SIZE_MAX, &why))
        regfree(&regex);
    else
        good = options_fail(notes, "%s: %s", option, buf_cstring(&why));
    buf_fini(&why);
    return good;
}

static bool check_claim(const char *option, const char *claim, struct options_notes *notes)
{
    static const char letters[] = "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return strspn(claim, letters) == strlen(claim) ||
           options_fail(notes, "%s: the name of a claim has a-z A-Z _ only", option);
}

static bool check_tokens(const struct settings *settings, struct options_notes *notes)
{
    const struct token_settings *token = &settings->client.token;
    const struct token_settings *other = &settings->client.subscription_token;

    return check_regex("client.token.audience_regex", token->audience_regex, notes) &&
           check_regex("client.token.issuer_regex", token->issuer_regex, notes) &&
           check_regex("client.subscription_token.audience_regex", other->audience_regex, notes) &&
           check_regex("client.subscription_token.issuer_regex", other->issuer_regex, notes) &&
           check_claim("client.token.user_id_claim", token->user_id_claim, notes) &&
           check_claim("client.subscription_token.user_id_claim", other->user_id_claim, notes) &&
           (token->jwks_public_endpoint[0] == '\0' || check_is_url(token->jwks_public_endpoint) ||
            options_fail(notes, "client.token.jwks_public_endpoint is no http:// or https:// URL")) &&
           (other->jwks_public_endpoint[0] == '\0' || check_is_url(other->jwks_public_endpoint) ||
            options_fail(notes, "client.subscription_token.jwks_public_endpoint is no http:// or "
                                "https:// URL"));
}

/* ---- paths ---- */

struct path {
    const char *option;
    char **path;
    bool used;
};

static bool is_path(const char *path)
{
    static const char letters[] =
        "/-_.~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const size_t len = strlen(path);

    return len > 1 && path[0] == '/' && path[len - 1] != '/' && strspn(path, letters) == len;
}

static bool check_path(const struct path *paths, size_t index, struct options_notes *notes)
{
    static const char *const taken[] = {"/health", "/metrics", "/ready", "/connection/init"};
    const struct path *path = &paths[index];

    if (!is_path(*path->path))
        return options_fail(notes, "%s: \"%s\" is no path such as /connection/sse", path->option,
                            *path->path);
    for (size_t i = 0; path->used && i < ARRAY_COUNT(taken); i++)
        if (strcmp(*path->path, taken[i]) == 0)
            return options_fail(notes, "%s: \"%s\" is taken", path->option, taken[i]);
    for (size_t i = 0; path->used && i < index; i++)
        if (paths[i].used && strcmp(*path->path, *paths[i].path) == 0)
            return options_fail(notes, "%s and %s are both \"%s\"", paths[i].option, path->option,
                                *path->path);
    return true;
}

static bool check_paths(struct settings *s, struct options_notes *notes)
{
    const struct path paths[] = {
        {"websocket.handler_prefix", &s->websocket.path, !s->websocket.disabled},
        {"http_stream.handler_prefix", &s->http_stream.path, s->http_stream.enabled},
        {"sse.handler_prefix", &s->sse.path, s->sse.enabled},
        {"emulation.handler_prefix", &s->emulation.path, s->emulation.enabled},
        {"uni_websocket.handler_prefix", &s->uni_websocket.path, s->uni_websocket.enabled},
        {"uni_sse.handler_prefix", &s->uni_sse.path, s->uni_sse.enabled},
        {"uni_http_stream.handler_prefix", &s->uni_http_stream.path, s->uni_http_stream.enabled},
        {"http_api.handler_prefix", &s->http_api.path, !s->http_api.disabled},
        {"admin.handler_prefix", &s->admin.path, s->admin.enabled},
    };

    if (s->admin.path[0] == '\0')
        replace(&s->admin.path, "/admin"); /* Centrifugo's own default */
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++)
        if (!check_path(paths, i, notes))
            return false;
    return true;
}

static bool check_admin(const struct settings *settings, struct options_notes *notes)
{
    return !settings->admin.enabled || settings->admin.insecure ||
           settings->admin.password != NULL ||
           options_fail(notes, "admin.enabled needs admin.password (or admin.insecure)");
}

bool check_settings(void *context, struct options_notes *notes)
{
    struct settings *settings = context;

    if (!check_broker(settings, notes))
        return false;
    fill_defaults(settings);
    fill_tokens(settings);
    fill_log(settings);
    return check_pings(settings, notes) && check_tokens(settings, notes) &&
           check_paths(settings, notes) && check_admin(settings, notes) &&
           check_channels(settings, notes) && check_proxies(settings, notes);
}
