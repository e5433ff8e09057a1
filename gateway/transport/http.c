#include "gateway/transport/http.h"

#include <strings.h>

#include "gateway/loop/loop.h"

/* ---- reading ---- */

static struct text text_of_iovec(h2o_iovec_t iovec)
{
    return text_of(iovec.base, iovec.len);
}

struct text http_header(const h2o_req_t *req, const char *name)
{
    const ssize_t at = h2o_find_header_by_str(&req->headers, name, strlen(name), -1);

    return at >= 0 ? text_of_iovec(req->headers.entries[at].value) : (struct text){0};
}

struct text http_method(const h2o_req_t *req)
{
    return text_of_iovec(req->method);
}

struct text http_path(const h2o_req_t *req)
{
    return text_of_iovec(req->path_normalized);
}

struct text http_query(const h2o_req_t *req)
{
    if (req->query_at == SIZE_MAX)
        return (struct text){0};
    return text_after(text_of_iovec(req->path), req->query_at + 1);
}

struct text http_body(const h2o_req_t *req)
{
    return text_of_iovec(req->entity);
}

bool http_is_reading(const h2o_req_t *req)
{
    return text_equal(http_method(req), TEXT("GET")) || text_equal(http_method(req), TEXT("HEAD"));
}

bool http_equal_nocase(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.at, b.at, a.len) == 0);
}

static bool is_separator(char byte)
{
    return byte == ',' || byte == ' ' || byte == '\t';
}

struct text http_next_word(struct text *list)
{
    size_t start = 0, end;

    while (start < list->len && is_separator(list->at[start]))
        start++;
    for (end = start; end < list->len && !is_separator(list->at[end]);)
        end++;
    const struct text word = text_of(list->at + start, end - start);
    *list = text_after(*list, end);
    return word;
}

/* Takes "name=value" off the front of the query. */
static bool next_parameter(struct text *query, struct text *name, struct text *value)
{
    if (query->len == 0)
        return false;
    const char *end = memchr(query->at, '&', query->len);
    const struct text pair =
        text_of(query->at, end != NULL ? (size_t)(end - query->at) : query->len);
    const char *equals = pair.len > 0 ? memchr(pair.at, '=', pair.len) : NULL;
    const size_t name_len = equals != NULL ? (size_t)(equals - pair.at) : pair.len;

    *name = text_of(pair.at, name_len);
    *value = equals != NULL ? text_after(pair, name_len + 1) : (struct text){0};
    *query = text_after(*query, pair.len + (end != NULL));
    return true;
}

bool http_query_has(struct text query, const char *name, const char *value)
{
    struct text its_name, its_value;

    while (next_parameter(&query, &its_name, &its_value))
        if (http_equal_nocase(its_name, text(name)) &&
            (value == NULL || text_equal(its_value, text(value))))
            return true;
    return false;
}

/* Form encoding: %xx, and '+' for a space. */
static bool decode(struct text from, char *to, size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < from.len; i++) {
        char byte = from.at[i];
        if (byte == '+') {
            byte = ' ';
        } else if (byte == '%') {
            const int high = i + 2 < from.len ? text_hex_digit(from.at[i + 1]) : -1;
            const int low = i + 2 < from.len ? text_hex_digit(from.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            byte = (char)(high * 16 + low);
            i += 2;
        }
        to[(*len)++] = byte;
    }
    return true;
}

bool http_query_value(h2o_req_t *req, const char *name, struct text *value)
{
    struct text query = http_query(req), its_name, its_value;

    while (next_parameter(&query, &its_name, &its_value)) {
        if (!http_equal_nocase(its_name, text(name)))
            continue;
        char *to = h2o_mem_alloc_pool(&req->pool, its_value.len + 1);
        size_t len;
        if (!decode(its_value, to, &len))
            return false;
        *value = text_of(to, len);
        return true;
    }
    return false;
}

/* ---- answering ---- */

void http_add_header(h2o_req_t *req, const char *name, struct text value)
{
    const h2o_iovec_t copy = h2o_strdup(&req->pool, value.at, value.len);

    h2o_add_header_by_str(&req->pool, &req->res.headers, name, strlen(name), 0, NULL, copy.base,
                          copy.len);
}

static int send_answer(h2o_req_t *req, int status, const char *reason, struct text body)
{
    static h2o_generator_t generator; /* looked at until the last byte is out */
    h2o_iovec_t bytes = h2o_strdup(&req->pool, body.len > 0 ? body.at : "", body.len);

    if (loop_current()->drain_until_ms != 0)
        req->http1_is_persistent = 0;
    req->res.status = status;
    req->res.reason = reason;
    req->res.content_length = bytes.len;
    h2o_start_response(req, &generator);
    h2o_send(req, &bytes, 1, H2O_SEND_STATE_FINAL);
    return 0;
}

int http_answer(h2o_req_t *req, int status, const char *reason, const char *type, struct text body)
{
    http_add_header(req, "content-type", text(type));
    http_add_header(req, "cache-control", TEXT("no-store"));
    return send_answer(req, status, reason, body);
}

int http_answer_text(h2o_req_t *req, int status, const char *reason, const char *line)
{
    return http_answer(req, status, reason, "text/plain; charset=utf-8", text(line));
}

int http_answer_json(h2o_req_t *req, int status, const char *reason, struct text body)
{
    return http_answer(req, status, reason, "application/json", body);
}

int http_answer_not_found(h2o_req_t *req)
{
    return http_answer_text(req, 404, "Not Found", "there is no such thing\n");
}

int http_answer_nothing(h2o_req_t *req)
{
    return send_answer(req, 204, "No Content", (struct text){0});
}
