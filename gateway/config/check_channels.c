#include "gateway/config/check_channels.h"

#include <stdlib.h>

#include "gateway/channels/namespaces.h"
#include "gateway/config/list.h"
#include "gateway/pattern/go_regex.h"

/* "channel.without_namespace", "channel.namespaces[chat]" */
static const char *place_of(const char *list, const char *name, struct buf *out)
{
    buf_reset(out);
    if (name[0] == '\0')
        buf_printf(out, "%s.without_namespace", list);
    else
        buf_printf(out, "%s.namespaces[%s]", list, name);
    return buf_cstring(out);
}

/* ---- back ends ---- */

static const struct proxy_settings *find_proxy(const struct settings *settings, const char *name,
                                               const struct proxy_settings *by_default)
{
    if (strcmp(name, "default") == 0)
        return by_default;
    for (size_t i = 0; i < settings->proxy_count; i++)
        if (strcmp(settings->proxies[i].name, name) == 0)
            return &settings->proxies[i];
    return NULL;
}

/* An option that names a proxy. `used`: it is asked, so that it must have an address. */
struct reference {
    const char *option; /* "subscribe_proxy_name" */
    char **name;
    bool used;
    const struct proxy_settings *by_default;
    const char *default_place; /* "channel.proxy.subscribe" */
};

static bool check_reference(const struct settings *settings, const char *place,
                            const struct reference *reference, struct options_notes *notes)
{
    if ((*reference->name)[0] == '\0') {
        free(*reference->name);
        *reference->name = xstrdup("default");
    }
    const struct proxy_settings *proxy =
        find_proxy(settings, *reference->name, reference->by_default);
    if (proxy == NULL)
        return options_fail(notes, "%s.%s: there is no proxy \"%s\" in proxies", place,
                            reference->option, *reference->name);
    if (reference->used && proxy->endpoint[0] == '\0')
        return options_fail(notes, "%s: the proxy is enabled, but %s.endpoint is empty", place,
                            reference->default_place);
    return true;
}

