#include "base/option_rows.h"
#include "gateway/config/readers.h"
#include "gateway/config/rows.h"

static const char *const error_modes[] = {"default", "transport", NULL};

/* clang-format off: tables read best with a row a line */
static void rows_of_two_way(struct rows *rows, struct settings *s)
{
    const struct option two_way[] = {
        FLAG_OPTION("websocket.disabled", websocket.disabled, "false", "No WebSocket."),
        TEXT_OPTION("websocket.handler_prefix", websocket.path, "/connection/websocket", "Its path."),
        FLAG_OPTION("websocket.compression", websocket.compression, "false", "permessage-deflate, without context takeover."),
        NUMBER_OPTION("websocket.compression_min_size", websocket.compression_min_size, "0", "bytes", 0,
                      16777216, "Smaller messages are not compressed."),
        {.name = "websocket.message_size_limit", .type = OPTION_NUMBER, .value = &s->websocket.message_size_limit,
         .fallback = "65536", .unit = "bytes", .min = 1024, .max = 16777216, .also = "client.message_max_bytes",
         .help = "Largest message of a client (1009)."},
        DURATION_OPTION("websocket.write_timeout", websocket.write_timeout_ms, "1s", 10, MINUTE_MS,
                        "A write that takes longer ends the connection."),
        FLAG_OPTION("http_stream.enabled", http_stream.enabled, "false", "HTTP streaming."),
        TEXT_OPTION("http_stream.handler_prefix", http_stream.path, "/connection/http_stream", "Its path."),
        NUMBER_OPTION("http_stream.max_request_body_size", http_stream.max_request_body_size, "65536", "bytes",
                      1024, 16777216, "Largest request (413)."),
        FLAG_OPTION("sse.enabled", sse.enabled, "false", "Server-sent events."),
        TEXT_OPTION("sse.handler_prefix", sse.path, "/connection/sse", "Their path."),
        NUMBER_OPTION("sse.max_request_body_size", sse.max_request_body_size, "65536", "bytes", 1024,
                      16777216, "Largest request (413)."),
        TEXT_OPTION("emulation.handler_prefix", emulation.path, "/emulation",
                    "Path for the commands of clients of these two; there when one of them is."),
        NUMBER_OPTION("emulation.max_request_body_size", emulation.max_request_body_size, "65536", "bytes",
                      1024, 16777216, "Largest request (413)."),
    };

    ROWS_ADD(rows, "", two_way);
}

static void rows_of_one_way(struct rows *rows, struct settings *s)
{
    const struct option one_way[] = {
        FLAG_OPTION("uni_websocket.enabled", uni_websocket.enabled, "false", "WebSocket for clients that only listen."),
        TEXT_OPTION("uni_websocket.handler_prefix", uni_websocket.path, "/connection/uni_websocket", "Its path."),
        FLAG_OPTION("uni_sse.enabled", uni_sse.enabled, "false", "Server-sent events for such clients."),
        TEXT_OPTION("uni_sse.handler_prefix", uni_sse.path, "/connection/uni_sse", "Their path."),
        FLAG_OPTION("uni_http_stream.enabled", uni_http_stream.enabled, "false", "HTTP streaming for such clients."),
        TEXT_OPTION("uni_http_stream.handler_prefix", uni_http_stream.path, "/connection/uni_http_stream", "Its path."),
        FLAG_OPTION("init.enabled", connection_init_enabled, "false",
                    "/connection/init, where a load balancer sets its cookie."),
    };

    ROWS_ADD(rows, "", one_way);
}

void rows_of_transports(struct rows *rows, struct settings *s)
{
    const struct option server[] = {
        FLAG_OPTION("http_api.disabled", http_api.disabled, "false", "No server API."),
        TEXT_OPTION("http_api.handler_prefix", http_api.path, "/api", "Its path."),
        SECRET_OPTION("http_api.key", http_api.key, true, "Key that calls must have; without one all are 401."),
        FLAG_OPTION("http_api.insecure", http_api.insecure, "false", "Calls need no key: for development."),
        FLAG_OPTION("http_api.external", http_api.external, "false",
                    "Also on the outer listener when there is an internal one."),
        CHOICE_OPTION("http_api.error_mode", http_api.transport_errors, "default", error_modes,
                      "Errors as HTTP 200 with an error inside, or as HTTP statuses (transport)."),
        {.name = "admin.enabled", .type = OPTION_FLAG, .value = &s->admin.enabled, .fallback = "false",
         .brief = "admin", .help = "The live admin page; needs admin.password."},
        TEXT_OPTION("admin.handler_prefix", admin.path, "/admin", "Its path."),
        SECRET_OPTION("admin.password", admin.password, true, "Password of the admin page."),
        SECRET_OPTION("admin.secret", admin.secret, true, "Signs its sessions; without one they end with this process."),
        FLAG_OPTION("admin.insecure", admin.insecure, "false", "The page needs no password: for development."),
        FLAG_OPTION("health.enabled", endpoint.health, "true", "/health."),
        FLAG_OPTION("prometheus.enabled", endpoint.metrics, "true", "/metrics."),
        {.name = "webhooks", .type = OPTION_JSON, .value = s, .fallback = "[]", .hidden = true, .read = webhooks_read,
         .help = "Who is told of connections and channels: [{\"url\":\"https://app.example/hook\",\"secret\":\"...\",\"events\":[\"connect\",\"occupied\"]}]."},
    };

    rows_of_two_way(rows, s);
    rows_of_one_way(rows, s);
    ROWS_ADD(rows, "", server);
}
