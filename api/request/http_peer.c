/*
 * What libh2o makes of a request lives in the request's pool, which may be gone before the call is
 * (its deadline answered, the connection broke). So a link stands between them: the pool's end cuts
 * it on one side, the answer on the other.
 */
#include "api/request/http_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "api/request/address.h"
#include "api/request/origin.h"
#include "api/settings.h"
#include "base/log.h"

struct link { /* in the request's pool */
    h2o_req_t *req;
    struct call *call; /* NULL: answered */
    bool with_cors;
};

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "-";
}

/* ---- what the request says ---- */

struct text http_peer_header(const h2o_req_t *req, const char *lower_case_name)
{
    const struct text wanted = text(lower_case_name);

    if (text_equal(wanted, TEXT("host"))) /* libh2o keeps it out of the list */
        return text_of(req->authority.base, req->authority.len);
    for (size_t i = 0; i < req->headers.size; i++) {
        const h2o_header_t *header = &req->headers.entries[i];
        if (text_equal(text_of(header->name->base, header->name->len), wanted))
            return text_of(header->value.base, header->value.len);
    }
    return (struct text){0};
}

/* A list that proxies write to: each may add a line instead of a word to the line that was there (RFC 9110 5.3). */
static struct text list_header(h2o_req_t *req, const char *lower_case_name)
{
    const struct text wanted = text(lower_case_name);
    struct text list = {0};

    for (size_t i = 0; i < req->headers.size; i++) {
        const h2o_header_t *header = &req->headers.entries[i];
        if (!text_equal(text_of(header->name->base, header->name->len), wanted))
            continue;
        const h2o_iovec_t joined = h2o_concat(&req->pool, h2o_iovec_init(list.at, list.len), h2o_iovec_init(", ", list.len > 0 ? 2 : 0),
                                              header->value);
        list = text_of(joined.base, joined.len);
    }
    return list;
}

static struct text header_of(struct call *call, const char *lower_case_name)
{
    return http_peer_header(((struct link *)call->peer)->req, lower_case_name);
}

static void write_peer(const struct sockaddr_storage *peer, struct buf *out)
{
    char digits[INET6_ADDRSTRLEN] = "";

    if (peer->ss_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)peer)->sin_addr, digits, sizeof(digits));
    else if (peer->ss_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)peer)->sin6_addr, digits,
                  sizeof(digits));
    /* an IPv4 peer of a socket that listens on [::] */
    const struct text mapped = TEXT("::ffff:");
    buf_add_text(out, text_starts(text(digits), mapped) ? text(digits + mapped.len) : text(digits));
}

static void address_of(struct call *call, struct buf *out)
{
    h2o_req_t *req = ((struct link *)call->peer)->req;
    struct sockaddr_storage peer = {0};
    struct buf direct = {0};
    const char *trusted = call->worker->app->settings->http.trusted_proxies;

    if (req->conn->callbacks->get_peername(req->conn, (struct sockaddr *)&peer) > 0)
        write_peer(&peer, &direct);
    const struct text forwarded = list_header(req, "x-forwarded-for");
    call->is_from_stranger = (forwarded.len > 0 || http_peer_header(req, "forwarded").len > 0) &&
                             !address_in(trusted, buf_text(&direct));
    buf_add_text(out, address_behind_proxies(trusted, buf_text(&direct), forwarded));
    buf_fini(&direct);
}

bool http_peer_origin_allowed(const struct worker *worker, const h2o_req_t *req)
{
    const struct text origin = http_peer_header(req, "origin");
    return origin.len > 0 && origin_allowed(worker->app->settings->http.origins, origin,
                                            http_peer_header(req, "host"));
}

/* ---- the answer ---- */

static struct text pool_copy(h2o_req_t *req, struct text value)
{
    char *at = h2o_mem_alloc_pool(&req->pool, value.len + 1);
    if (value.len > 0)
        memcpy(at, value.at, value.len);
    return text_of(at, value.len);
}

/* `name` is a constant, `value` lives as long as the request. */
static void add_header(h2o_req_t *req, const char *name, struct text value)
{
    h2o_add_header_by_str(&req->pool, &req->res.headers, name, strlen(name), 1, NULL, value.at,
                          value.len);
}

static void add_cors(const struct worker *worker, h2o_req_t *req)
{
    add_header(req, "vary", TEXT("origin"));
    if (!http_peer_origin_allowed(worker, req))
        return;
    add_header(req, "access-control-allow-origin", http_peer_header(req, "origin"));
    add_header(req, "access-control-allow-credentials", TEXT("true"));
    add_header(req, "access-control-expose-headers", TEXT("etag, ratelimit, ratelimit-policy, retry-after, x-request-id"));
}

