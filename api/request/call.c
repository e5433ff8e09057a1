#include "api/request/call.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/counters.h"
#include "api/request/call_state.h"
#include "api/request/problem.h"
#include "base/id.h"

#define CHUNK_BYTES 2048

struct chunk {
    struct chunk *next;
    size_t used, size;
    _Alignas(16) char bytes[];
};

struct call *call_create(struct worker *worker, const struct call_sink *sink, void *peer)
{
    struct call *call = xcalloc(1, sizeof(*call));

    call->worker = worker;
    call->sink = sink;
    call->peer = peer;
    call->last_header = &call->headers;
    snprintf(call->request_id, sizeof(call->request_id), "%016llx",
             (unsigned long long)id_random());
    deadlines_add(worker->deadlines, &call->deadline);
    return call;
}

void call_destroy(struct call *call)
{
    CHECK(call->peer == NULL);
    deadlines_remove(call->worker->deadlines, &call->deadline);
    json_fini(&call->json);
    buf_fini(&call->decoded);
    buf_fini(&call->out);
    buf_fini(&call->problem.detail);
    buf_fini(&call->problem.field);
    for (struct chunk *chunk = call->memory, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(call);
}

/* The handler goes on and is answered for; its own answer then goes nowhere. */
void call_on_late(struct deadline *deadline)
{
    struct call *call = container_of(deadline, struct call, deadline);
    struct buf unfinished = call->out; /* the handler may be in the midst of writing there */

    counter_add(COUNTER_REQUESTS_LATE, 1);
    call->out = (struct buf){0};
    problem_send(call, ERR_TIMEOUT);
    buf_fini(&call->out);
    call->out = unfinished;
}

void *call_alloc(struct call *call, size_t size)
{
    const size_t aligned = (size + 15) & ~(size_t)15;
    struct chunk *chunk = call->memory;

    if (chunk == NULL || chunk->size - chunk->used < aligned) {
        const size_t bytes = aligned > CHUNK_BYTES ? aligned : CHUNK_BYTES;
        chunk = xmalloc(sizeof(*chunk) + bytes);
        *chunk = (struct chunk){.next = call->memory, .size = bytes};
        call->memory = chunk;
    }
    void *at = chunk->bytes + chunk->used;
    chunk->used += aligned;
    return at;
}

struct text call_copy(struct call *call, struct text value)
{
    char *at = call_alloc(call, value.len + 1);
    if (value.len > 0)
        memcpy(at, value.at, value.len);
    return text_of(at, value.len);
}

int64_t call_user_id(const struct call *call)
{
    return call->user_id;
}

int64_t call_session_id(const struct call *call)
{
    return call->session_id;
}

struct worker *call_worker(const struct call *call)
{
    return call->worker;
}

/* ---- headers and addresses: copied, since the request may end before the call ---- */

struct text call_header(struct call *call, const char *lower_case_name)
{
    if (call->peer == NULL || call->sink->header == NULL)
        return (struct text){0};
    return call_copy(call, call->sink->header(call, lower_case_name));
}

struct text call_cookie(struct call *call, const char *name)
{
    struct text rest = call_header(call, "cookie");
    const struct text wanted = text(name);

    while (rest.len > 0) {
        const char *end = memchr(rest.at, ';', rest.len);
        struct text pair = text_of(rest.at, end != NULL ? (size_t)(end - rest.at) : rest.len);
        rest = text_after(rest, pair.len + (end != NULL ? 1 : 0));
        while (pair.len > 0 && pair.at[0] == ' ')
            pair = text_after(pair, 1);
        if (pair.len > wanted.len && text_starts(pair, wanted) && pair.at[wanted.len] == '=')
            return text_after(pair, wanted.len + 1);
    }
    return (struct text){0};
}

struct text call_host(struct call *call)
{
    return call_header(call, "host");
}

struct text call_address(struct call *call)
{
    struct buf address = {0};

    if (call->peer != NULL && call->sink->address != NULL)
        call->sink->address(call, &address);
    const struct text copy = call_copy(call, buf_text(&address));
    buf_fini(&address);
    return copy;
}

/* ---- the answer ---- */

struct buf *call_out(struct call *call)
{
    return &call->out;
}

void call_set_header(struct call *call, const char *lower_case_name, struct text value)
{
    struct call_answer_header *header = call_alloc(call, sizeof(*header));

    /* libh2o passes values on as they are */
    CHECK(value.len == 0 ||
          (memchr(value.at, '\r', value.len) == NULL && memchr(value.at, '\n', value.len) == NULL));
    *header = (struct call_answer_header){.name = lower_case_name, .value = call_copy(call, value)};
    *call->last_header = header;
    call->last_header = &header->next;
}

enum err call_reply(struct call *call, int status)
{
    if (call->peer == NULL)
        return ERR_OK;
    call->sink->send(call, status, ERR_OK);
    call->peer = NULL;
    return ERR_OK;
}

enum err call_reply_empty(struct call *call, int status)
{
    buf_reset(&call->out);
    return call_reply(call, status);
}
