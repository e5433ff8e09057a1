#include "gateway/config/foreign.h"

/* Who sets these expects deliveries of another kind, so going on without would be wrong: refused. */
#define IN_NAMESPACE(below)                                                                        \
    {below "subscription_type", "stream", true},                                                   \
        {below "subscribe_stream_proxy_enabled", NULL, true},                                      \
        {below "subscribe_stream_proxy_name", "default", false},                                   \
        {below "subscribe_stream_proxy_bidirectional", NULL, false},                               \
        {below "subscribe_stream_bidirectional", NULL, false}, {below "map", NULL, false},         \
        {below "shared_poll", NULL, false},                                                        \
        {below "map_clients_presence_channel_prefix", NULL, false},                                \
        {below "map_users_presence_channel_prefix", NULL, false},                                  \
        {below "allow_channel_compaction", NULL, false},                                           \
        {below "publish_debounce", NULL, false}, {below "keep_latest_publication", NULL, false},   \
        {below "shared_position_sync", NULL, false},                                               \
        {below "subscribe_cel", NULL, false}, {below "publish_cel", NULL, false},                  \
        {below "history_cel", NULL, false}, {below "presence_cel", NULL, false},                   \
        {below "state_events", NULL, false}, {below "state_proxy_enabled", NULL, false},           \
        {below "state_proxy_name", "default", false},                                              \
        {below "cache_empty_proxy_enabled", NULL, false},                                          \
        {below "cache_empty_proxy_name", "default", false},                                        \
        {below "batch_max_size", NULL, false}, {below "batch_max_delay", NULL, false},             \
        {below "batch_flush_latest", NULL, false}, {below "broker_name", NULL, false},             \
        {below "engine_name", NULL, false}, {below "presence_manager_name", NULL, false},          \
        {below "pattern", NULL, false}, {below "tags_filter", NULL, false}

#define IN_PROXY(below)                                                                            \
    {below "grpc_metadata", NULL, false}, {below "grpc", NULL, false},                             \
        {below "http.tls", NULL, false}, {below "http.proxy_url", NULL, false}

#define IN_SUBPROTOCOL(below)                                                                      \
    {below "compression_level", "1", false}, {below "read_buffer_size", NULL, false},              \
        {below "write_buffer_size", NULL, false}, {below "use_write_buffer_pool", NULL, false}

#define IN_UNI(below)                                                                              \
    {below "max_request_body_size", "65536", false},                                               \
        {below "connect_code_to_http_response", NULL, false}

#define END                                                                                        \
    {                                                                                              \
        NULL, NULL, false                                                                          \
    }

const struct option_foreign foreign_in_namespaces[] = {IN_NAMESPACE(""), END};
const struct option_foreign foreign_in_proxies[] = {IN_PROXY(""), END};

/* clang-format off: a line for each section */
const struct option_foreign foreign_names[] = {
    IN_NAMESPACE("channel.without_namespace."),
    IN_PROXY("client.proxy.connect."), IN_PROXY("client.proxy.refresh."),
    IN_PROXY("channel.proxy.subscribe."), IN_PROXY("channel.proxy.publish."),
    IN_PROXY("channel.proxy.sub_refresh."), IN_PROXY("rpc.proxy."),
    {"channel.proxy.subscribe_stream.timeout", "1s", false}, {"channel.proxy.subscribe_stream", NULL, false},
    {"channel.proxy.state", NULL, false}, {"channel.proxy.cache_empty", NULL, false},
    {"channel.patterns", NULL, false},
    IN_SUBPROTOCOL("websocket."), IN_SUBPROTOCOL("uni_websocket."),
    {"uni_websocket.compression", NULL, false}, {"uni_websocket.compression_min_size", NULL, false},
    {"uni_websocket.write_timeout", "1s", false}, {"uni_websocket.message_size_limit", "65536", false},
    {"uni_websocket.join_push_messages", NULL, false},
    IN_UNI("uni_sse."), IN_UNI("uni_http_stream."),
    {"init.handler_prefix", "/connection/init", false},
    {"health.handler_prefix", "/health", false},
    {"prometheus.handler_prefix", "/metrics", false}, {"prometheus.instrument_http_handlers", NULL, false},
    {"admin.external", NULL, false}, {"admin.web_path", NULL, false}, {"admin.web_proxy_address", NULL, false},
    {"admin.oidc", NULL, false},
    {"client.concurrency", NULL, false}, {"client.channel_position_max_time_lag", NULL, false},
    {"client.connect_code_to_unidirectional_disconnect", NULL, false},
    {"client.rate_limit.client_error", NULL, false}, {"client.rate_limit.redis_user_command", NULL, false},
    {"client.rate_limit", NULL, false}, {"client.compression", NULL, false},
    {"client.connect_cel", NULL, false}, {"client.connection_labels", NULL, false},
    {"client.token.jwks", NULL, false}, {"client.subscription_token.jwks", NULL, false},
    {"client.tokens", NULL, false},
    {"rpc.ping", NULL, false}, {"rpc.namespace_boundary", ":", false},
    {"http_server.tls", NULL, false}, {"http_server.tls_autocert", NULL, false},
    {"http_server.tls_external", NULL, false}, {"http_server.internal_tls", NULL, false},
    {"http_server.http3", NULL, false},
    {"log.file", NULL, false},
    {"engine.type", "memory", false}, {"engine", NULL, false},
    {"broker.type", "memory", false}, {"broker.enabled", "true", false}, {"broker", NULL, false},
    {"presence_manager.type", "memory", false}, {"presence_manager.enabled", "true", false},
    {"presence_manager", NULL, false},
    {"map_broker.type", "memory", false}, {"map_broker", NULL, false},
    {"controller", NULL, false}, {"shared_poll", NULL, false},
    {"brokers", NULL, false}, {"presence_managers", NULL, false}, {"engines", NULL, false},
    {"nats", NULL, false}, {"postgresql", NULL, false}, {"tls", NULL, false},
    {"consumers", NULL, false}, {"grpc_api", NULL, false}, {"uni_grpc", NULL, false},
    {"webtransport", NULL, false}, {"opentelemetry", NULL, false}, {"graphite", NULL, false},
    {"swagger", NULL, false}, {"debug", NULL, false}, {"dev", NULL, false},
    {"usage_stats.disabled", "true", false}, {"usage_stats", NULL, false},
    {"node.info_metrics_aggregate_interval", "1m0s", false}, {"node", NULL, false},
    {"shutdown.timeout", "30s", false}, {"shutdown.termination_delay", NULL, false},
    {"pid_file", NULL, false}, {"enable_unreleased_features", NULL, false},
    {"unified_proxy", NULL, false},
    /* the PRO edition's */
    {"analytics", NULL, false}, {"clickhouse_analytics", NULL, false}, {"push_notifications", NULL, false},
    {"token_revoke", NULL, false}, {"user_block", NULL, false}, {"user_status", NULL, false},
    {"singleflight", NULL, false}, {"distributed_rate_limit", NULL, false},
    {"process", NULL, false}, {"tracing", NULL, false}, {"license", NULL, false},
    {"channel_state", NULL, false}, {"events", NULL, false}, {"sentry", NULL, false},
    END,
};
