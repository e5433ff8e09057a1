#include "api/request/refusal.h"

#include <stdio.h>

#include "base/base.h"
#include "base/err.h"
#include "base/text.h"

#define DOCUMENT_MAX 256

struct refusal { /* an output stream of libh2o that sends its own bytes in place of those that come
                  */
    h2o_ostream_t stream;
    h2o_iovec_t document;
};

/* libh2o's own answers are short plain texts; ours never are. */
static bool is_from_libh2o(const h2o_req_t *req)
{
    const ssize_t at = h2o_find_header(&req->res.headers, H2O_TOKEN_CONTENT_TYPE, -1);
    if (at < 0 || req->res.status < 400)
        return false;
    const h2o_iovec_t type = req->res.headers.entries[at].value;
    return text_starts(text_of(type.base, type.len), TEXT("text/plain"));
}

static h2o_iovec_t write_document(h2o_req_t *req)
{
    const enum err err = req->res.status == 413   ? ERR_TOO_LARGE
                         : req->res.status >= 500 ? ERR_INTERNAL
                                                  : ERR_INVALID;
    char *at = h2o_mem_alloc_pool(&req->pool, DOCUMENT_MAX);
    const int len = snprintf(at, DOCUMENT_MAX,
                             "{\"type\":\"urn:parley:problem:%s\",\"title\":\"%s\",\"status\":%d,"
                             "\"code\":\"%s\"}",
                             err_code(err), err_title(err), req->res.status, err_code(err));
    CHECK(len > 0 && len < DOCUMENT_MAX);
    return h2o_iovec_init(at, (size_t)len);
}

static void send_document(h2o_ostream_t *stream, h2o_req_t *req, h2o_iovec_t *bufs, size_t count,
                          h2o_send_state_t state)
{
    struct refusal *refusal = (struct refusal *)stream;
    h2o_ostream_send_next(stream, req, &refusal->document, 1, state);
}

static void on_setup(h2o_filter_t *filter, h2o_req_t *req, h2o_ostream_t **slot)
{
    if (is_from_libh2o(req)) {
        struct refusal *refusal = (struct refusal *)h2o_add_ostream(req, sizeof(*refusal), slot);
        refusal->stream.do_send = send_document;
        refusal->document = write_document(req);
        req->res.content_length = refusal->document.len;
        h2o_set_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE,
                       H2O_STRLIT("application/problem+json"), 1);
        slot = &refusal->stream.next;
    }
    h2o_setup_next_ostream(req, slot);
}

void refusal_init(h2o_globalconf_t *http)
{
    for (h2o_hostconf_t **host = http->hosts; *host != NULL; host++)
        h2o_create_filter(&(*host)->fallback_path, sizeof(h2o_filter_t))->on_setup_ostream =
            on_setup;
}
