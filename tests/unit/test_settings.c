#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "gateway/channels/namespaces.h"
#include "gateway/pattern/go_regex.h"
#include "gateway/protocol/command.h"
#include "gateway/settings.h"

static struct settings settings;
static struct options_notes notes;

static bool reads(const char *json)
{
    settings_fini(&settings);
    options_notes_fini(&notes);
    return settings_read(&settings, text(json), "c.json", &notes);
}

static void accepts(const char *json)
{
    if (!reads(json))
        fail_msg("%s: %s", json, buf_cstring(&notes.error));
    if (notes.foreign.len + notes.unknown.len > 0)
        fail_msg("%s: named:%s%s", json, buf_cstring(&notes.foreign), buf_cstring(&notes.unknown));
}

static void refuses(const char *json, const char *why)
{
    if (reads(json) || strstr(buf_cstring(&notes.error), why) == NULL)
        fail_msg("%s: \"%s\" instead of \"%s\"", json, buf_cstring(&notes.error), why);
}

/* ---- each option: its name, its default, and another value for it ---- */

enum kind { FLAG, INTEGER, CHOICE, WORD };

static const struct row {
    const char *name;
    enum kind kind;
    size_t at; /* in struct settings */
    int64_t number;
    const char *word; /* default, NULL or text */
    const char *given; /* as JSON */
    int64_t given_number;
    const char *given_word;
} rows[] = {
#define IN(member) offsetof(struct settings, member)
#define OFF(name, member)                    {name, FLAG, IN(member), 0, NULL, "true", 1, NULL}
#define ON(name, member)                     {name, FLAG, IN(member), 1, NULL, "false", 0, NULL}
#define NUMBER(name, member, def, json, num) {name, INTEGER, IN(member), def, NULL, json, num, NULL}
#define ONE_OF(name, member, def, json, num) {name, CHOICE, IN(member), def, NULL, json, num, NULL}
#define TEXT_ROW(name, member, def, other)                                                         \
    {name, WORD, IN(member), 0, def, "\"" other "\"", 0, other}
    /* section 1 */
    NUMBER("http_server.port", http.port, 8000, "81", 81),
    NUMBER("http.port", http.port, 8000, "81", 81),
    TEXT_ROW("http_server.address", http.host, "127.0.0.1", "::1"),
    TEXT_ROW("http.host", http.host, "127.0.0.1", "::1"),
    TEXT_ROW("http_server.internal_address", http.internal_host, "127.0.0.1", "10.0.0.1"),
    NUMBER("http_server.internal_port", http.internal_port, 0, "9000", 9000),
    OFF("websocket.disabled", websocket.disabled),
    TEXT_ROW("websocket.handler_prefix", websocket.path, "/connection/websocket", "/ws"),
    OFF("websocket.compression", websocket.compression),
    NUMBER("websocket.compression_min_size", websocket.compression_min_size, 0, "128", 128),
    OFF("http_stream.enabled", http_stream.enabled),
    TEXT_ROW("http_stream.handler_prefix", http_stream.path, "/connection/http_stream", "/hs"),
    OFF("sse.enabled", sse.enabled),
    TEXT_ROW("sse.handler_prefix", sse.path, "/connection/sse", "/s"),
    TEXT_ROW("emulation.handler_prefix", emulation.path, "/emulation", "/e"),
    OFF("uni_websocket.enabled", uni_websocket.enabled),
    TEXT_ROW("uni_websocket.handler_prefix", uni_websocket.path, "/connection/uni_websocket", "/u"),
    OFF("uni_sse.enabled", uni_sse.enabled),
    TEXT_ROW("uni_sse.handler_prefix", uni_sse.path, "/connection/uni_sse", "/u"),
    OFF("uni_http_stream.enabled", uni_http_stream.enabled),
    TEXT_ROW("uni_http_stream.handler_prefix", uni_http_stream.path, "/connection/uni_http_stream",
             "/u"),
    OFF("init.enabled", connection_init_enabled),
    OFF("http_api.disabled", http_api.disabled),
    TEXT_ROW("http_api.handler_prefix", http_api.path, "/api", "/a"),
    TEXT_ROW("http_api.key", http_api.key, NULL, "k"),
    OFF("http_api.insecure", http_api.insecure),
    OFF("http_api.external", http_api.external),
    ONE_OF("http_api.error_mode", http_api.transport_errors, 0, "\"transport\"", 1),
    ON("health.enabled", endpoint.health),
    ON("prometheus.enabled", endpoint.metrics),
    TEXT_ROW("admin.handler_prefix", admin.path, "/admin", "/boss"),
    TEXT_ROW("admin.password", admin.password, NULL, "p"),
    TEXT_ROW("admin.secret", admin.secret, NULL, "s"),
    OFF("admin.insecure", admin.insecure),

    /* sections 5 to 7 and 10 */
    OFF("client.insecure", client.insecure),
    OFF("client.insecure_skip_token_signature_verify", client.insecure_skip_token_signature_verify),
    OFF("client.allow_anonymous_connect_without_token",
        client.allow_anonymous_connect_without_token),
    OFF("client.disallow_anonymous_connection_tokens", client.disallow_anonymous_connection_tokens),
    TEXT_ROW("client.user_id_http_header", client.user_id_http_header, "", "X-User"),
    OFF("client.subscribe_to_user_personal_channel.enabled",
        client.subscribe_to_user_personal_channel_enabled),
    OFF("client.subscribe_to_user_personal_channel.single_connection",
        client.user_personal_single_connection),
    TEXT_ROW("client.subscribe_to_user_personal_channel.personal_channel_namespace",
             client.user_personal_channel_namespace, "", "ns"),
    OFF("client.connect_include_server_time", client.connect_include_server_time),
    TEXT_ROW("client.token.hmac_secret_key", client.token.hmac_secret_key, NULL, "short"),
    TEXT_ROW("client.token.hmac_previous_secret_key", client.token.hmac_previous_secret_key, NULL,
             "old"),
    NUMBER("client.token.hmac_previous_secret_key_valid_until",
           client.token.hmac_previous_secret_key_valid_until, 0, "1893456000", 1893456000),
    TEXT_ROW("client.token.rsa_public_key", client.token.rsa_public_key, NULL, "pem"),
    TEXT_ROW("client.token.ecdsa_public_key", client.token.ecdsa_public_key, NULL, "pem"),
    TEXT_ROW("client.token.jwks_public_endpoint", client.token.jwks_public_endpoint, "",
             "https://a/k"),
    TEXT_ROW("client.token.audience", client.token.audience, "", "me"),
    TEXT_ROW("client.token.audience_regex", client.token.audience_regex, "", "^me$"),
    TEXT_ROW("client.token.issuer", client.token.issuer, "", "them"),
    TEXT_ROW("client.token.issuer_regex", client.token.issuer_regex, "", "^them$"),
    TEXT_ROW("client.token.user_id_claim", client.token.user_id_claim, "", "uid"),
    OFF("client.subscription_token.enabled", client.subscription_token_enabled),
    TEXT_ROW("client.subscription_token.hmac_secret_key",
             client.subscription_token.hmac_secret_key, NULL, "s"),

    /* section 14 */
    NUMBER("client.channel_limit", client.channel_limit, 128, "5", 5),
    NUMBER("client.queue_max_size", client.queue_max_bytes, 1048576, "5000", 5000),
    NUMBER("client.queue_max_bytes", client.queue_max_bytes, 1048576, "5000", 5000),
    NUMBER("client.stale_close_delay", client.stale_close_ms, 10000, "\"1s\"", 1000),
    NUMBER("client.expired_close_delay", client.expired_close_ms, 25000, "\"1s\"", 1000),
    NUMBER("client.expired_sub_close_delay", client.expired_sub_close_ms, 25000, "\"0s\"", 0),
    NUMBER("client.presence_update_interval", client.presence_update_interval_ms, 27000, "\"1m\"",
           60000),
    NUMBER("client.channel_position_check_delay", client.channel_position_check_delay_ms, 40000,
           "\"1s\"", 1000),
    NUMBER("client.history_max_publication_limit", client.history_max_publications, 300, "9", 9),
    NUMBER("client.history_max_publications", client.history_max_publications, 300, "9", 9),
    NUMBER("client.recovery_max_publication_limit", client.recovery_max_publications, 300, "9", 9),
    NUMBER("client.recovery_max_publications", client.recovery_max_publications, 300, "9", 9),
    NUMBER("client.connection_limit", client.connection_limit, 0, "9", 9),
    NUMBER("client.connection_rate_limit", client.connection_rate_limit, 0, "9", 9),
    NUMBER("client.user_connection_limit", client.user_connection_limit, 0, "9", 9),
    NUMBER("client.ping_interval", client.ping_interval_ms, 25000, "\"30s\"", 30000),
    NUMBER("client.ping_interval", client.ping_interval_ms, 25000, "-1", 0),
    NUMBER("client.pong_timeout", client.pong_timeout_ms, 8000, "\"300ms\"", 300),
    NUMBER("client.pong_timeout", client.pong_timeout_ms, 8000, "-1", 0),
    NUMBER("channel.max_length", channel.max_length, 255, "100", 100),
    NUMBER("websocket.message_size_limit", websocket.message_size_limit, 65536, "2048", 2048),
    NUMBER("client.message_max_bytes", websocket.message_size_limit, 65536, "2048", 2048),
    NUMBER("websocket.write_timeout", websocket.write_timeout_ms, 1000, "\"2s\"", 2000),
    NUMBER("http_stream.max_request_body_size", http_stream.max_request_body_size, 65536, "2048",
           2048),
    NUMBER("sse.max_request_body_size", sse.max_request_body_size, 65536, "2048", 2048),
    NUMBER("emulation.max_request_body_size", emulation.max_request_body_size, 65536, "2048", 2048),
    NUMBER("client.proxy.connect.timeout", client.connect_proxy.timeout_ms, 1000, "\"2s\"", 2000),
    NUMBER("channel.proxy.publish.timeout", channel.publish_proxy.timeout_ms, 1000, "\"2s\"", 2000),
    NUMBER("rpc.proxy.timeout", rpc.proxy.timeout_ms, 1000, "\"2s\"", 2000),
    NUMBER("proxy.open_max", proxy_open_max, 256, "2", 2),

    /* section 11.1 and 11.3 */
    TEXT_ROW("channel.namespace_boundary", channel.namespace_boundary, ":", "/"),
    TEXT_ROW("channel.private_prefix", channel.private_prefix, "$", "!"),
    TEXT_ROW("channel.user_boundary", channel.user_boundary, "#", "@"),
    TEXT_ROW("channel.user_separator", channel.user_separator, ",", ";"),
    NUMBER("channel.history_meta_ttl", channel.history_meta_ttl_ms, 2592000000, "\"2h\"", 7200000),
    ONE_OF("channel.publication_data_format", channel.publication_data_format, DATA_ANY,
           "\"binary\"", DATA_BINARY),
#define NS(option)     "channel.without_namespace." #option
#define NS_FLAG(option) OFF(NS(option), channel.without_namespace.option)
    NS_FLAG(presence),
    NS_FLAG(join_leave),
    NS_FLAG(force_push_join_leave),
    NS_FLAG(force_positioning),
    NS_FLAG(allow_positioning),
    NS_FLAG(allow_recovery),
    NS_FLAG(delta_publish),
    NS_FLAG(allow_tags_filter),
    NS_FLAG(allow_subscribe_for_client),
    NS_FLAG(allow_subscribe_for_anonymous),
    NS_FLAG(allow_publish_for_client),
    NS_FLAG(allow_publish_for_subscriber),
    NS_FLAG(allow_publish_for_anonymous),
    NS_FLAG(allow_presence_for_client),
    NS_FLAG(allow_presence_for_subscriber),
    NS_FLAG(allow_presence_for_anonymous),
    NS_FLAG(allow_history_for_client),
    NS_FLAG(allow_history_for_subscriber),
    NS_FLAG(allow_history_for_anonymous),
    NS_FLAG(allow_user_limited_channels),
    NS_FLAG(allow_wildcard_subscribe),
    NUMBER(NS(history_meta_ttl), channel.without_namespace.history_meta_ttl_ms, 2592000000,
           "\"1h\"", 3600000),
    ONE_OF(NS(force_recovery_mode), channel.without_namespace.force_recovery_mode, RECOVERY_STREAM,
           "\"cache\"", RECOVERY_CACHE),
    ONE_OF(NS(allowed_delta_types), channel.without_namespace.allow_fossil_delta, 0, "[\"fossil\"]",
           1),
    ONE_OF(NS(publication_data_format), channel.without_namespace.publication_data_format, DATA_ANY,
           "\"json\"", DATA_JSON),
    TEXT_ROW(NS(channel_regex), channel.without_namespace.channel_regex, "", "^a"),
    TEXT_ROW(NS(subscribe_proxy_name), channel.without_namespace.subscribe_proxy_name, "default",
             "default"),

    /* ours */
    NUMBER("memory.max_channels", memory.max_channels, 1000000, "5", 5),
    NUMBER("memory.max_bytes", memory.max_bytes, 268435456, "65536", 65536),
    NUMBER("memory.idempotency_ttl", memory.idempotency_ttl_ms, 300000, "\"1m\"", 60000),
    NUMBER("channel.patterns_max", channel.patterns_max, 1024, "1", 1),
    NUMBER("client.backlog_max_bytes", client.backlog_max_bytes, 262144, "2048", 2048),
    NUMBER("client.close_ms", client.close_ms, 3000, "10", 10),
    NUMBER("gateway.drain_ms", gateway.drain_ms, 2000, "10", 10),
    TEXT_ROW("node.name", gateway.node, "", "eu"),
    ONE_OF("log.level", log.level, 2, "\"debug\"", 3),
    ONE_OF("log.level", log.level, 2, "\"trace\"", 3),
    ONE_OF("log.level", log.level, 2, "\"none\"", 0),
};

