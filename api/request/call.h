/*
 * call: one request to the API and its answer, whether it came over HTTP or as a socket RPC over the bus. Handlers see
 * only this: who asks, path ids, query, body, and one way to answer.
 *
 * A call outlives its request: when the peer is gone, or the deadline has answered for the handler, call_reply() does nothing.
 * Loop's thread, inside the call's task.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"

struct worker;
struct call;

/* Who asks: filled by the router for routes that want a signed-in user. */
int64_t call_user_id(const struct call *call);
int64_t call_session_id(const struct call *call);
struct worker *call_worker(const struct call *call); /* its loop: db, cache, log */

/* ---- the request ---- */
/* Path part `{name}` as an id: anything else is ERR_NOT_FOUND, as for an id that does not exist. */
MUST_CHECK enum err call_path_id(struct call *call, const char *name, int64_t *id);
struct text call_path_text(struct call *call, const char *name); /* percent-decoded, UTF-8 checked by the router */

/* Query members. Absent: `*out` keeps its value. ERR_OUT_OF_RANGE, ERR_WRONG_TYPE name the field in the problem. */
MUST_CHECK enum err call_query_i64(struct call *call, const char *name, int64_t min, int64_t max, int64_t *out);
bool call_query_text(struct call *call, const char *name, struct text *out);
/* ERR_OUT_OF_RANGE: more than `max` characters. Absent: `*out` stays as it is. */
MUST_CHECK enum err call_query_chars(struct call *call, const char *name, size_t max, struct text *out);

/*
 * Body members (the body must be a JSON object; the router refused it otherwise). The first form is for required members: ERR_MISSING.
 * Lengths of texts are in bytes, or characters for _chars. A wrong type, length or value names the field. Texts live as long as the call.
 */
MUST_CHECK enum err call_body_text(struct call *call, const char *name, size_t min, size_t max, struct text *out);
MUST_CHECK enum err call_body_chars(struct call *call, const char *name, size_t min, size_t max, struct text *out);
MUST_CHECK enum err call_body_id(struct call *call, const char *name, int64_t *out);
MUST_CHECK enum err call_body_i64(struct call *call, const char *name, int64_t min, int64_t max, int64_t *out);
bool call_body_has(struct call *call, const char *name); /* present and not null: then use the forms above for optional ones */
MUST_CHECK enum err call_body_bool(struct call *call, const char *name, bool *out); /* absent: keeps */
struct json_value call_body(struct call *call, const char *name); /* for lists and objects */
struct text call_body_bytes(const struct call *call);             /* the body as it came */

/* Headers and addresses; empty over the bus. */
struct text call_header(struct call *call, const char *lower_case_name);
struct text call_cookie(struct call *call, const char *name);
struct text call_host(struct call *call);    /* Host header */
struct text call_address(struct call *call); /* the peer's, "127.0.0.1"; behind listed proxies the forwarded one */

/* Memory that lives as long as the call. */
void *call_alloc(struct call *call, size_t size);

/* ---- the answer ---- */
/* An empty buffer to build the body in; one per call, so one answer. */
struct buf *call_out(struct call *call);
void call_set_header(struct call *call, const char *lower_case_name, struct text value); /* value is copied; set-cookie may repeat */
/* Sends call_out() as application/json with `status`. Returns ERR_OK, so that a handler ends with it. */
enum err call_reply(struct call *call, int status);
enum err call_reply_empty(struct call *call, int status); /* 204, 304 */
/* Makes the problem's `detail` and `errors` more precise; returns `err`: return call_fail_field(call, ERR_OUT_OF_RANGE, "limit", "1 to 200"). */
enum err call_fail_field(struct call *call, enum err err, const char *field, const char *format, ...) __attribute__((format(printf, 4, 5)));
enum err call_fail(struct call *call, enum err err, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* An extra member of the problem document: "until": time. */
void call_problem_time(struct call *call, const char *name, int64_t wall_us);
void call_retry_after(struct call *call, int seconds);
