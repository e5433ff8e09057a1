/*
 * call_state: what a call is made of, for those who start and answer calls (server, rpc, router,
 * call_*.c). Handlers see call.h alone.
 */
#pragma once

#include "api/request/call.h"
#include "api/request/deadline.h"
#include "api/request/url.h"
#include "api/worker.h"

#define CALL_CAPTURES_MAX     4
#define CALL_REQUEST_ID_BYTES 17 /* 16 hex digits and NUL */

struct route;

/* Where a call came from and its answer goes to. */
struct call_sink {
    /* Once; never after the peer is gone. The body is call->out, the headers call->headers. */
    void (*send)(struct call *call, int status, enum err err);
    /* Borrowed until the peer is gone; empty when there is none. Both may be NULL. */
    struct text (*header)(struct call *call, const char *lower_case_name);
    void (*address)(struct call *call, struct buf *out);
};

struct call_answer_header {
    struct call_answer_header *next;
    const char *name;
    struct text value;
};

struct call {
    struct worker *worker;
    const struct call_sink *sink;
    void *peer; /* the sink's; NULL: answered, or gone */
    char request_id[CALL_REQUEST_ID_BYTES];
    struct deadline deadline;

    /* the request; the router fills `route` and captures */
    const struct route *route;
    struct text path; /* as it came, for the problem document; empty over the bus */
    struct call_capture {
        struct text name, value;
    } captures[CALL_CAPTURES_MAX];
    int capture_count;
    struct url_query query;
    struct buf decoded; /* the bytes behind captures and query */
    struct text body;
    struct json json;
    struct json_value members; /* the body's root, absent without a body */
    bool is_rpc;               /* path and query members stand in the body too */
    int64_t user_id, session_id;
    bool is_from_stranger; /* forwarded by a proxy that is not listed: call_address() is the proxy's, and says so here */
    bool has_taken;        /* of its limits (api/request/limits.h) */

    /* the answer */
    struct buf out;
    struct call_answer_header *headers, **last_header;
    struct problem {
        struct buf detail;
        struct buf field; /* empty: about no field */
        const char *time_name;
        int64_t time_us;
        int retry_after_s; /* 0: as usual for the error */
        const char *limit; /* ERR_LIMIT: which; or NULL */
    } problem;

    struct chunk *memory; /* call_alloc() */
};

/*
 * `sink`, `peer` are kept. The deadline runs from now on. It must be answered, or its peer gone,
 * before it is destroyed.
 */
struct call *call_create(struct worker *worker, const struct call_sink *sink, void *peer);
void call_destroy(struct call *call);
struct text call_copy(struct call *call, struct text value); /* into the call's memory */
void call_on_late(struct deadline *deadline);                /* for deadlines_open() */

/* The member of that name: of the body, or over the bus of the data. Null counts as absent. */
struct json_value call_member(const struct call *call, const char *name);
