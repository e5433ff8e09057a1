#include "base/option_rows.h"
#include "gateway/config/readers.h"
#include "gateway/config/rows.h"

static const char *const formats[] = {"any", "json", "json_object", "binary", NULL};
static const char *const modes[] = {"stream", "cache", NULL};
static const char *const deltas[] = {"fossil", NULL};

/* clang-format off: tables read best with a row a line */
static void rows_of_keeping(struct rows *rows, const char *below, struct namespace *s)
{
    const struct option keeping[] = {
        FLAG_OPTION("presence", presence, "false", "Know who is there."),
        FLAG_OPTION("join_leave", join_leave, "false", "Tell who comes and goes."),
        FLAG_OPTION("force_push_join_leave", force_push_join_leave, "false", "Tell it to all subscribers, asked or not."),
        NUMBER_OPTION("history_size", history_size, "0", "publications", 0, 1000000,
                      "Publications that are kept; needs history_ttl."),
        DURATION_OPTION("history_ttl", history_ttl_ms, "0", 0, 3650 * DAY_MS, "How long they are; needs history_size."),
        DURATION_OPTION("history_meta_ttl", history_meta_ttl_ms, "0", 0, 3650 * DAY_MS,
                        "How long the stream's epoch and top are; 0: channel.history_meta_ttl."),
        FLAG_OPTION("force_positioning", force_positioning, "false", "Notice lost publications for all subscribers."),
        FLAG_OPTION("allow_positioning", allow_positioning, "false", "The same for those who ask for it."),
        FLAG_OPTION("force_recovery", force_recovery, "false", "Recover missed publications for all subscribers."),
        FLAG_OPTION("allow_recovery", allow_recovery, "false", "The same for those who ask for it."),
        CHOICE_OPTION("force_recovery_mode", force_recovery_mode, "stream", modes,
                      "Recover all that was missed, or the latest publication alone."),
        FLAG_OPTION("auto_cache_recover", auto_cache_recover, "false",
                    "Every subscribe recovers; needs force_recovery and mode cache."),
        {.name = "allowed_delta_types", .type = OPTION_SET, .value = &s->allow_fossil_delta, .fallback = "",
         .choices = deltas, .help = "Compression against the publication before."},
        FLAG_OPTION("delta_publish", delta_publish, "false", "All publications are made for it."),
        FLAG_OPTION("allow_tags_filter", allow_tags_filter, "false", "Subscribers may filter by tags."),
        TEXT_OPTION("channel_regex", channel_regex, "", "What names must look like behind the namespace; empty: ASCII."),
        CHOICE_OPTION("publication_data_format", publication_data_format, "any", formats,
                      "What data must be; any: channel.publication_data_format."),
    };

    ROWS_ADD(rows, below, keeping);
}

static void rows_of_permissions(struct rows *rows, const char *below, struct namespace *s)
{
    const struct option permissions[] = {
        FLAG_OPTION("allow_subscribe_for_client", allow_subscribe_for_client, "false", "Users may subscribe without a token."),
        FLAG_OPTION("allow_subscribe_for_anonymous", allow_subscribe_for_anonymous, "false", "Anonymous ones too."),
        FLAG_OPTION("allow_publish_for_client", allow_publish_for_client, "false", "Users may publish."),
        FLAG_OPTION("allow_publish_for_subscriber", allow_publish_for_subscriber, "false", "Subscribers may publish."),
        FLAG_OPTION("allow_publish_for_anonymous", allow_publish_for_anonymous, "false", "Anonymous ones too."),
        FLAG_OPTION("allow_presence_for_client", allow_presence_for_client, "false", "Users may ask who is there."),
        FLAG_OPTION("allow_presence_for_subscriber", allow_presence_for_subscriber, "false", "Subscribers may."),
        FLAG_OPTION("allow_presence_for_anonymous", allow_presence_for_anonymous, "false", "Anonymous ones too."),
        FLAG_OPTION("allow_history_for_client", allow_history_for_client, "false", "Users may read the history."),
        FLAG_OPTION("allow_history_for_subscriber", allow_history_for_subscriber, "false", "Subscribers may."),
        FLAG_OPTION("allow_history_for_anonymous", allow_history_for_anonymous, "false", "Anonymous ones too."),
        FLAG_OPTION("allow_user_limited_channels", allow_user_limited_channels, "false",
                    "Names end in #42,43: those users may subscribe."),
        FLAG_OPTION("allow_wildcard_subscribe", allow_wildcard_subscribe, "false",
                    "A * in a subscribed name stands for any text."),
        FLAG_OPTION("subscribe_proxy_enabled", subscribe_proxy_enabled, "false", "The back end is asked about subscribes."),
        TEXT_OPTION("subscribe_proxy_name", subscribe_proxy_name, "default", "Which one; default: channel.proxy.subscribe."),
        FLAG_OPTION("publish_proxy_enabled", publish_proxy_enabled, "false", "The back end is asked about publishes."),
        TEXT_OPTION("publish_proxy_name", publish_proxy_name, "default", "Which one; default: channel.proxy.publish."),
        FLAG_OPTION("sub_refresh_proxy_enabled", sub_refresh_proxy_enabled, "false", "The back end is asked about subscriptions that expire."),
        TEXT_OPTION("sub_refresh_proxy_name", sub_refresh_proxy_name, "default", "Which one; default: channel.proxy.sub_refresh."),
    };

    ROWS_ADD(rows, below, permissions);
}

