#include "base/option_rows.h"
#include "gateway/config/readers.h"
#include "gateway/config/rows.h"

/* clang-format off: tables read best with a row a line */
static void rows_of_token(struct rows *rows, const char *below, struct token_settings *s)
{
    const struct option token[] = {
        SECRET_OPTION("hmac_secret_key", hmac_secret_key, true, "Key of HS256, HS384 and HS512."),
        SECRET_OPTION("hmac_previous_secret_key", hmac_previous_secret_key, true,
                      "The key before that one, for tokens that still live."),
        NUMBER_OPTION("hmac_previous_secret_key_valid_until", hmac_previous_secret_key_valid_until,
                      "0", "Unix seconds", 0, INT64_MAX, "Until when the previous key counts; 0: without end."),
        SECRET_OPTION("rsa_public_key", rsa_public_key, true, "Public key of RS256, RS384 and RS512, as PEM."),
        SECRET_OPTION("ecdsa_public_key", ecdsa_public_key, true, "Public key of ES256, ES384 and ES512, as PEM."),
        TEXT_OPTION("jwks_public_endpoint", jwks_public_endpoint, "", "URL of a key set (JWKS)."),
        TEXT_OPTION("audience", audience, "", "Audience that tokens must name; empty: not checked."),
        TEXT_OPTION("audience_regex", audience_regex, "", "The same as a regular expression."),
        TEXT_OPTION("issuer", issuer, "", "Issuer that tokens must have; empty: not checked."),
        TEXT_OPTION("issuer_regex", issuer_regex, "", "The same as a regular expression."),
        TEXT_OPTION("user_id_claim", user_id_claim, "", "Claim with the user's id; empty: sub."),
    };

    ROWS_ADD(rows, below, token);
}

static void rows_of_access(struct rows *rows, struct settings *s)
{
    const struct option access[] = {
        {.name = "client.allowed_origins", .type = OPTION_LIST, .value = &s->client.allowed_origins,
         .fallback = "", .also = "http.origins",
         .help = "Origins of pages that may connect (https://chat.example, https://*.chat.example; * for all); empty: on the bus pages of the same host, alone none."},
        FLAG_OPTION("client.insecure", client.insecure, "false",
                    "Everybody may connect and do everything: for development."),
        FLAG_OPTION("client.insecure_skip_token_signature_verify", client.insecure_skip_token_signature_verify,
                    "false", "Believe tokens without looking at their signature: for development."),
        FLAG_OPTION("client.allow_anonymous_connect_without_token", client.allow_anonymous_connect_without_token,
                    "false", "Who has no token is the anonymous user."),
        FLAG_OPTION("client.disallow_anonymous_connection_tokens", client.disallow_anonymous_connection_tokens,
                    "false", "A token without a user is refused (3507)."),
        TEXT_OPTION("client.user_id_http_header", client.user_id_http_header, "",
                    "Header in which a trusted proxy before us names the user; empty: none."),
        FLAG_OPTION("client.subscribe_to_user_personal_channel.enabled", client.subscribe_to_user_personal_channel_enabled,
                    "false", "Each connection is subscribed to #USER."),
        FLAG_OPTION("client.subscribe_to_user_personal_channel.single_connection", client.user_personal_single_connection,
                    "false", "A user's older connections are closed (3504)."),
        TEXT_OPTION("client.subscribe_to_user_personal_channel.personal_channel_namespace", client.user_personal_channel_namespace,
                    "", "Namespace of that channel; empty: none."),
        FLAG_OPTION("client.connect_include_server_time", client.connect_include_server_time, "false",
                    "The connect reply tells the time."),
        FLAG_OPTION("client.subscription_token.enabled", client.subscription_token_enabled, "false",
                    "Subscription tokens have keys of their own."),
    };

    ROWS_ADD(rows, "", access);
    rows_of_token(rows, "client.token.", &s->client.token);
    rows_of_token(rows, "client.subscription_token.", &s->client.subscription_token);
}

