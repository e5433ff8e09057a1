#include "gateway/loop/handshake.h"

#include <h2o/http1.h>
#include <strings.h>

#include "base/log.h"
#include "gateway/loop/client.h"
#include "gateway/protocol/websocket.h"

#define KEY_BYTES 24 /* RFC 6455 4.1: 16 random bytes as base64 */

static struct gateway_view view;

void handshake_init(const struct gateway_view *given)
{
    view = *given;
}

static struct text text_of_iovec(h2o_iovec_t iovec)
{
    return text_of(iovec.base, iovec.len);
}

static struct text header(const h2o_req_t *req, const char *name)
{
    const ssize_t at = h2o_find_header_by_str(&req->headers, name, strlen(name), -1);

    return at >= 0 ? text_of_iovec(req->headers.entries[at].value) : (struct text){0};
}

static bool equal_nocase(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.at, b.at, a.len) == 0);
}

/* ---- answers ---- */

static int answer(h2o_req_t *req, int status, const char *reason, const char *type,
                  struct text body)
{
    static h2o_generator_t generator; /* looked at until the last byte is out */
    h2o_iovec_t bytes = h2o_strdup(&req->pool, body.len > 0 ? body.at : "", body.len);

    if (loop_current()->drain_until_ms != 0)
        req->http1_is_persistent = 0;
    req->res.status = status;
    req->res.reason = reason;
    req->res.content_length = bytes.len;
    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("content-type"), 0, NULL, type,
                          strlen(type));
    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("cache-control"), 0, NULL,
                          H2O_STRLIT("no-store"));
    h2o_start_response(req, &generator);
    h2o_send(req, &bytes, 1, H2O_SEND_STATE_FINAL);
    return 0;
}

static int refuse(h2o_req_t *req, int status, const char *reason, const char *why)
{
    metrics_add(&loop_current()->metrics, METRIC_HANDSHAKES_REFUSED, 1);
    return answer(req, status, reason, "text/plain; charset=utf-8", text(why));
}

/* ---- who may ---- */

/* "https://chat.example:8443" or "chat.example:8443" -> "chat.example"; "[::1]:80" -> "[::1]" */
static struct text host_of(struct text address)
{
    const char *scheme = address.len > 0 ? memmem(address.at, address.len, "://", 3) : NULL;

    if (scheme != NULL)
        address = text_after(address, (size_t)(scheme + 3 - address.at));
    const char *bracket =
        address.len > 0 && address.at[0] == '[' ? memchr(address.at, ']', address.len) : NULL;
    const size_t from = bracket != NULL ? (size_t)(bracket - address.at) : 0;
    const char *colon = address.len > 0 ? memchr(address.at + from, ':', address.len - from) : NULL;
    if (colon != NULL)
        address.len = (size_t)(colon - address.at);
    return address;
}

static struct text next_word(struct text *list)
{
    size_t start = 0, end;

    while (start < list->len &&
           (list->at[start] == ',' || list->at[start] == ' ' || list->at[start] == '\t'))
        start++;
    for (end = start;
         end < list->len && list->at[end] != ',' && list->at[end] != ' ' && list->at[end] != '\t';)
        end++;
    const struct text word = text_of(list->at + start, end - start);
    *list = text_after(*list, end);
    return word;
}

bool handshake_origin_passes(struct text origins, struct text origin, struct text host)
{
    if (origin.len == 0)
        return true; /* no browser, or a page of the same origin */
    if (origins.len == 0)
        return memmem(origin.at, origin.len, "://", 3) != NULL &&
               equal_nocase(host_of(origin), host_of(host));
    for (struct text word; (word = next_word(&origins)).len > 0;)
        if (text_equal(word, TEXT("*")) || equal_nocase(word, origin))
            return true;
    return false;
}

static bool query_has(struct text query, const char *name, const char *value)
{
    while (query.len > 0) {
        const char *end = memchr(query.at, '&', query.len);
        const struct text pair =
            text_of(query.at, end != NULL ? (size_t)(end - query.at) : query.len);
        const char *equals = memchr(pair.at, '=', pair.len);
        const size_t name_len = equals != NULL ? (size_t)(equals - pair.at) : pair.len;
        if (equal_nocase(text_of(pair.at, name_len), text(name)) &&
            (value == NULL ||
             (equals != NULL && text_equal(text_after(pair, name_len + 1), text(value)))))
            return true;
        query = text_after(query, pair.len + (end != NULL));
    }
    return false;
}

static struct text query_of(const h2o_req_t *req)
{
    if (req->query_at == SIZE_MAX)
        return (struct text){0};
    return text_after(text_of_iovec(req->path), req->query_at + 1);
}

/* The first one offered that is known counts. */
static struct text chosen_protocol(struct text offered)
{
    for (struct text word; (word = next_word(&offered)).len > 0;)
        if (text_equal(word, TEXT("centrifuge-json")) ||
            text_equal(word, TEXT("centrifuge-protobuf")))
            return word;
    return (struct text){0};
}

/* ---- the upgrade ---- */

static void on_upgraded(void *data, h2o_socket_t *socket, size_t request_bytes)
{
    struct loop *loop = data;

    if (socket == NULL)
        return; /* the peer is gone already */
    listener_upgraded(socket);
    client_create(loop, socket, request_bytes);
}