static void check_value(const struct row *row, int64_t number, const char *word)
{
    const char *at = (const char *)&settings + row->at;
    const int64_t found = row->kind == FLAG      ? *(const bool *)at
                          : row->kind == INTEGER ? *(const int64_t *)(const void *)at
                          : row->kind == CHOICE  ? *(const int *)(const void *)at
                                                 : 0;
    const char *text = row->kind == WORD ? *(char *const *)(const void *)at : NULL;

    if (found != number || (text == NULL) != (word == NULL) ||
        (text != NULL && strcmp(text, word) != 0))
        fail_msg("%s is %lld %s", row->name, (long long)found, text);
}

static void every_option_has_its_default_and_takes_another_value(void **state)
{
    char json[512];

    accepts("{}");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        check_value(&rows[i], rows[i].number, rows[i].word);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        snprintf(json, sizeof(json), "{\"%s\": %s}", rows[i].name, rows[i].given);
        accepts(json);
        check_value(&rows[i], rows[i].given_number, rows[i].given_word);
    }
}

/* ---- what must not be, each with its words ---- */

#define NAMESPACE(options) "{\"channel\":{\"namespaces\":[{\"name\":\"ns\"," options "}]}}"

static void what_does_not_go_together_is_refused(void **state)
{
    static const struct {
        const char *json, *why;
    } bad[] = {
        {"{\"client\":{\"ping_interval\":\"5s\"}}",
         "client.pong_timeout must be below client.ping_interval"},
        {"{\"client\":{\"ping_interval\":\"1500ms\"}}", "whole seconds"},
        {"{\"client\":{\"channel_limit\":0}}", "client.channel_limit: a whole number from 1"},
        {NAMESPACE("\"history_size\":5"),
         "channel.namespaces[ns]: history_size and history_ttl go together"},
        {NAMESPACE("\"history_ttl\":\"5s\""), "go together"},
        {NAMESPACE("\"history_size\":1,\"history_ttl\":\"2h\",\"history_meta_ttl\":\"1h\""),
         "history_ttl must not be above history_meta_ttl"},
        {NAMESPACE("\"force_recovery\":true"), "force_recovery needs history_size"},
        {NAMESPACE("\"history_size\":1,\"history_ttl\":\"1s\",\"auto_cache_recover\":true"),
         "auto_cache_recover needs force_recovery"},
        {NAMESPACE("\"history_size\":1,\"history_ttl\":\"1s\",\"force_recovery\":true,"
                   "\"auto_cache_recover\":true"),
         "auto_cache_recover needs force_recovery"},
        {NAMESPACE("\"allowed_delta_types\":[\"xdelta\"]"),
         "channel.namespaces[ns].allowed_delta_types: a list of: fossil was expected"},
        {NAMESPACE("\"force_recovery_mode\":\"best\""), "one of: stream, cache"},
        {NAMESPACE("\"publication_data_format\":\"xml\""), "one of: any, json"},
        {NAMESPACE("\"channel_regex\":\"(?i)a\""), "channel.namespaces[ns].channel_regex: a group"},
        {NAMESPACE("\"channel_regex\":\"[a\""), "a [ without its ]"},
        {NAMESPACE("\"subscription_type\":\"map\""), "not supported here"},
        {NAMESPACE("\"subscribe_stream_proxy_enabled\":true"), "not supported here"},
        {NAMESPACE("\"subscribe_proxy_name\":\"nobody\""), "there is no proxy \"nobody\""},
        {NAMESPACE("\"subscribe_proxy_enabled\":true"), "channel.proxy.subscribe.endpoint is empty"},
        {NAMESPACE("\"presence\":1"), "c.json: channel.namespaces[ns].presence: true or false"},
        {NAMESPACE("\"allow_wildcard_subscribe\":true,\"allow_user_limited_channels\":true"),
         "cannot go with"},
        {"{\"channel\":{\"without_namespace\":{\"history_size\":5}}}",
         "channel.without_namespace: history_size and"},
        {"{\"channel\":{\"without_namespace\":{\"subscription_type\":\"map\"}}}", "not supported"},
        {"{\"channel\":{\"namespaces\":[{\"name\":\"n\"}]}}", "its name must have two or more"},
        {"{\"channel\":{\"namespaces\":[{\"name\":\"a b\"}]}}", "its name must have"},
        {"{\"channel\":{\"namespaces\":[{\"presence\":true}]}}",
         "c.json: channel.namespaces[0].name is required"},
        {"{\"channel\":{\"namespaces\":[{\"name\":\"aa\"},{\"name\":\"bb\"},{\"name\":\"aa\"}]}}",
         "channel.namespaces: there are two \"aa\""},
        {"{\"channel\":{\"namespaces\":{}}}", "a JSON array was expected"},
        {"{\"channel\":{\"namespace_boundary\":\"::\"}}", "one ASCII byte"},
        {"{\"channel\":{\"max_length\":256}}", "from 1 to 255"},
        {"{\"client\":{\"subscribe_to_user_personal_channel\":{\"enabled\":true,"
         "\"personal_channel_namespace\":\"gone\"}}}",
         "there is no namespace \"gone\""},
        {"{\"client\":{\"subscribe_to_user_personal_channel\":{\"enabled\":true,"
         "\"single_connection\":true}}}",
         "single_connection needs presence"},
        {"{\"client\":{\"proxy\":{\"connect\":{\"enabled\":true}}}}",
         "client.proxy.connect.endpoint is empty"},
        {"{\"client\":{\"proxy\":{\"connect\":{\"endpoint\":\"grpc://a:1\"}}}}",
         "gRPC (grpc://) is not supported"},
        {"{\"rpc\":{\"proxy\":{\"endpoint\":\"a:1\"}}}", "http:// or https:// address"},
        {"{\"rpc\":{\"without_namespace\":{\"proxy_enabled\":true}}}", "rpc.proxy.endpoint is empty"},
        {"{\"rpc\":{\"namespaces\":[{\"name\":\"aa\",\"proxy_name\":\"bb\"}]}}",
         "rpc.namespaces[aa].proxy_name: there is no proxy \"bb\""},
        {"{\"proxies\":[{\"name\":\"pp\"}]}", "proxies[pp].endpoint is empty"},
        {"{\"proxies\":[{\"name\":\"default\",\"endpoint\":\"http://a\"}]}", "is taken"},
        {"{\"proxies\":[{\"name\":\"pp\",\"endpoint\":\"http://a\"},{\"name\":\"pp\",\"endpoint\":"
         "\"http://a\"}]}",
         "proxies: there are two \"pp\""},
        {"{\"rpc\":{\"proxy\":{\"http\":{\"static_headers\":{\"a b\":\"c\"}}}}}", "static_headers"},
        {"{\"rpc\":{\"proxy\":{\"http\":{\"static_headers\":{\"a\":\"c\\r\\nd: e\"}}}}}",
         "as HTTP allows them"},
        {"{\"rpc\":{\"proxy\":{\"http\":{\"status_to_code_transforms\":[{\"status_code\":404}]}}}}",
         "needs either"},
        {"{\"rpc\":{\"proxy\":{\"http\":{\"status_to_code_transforms\":[{\"status_code\":404,"
         "\"to_disconnect\":{\"code\":7}}]}}}}",
         "from 3000 to 4999"},
        {"{\"rpc\":{\"proxy\":{\"http\":{\"status_to_code_transforms\":[{}]}}}}",
         "status_to_code_transforms[0].status_code is required"},
        {"{\"client\":{\"token\":{\"user_id_claim\":\"a.b\"}}}", "client.token.user_id_claim"},
        {"{\"client\":{\"token\":{\"audience_regex\":\"(\"}}}", "client.token.audience_regex"},
        {"{\"client\":{\"token\":{\"jwks_public_endpoint\":\"ftp://a\"}}}", "jwks_public_endpoint"},
        {"{\"client\":{\"rate_limit\":{\"client_command\":{\"enabled\":true,\"publish\":{\"buckets\":"
         "[{\"interval\":\"1s\",\"rate\":1},{\"interval\":\"1m\",\"rate\":9}]}}}}}",
         "client.rate_limit.client_command.publish.buckets: one bucket is supported, not 2"},
        {"{\"client\":{\"rate_limit\":{\"client_command\":{\"publish\":{\"buckets\":[{\"rate\":1}]}}}"
         "}}",
         "publish.buckets[0].interval is required"},
        {"{\"admin\":{\"enabled\":true}}", "admin.enabled needs admin.password"},
        {"{\"sse\":{\"enabled\":true,\"handler_prefix\":\"/connection/websocket\"}}", "are both"},
        {"{\"sse\":{\"handler_prefix\":\"connection\"}}", "is no path"},
        {"{\"http_api\":{\"handler_prefix\":\"/health\"}}", "is taken"},
        {"{\"webhooks\":[{\"url\":\"x\"}]}", "webhooks[0].url: an http://"},
        {"{\"webhooks\":[{}]}", "webhooks[0].url is required"},
        {"{\"webhooks\":[{\"url\":\"http://a\",\"events\":[\"birth\"]}]}", "a list of: connect"},
        {"{\"gateway\":{\"broker\":\"bus\"}}", "gateway.broker is bus, but bus.apis is empty"},
        {"{\"bus\":{\"apis\":\"tcp://a:1\"}}", "token.secret is required on the bus"},
        {"{\"token\":{\"secret\":\"short\"}}", "too short to be a secret"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        refuses(bad[i].json, bad[i].why);
}

#define ON_BUS "\"bus\":{\"apis\":\"tcp://a:1\"},\"token\":{\"secret\":\"0123456789abcdef\"}"

static void on_the_bus_the_products_names_are_reserved(void **state)
{
    static const char *const names[] = {"room", "live", "user", "status", "public", "chats"};
    char json[256];

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        snprintf(json, sizeof(json), "{" ON_BUS ",\"channel\":{\"namespaces\":[{\"name\":\"%s\"}]}}",
                 names[i]);
        refuses(json, "is Parley's own");
        snprintf(json, sizeof(json), "{\"channel\":{\"namespaces\":[{\"name\":\"%s\"}]}}", names[i]);
        accepts(json);
    }
    accepts("{" ON_BUS ",\"channel\":{\"namespaces\":[{\"name\":\"rooms\"}]}}");
}

static void defaults_differ_on_the_bus(void **state)
{
    accepts("{" ON_BUS "}");
    assert_int_equal(settings.gateway.broker, BROKER_BUS);
    assert_int_equal(settings.http.port, 8001);
    assert_int_equal(settings.client.expired_close_ms, 90000);
    assert_string_equal(settings.token.audience, "parley");
    assert_string_equal(settings.client.token.audience, "parley");
    assert_string_equal(settings.client.token.hmac_secret_key, "0123456789abcdef");
    accepts("{" ON_BUS ",\"gateway\":{\"broker\":\"memory\"}}");
    assert_int_equal(settings.gateway.broker, BROKER_MEMORY);
    assert_int_equal(settings.http.port, 8000);
    accepts("{" ON_BUS ",\"client\":{\"expired_close_delay\":\"1s\",\"token\":{\"audience\":\"us\"}}}");
    assert_int_equal(settings.client.expired_close_ms, 1000);
    assert_string_equal(settings.client.token.audience, "us");
    accepts("{}");
    assert_int_equal(settings.gateway.broker, BROKER_MEMORY);
    assert_string_equal(settings.client.token.audience, "");
    assert_null(settings.client.token.hmac_secret_key);
}

static void namespaces_inherit_and_are_sorted(void **state)
{
    accepts("{\"channel\":{\"history_meta_ttl\":\"1h\",\"publication_data_format\":\"json\","
            "\"namespaces\":[{\"name\":\"zz\"},{\"name\":\"aa\",\"history_meta_ttl\":\"2h\","
            "\"publication_data_format\":\"binary\"}]}}");
    assert_string_equal(settings.channel.namespaces[0].name, "aa");
    assert_int_equal(settings.channel.namespaces[0].history_meta_ttl_ms, 7200000);
    assert_int_equal(settings.channel.namespaces[0].publication_data_format, DATA_BINARY);
    assert_int_equal(settings.channel.namespaces[1].history_meta_ttl_ms, 3600000);
    assert_int_equal(settings.channel.namespaces[1].publication_data_format, DATA_JSON);
    assert_int_equal(settings.channel.without_namespace.publication_data_format, DATA_JSON);
}

static void the_environment_reaches_into_lists_by_name(void **state)
{
    setenv("PARLEY_CHANNEL_NAMESPACES_NEWS_A_PRESENCE", "true", 1);
    setenv("PARLEY_CHANNEL_NAMESPACES_NEWS_A_HISTORY_TTL", "9s", 1);
    setenv("PARLEY_PROXIES_PP_ENDPOINT", "http://there", 1);
    setenv("PARLEY_RPC_NAMESPACES_RR_PROXY_ENABLED", "1", 1);
    accepts("{\"channel\":{\"namespaces\":[{\"name\":\"news-a\",\"history_size\":1,"
            "\"history_ttl\":\"1s\"},{\"name\":\"other\"}]},\"proxies\":[{\"name\":\"pp\"}],"
            "\"rpc\":{\"namespaces\":[{\"name\":\"rr\",\"proxy_name\":\"pp\"}]}}");
    assert_true(namespace_named(&settings, TEXT("news-a"))->presence);
    assert_int_equal(namespace_named(&settings, TEXT("news-a"))->history_ttl_ms, 9000);
    assert_false(namespace_named(&settings, TEXT("other"))->presence);
    assert_string_equal(settings.proxies[0].endpoint, "http://there");
    assert_true(settings.rpc.namespaces[0].proxy_enabled);
    unsetenv("PARLEY_CHANNEL_NAMESPACES_NEWS_A_PRESENCE");
    unsetenv("PARLEY_CHANNEL_NAMESPACES_NEWS_A_HISTORY_TTL");
    unsetenv("PARLEY_PROXIES_PP_ENDPOINT");
    unsetenv("PARLEY_RPC_NAMESPACES_RR_PROXY_ENABLED");
}

static void limits_by_command_fall_back_to_the_default_bucket(void **state)
{
    accepts("{\"client\":{\"rate_limit\":{\"client_command\":{\"enabled\":true,"
            "\"total\":{\"buckets\":[{\"interval\":\"1m\",\"rate\":900}]},"
            "\"default\":{\"enabled\":true,\"buckets\":[{\"interval\":\"1s\",\"rate\":60}]},"
            "\"publish\":{\"buckets\":[{\"interval\":\"2s\",\"rate\":1}]},"
            "\"rpc\":{\"enabled\":false,\"buckets\":[{\"interval\":\"2s\",\"rate\":1}]}},"
            "\"user_command\":{\"publish\":{\"buckets\":[{\"interval\":\"2s\",\"rate\":1}]}}}}}");
    const struct rate_settings *rate = &settings.client.client_rate;
    assert_true(rate->enabled);
    assert_int_equal(rate->commands[0].rate, 900);
    assert_int_equal(rate->commands[0].interval_ms, 60000);
    assert_int_equal(rate->commands[COMMAND_PUBLISH].rate, 1);
    assert_int_equal(rate->commands[COMMAND_PUBLISH].interval_ms, 2000);
    assert_int_equal(rate->commands[COMMAND_RPC].rate, 60);
    assert_int_equal(rate->commands[COMMAND_HISTORY].rate, 60);
    assert_int_equal(rate->commands[COMMAND_PING].rate, 0);
    assert_false(settings.client.user_rate.enabled);
    assert_int_equal(settings.client.user_rate.commands[COMMAND_PUBLISH].rate, 0);
}

static void webhooks_have_defaults(void **state)
{
    accepts("{\"webhooks\":[{\"url\":\"http://a/b\"},{\"url\":\"https://c\",\"secret\":\"s\","
            "\"events\":[\"connect\",\"vacated\"],\"delay\":\"0s\",\"batch_max\":1}]}");
    assert_int_equal(settings.webhook_count, 2);
    assert_int_equal(settings.webhooks[0].events, 63);
    assert_null(settings.webhooks[0].secret);
    assert_int_equal(settings.webhooks[0].batch_max, 100);
    assert_int_equal(settings.webhooks[0].timeout_ms, 5000);
    assert_int_equal(settings.webhooks[1].events, 1 | 32);
    assert_int_equal(settings.webhooks[1].delay_ms, 0);
}

/* ---- a file of Centrifugo v6 ---- */

static void read_sample(struct buf *file)
{
    FILE *sample = fopen(TEST_DATA "/centrifugo_v6.json", "re");
    size_t count;

    assert_non_null(sample);
    while ((count = fread(buf_reserve(file, 4096), 1, 4096, sample)) > 0)
        file->len += count;
    fclose(sample);
}

static void check_sample_proxies(void)
{
    const struct proxy_settings *connect = &settings.client.connect_proxy;

    assert_true(settings.client.connect_proxy_enabled);
    assert_int_equal(connect->timeout_ms, 3000);
    assert_int_equal(connect->http_headers.count, 2);
    assert_string_equal(connect->static_headers[0].name, "X-Source");
    assert_string_equal(connect->static_headers[0].value, "centrifugo");
    assert_int_equal(connect->transform_count, 2);
    assert_int_equal(connect->transforms[0].error_code, 404);
    assert_int_equal(connect->transforms[1].disconnect_code, 4504);
    assert_string_equal(connect->transforms[1].message, "go away");
    assert_string_equal(settings.proxies[0].name, "publisher");
    assert_true(settings.proxies[0].binary_encoding);
    assert_true(settings.rpc.proxy.include_connection_meta);
    assert_true(settings.rpc.namespaces[0].proxy_enabled);
}

static void check_sample_channels(void)
{
    const struct namespace *chat = namespace_find(&settings, TEXT("chat:x"));
    const struct namespace *prices = namespace_find(&settings, TEXT("prices:x"));

    assert_true(chat->force_push_join_leave && chat->allow_fossil_delta && chat->force_recovery);
    assert_int_equal(chat->history_ttl_ms, 300000);
    assert_true(go_regex_matches(chat->regex, TEXT("a-b_1")));
    assert_int_equal(prices->force_recovery_mode, RECOVERY_CACHE);
    assert_string_equal(prices->publish_proxy_name, "publisher");
    assert_int_equal(prices->publication_data_format, DATA_JSON_OBJECT);
    assert_true(settings.channel.without_namespace.presence);
}

static void a_file_of_centrifugo_is_taken_as_it_is(void **state)
{
    struct buf file = {0};

    read_sample(&file);
    accepts(buf_cstring(&file));
    buf_fini(&file);
    assert_string_equal(settings.http.host, "0.0.0.0");
    assert_int_equal(settings.http.internal_port, 9000);
    assert_int_equal(settings.client.allowed_origins.count, 2);
    assert_string_equal(settings.client.token.user_id_claim, "uid");
    assert_string_equal(settings.client.subscription_token.hmac_secret_key, "secret");
    assert_int_equal(settings.client.ping_interval_ms, 12000);
    assert_true(settings.http_api.transport_errors && settings.emulation.enabled);
    assert_string_equal(settings.gateway.node, "eu-1");
    assert_int_equal(settings.client.client_rate.commands[COMMAND_PUBLISH].rate, 1);
    check_sample_channels();
    check_sample_proxies();
}

static void what_is_not_supported_is_named(void **state)
{
    assert_true(reads("{\"engine\":{\"type\":\"redis\"},\"consumers\":[{\"name\":\"k\"}],"
                      "\"http_server\":{\"tls\":{\"enabled\":true}},\"grpc_api\":{\"enabled\":true},"
                      "\"client\":{\"concurrency\":8},\"channel\":{\"namespaces\":[{\"name\":\"ns\","
                      "\"map\":{\"ordered\":true},\"typo\":1}]},\"proxies\":[{\"name\":\"pp\","
                      "\"endpoint\":\"http://a\",\"grpc_metadata\":[\"x\"]}],\"nonsense\":{\"a\":1}}"));
    assert_string_equal(buf_cstring(&notes.foreign),
                        " engine.type consumers http_server.tls grpc_api client.concurrency"
                        " channel.namespaces[ns].map proxies[pp].grpc_metadata");
    assert_string_equal(buf_cstring(&notes.unknown), " nonsense.a channel.namespaces[ns].typo");
}

static int finish(void **state)
{
    (void)state;
    settings_fini(&settings);
    options_notes_fini(&notes);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_has_its_default_and_takes_another_value),
        cmocka_unit_test(what_does_not_go_together_is_refused),
        cmocka_unit_test(on_the_bus_the_products_names_are_reserved),
        cmocka_unit_test(defaults_differ_on_the_bus),
        cmocka_unit_test(namespaces_inherit_and_are_sorted),
        cmocka_unit_test(the_environment_reaches_into_lists_by_name),
        cmocka_unit_test(limits_by_command_fall_back_to_the_default_bucket),
        cmocka_unit_test(webhooks_have_defaults),
        cmocka_unit_test(a_file_of_centrifugo_is_taken_as_it_is),
        cmocka_unit_test(what_is_not_supported_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, finish);
}
