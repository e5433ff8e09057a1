#include "gateway/loop/proxying.h"

#include <stdlib.h>

#include "base/log.h"

/* The default of each kind; an operator's own name has no space. */
static const char *const default_names[] = {
    [PROXY_CONNECT] = "default connect",         [PROXY_REFRESH] = "default refresh",
    [PROXY_SUBSCRIBE] = "default subscribe",     [PROXY_PUBLISH] = "default publish",
    [PROXY_SUB_REFRESH] = "default sub_refresh", [PROXY_RPC] = "default rpc",
};

/* ---- from settings ---- */

/* What the proxies point into: once per process. */
static struct {
    struct proxy_config *at;
    size_t count;
} configs;

static const struct http_field *fields_of(const struct proxy_settings *from)
{
    struct http_field *fields = xcalloc(from->static_header_count + 1, sizeof(*fields));

    for (size_t i = 0; i < from->static_header_count; i++)
        fields[i] = (struct http_field){text(from->static_headers[i].name),
                                        text(from->static_headers[i].value)};
    return fields;
}

static const struct proxy_transform *transforms_of(const struct proxy_settings *from)
{
    struct proxy_transform *transforms = xcalloc(from->transform_count + 1, sizeof(*transforms));

    for (size_t i = 0; i < from->transform_count; i++) {
        const struct status_transform *given = &from->transforms[i];
        transforms[i] = (struct proxy_transform){
            .status = given->status_code,
            .to_disconnect = given->disconnect_code != 0,
            .code = given->disconnect_code != 0 ? given->disconnect_code : given->error_code,
            .message = given->message,
            .temporary = given->error_temporary,
        };
    }
    return transforms;
}

static struct proxy_config config_of(const struct proxy_settings *from, const char *name)
{
    return (struct proxy_config){
        .name = name,
        .endpoint = from->endpoint,
        .timeout_ms = from->timeout_ms,
        .http_headers = (const char *const *)from->http_headers.at,
        .http_header_count = from->http_headers.count,
        .emulated_headers = (const char *const *)from->emulated_headers.at,
        .emulated_header_count = from->emulated_headers.count,
        .static_headers = fields_of(from),
        .static_header_count = from->static_header_count,
        .binary_encoding = from->binary_encoding,
        .include_connection_meta = from->include_connection_meta,
        .transforms = transforms_of(from),
        .transform_count = from->transform_count,
    };
}

static const struct proxy_settings *default_of(const struct settings *settings,
                                               enum proxy_kind kind)
{
    switch (kind) {
    case PROXY_CONNECT:
        return &settings->client.connect_proxy;
    case PROXY_REFRESH:
        return &settings->client.refresh_proxy;
    case PROXY_SUBSCRIBE:
        return &settings->channel.subscribe_proxy;
    case PROXY_PUBLISH:
        return &settings->channel.publish_proxy;
    case PROXY_SUB_REFRESH:
        return &settings->channel.sub_refresh_proxy;
    case PROXY_RPC:
        break;
    }
    return &settings->rpc.proxy;
}

static bool is_set(const struct proxy_settings *proxy)
{
    return proxy->endpoint != NULL && proxy->endpoint[0] != '\0';
}

static void add_config(const struct proxy_settings *from, const char *name)
{
    configs.at = xrealloc(configs.at, (configs.count + 1) * sizeof(*configs.at));
    configs.at[configs.count++] = config_of(from, name);
}

static void free_configs(void)
{
    for (size_t i = 0; i < configs.count; i++) {
        free((void *)configs.at[i].static_headers);
        free((void *)configs.at[i].transforms);
    }
    free(configs.at);
    configs.at = NULL;
    configs.count = 0;
}

struct proxies *proxying_open(const struct settings *settings, struct fetcher *fetcher)
{
    char why[PROXY_WHY_MAX];

    for (int kind = PROXY_CONNECT; kind <= PROXY_RPC; kind++) {
        const struct proxy_settings *from = default_of(settings, (enum proxy_kind)kind);
        if (is_set(from))
            add_config(from, default_names[kind]);
    }
    for (size_t i = 0; i < settings->proxy_count; i++)
        add_config(&settings->proxies[i], settings->proxies[i].name);
    const struct proxies_config config = {
        .at = configs.at,
        .count = configs.count,
        .open_max = (size_t)settings->proxy_open_max,
    };
    struct proxies *proxies = proxies_create(&config, fetcher, why);
    if (proxies == NULL)
        log_error("gateway: %s", why);
    return proxies;
}