static bool check_namespace_proxies(const struct settings *settings, struct namespace *namespace,
                                    const char *place, struct options_notes *notes)
{
    const struct reference references[] = {
        {"subscribe_proxy_name", &namespace->subscribe_proxy_name,
         namespace->subscribe_proxy_enabled, &settings->channel.subscribe_proxy,
         "channel.proxy.subscribe"},
        {"publish_proxy_name", &namespace->publish_proxy_name, namespace->publish_proxy_enabled,
         &settings->channel.publish_proxy, "channel.proxy.publish"},
        {"sub_refresh_proxy_name", &namespace->sub_refresh_proxy_name,
         namespace->sub_refresh_proxy_enabled, &settings->channel.sub_refresh_proxy,
         "channel.proxy.sub_refresh"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(references); i++)
        if (!check_reference(settings, place, &references[i], notes))
            return false;
    return true;
}

static bool check_endpoint(const char *place, const struct proxy_settings *proxy, bool needed,
                           struct options_notes *notes)
{
    if (proxy->endpoint[0] == '\0')
        return !needed || options_fail(notes, "%s.endpoint is empty", place);
    if (strncmp(proxy->endpoint, "grpc://", 7) == 0)
        return options_fail(notes, "%s.endpoint: gRPC (grpc://) is not supported", place);
    return check_is_url(proxy->endpoint) ||
           options_fail(notes, "%s.endpoint: an http:// or https:// address was expected", place);
}

static bool check_named_proxy(const struct settings *settings, size_t index,
                              struct options_notes *notes)
{
    const struct proxy_settings *proxy = &settings->proxies[index];
    struct buf place = {0};
    bool good = true;

    buf_printf(&place, "proxies[%s]", proxy->name);
    if (strcmp(proxy->name, "default") == 0)
        good = options_fail(notes, "proxies: the name \"default\" is taken");
    for (size_t i = 0; good && i < index; i++)
        if (strcmp(settings->proxies[i].name, proxy->name) == 0)
            good = options_fail(notes, "proxies: there are two \"%s\"", proxy->name);
    good = good && check_endpoint(buf_cstring(&place), proxy, true, notes);
    buf_fini(&place);
    return good;
}

static bool check_rpc_namespace(const struct settings *settings, struct rpc_namespace *namespace,
                                struct options_notes *notes)
{
    const struct reference reference = {"proxy_name", &namespace->proxy_name,
                                        namespace->proxy_enabled, &settings->rpc.proxy,
                                        "rpc.proxy"};
    struct buf place = {0};

    const bool good = check_reference(
        settings, place_of("rpc", namespace->name, &place), &reference, notes);
    buf_fini(&place);
    return good;
}

static bool check_rpc(struct settings *settings, struct options_notes *notes)
{
    settings->rpc.without_namespace.name = xstrdup("");
    if (!check_rpc_namespace(settings, &settings->rpc.without_namespace, notes))
        return false;
    for (size_t i = 0; i < settings->rpc.namespace_count; i++) {
        for (size_t j = 0; j < i; j++)
            if (strcmp(settings->rpc.namespaces[i].name, settings->rpc.namespaces[j].name) == 0)
                return options_fail(notes, "rpc.namespaces: there are two \"%s\"",
                                    settings->rpc.namespaces[i].name);
        if (!check_rpc_namespace(settings, &settings->rpc.namespaces[i], notes))
            return false;
    }
    return true;
}

bool check_proxies(struct settings *settings, struct options_notes *notes)
{
    const struct {
        const char *place;
        struct proxy_settings *proxy;
        const char *name;
        bool needed;
    } own[] = {
        {"client.proxy.connect", &settings->client.connect_proxy, "connect",
         settings->client.connect_proxy_enabled},
        {"client.proxy.refresh", &settings->client.refresh_proxy, "refresh",
         settings->client.refresh_proxy_enabled},
        {"channel.proxy.subscribe", &settings->channel.subscribe_proxy, "default", false},
        {"channel.proxy.publish", &settings->channel.publish_proxy, "default", false},
        {"channel.proxy.sub_refresh", &settings->channel.sub_refresh_proxy, "default", false},
        {"rpc.proxy", &settings->rpc.proxy, "default", false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(own); i++) {
        own[i].proxy->name = xstrdup(own[i].name);
        if (!check_endpoint(own[i].place, own[i].proxy, own[i].needed, notes))
            return false;
    }
    for (size_t i = 0; i < settings->proxy_count; i++)
        if (!check_named_proxy(settings, i, notes))
            return false;
    return check_rpc(settings, notes);
}

/* ---- channels ---- */

static bool check_history(const struct namespace *namespace, const char *place,
                          struct options_notes *notes)
{
    const bool keeps = namespace->history_size > 0;

    if (keeps != (namespace->history_ttl_ms > 0))
        return options_fail(notes, "%s: history_size and history_ttl go together", place);
    if (namespace->history_ttl_ms > namespace->history_meta_ttl_ms)
        return options_fail(notes, "%s: history_ttl must not be above history_meta_ttl", place);
    if (namespace->force_recovery && !keeps)
        return options_fail(notes, "%s: force_recovery needs history_size and history_ttl", place);
    if (namespace->auto_cache_recover &&
        !(namespace->force_recovery && namespace->force_recovery_mode == RECOVERY_CACHE))
        return options_fail(notes, "%s: auto_cache_recover needs force_recovery, and cache as "
                                   "force_recovery_mode",
                            place);
    if (namespace->allow_wildcard_subscribe && namespace->allow_user_limited_channels)
        return options_fail(notes, "%s: allow_wildcard_subscribe cannot go with "
                                   "allow_user_limited_channels: a * would show everybody's",
                            place);
    return true;
}

static bool compile_regex(struct namespace *namespace, const char *place,
                          struct options_notes *notes)
{
    struct buf why = {0};
    bool good = true;

    if (namespace->channel_regex[0] == '\0')
        return true;
    namespace->regex = xcalloc(1, sizeof(*namespace->regex));
    if (!go_regex_compile(namespace->regex, namespace->channel_regex, GO_REGEX_SIZE_MAX, &why)) {
        free(namespace->regex);
        namespace->regex = NULL;
        good = options_fail(notes, "%s.channel_regex: %s", place, buf_cstring(&why));
    }
    buf_fini(&why);
    return good;
}

static bool check_namespace(const struct settings *settings, struct namespace *namespace,
                            struct options_notes *notes)
{
    struct buf buf = {0};
    const char *place = place_of("channel", namespace->name, &buf);

    if (namespace->history_meta_ttl_ms == 0)
        namespace->history_meta_ttl_ms = settings->channel.history_meta_ttl_ms;
    if (namespace->publication_data_format == DATA_ANY)
        namespace->publication_data_format = settings->channel.publication_data_format;
    const bool good = check_history(namespace, place, notes) &&
                      compile_regex(namespace, place, notes) &&
                      check_namespace_proxies(settings, namespace, place, notes);
    buf_fini(&buf);
    return good;
}

/* Rooms and their like are the product's own on the bus (docs/design.md). */
static bool is_reserved(const struct settings *settings, const char *name)
{
    static const char *const names[] = {"room", "live", "user", "status", "public", "chats"};

    if (settings->gateway.broker == BROKER_BUS)
        for (size_t i = 0; i < ARRAY_COUNT(names); i++)
            if (strcmp(name, names[i]) == 0)
                return true;
    return false;
}

static bool check_names(const struct settings *settings, struct options_notes *notes)
{
    const struct namespace *namespaces = settings->channel.namespaces;

    for (size_t i = 0; i < settings->channel.namespace_count; i++) {
        if (i > 0 && strcmp(namespaces[i].name, namespaces[i - 1].name) == 0)
            return options_fail(notes, "channel.namespaces: there are two \"%s\"",
                                namespaces[i].name);
        if (is_reserved(settings, namespaces[i].name))
            return options_fail(notes, "channel.namespaces: on the bus \"%s\" is Parley's own",
                                namespaces[i].name);
    }
    return true;
}

static bool check_marks(const struct settings *settings, struct options_notes *notes)
{
    const struct {
        const char *option, *mark;
    } marks[] = {
        {"channel.namespace_boundary", settings->channel.namespace_boundary},
        {"channel.private_prefix", settings->channel.private_prefix},
        {"channel.user_boundary", settings->channel.user_boundary},
        {"channel.user_separator", settings->channel.user_separator},
    };

    for (size_t i = 0; i < ARRAY_COUNT(marks); i++)
        if (strlen(marks[i].mark) != 1 || marks[i].mark[0] <= ' ' || marks[i].mark[0] >= 0x7f)
            return options_fail(notes, "%s: one ASCII byte was expected, not \"%s\"",
                                marks[i].option, marks[i].mark);
    return true;
}

static bool check_personal(const struct settings *settings, struct options_notes *notes)
{
    const char *name = settings->client.user_personal_channel_namespace;
    const struct namespace *namespace = name[0] == '\0' ? &settings->channel.without_namespace
                                                        : namespace_named(settings, text(name));

    if (!settings->client.subscribe_to_user_personal_channel_enabled)
        return true;
    if (namespace == NULL)
        return options_fail(notes, "client.subscribe_to_user_personal_channel: there is no "
                                   "namespace \"%s\"",
                            name);
    return !settings->client.user_personal_single_connection || namespace->presence ||
           options_fail(notes, "client.subscribe_to_user_personal_channel: single_connection needs "
                               "presence in the channel's namespace");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct namespace *)a)->name, ((const struct namespace *)b)->name);
}

bool check_channels(struct settings *settings, struct options_notes *notes)
{
    settings->channel.without_namespace.name = xstrdup("");
    if (settings->channel.namespace_count > 1)
        qsort(settings->channel.namespaces, settings->channel.namespace_count,
              sizeof(struct namespace), by_name);
    if (!check_marks(settings, notes) || !check_names(settings, notes) ||
        !check_namespace(settings, &settings->channel.without_namespace, notes))
        return false;
    for (size_t i = 0; i < settings->channel.namespace_count; i++)
        if (!check_namespace(settings, &settings->channel.namespaces[i], notes))
            return false;
    return check_personal(settings, notes);
}
