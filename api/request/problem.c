#include "api/request/problem.h"

#include <stdarg.h>
#include <stdio.h>

#include "api/request/call_state.h"
#include "base/utf8.h"

#define DETAIL_MAX 256

static void note_detail(struct call *call, const char *format, va_list args)
{
    char detail[DETAIL_MAX];
    int len = vsnprintf(detail, sizeof(detail), format, args);

    if (len >= DETAIL_MAX) /* cut between characters */
        for (len = DETAIL_MAX - 1; len > 0 && !utf8_valid(text_of(detail, (size_t)len));)
            len--;
    buf_reset(&call->problem.detail);
    buf_add(&call->problem.detail, detail, (size_t)len);
}

enum err call_fail(struct call *call, enum err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    note_detail(call, format, args);
    va_end(args);
    return err;
}

enum err call_fail_field(struct call *call, enum err err, const char *field, const char *format,
                         ...)
{
    va_list args;
    va_start(args, format);
    note_detail(call, format, args);
    va_end(args);
    buf_reset(&call->problem.field);
    buf_add_text(&call->problem.field, text(field));
    return err;
}

void call_problem_time(struct call *call, const char *name, int64_t wall_us)
{
    call->problem.time_name = name;
    call->problem.time_us = wall_us;
}

void call_retry_after(struct call *call, int seconds)
{
    call->problem.retry_after_s = seconds;
}

static void write_errors(struct json_out *out, const struct problem *problem, enum err err)
{
    json_key(out, "errors");
    json_open(out, '[');
    json_open(out, '{');
    json_key_text(out, "field", buf_text(&problem->field));
    json_key_text(out, "code", text(err_code(err)));
    json_key_text(out, "detail", buf_text(&problem->detail));
    json_close(out, '}');
    json_close(out, ']');
}

static void write_document(struct call *call, enum err err)
{
    struct json_out out = {.buf = &call->out};
    const struct problem *problem = &call->problem;
    char type[64];

    snprintf(type, sizeof(type), "urn:parley:problem:%s", err_code(err));
    json_open(&out, '{');
    json_key_text(&out, "type", text(type));
    json_key_text(&out, "title", text(err_title(err)));
    json_key_i64(&out, "status", err_status(err));
    if (problem->field.len > 0) {
        struct buf both = {0};
        buf_printf(&both, "%.*s: %.*s", TEXT_ARGS(buf_text(&problem->field)),
                   TEXT_ARGS(buf_text(&problem->detail)));
        json_key_text(&out, "detail", buf_text(&both));
        buf_fini(&both);
    } else if (problem->detail.len > 0) {
        json_key_text(&out, "detail", buf_text(&problem->detail));
    }
    if (call->path.len > 0 && utf8_valid(call->path))
        json_key_text(&out, "instance", call->path);
    json_key_text(&out, "code", text(err_code(err)));
    json_key_text(&out, "request_id", text(call->request_id));
    if (problem->limit != NULL)
        json_key_text(&out, "limit", text(problem->limit));
    if (problem->time_name != NULL)
        json_key_time(&out, problem->time_name, problem->time_us);
    if (problem->field.len > 0)
        write_errors(&out, problem, err);
    json_close(&out, '}');
}

static void set_retry_after(struct call *call, enum err err)
{
    const bool passes = err == ERR_UNAVAILABLE || err == ERR_BUSY || err == ERR_TIMEOUT;
    char digits[16];

    if (!passes && call->problem.retry_after_s == 0)
        return;
    snprintf(digits, sizeof(digits), "%d",
             call->problem.retry_after_s > 0 ? call->problem.retry_after_s : 1);
    call_set_header(call, "retry-after", text(digits));
}

void problem_send(struct call *call, enum err err)
{
    if (call->peer == NULL)
        return;
    CHECK(err != ERR_OK);
    buf_reset(&call->out); /* what a handler wrote before it failed */
    write_document(call, err);
    set_retry_after(call, err);
    if (err_status(err) == 401)
        call_set_header(call, "www-authenticate", TEXT("Bearer"));
    call->sink->send(call, err_status(err), err);
    call->peer = NULL;
}