void proxying_close(struct proxies *proxies)
{
    proxies_destroy(proxies);
    free_configs();
}

bool proxying_wants_emulated(const struct settings *settings)
{
    for (int kind = PROXY_CONNECT; kind <= PROXY_RPC; kind++)
        if (default_of(settings, (enum proxy_kind)kind)->emulated_headers.count > 0)
            return true;
    for (size_t i = 0; i < settings->proxy_count; i++)
        if (settings->proxies[i].emulated_headers.count > 0)
            return true;
    return false;
}

/* ---- which ---- */

struct proxy *proxying_find(const struct loop *loop, enum proxy_kind kind, const char *name)
{
    const bool is_default = name == NULL || name[0] == '\0' || strcmp(name, "default") == 0;

    return proxies_find(loop->shared->proxies, text(is_default ? default_names[kind] : name));
}

static const struct rpc_namespace *rpc_namespace_of(const struct settings *settings,
                                                    struct text method)
{
    const char boundary = ':';
    const char *end = method.len > 0 ? memchr(method.at, boundary, method.len) : NULL;

    if (end == NULL)
        return &settings->rpc.without_namespace;
    const struct text name = text_of(method.at, (size_t)(end - method.at));
    for (size_t i = 0; i < settings->rpc.namespace_count; i++)
        if (text_equal(text(settings->rpc.namespaces[i].name), name))
            return &settings->rpc.namespaces[i];
    return NULL;
}

static bool has_rpc(const struct settings *settings)
{
    return is_set(&settings->rpc.proxy) || settings->rpc.namespace_count > 0 ||
           settings->rpc.without_namespace.proxy_enabled;
}

struct proxy *proxying_find_rpc(const struct loop *loop, struct text method, int *error)
{
    const struct rpc_namespace *namespace = rpc_namespace_of(loop->settings, method);

    *error = PROTOCOL_NOT_AVAILABLE;
    if (namespace == NULL && has_rpc(loop->settings))
        *error = PROTOCOL_METHOD_NOT_FOUND;
    if (namespace == NULL || !namespace->proxy_enabled)
        return NULL;
    return proxying_find(loop, PROXY_RPC, namespace->proxy_name);
}

/* ---- answers ---- */

struct text proxying_payload(struct arena *arena, const struct proxy_payload *payload)
{
    struct buf minified = {0};
    struct text kept;

    if (payload->is_binary)
        return arena_text(arena, payload->bytes);
    reply_minify(&minified, payload->bytes);
    kept = arena_text(arena, buf_text(&minified));
    buf_fini(&minified);
    return kept;
}

/* ---- asking ---- */

static const struct http_field *fields_from(const struct command_header *headers, size_t count,
                                            struct http_field *to)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (struct http_field){headers[i].name, headers[i].value};
    return to;
}

bool proxying_ask(struct client *client, struct proxy *proxy, struct proxy_question *question,
                  proxy_done_fn done, void *context)
{
    const struct identity *identity = client->identity;
    const size_t http_count = identity != NULL ? identity->header_count : 0;
    const size_t emulated_count = identity != NULL ? identity->emulated_count : 0;
    struct http_field *fields;
    struct proxy_call *call = NULL;

    if (proxy == NULL)
        return false;
    fields = xcalloc(http_count + emulated_count + 1, sizeof(*fields));
    question->client = text(client->id);
    question->transport = text(client_format(client)->transport);
    question->protocol =
        client_codec(client)->type == PROTOCOL_JSON ? TEXT("json") : TEXT("protobuf");
    if (client->user != NULL)
        question->user = client_user(client);
    if (identity != NULL && question->kind != PROXY_CONNECT)
        question->meta = identity->token.meta;
    const struct proxy_headers headers = {
        .http = identity != NULL ? fields_from(identity->headers, http_count, fields) : NULL,
        .http_count = http_count,
        .emulated = identity != NULL ? fields_from(identity->emulated, emulated_count,
                                                   fields + http_count)
                                     : NULL,
        .emulated_count = emulated_count,
    };
    call = proxy_ask(proxy, question, &headers, client->loop->port.mailbox, done, context);
    free(fields);
    return call != NULL;
}
