#include "gateway/transport/upgrade.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>
#include <stdatomic.h>
#include <h2o/http1.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/loop/client.h"
#include "gateway/protocol/deflate.h"
#include "gateway/transport/admission.h"
#include "gateway/transport/frames.h"
#include "gateway/transport/http.h"
#include "gateway/transport/origin.h"
#include "gateway/transport/stream.h"

#define KEY_BYTES        24 /* RFC 6455 4.1: 16 random bytes as base64 */
#define COMPLAINT_MS     5000
#define ORIGIN_SHOWN_MAX 100 /* bytes */
#define RETRY_MIN_S      1   /* other gateways are there at once */
#define RETRY_MAX_S      5

/* Names, in lower case, of headers that somebody will want. */
static struct option_list wanted;

/* Several proxies may want the same. */
static void want(const char *name)
{
    char *copy;

    for (size_t i = 0; i < wanted.count; i++)
        if (strcasecmp(wanted.at[i], name) == 0)
            return;
    copy = xstrdup(name);
    for (char *at = copy; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    wanted.at = xrealloc(wanted.at, (wanted.count + 1) * sizeof(char *));
    wanted.at[wanted.count++] = copy;
}

static void want_all(const struct proxy_settings *proxy)
{
    for (size_t i = 0; i < proxy->http_headers.count; i++)
        want(proxy->http_headers.at[i]);
}

void upgrade_init(const struct settings *settings)
{
    wanted = (struct option_list){0};
    if (settings->client.user_id_http_header != NULL &&
        settings->client.user_id_http_header[0] != '\0')
        want(settings->client.user_id_http_header);
    want_all(&settings->client.connect_proxy);
    want_all(&settings->client.refresh_proxy);
    want_all(&settings->channel.subscribe_proxy);
    want_all(&settings->channel.publish_proxy);
    want_all(&settings->channel.sub_refresh_proxy);
    want_all(&settings->rpc.proxy);
    for (size_t i = 0; i < settings->proxy_count; i++)
        want_all(&settings->proxies[i]);
}

static int refuse(h2o_req_t *req, int status, const char *reason, const char *why)
{
    metrics_add(&loop_current()->metrics, METRIC_HANDSHAKES_REFUSED, 1);
    return http_answer_text(req, status, reason, why);
}

/* They may come again: one in a second, the next in two, up to `within_s`, so that not all are back at once. */
static void refuse_for_now(h2o_req_t *req, unsigned within_s, const char *why)
{
    static _Thread_local unsigned turn;
    char seconds[12];

    snprintf(seconds, sizeof(seconds), "%u", 1 + turn++ % within_s);
    http_add_header(req, "retry-after", text(seconds));
    req->http1_is_persistent = 0; /* it may go elsewhere, and someone else have its place */
    refuse(req, 503, "Service Unavailable", why);
}

/* ---- handing over ---- */

static void keep_headers(struct arrival *arrival, const h2o_req_t *req)
{
    if (wanted.count == 0)
        return;
    arrival->headers = arena_alloc(&arrival->arena, wanted.count * sizeof(struct command_header));
    for (size_t i = 0; i < wanted.count; i++) {
        const struct text value = http_header(req, wanted.at[i]);
        if (value.len > 0)
            arrival->headers[arrival->header_count++] = (struct command_header){
                text(wanted.at[i]), arena_text(&arrival->arena, value)};
    }
}

static void on_upgraded(void *data, h2o_socket_t *socket, size_t request_bytes)
{
    struct arrival *arrival = data;

    if (socket == NULL) { /* the peer is gone already */
        arrival_destroy(arrival);
        return;
    }
    listener_upgraded(socket);
    client_create(arrival, socket, request_bytes);
}

/* ---- WebSocket ---- */

/* The first one offered that is known counts. */
static struct text chosen_protocol(struct text offered)
{
    for (struct text word; (word = http_next_word(&offered)).len > 0;)
        if (text_equal(word, TEXT("centrifuge-json")) ||
            text_equal(word, TEXT("centrifuge-protobuf")))
            return word;
    return (struct text){0};
}

static bool wants_protobuf(struct text query, struct text protocol)
{
    return http_query_has(query, "format", "protobuf") ||
           http_query_has(query, "cf_protocol", "protobuf") ||
           text_equal(protocol, TEXT("centrifuge-protobuf"));
}

static enum format websocket_format(bool unidirectional, bool protobuf, bool deflated)
{
    if (unidirectional)
        return deflated ? FORMAT_UNI_WEBSOCKET_DEFLATE : FORMAT_UNI_WEBSOCKET;
    if (protobuf)
        return deflated ? FORMAT_WEBSOCKET_PROTOBUF_DEFLATE : FORMAT_WEBSOCKET_PROTOBUF;
    return deflated ? FORMAT_WEBSOCKET_JSON_DEFLATE : FORMAT_WEBSOCKET_JSON;
}

/* True: it may go on; else it was answered. */
static bool check_handshake(h2o_req_t *req, struct text key)
{
    const struct text query = http_query(req);

    if (!text_equal(http_method(req), TEXT("GET"))) {
        refuse(req, 405, "Method Not Allowed", "GET opens a WebSocket\n");
    } else if (http_query_has(query, "token", NULL) || http_query_has(query, "access_token", NULL)) {
        refuse(req, 400, "Bad Request", "tokens do not belong into an address\n");
    } else if (req->upgrade.base == NULL ||
               !http_equal_nocase(text_of(req->upgrade.base, req->upgrade.len),
                                  TEXT("websocket")) ||
               key.len != KEY_BYTES) {
        refuse(req, 400, "Bad Request", "a WebSocket handshake was expected\n");
    } else if (!text_equal(http_header(req, "sec-websocket-version"), TEXT("13"))) {
        http_add_header(req, "sec-websocket-version", TEXT("13"));
        refuse(req, 426, "Upgrade Required", "WebSocket version 13 was expected\n");
    } else {
        return true;
    }
    return false;
}

/* A page that cannot connect is a riddle to whoever runs it; one line in so long tells. */
static void tell_of_origin(struct text origin)
{
    static _Atomic int64_t told_ms;
    const int64_t now_ms = clock_mono_ms();
    int64_t before_ms = atomic_load(&told_ms);

    if ((before_ms == 0 || now_ms - before_ms >= COMPLAINT_MS) &&
        atomic_compare_exchange_strong(&told_ms, &before_ms, now_ms))
        log_info("a page of %.*s may not connect: it is not in client.allowed_origins",
                 (int)(origin.len < ORIGIN_SHOWN_MAX ? origin.len : ORIGIN_SHOWN_MAX), origin.at);
}

static int refuse_origin(h2o_req_t *req)
{
    tell_of_origin(http_header(req, "origin"));
    return refuse(req, 403, "Forbidden", "pages of this origin may not connect\n");
}

/* The same for every transport. */
static bool check_admission(h2o_req_t *req)
{
    const struct settings *settings = loop_current()->settings;

    if (!origin_of_request_passes(req, settings))
        refuse_origin(req);
    else if (loop_current()->drain_until_ms != 0)
        refuse_for_now(req, RETRY_MIN_S, "shutting down\n");
    else if (!admission_passes(settings))
        refuse_for_now(req, RETRY_MAX_S, "too many connections\n");
    else
        return true;
    return false;
}

static void keep_connect(h2o_req_t *req, struct arrival *arrival)
{
    struct text connect;

    if (http_query_value(req, "cf_connect", &connect))
        buf_add_text(&arrival->first, connect);
}

static int open_websocket(h2o_req_t *req, bool unidirectional)
{
    const struct settings *settings = loop_current()->settings;
    const struct text key = http_header(req, "sec-websocket-key"), query = http_query(req);
    const struct text protocol = chosen_protocol(http_header(req, "sec-websocket-protocol"));
    char accept[29], extension[128];
    bool deflated;

    if (!check_handshake(req, key) || !check_admission(req))
        return 0;
    deflated = settings->websocket.compression &&
               deflate_negotiate(http_header(req, "sec-websocket-extensions"), extension);
    struct arrival *arrival = arrival_create(
        loop_current(), &TRANSPORT_FRAMES,
        websocket_format(unidirectional, wants_protobuf(query, protocol), deflated));
    arrival->native_ping = http_query_has(query, "cf_ws_frame_ping_pong", "true");
    keep_headers(arrival, req);
    if (unidirectional)
        keep_connect(req, arrival);

    websocket_accept_key(key, accept);
    req->res.status = 101;
    req->res.reason = "Switching Protocols";
    http_add_header(req, "upgrade", TEXT("websocket"));
    http_add_header(req, "sec-websocket-accept", text(accept));
    if (protocol.len > 0)
        http_add_header(req, "sec-websocket-protocol", protocol);
    if (deflated)
        http_add_header(req, "sec-websocket-extensions", text(extension));
    h2o_http1_upgrade(req, NULL, 0, on_upgraded, arrival);
    return 0;
}

int upgrade_websocket(h2o_req_t *req)
{
    return open_websocket(req, false);
}

int upgrade_uni_websocket(h2o_req_t *req)
{
    return open_websocket(req, true);
}

/* ---- answers that do not end ---- */

/*
 * Chunked, a chunk a message: the event source that Node's users have (npm eventsource 2) loses the
 * first event when it comes in one piece with the line end before it. Nothing follows the answer.
 */
static int open_stream(h2o_req_t *req, enum format format, struct text first)
{
    const bool is_events = FORMATS[format].framing == FRAMING_EVENT;
    struct arrival *arrival = arrival_create(loop_current(), &TRANSPORT_STREAM, format);

    keep_headers(arrival, req);
    buf_add_text(&arrival->first, first);
    if (is_events)
        arrival->preface = TEXT("2\r\n\r\n\r\n"); /* a chunk of a line end */
    req->res.status = 200;
    req->res.reason = "OK";
    if (is_events)
        http_add_header(req, "content-type", TEXT("text/event-stream; charset=utf-8"));
    http_add_header(req, "transfer-encoding", TEXT("chunked"));
    http_add_header(req, "connection", TEXT("close"));
    http_add_header(req, "x-accel-buffering", TEXT("no"));
    http_add_header(req, "cache-control",
                    TEXT("private, no-cache, no-store, must-revalidate, max-age=0"));
    http_add_header(req, "pragma", TEXT("no-cache"));
    http_add_header(req, "expire", TEXT("0"));
    origin_add_headers(req, loop_current()->settings);
    h2o_http1_upgrade(req, NULL, 0, on_upgraded, arrival);
    return 0;
}

static bool is_too_large(const h2o_req_t *req, int64_t max)
{
    return req->entity.len > (size_t)max;
}

static int open_posted(h2o_req_t *req, enum format format, int64_t body_max)
{
    const struct settings *settings = loop_current()->settings;

    if (text_equal(http_method(req), TEXT("OPTIONS")))
        return origin_answer_preflight(req, settings);
    if (!text_equal(http_method(req), TEXT("POST")))
        return refuse(req, 405, "Method Not Allowed", "POST opens a stream\n");
    if (is_too_large(req, body_max))
        return refuse(req, 413, "Payload Too Large", "the body is too large\n");
    if (!check_admission(req))
        return 0;
    return open_stream(req, format, http_body(req));
}

int upgrade_http_stream(h2o_req_t *req)
{
    const bool protobuf =
        text_equal(http_header(req, "content-type"), TEXT("application/octet-stream"));

    return open_posted(req, protobuf ? FORMAT_STREAM_PROTOBUF : FORMAT_STREAM_JSON,
                       loop_current()->settings->http_stream.max_request_body_size);
}

int upgrade_uni_http_stream(h2o_req_t *req)
{
    return open_posted(req, FORMAT_UNI_STREAM,
                       loop_current()->settings->http_stream.max_request_body_size);
}

static int open_events(h2o_req_t *req, enum format format)
{
    const int64_t max = loop_current()->settings->sse.max_request_body_size;
    struct text connect;

    if (!text_equal(http_method(req), TEXT("GET")))
        return open_posted(req, format, max);
    if (!http_query_value(req, "cf_connect", &connect) || connect.len == 0)
        return refuse(req, 400, "Bad Request", "cf_connect holds the first command\n");
    if (!check_admission(req))
        return 0;
    return open_stream(req, format, connect);
}

int upgrade_sse(h2o_req_t *req)
{
    return open_events(req, FORMAT_SSE);
}

int upgrade_uni_sse(h2o_req_t *req)
{
    return open_events(req, FORMAT_UNI_SSE);
}
