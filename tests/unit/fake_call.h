/*
 * fake_call: a worker without network, database and cache, and calls whose answers are only noted.
 * For tests of what stands between the socket and the handlers. The test file defines `routes`.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/request/call_state.h"
#include "api/ended.h"
#include "api/request/problem.h"
#include "api/request/router.h"
#include "api/settings.h"
#include "base/id.h"

#define FAKE_SECRET "a key that only the tests know"

struct fake {
    struct settings settings;
    struct app app;
    struct worker worker;
    const char *request_headers[8]; /* name, value, name, value … NULL */

    int answers;
    int status;
    enum err err;
    struct buf body;
    struct buf headers; /* "name: value\n" … */
};

static void fake_send(struct call *call, int status, enum err err)
{
    struct fake *fake = call->peer;

    fake->answers++;
    fake->status = status;
    fake->err = err;
    buf_reset(&fake->body);
    buf_reset(&fake->headers);
    buf_add_text(&fake->body, buf_text(&call->out));
    for (struct call_answer_header *header = call->headers; header != NULL; header = header->next)
        buf_printf(&fake->headers, "%s: %.*s\n", header->name, TEXT_ARGS(header->value));
    buf_cstring(&fake->body);
    buf_cstring(&fake->headers);
}

static struct text fake_header(struct call *call, const char *name)
{
    const struct fake *fake = call->peer;
    for (int i = 0; fake->request_headers[i] != NULL; i += 2)
        if (strcmp(fake->request_headers[i], name) == 0)
            return text(fake->request_headers[i + 1]);
    return (struct text){0};
}

static const struct call_sink fake_sink = {.send = fake_send, .header = fake_header};

static int fake_setup(void **state)
{
    struct fake *fake = xcalloc(1, sizeof(*fake));

    id_init();
    fake->settings.http.body_max_bytes = 100;
    fake->settings.token.secret = (char *)FAKE_SECRET;
    fake->settings.token.audience = (char *)"parley";
    fake->app.settings = &fake->settings;
    fake->app.ended = ended_create();
    fake->worker.app = &fake->app;
    uv_loop_init(&fake->worker.loop);
    fake->worker.tasks = task_pool_create(2);
    fake->worker.deadlines = deadlines_open(&fake->worker.loop, 20, call_on_late);
    *state = fake;
    return 0;
}

static int fake_teardown(void **state)
{
    struct fake *fake = *state;

    deadlines_close(fake->worker.deadlines);
    uv_run(&fake->worker.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fake->worker.loop), 0);
    task_pool_destroy(fake->worker.tasks);
    ended_destroy(fake->app.ended);
    buf_fini(&fake->body);
    buf_fini(&fake->headers);
    free(fake);
    return 0;
}

static inline struct call *fake_call(struct fake *fake)
{
    return call_create(&fake->worker, &fake_sink, fake);
}

/* As the server does it: "GET", "/v1/rooms/7?limit=3", a body or NULL. */
static inline void fake_request(struct fake *fake, const char *method, const char *address,
                                const char *body)
{
    struct call *call = fake_call(fake);
    const char *mark = strchr(address, '?');
    const size_t path_len = mark != NULL ? (size_t)(mark - address) : strlen(address);
    struct url_path path;
    struct buf allow = {0};
    enum err err;

    buf_reserve(&call->decoded, strlen(address) + 1);
    call->path = call_copy(call, text_of(address, path_len));
    call->body = call_copy(call, text(body));
    if ((err = url_split(call->path, &call->decoded, &path)) == ERR_OK &&
        (err = url_read_query(text(mark != NULL ? mark + 1 : NULL), &call->decoded,
                              &call->query)) == ERR_OK &&
        (err = router_find(call, text(method), &path, &allow)) == ERR_OK) {
        router_start(call);
    } else {
        if (allow.len > 0)
            call_set_header(call, "allow", buf_text(&allow));
        problem_send(call, err);
        call_destroy(call);
    }
    buf_fini(&allow);
}

#define assert_has(haystack, needle)                                                               \
    do {                                                                                           \
        if (strstr((haystack).at, needle) == NULL)                                                 \
            fail_msg("'%s' is not in '%s'", needle, (haystack).at);                                \
    } while (0)
