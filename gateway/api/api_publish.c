/*
 * publish, broadcast: the same publication into one channel or into many, each of which is checked,
 * and answered, by itself. history_remove: a stream loses its publications and keeps its position.
 */
#include "gateway/api/api_group.h"
#include "gateway/api/methods.h"
#include "gateway/channels/namespaces.h"

/* In the call's arena: all channels of a broadcast borrow from it. */
struct draft {
    struct text data, idempotency_key, version_epoch;
    const struct tag *tags;
    size_t tag_count;
    uint64_t version;
    bool is_json, skip_history, delta;
};

static struct draft *read_draft(struct api_params *params)
{
    struct draft *draft = arena_alloc(params->arena, sizeof(*draft));

    draft->data = api_params_payload(params, "data", "b64data", &draft->is_json);
    draft->idempotency_key = api_params_text(params, "idempotency_key");
    draft->version = api_params_u64(params, "version");
    draft->version_epoch = api_params_text(params, "version_epoch");
    draft->tags = api_params_tags(params, "tags", &draft->tag_count);
    draft->skip_history = api_params_bool(params, "skip_history");
    draft->delta = api_params_bool(params, "delta");
    return draft;
}

/* What a stream's position is; nothing without one. */
static void write_position(struct json_out *out, const struct request *request)
{
    if (request->position > 0)
        json_key_u64(out, "offset", request->position);
    if (request->position_epoch.len > 0)
        json_key_text(out, "epoch", request->position_epoch);
}

static void publish(struct api_command *command, const struct draft *draft, struct text channel)
{
    const struct namespace *namespace;
    struct request *request;
    int error;

    if ((error = api_find_channel(command, channel, &namespace)) != 0 ||
        (error = channel_check_data(namespace, draft->data, draft->is_json)) != 0) {
        api_fail(command, error, NULL);
        return;
    }
    request = api_request(REQUEST_PUBLISH);
    request->namespace = namespace;
    request->channel = channel;
    request->data = draft->data;
    request->is_json = draft->is_json;
    request->tags = draft->tags;
    request->tag_count = draft->tag_count;
    request->idempotency_key = draft->idempotency_key;
    request->version = draft->version;
    request->version_epoch = draft->version_epoch;
    request->skip_history = draft->skip_history;
    request->delta = draft->delta;
    api_ask(command, request, write_position);
}

void api_publish(struct api_command *command, struct json_value object)
{
    struct api_params params = api_params(&command->call->arena, object);
    const struct draft *draft = read_draft(&params);
    const struct text channel = api_params_text(&params, "channel");

    if (params.wrong != NULL)
        api_refuse(command, params.wrong);
    else
        publish(command, draft, channel);
}

/* ---- broadcast ---- */

struct broadcast {
    struct api_command *command;
    const struct draft *draft;
    const struct text *channels;
};

static void begin_channel(struct api_group *group, size_t i)
{
    const struct broadcast *broadcast = group->context;

    /* Not by api_command_run(): it counts as one command, and so do its errors. */
    publish(&group->commands[i], broadcast->draft, broadcast->channels[i]);
}

static void tell_responses(struct api_group *group)
{
    const struct broadcast *broadcast = group->context;
    struct buf result = {0};
    struct json_out out = {.buf = &result};

    json_open(&out, '{');
    json_key(&out, "responses");
    json_open(&out, '[');
    for (size_t i = 0; i < group->count; i++) {
        json_open(&out, '{');
        api_write_answer(&out, &group->commands[i], "result");
        json_close(&out, '}');
    }
    json_close(&out, ']');
    json_close(&out, '}');
    api_group_fini(group);
    api_succeed(broadcast->command, buf_text(&result));
    buf_fini(&result);
}

void api_broadcast(struct api_command *command, struct json_value object)
{
    struct arena *arena = &command->call->arena;
    struct api_params params = api_params(arena, object);
    struct broadcast *broadcast = arena_alloc(arena, sizeof(*broadcast));
    size_t count;

    broadcast->command = command;
    broadcast->draft = read_draft(&params);
    broadcast->channels = api_params_texts(&params, "channels", &count);
    if (params.wrong != NULL)
        api_refuse(command, params.wrong);
    else if (count == 0)
        api_refuse(command, "no channels");
    else if (count > API_COMMANDS_MAX)
        api_refuse(command, "too many channels");
    else
        api_group_run(api_group_create(command->call, count, command->width, begin_channel,
                                       tell_responses, broadcast));
}

/* ---- history_remove ---- */

void api_history_remove(struct api_command *command, struct json_value object)
{
    struct api_params params = api_params(&command->call->arena, object);
    const struct text channel = api_params_text(&params, "channel");
    const struct namespace *namespace;
    struct request *request;
    int error;

    if (params.wrong != NULL) {
        api_refuse(command, params.wrong);
        return;
    }
    if ((error = api_find_channel(command, channel, &namespace)) == 0 &&
        namespace->history_size == 0)
        error = PROTOCOL_NOT_AVAILABLE;
    if (error != 0) {
        api_fail(command, error, NULL);
        return;
    }
    request = api_request(REQUEST_HISTORY_REMOVE);
    request->namespace = namespace;
    request->channel = channel;
    api_ask(command, request, NULL);
}
