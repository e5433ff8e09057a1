#include "gateway/api/api_command.h"

#include "base/log.h"
#include "gateway/api/methods.h"
#include "gateway/channels/namespaces.h"
#include "gateway/loop/loop.h"

static _Thread_local size_t open_requests;

void api_command_init(struct api_command *command, struct api_call *call,
                      void (*done)(struct api_command *command), void *context)
{
    *command = (struct api_command){.call = call, .width = 1, .done = done, .context = context};
}

void api_command_fini(struct api_command *command)
{
    buf_fini(&command->result);
}

void api_command_run(struct api_command *command, const struct api_method *method,
                     struct json_value params)
{
    command->method = method;
    if (method != NULL)
        method->run(command, params);
    else
        api_fail(command, PROTOCOL_METHOD_NOT_FOUND, NULL);
}

/* ---- the ends ---- */

static const char *message_of(int error)
{
    return error == PROTOCOL_CONFLICT ? "conflict" : protocol_error_message(error);
}

void api_fail(struct api_command *command, int error, const char *message)
{
    command->error = error;
    command->message = message != NULL ? message : message_of(error);
    buf_fini(&command->result);
    methods_count(command->method, error);
    metrics_add(&command->call->loop->metrics, METRIC_API_ERRORS, 1);
    command->done(command);
}

void api_refuse(struct api_command *command, const char *why)
{
    log_debug("api: %s: bad request: %s", command->method->name, why);
    api_fail(command, PROTOCOL_BAD_REQUEST, NULL);
}

/* `result` is written. */
static void succeed(struct api_command *command)
{
    command->call->answer_bytes += command->result.len;
    if (command->call->answer_bytes > API_ANSWER_MAX) {
        api_fail(command, PROTOCOL_LIMIT_EXCEEDED, NULL);
        return;
    }
    methods_count(command->method, 0);
    command->done(command);
}

void api_succeed(struct api_command *command, struct text json)
{
    buf_add_text(&command->result, json.len > 0 ? json : TEXT("{}"));
    succeed(command);
}

/* ---- the broker ---- */

static void write_members(struct api_command *command, const struct request *request)
{
    struct json_out out = {.buf = &command->result};

    json_open(&out, '{');
    command->write(&out, request);
    json_close(&out, '}');
    succeed(command);
}

static void take_answer(struct api_command *command, const struct request *request)
{
    if (request->outcome == REQUEST_DISCONNECT)
        api_fail(command, PROTOCOL_INTERNAL, NULL);
    else if (request->outcome == REQUEST_FAILED)
        api_fail(command, request->error,
                 request->message[0] != '\0'
                     ? arena_string(&command->call->arena, text(request->message))
                     : NULL);
    else if (command->write != NULL)
        write_members(command, request);
    else
        api_succeed(command, request->told);
}

static void on_answer(struct loop *loop, struct request *request)
{
    open_requests--;
    take_answer(request->context, request);
    request_destroy(request);
}

struct request *api_request(enum request_kind kind)
{
    return request_create(kind, on_answer);
}

void api_ask(struct api_command *command, struct request *request,
             void (*write)(struct json_out *out, const struct request *request))
{
    request->context = command;
    command->write = write;
    if (open_requests >= API_REQUESTS_MAX) {
        request_destroy(request);
        api_fail(command, PROTOCOL_TOO_MANY_REQUESTS, NULL);
    } else if (!loop_ask(command->call->loop, request)) {
        request_destroy(request);
        api_fail(command, PROTOCOL_INTERNAL, NULL);
    } else {
        open_requests++;
    }
}

/* ---- channels ---- */

int api_find_channel(const struct api_command *command, struct text channel,
                     const struct namespace **out)
{
    const struct loop *loop = command->call->loop;

    if (channel.len == 0)
        return PROTOCOL_BAD_REQUEST;
    /* The product's channels say what is in the database: only its API speaks there. */
    if (loop_is_product(loop, channel) ||
        (*out = namespace_find(loop->settings, channel)) == NULL)
        return PROTOCOL_UNKNOWN_CHANNEL;
    return channel_check_name(loop->settings, *out, channel);
}

/* ---- what is told ---- */

void api_write_error(struct json_out *out, const struct api_command *command)
{
    json_open(out, '{');
    json_key_i64(out, "code", command->error);
    json_key_text(out, "message", text(command->message));
    json_close(out, '}');
}

void api_write_answer(struct json_out *out, const struct api_command *command, const char *name)
{
    if (command->error == 0) {
        json_key_raw(out, name, buf_text(&command->result));
        return;
    }
    json_key(out, "error");
    api_write_error(out, command);
}
