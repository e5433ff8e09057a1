/*
 *   key, method, size -> the body is copied, since the peer may leave while the broker is asked ->
 *   one command, or a stream of them -> all are finished -> the answer, if anybody waits for it
 */
#include "gateway/api/api.h"

#include <stdlib.h>

#include "gateway/api/api_group.h"
#include "gateway/api/api_key.h"
#include "gateway/api/api_stream.h"
#include "gateway/api/methods.h"
#include "gateway/loop/loop.h"
#include "gateway/transport/http.h"
#include "gateway/transport/pending.h"

#define TOKENS_MAX (1 << 20) /* of JSON in a body; each takes 20 bytes */

struct exchange {
    struct api_call call;
    struct pending *pending;
    bool transport_errors;
    struct json json; /* one command */
    struct api_command command;
    struct api_stream stream; /* many */
};

static struct exchange *exchange_create(h2o_req_t *req)
{
    struct exchange *exchange = xcalloc(1, sizeof(*exchange));

    exchange->call.loop = loop_current();
    exchange->pending = pending_begin(req);
    exchange->transport_errors =
        exchange->call.loop->settings->http_api.transport_errors ||
        http_equal_nocase(http_header(req, "x-centrifugo-error-mode"), TEXT("transport"));
    return exchange;
}

static void exchange_destroy(struct exchange *exchange)
{
    api_command_fini(&exchange->command);
    api_stream_fini(&exchange->stream);
    json_fini(&exchange->json);
    arena_fini(&exchange->call.arena);
    free(exchange);
}

/* ---- answers ---- */

struct status {
    int error, number;
    const char *reason;
};

static struct status status_of(int error)
{
    static const struct status table[] = {
        {PROTOCOL_UNKNOWN_CHANNEL, 404, "Not Found"},
        {PROTOCOL_METHOD_NOT_FOUND, 404, "Not Found"},
        {PROTOCOL_LIMIT_EXCEEDED, 400, "Bad Request"},
        {PROTOCOL_BAD_REQUEST, 400, "Bad Request"},
        {PROTOCOL_NOT_AVAILABLE, 400, "Bad Request"},
        {PROTOCOL_TOO_MANY_REQUESTS, 429, "Too Many Requests"},
        {PROTOCOL_UNRECOVERABLE, 416, "Range Not Satisfiable"},
        {PROTOCOL_CONFLICT, 409, "Conflict"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(table); i++)
        if (table[i].error == error)
            return table[i];
    return (struct status){error, 500, "Internal Server Error"};
}

static void answer(struct exchange *exchange, struct status status, const struct buf *body)
{
    h2o_req_t *req = pending_end(exchange->pending);

    if (req != NULL)
        http_answer_json(req, status.number, status.reason, buf_text(body));
}

static bool is_whole_answer(const struct api_command *command)
{
    return command->error == 0 && command->method->tells_all;
}

static void on_command_done(struct api_command *command)
{
    struct exchange *exchange = command->context;
    struct status status = {0, 200, "OK"};
    struct buf body = {0};
    struct json_out out = {.buf = &body};

    if (is_whole_answer(command)) {
        buf_add_text(&body, buf_text(&command->result));
    } else if (command->error != 0 && exchange->transport_errors) {
        status = status_of(command->error);
        api_write_error(&out, command);
    } else {
        json_open(&out, '{');
        api_write_answer(&out, command, "result");
        json_close(&out, '}');
    }
    answer(exchange, status, &body);
    buf_fini(&body);
    exchange_destroy(exchange);
}

static void on_stream_done(struct api_group *group)
{
    struct exchange *exchange = group->context;
    struct buf body = {0};

    for (size_t i = 0; i < group->count; i++) {
        struct json_out out = {.buf = &body};
        if (i > 0)
            buf_add_byte(&body, '\n');
        json_open(&out, '{');
        if (exchange->stream.commands[i].id != 0)
            json_key_u64(&out, "id", exchange->stream.commands[i].id);
        api_write_answer(&out, &group->commands[i], "result");
        json_close(&out, '}');
    }
    answer(exchange, (struct status){0, 200, "OK"}, &body);
    buf_fini(&body);
    api_group_fini(group);
    exchange_destroy(exchange);
}

/* ---- beginnings ---- */

static int refuse_body(struct exchange *exchange, const char *why)
{
    h2o_req_t *req = pending_end(exchange->pending);
    char line[128];

    snprintf(line, sizeof(line), "bad request: %s\n", why);
    exchange_destroy(exchange);
    return http_answer_text(req, 400, "Bad Request", line);
}

static int run_one(struct exchange *exchange, struct text method, struct text body)
{
    struct json *json = &exchange->json;

    if (json_parse_up_to(json, body, TOKENS_MAX) != ERR_OK)
        return refuse_body(exchange, json->why);
    if (json_kind(json_root(json)) != JSON_OBJECT)
        return refuse_body(exchange, "not a JSON object");
    api_command_init(&exchange->command, &exchange->call, on_command_done, exchange);
    exchange->command.width = API_PARALLEL_MAX;
    api_command_run(&exchange->command, methods_find(method), json_root(json));
    return 0;
}

static void begin_of_stream(struct api_group *group, size_t i)
{
    const struct exchange *exchange = group->context;
    const struct api_stream_command *from = &exchange->stream.commands[i];

    group->commands[i].width = API_PARALLEL_MAX;
    api_command_run(&group->commands[i], from->method, from->params);
}

static int run_stream(struct exchange *exchange, struct text body)
{
    if (!api_stream_read(&exchange->stream, &exchange->call.arena, body, TOKENS_MAX))
        return refuse_body(exchange, "not a stream of commands");
    api_group_run(api_group_create(&exchange->call, exchange->stream.count, 1, begin_of_stream,
                                   on_stream_done, exchange));
    return 0;
}

int api_answer(h2o_req_t *req, struct text method)
{
    if (!text_equal(http_method(req), TEXT("POST")))
        return http_answer_text(req, 405, "Method Not Allowed", "POST calls a method\n");
    if (req->entity.len > API_BODY_MAX)
        return http_answer_text(req, 413, "Payload Too Large", "the body is too large\n");

    struct exchange *exchange = exchange_create(req);
    const struct text body = arena_text(&exchange->call.arena, http_body(req));
    metrics_add(&exchange->call.loop->metrics, METRIC_API_CALLS, 1);
    return method.len > 0 ? run_one(exchange, method, body) : run_stream(exchange, body);
}

/* What stands behind the API's path and a slash. */
static struct text method_of(const h2o_req_t *req, const struct settings *settings)
{
    const struct text path = http_path(req);
    const size_t prefix = strlen(settings->http_api.path) + 1;

    return path.len > prefix ? text_after(path, prefix) : (struct text){0};
}

int api_on_request(h2o_req_t *req)
{
    struct loop *loop = loop_current();

    if (!api_key_passes(req, loop->settings)) {
        metrics_add(&loop->metrics, METRIC_API_REFUSED, 1);
        return http_answer_text(req, 401, "Unauthorized", "the API key is missing or wrong\n");
    }
    return api_answer(req, method_of(req, loop->settings));
}