static void add_header(h2o_req_t *req, const char *name, struct text value)
{
    const h2o_iovec_t copy = h2o_strdup(&req->pool, value.at, value.len);

    h2o_add_header_by_str(&req->pool, &req->res.headers, name, strlen(name), 0, NULL, copy.base,
                          copy.len);
}

static int upgrade(h2o_req_t *req, struct text key, struct text protocol)
{
    char accept[29];

    websocket_accept_key(key, accept);
    req->res.status = 101;
    req->res.reason = "Switching Protocols";
    add_header(req, "upgrade", TEXT("websocket"));
    add_header(req, "sec-websocket-accept", text(accept));
    if (protocol.len > 0)
        add_header(req, "sec-websocket-protocol", protocol);
    h2o_http1_upgrade(req, NULL, 0, on_upgraded, loop_current());
    return 0;
}

static int on_websocket(h2o_req_t *req)
{
    const struct settings *settings = loop_current()->settings;
    const struct text key = header(req, "sec-websocket-key"), query = query_of(req);
    const struct text protocol = chosen_protocol(header(req, "sec-websocket-protocol"));

    if (!text_equal(text_of_iovec(req->method), TEXT("GET")))
        return refuse(req, 405, "Method Not Allowed", "GET opens a WebSocket\n");
    if (query_has(query, "token", NULL) || query_has(query, "access_token", NULL))
        return refuse(req, 400, "Bad Request", "tokens do not belong into an address\n");
    if (req->upgrade.base == NULL ||
        !equal_nocase(text_of_iovec(req->upgrade), TEXT("websocket")) || key.len != KEY_BYTES)
        return refuse(req, 400, "Bad Request", "a WebSocket handshake was expected\n");
    if (!text_equal(header(req, "sec-websocket-version"), TEXT("13"))) {
        add_header(req, "sec-websocket-version", TEXT("13"));
        return refuse(req, 426, "Upgrade Required", "WebSocket version 13 was expected\n");
    }
    if (!handshake_origin_passes(text(settings->http.origins), header(req, "origin"),
                                 text_of_iovec(req->authority)))
        return refuse(req, 403, "Forbidden", "pages of this origin may not connect\n");
    if (query_has(query, "format", "protobuf") || query_has(query, "cf_protocol", "protobuf") ||
        text_equal(protocol, TEXT("centrifuge-protobuf")))
        return refuse(req, 400, "Bad Request", "only the JSON protocol is spoken here\n");
    if (loop_current()->drain_until_ms != 0)
        return refuse(req, 503, "Service Unavailable", "shutting down\n");
    return upgrade(req, key, protocol);
}

/* ---- the rest ---- */

static int on_ready(h2o_req_t *req)
{
    if (!atomic_load(view.is_ready) || loop_current()->drain_until_ms != 0)
        return answer(req, 503, "Service Unavailable", "application/json",
                      TEXT("{\"ready\":false}"));
    return answer(req, 200, "OK", "application/json", TEXT("{\"ready\":true}"));
}

static int on_metrics(h2o_req_t *req)
{
    struct metrics *sets[view.loop_count + 1];
    struct buf out = {0};
    size_t connections = 0;

    for (size_t i = 0; i < view.loop_count; i++)
        sets[i] = &view.loops[i].metrics;
    sets[view.loop_count] = view.broker_metrics;
    metrics_print(&out, sets, view.loop_count + 1);
    const struct metrics *const *known = (const struct metrics *const *)sets;
    for (size_t i = 0; i < view.loop_count; i++)
        connections += atomic_load_explicit(&known[i]->counts[METRIC_CONNECTIONS_OPENED],
                                            memory_order_relaxed) -
                       atomic_load_explicit(&known[i]->counts[METRIC_CONNECTIONS_CLOSED],
                                            memory_order_relaxed);
    metrics_print_one(&out, "parley_gateway_connections", "gauge", "WebSockets that are open now",
                      connections);
    view.print_broker(view.broker, &out);
    answer(req, 200, "OK", "text/plain; version=0.0.4; charset=utf-8", buf_text(&out));
    buf_fini(&out);
    return 0;
}

int handshake_on_request(h2o_handler_t *handler, h2o_req_t *req)
{
    const struct text path = text_of_iovec(req->path_normalized);

    if (text_equal(path, TEXT("/connection/websocket")))
        return on_websocket(req);
    if (!text_equal(text_of_iovec(req->method), TEXT("GET")) &&
        !text_equal(text_of_iovec(req->method), TEXT("HEAD")))
        return answer(req, 404, "Not Found", "text/plain; charset=utf-8",
                      TEXT("there is no such thing\n"));
    if (text_equal(path, TEXT("/health")))
        return answer(req, 200, "OK", "application/json", TEXT("{}"));
    if (text_equal(path, TEXT("/ready")))
        return on_ready(req);
    if (text_equal(path, TEXT("/metrics")))
        return on_metrics(req);
    return answer(req, 404, "Not Found", "text/plain; charset=utf-8",
                  TEXT("there is no such thing\n"));
}