static void rows_of_times(struct rows *rows, struct settings *s)
{
    const struct option times[] = {
        DURATION_OPTION("client.ping_interval", client.ping_interval_ms, "25s", -1, HOUR_MS,
                        "How often clients are pinged; whole seconds, or 0: never."),
        DURATION_OPTION("client.pong_timeout", client.pong_timeout_ms, "8s", -1, HOUR_MS,
                        "A client that does not answer a ping by then is closed (3012); 0: none is."),
        DURATION_OPTION("client.stale_close_delay", client.stale_close_ms, "10s", 10, 10 * MINUTE_MS,
                        "A connection without a connect command by then is closed (3502)."),
        {.name = "client.expired_close_delay", .type = OPTION_DURATION, .value = &s->client.expired_close_ms,
         .optional = true, .otherwise = "25s, on the bus 90s", .min = 0, .max = DAY_MS,
         .help = "How long a connection outlives its token before it is closed (3005)."},
        DURATION_OPTION("client.expired_sub_close_delay", client.expired_sub_close_ms, "25s", 0, DAY_MS,
                        "The same for a subscription and its token (unsubscribe 2501)."),
        NUMBER_OPTION("client.close_ms", client.close_ms, "3000", "ms", 10, 60000,
                      "A close that the client does not answer by then ends the connection."),
        DURATION_OPTION("client.presence_update_interval", client.presence_update_interval_ms, "27s", 10, HOUR_MS,
                        "How often subscriptions are looked at, and alone presence is told again."),
        DURATION_OPTION("client.channel_position_check_delay", client.channel_position_check_delay_ms,
                        "40s", 10, DAY_MS, "How often a subscription's position is compared with its stream."),
    };

    s->client.expired_close_ms = -1; /* not given */
    ROWS_ADD(rows, "", times);
}

static void rows_of_limits(struct rows *rows, struct settings *s)
{
    const struct option limits[] = {
        {.name = "client.queue_max_size", .type = OPTION_NUMBER, .value = &s->client.queue_max_bytes,
         .fallback = "1048576", .unit = "bytes", .min = 4096, .max = 1073741824, .also = "client.queue_max_bytes",
         .help = "Memory that may wait for one client; a slower one is closed (3008)."},
        NUMBER_OPTION("client.backlog_max_bytes", client.backlog_max_bytes, "262144", "bytes", 1024,
                      16777216, "Commands that may wait while one is being answered (3013)."),
        NUMBER_OPTION("client.channel_limit", client.channel_limit, "128", "channels", 1, 100000,
                      "Channels that one client may subscribe to (error 106)."),
        NUMBER_OPTION("client.user_connection_limit", client.user_connection_limit, "0", "connections", 0,
                      1000000, "Connections of one user to this gateway (3504); 0: no limit."),
        NUMBER_OPTION("client.connection_limit", client.connection_limit, "0", "connections", 0,
                      100000000, "Clients of this gateway (HTTP 503); 0: no limit."),
        NUMBER_OPTION("client.connection_rate_limit", client.connection_rate_limit, "0", "connections per s",
                      0, 1000000, "New clients of this gateway in a second (HTTP 503); 0: no limit."),
        {.name = "client.recovery_max_publication_limit", .type = OPTION_NUMBER,
         .value = &s->client.recovery_max_publications, .fallback = "300", .unit = "publications",
         .min = 0, .max = 10000, .also = "client.recovery_max_publications",
         .help = "What one subscribe recovers at most."},
        NUMBER_OPTION("client.recovery_max_bytes", client.recovery_max_bytes, "262144", "bytes", 0,
                      2097152, "The same in bytes."),
        {.name = "client.history_max_publication_limit", .type = OPTION_NUMBER,
         .value = &s->client.history_max_publications, .fallback = "300", .unit = "publications",
         .min = 1, .max = 1000, .also = "client.history_max_publications",
         .help = "What one history command answers at most."},
        {.name = "client.rate_limit.client_command", .type = OPTION_JSON, .value = &s->client.client_rate,
         .fallback = "{}", .read = rates_read,
         .help = "How often one connection may send commands (error 111): {\"enabled\":true,\"publish\":{\"buckets\":[{\"interval\":\"1s\",\"rate\":5}]}}; also total, default and other commands."},
        {.name = "client.rate_limit.user_command", .type = OPTION_JSON, .value = &s->client.user_rate,
         .fallback = "{}", .read = rates_read, .help = "The same for all connections of one user to this gateway."},
    };

    ROWS_ADD(rows, "", limits);
}

void rows_of_client(struct rows *rows, struct settings *s)
{
    const struct option enabled[] = {
        FLAG_OPTION("client.proxy.connect.enabled", client.connect_proxy_enabled, "false",
                    "Who connects without a token is asked about at client.proxy.connect.endpoint."),
        FLAG_OPTION("client.proxy.refresh.enabled", client.refresh_proxy_enabled, "false",
                    "Connections that expire are asked about, instead of their clients."),
    };

    rows_of_access(rows, s);
    rows_of_times(rows, s);
    rows_of_limits(rows, s);
    ROWS_ADD(rows, "", enabled);
    rows_of_proxy(rows, "client.proxy.connect.", &s->client.connect_proxy);
    rows_of_proxy(rows, "client.proxy.refresh.", &s->client.refresh_proxy);
}
