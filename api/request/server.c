#include "api/request/server.h"

#include "api/counters.h"
#include "api/request/health.h"
#include "api/request/http_peer.h"
#include "api/request/problem.h"
#include "api/request/router.h"
#include "api/settings.h"

/* Finishes a call that needs no task. */
static int answer(struct call *call, enum err err)
{
    if (err != ERR_OK)
        problem_send(call, err);
    call_destroy(call);
    return 0;
}

static bool method_is(const h2o_req_t *req, const char *method)
{
    return text_equal(text_of(req->method.base, req->method.len), text(method));
}

static bool only_reads(const h2o_req_t *req)
{
    return method_is(req, "GET") || method_is(req, "HEAD");
}

/* ---- pages and health ---- */

static int serve_page(struct worker *worker, h2o_req_t *req)
{
    struct text raw =
        text_of(req->path.base, req->query_at != SIZE_MAX ? req->query_at : req->path.len);
    struct buf bytes = {0}, joined = {0};
    struct url_path path;

    if (raw.len > 1 && raw.at[raw.len - 1] == '/')
        raw.len--; /* "/rooms/" is the page as well */
    const enum err err = url_split(raw, &bytes, &path);
    for (int i = 0; err == ERR_OK && i < path.count; i++) {
        if (i > 0)
            buf_add_byte(&joined, '/');
        buf_add_text(&joined, path.parts[i]);
    }
    const struct page *page =
        err == ERR_OK ? pages_find(worker->app->pages, buf_text(&joined)) : NULL;
    buf_fini(&bytes);
    buf_fini(&joined);

    if (page == NULL || !only_reads(req)) {
        struct call *call = http_peer_open(worker, req, false);
        if (page != NULL)
            call_set_header(call, "allow", TEXT("GET, HEAD"));
        return answer(call, page != NULL    ? ERR_METHOD_NOT_ALLOWED
                            : err != ERR_OK ? err
                                            : ERR_NOT_FOUND);
    }
    http_peer_send_page(worker, req, page);
    return 0;
}

static int refuse_method(struct call *call)
{
    call_set_header(call, "allow", TEXT("GET, HEAD"));
    return answer(call, ERR_METHOD_NOT_ALLOWED);
}

static int serve_health(struct worker *worker, h2o_req_t *req, enum err (*handler)(struct call *))
{
    struct call *call = http_peer_open(worker, req, false);

    return only_reads(req) ? answer(call, handler(call)) : refuse_method(call);
}

static int serve_metrics(struct worker *worker, h2o_req_t *req)
{
    struct buf out = {0};

    if (!only_reads(req))
        return refuse_method(http_peer_open(worker, req, false));
    counters_write(&out, worker->app->publisher);
    http_peer_send_text(worker, req, TEXT("text/plain; version=0.0.4; charset=utf-8"), buf_text(&out));
    buf_fini(&out);
    return 0;
}

/* ---- the API ---- */

/* The browser asks whether it may ask. */
static int answer_options(struct call *call, h2o_req_t *req, struct buf *allow)
{
    buf_printf(allow, ", OPTIONS");
    call_set_header(call, "allow", buf_text(allow));
    if (http_peer_origin_allowed(call->worker, req)) {
        call_set_header(call, "access-control-allow-methods", buf_text(allow));
        call_set_header(call, "access-control-allow-headers",
                        TEXT("authorization, content-type, idempotency-key, if-match, "
                             "if-none-match"));
        call_set_header(call, "access-control-max-age", TEXT("7200"));
    }
    return answer(call, call_reply_empty(call, 204));
}

/* A page of another site may not act with our cookie; reading its answer CORS forbids. */
static bool is_cross_site(struct call *call, h2o_req_t *req)
{
    if (only_reads(req) || method_is(req, "OPTIONS"))
        return false;
    if (http_peer_header(req, "origin").len > 0)
        return !http_peer_origin_allowed(call->worker, req);
    return text_equal(http_peer_header(req, "sec-fetch-site"), TEXT("cross-site"));
}

static enum err read_address(struct call *call, h2o_req_t *req, struct url_path *path)
{
    const bool has_query = req->query_at != SIZE_MAX && req->query_at < req->path.len;
    const struct text query =
        has_query ? text_of(req->path.base + req->query_at + 1, req->path.len - req->query_at - 1)
                  : (struct text){0};
    enum err err;

    buf_reserve(&call->decoded, req->path.len + 1); /* for both: no text may move */
    if ((err = url_split(call->path, &call->decoded, path)) != ERR_OK)
        return err;
    return url_read_query(query, &call->decoded, &call->query);
}

static int serve_api(struct worker *worker, h2o_req_t *req)
{
    struct call *call = http_peer_open(worker, req, true);
    struct buf allow = {0};
    struct url_path path;
    enum err err;

    if ((err = read_address(call, req, &path)) == ERR_OK)
        err = router_find(call, text_of(req->method.base, req->method.len), &path, &allow);
    if (err == ERR_METHOD_NOT_ALLOWED && method_is(req, "OPTIONS")) {
        answer_options(call, req, &allow);
    } else if (err == ERR_METHOD_NOT_ALLOWED) {
        buf_printf(&allow, ", OPTIONS");
        call_set_header(call, "allow", buf_text(&allow));
        answer(call, err);
    } else if (err != ERR_OK) {
        answer(call, err);
    } else if (is_cross_site(call, req)) {
        answer(call, ERR_CROSS_SITE);
    } else if (req->entity.len > (size_t)worker->app->settings->http.body_max_bytes) {
        answer(call, ERR_TOO_LARGE);
    } else {
        call->body = call_copy(call, text_of(req->entity.base, req->entity.len));
        router_start(call);
    }
    buf_fini(&allow);
    return 0;
}

int server_on_request(h2o_handler_t *handler, h2o_req_t *req)
{
    struct worker *worker = container_of(req->conn->ctx->loop, struct worker, loop);
    const struct text path =
        text_of(req->path.base, req->query_at != SIZE_MAX ? req->query_at : req->path.len);

    if (text_starts(path, TEXT("/v1/")) || text_equal(path, TEXT("/v1")))
        return serve_api(worker, req);
    if (text_equal(path, TEXT("/health")))
        return serve_health(worker, req, health_get);
    if (text_equal(path, TEXT("/ready")))
        return serve_health(worker, req, ready_get);
    if (text_equal(path, TEXT("/metrics")) && worker->app->settings->http.metrics)
        return serve_metrics(worker, req);
    return serve_page(worker, req);
}