void rows_of_namespace(struct rows *rows, const char *below, struct namespace *namespace)
{
    rows_of_keeping(rows, below, namespace);
    rows_of_permissions(rows, below, namespace);
}

void rows_of_rpc_namespace(struct rows *rows, const char *below, struct rpc_namespace *s)
{
    const struct option rpc[] = {
        FLAG_OPTION("proxy_enabled", proxy_enabled, "false", "The back end answers these calls."),
        TEXT_OPTION("proxy_name", proxy_name, "default", "Which one; default: rpc.proxy."),
    };

    ROWS_ADD(rows, below, rpc);
}

void rows_of_proxy(struct rows *rows, const char *below, struct proxy_settings *s)
{
    const struct option proxy[] = {
        TEXT_OPTION("endpoint", endpoint, "", "URL of the back end, http:// or https://."),
        DURATION_OPTION("timeout", timeout_ms, "1s", 1, MINUTE_MS, "A call without an answer by then has failed."),
        LIST_OPTION("http_headers", http_headers, "", "Headers of the client's request that are passed on."),
        LIST_OPTION("emulated_headers", emulated_headers, "", "Headers of the connect command that are: clients choose these."),
        {.name = "http.static_headers", .type = OPTION_JSON, .value = s, .fallback = "{}", .hidden = true,
         .read = proxy_read_static_headers, .help = "Headers that are always sent, as names and values."},
        {.name = "http.status_to_code_transforms", .type = OPTION_JSON, .value = s, .fallback = "[]",
         .read = proxy_read_transforms,
         .help = "HTTP statuses that mean something: [{\"status_code\":404,\"to_error\":{\"code\":404,\"message\":\"gone\"}}]; or to_disconnect with code and reason."},
        FLAG_OPTION("binary_encoding", binary_encoding, "false", "Payloads go as base64."),
        FLAG_OPTION("include_connection_meta", include_connection_meta, "false", "The token's meta claim is sent too."),
    };

    ROWS_ADD(rows, below, proxy);
}

static void rows_of_all_channels(struct rows *rows, struct settings *s)
{
    const struct option all[] = {
        NUMBER_OPTION("channel.max_length", channel.max_length, "255", "bytes", 1, 255, "Longest name (error 107)."),
        TEXT_OPTION("channel.namespace_boundary", channel.namespace_boundary, ":", "Ends a namespace in a name; one byte."),
        TEXT_OPTION("channel.private_prefix", channel.private_prefix, "$", "Begins names that need a token; one byte."),
        TEXT_OPTION("channel.user_boundary", channel.user_boundary, "#", "Begins the users in a name; one byte."),
        TEXT_OPTION("channel.user_separator", channel.user_separator, ",", "Stands between them; one byte."),
        DURATION_OPTION("channel.history_meta_ttl", channel.history_meta_ttl_ms, "720h", SECOND_MS, 3650 * DAY_MS,
                        "How long a stream's epoch and top are kept, where the namespace says nothing."),
        CHOICE_OPTION("channel.publication_data_format", channel.publication_data_format, "any", formats,
                      "What data must be, where the namespace says nothing; any: not empty."),
        NUMBER_OPTION("channel.patterns_max", channel.patterns_max, "1024", "channels", 0, 1000000,
                      "Names with * that are subscribed to at once, in the whole process."),
        {.name = "channel.namespaces", .type = OPTION_JSON, .value = s, .fallback = "[]", .named = true,
         .read = namespaces_read,
         .help = "Namespaces, each with a name and the options of channel.without_namespace: [{\"name\":\"news\",\"presence\":true}]."},
    };

    ROWS_ADD(rows, "", all);
}

void rows_of_channels(struct rows *rows, struct settings *s)
{
    const struct option proxies[] = {
        {.name = "rpc.namespaces", .type = OPTION_JSON, .value = s, .fallback = "[]", .named = true,
         .read = rpc_namespaces_read,
         .help = "Namespaces of methods, each with a name and the options of rpc.without_namespace."},
        {.name = "proxies", .type = OPTION_JSON, .value = s, .fallback = "[]", .named = true, .hidden = true,
         .read = proxies_read,
         .help = "Named back ends, each with a name and the options of rpc.proxy."},
        NUMBER_OPTION("proxy.open_max", proxy_open_max, "256", "calls", 1, 65536, "Calls of back ends at once."),
    };

    rows_of_all_channels(rows, s);
    rows_of_namespace(rows, "channel.without_namespace.", &s->channel.without_namespace);
    rows_of_proxy(rows, "channel.proxy.subscribe.", &s->channel.subscribe_proxy);
    rows_of_proxy(rows, "channel.proxy.publish.", &s->channel.publish_proxy);
    rows_of_proxy(rows, "channel.proxy.sub_refresh.", &s->channel.sub_refresh_proxy);
    rows_of_rpc_namespace(rows, "rpc.without_namespace.", &s->rpc.without_namespace);
    rows_of_proxy(rows, "rpc.proxy.", &s->rpc.proxy);
    ROWS_ADD(rows, "", proxies);
}