static void send_bytes(struct worker *worker, h2o_req_t *req, int status, struct text body)
{
    static h2o_generator_t generator; /* has nothing to add: all is sent at once */
    h2o_iovec_t vector = {(char *)body.at, body.len};
    const bool has_no_body = status == 204 || status == 304;

    req->res.status = status;
    req->res.reason = reason_of(status);
    req->res.content_length = has_no_body ? SIZE_MAX : body.len;
    if (listener_is_draining(worker->listener))
        req->http1_is_persistent = 0;
    h2o_start_response(req, &generator);
    const bool is_head = h2o_memis(req->method.base, req->method.len, H2O_STRLIT("HEAD"));
    h2o_send(req, &vector, has_no_body || is_head || body.len == 0 ? 0 : 1, H2O_SEND_STATE_FINAL);
    /* `req` may be gone, and the next one of its connection be served */
}

static void send_answer(struct call *call, int status, enum err err)
{
    struct link *link = call->peer;
    h2o_req_t *req = link->req;
    const struct text body = pool_copy(req, buf_text(&call->out));
    bool says_how_long = false;

    link->call = NULL;
    if (body.len > 0)
        add_header(req, "content-type",
                   err == ERR_OK ? TEXT("application/json") : TEXT("application/problem+json"));
    for (struct call_answer_header *header = call->headers; header != NULL; header = header->next) {
        says_how_long |= strcmp(header->name, "cache-control") == 0;
        add_header(req, header->name, pool_copy(req, header->value));
    }
    if (!says_how_long)
        add_header(req, "cache-control", TEXT("no-store"));
    add_header(req, "x-content-type-options", TEXT("nosniff"));
    add_header(req, "x-request-id", pool_copy(req, text(call->request_id)));
    if (link->with_cors)
        add_cors(call->worker, req);
    log_debug("call %s: %.*s %.*s: %d %s", call->request_id, (int)req->method.len, req->method.base,
              TEXT_ARGS(call->path), status, err_code(err));
    send_bytes(call->worker, req, status, body);
}

static const struct call_sink http_sink = {
    .send = send_answer, .header = header_of, .address = address_of};

static void on_request_gone(void *pool_part)
{
    struct link *link = pool_part;
    if (link->call != NULL)
        link->call->peer = NULL;
}

struct call *http_peer_open(struct worker *worker, h2o_req_t *req, bool with_cors)
{
    struct link *link = h2o_mem_alloc_shared(&req->pool, sizeof(*link), on_request_gone);
    const size_t path_len = req->query_at != SIZE_MAX ? req->query_at : req->path.len;

    *link = (struct link){req, call_create(worker, &http_sink, link), with_cors};
    link->call->path = call_copy(link->call, text_of(req->path.base, path_len));
    return link->call;
}

/* ---- pages ---- */

/* The page itself makes no markup of foreign text; this is the second lock on that door. */
#define PAGE_POLICY                                                                                \
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; style-src 'self'; "    \
    "frame-ancestors 'none'; base-uri 'none'"

void http_peer_send_page(struct worker *worker, h2o_req_t *req, const struct page *page)
{
    const struct text known = http_peer_header(req, "if-none-match");
    const bool is_known =
        known.len > 0 && memmem(known.at, known.len, page->etag, strlen(page->etag)) != NULL;

    add_header(req, "etag", text(page->etag));
    add_header(req, "cache-control",
               page->is_hashed ? TEXT("public, max-age=31536000, immutable") : TEXT("no-cache"));
    add_header(req, "content-security-policy", TEXT(PAGE_POLICY));
    add_header(req, "x-content-type-options", TEXT("nosniff"));
    add_header(req, "referrer-policy", TEXT("no-referrer"));
    if (!is_known)
        add_header(req, "content-type", text(page->type));
    send_bytes(worker, req, is_known ? 304 : 200,
               is_known ? (struct text){0} : text_of(page->bytes, page->len));
}

void http_peer_send_text(struct worker *worker, h2o_req_t *req, struct text type, struct text bytes)
{
    add_header(req, "cache-control", TEXT("no-store"));
    add_header(req, "x-content-type-options", TEXT("nosniff"));
    add_header(req, "content-type", type);
    send_bytes(worker, req, 200, pool_copy(req, bytes));
}
