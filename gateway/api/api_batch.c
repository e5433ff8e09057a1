/*
 * batch: {"commands":[{"publish":{…}},…]} -> {"replies":[{"publish":{…}},…]}, each result under
 * its command's name, each error as "error". One after the other, or many at once when `parallel`.
 */
#include "gateway/api/api_group.h"
#include "gateway/api/methods.h"

#define WIDTH_PARALLEL 4 /* of a broadcast in a parallel batch */

struct batch {
    struct api_command *command;
    struct json_iter commands; /* they are begun in their order */
    bool is_parallel;
};

/* The one member that is not null; false: there is none. */
static bool find_command(struct json_value object, struct text *name, struct json_value *params)
{
    for (struct json_iter it = json_iter(object); json_next(&it);)
        if (json_kind(it.value) != JSON_NULL) {
            *name = it.key;
            *params = it.value;
            return true;
        }
    return false;
}

static bool is_batch(const struct api_method *method)
{
    return method != NULL && method->run == api_batch;
}

static void begin_command(struct api_group *group, size_t i)
{
    struct batch *batch = group->context;
    struct api_command *command = &group->commands[i];
    struct json_value params = {0};
    struct text name = {0};

    CHECK(json_next(&batch->commands));
    if (json_kind(batch->commands.value) != JSON_OBJECT) {
        api_fail(command, PROTOCOL_BAD_REQUEST, NULL);
        return;
    }
    const struct api_method *method = find_command(batch->commands.value, &name, &params)
                                          ? methods_find(name)
                                          : NULL;
    command->width = batch->is_parallel ? WIDTH_PARALLEL : API_PARALLEL_MAX;
    /* A batch in a batch has no name in the protocol, and would have no bound here. */
    api_command_run(command, is_batch(method) ? NULL : method, params);
}

static void tell_replies(struct api_group *group)
{
    const struct batch *batch = group->context;
    struct buf result = {0};
    struct json_out out = {.buf = &result};

    json_open(&out, '{');
    json_key(&out, "replies");
    json_open(&out, '[');
    for (size_t i = 0; i < group->count; i++) {
        const struct api_method *method = group->commands[i].method;
        json_open(&out, '{');
        api_write_answer(&out, &group->commands[i], method != NULL ? method->name : "");
        json_close(&out, '}');
    }
    json_close(&out, ']');
    json_close(&out, '}');
    api_group_fini(group);
    api_succeed(batch->command, buf_text(&result));
    buf_fini(&result);
}

void api_batch(struct api_command *command, struct json_value object)
{
    struct arena *arena = &command->call->arena;
    struct api_params params = api_params(arena, object);
    struct batch *batch = arena_alloc(arena, sizeof(*batch));
    const struct json_value commands = api_params_list(&params, "commands");
    const size_t count = json_size(commands);

    batch->command = command;
    batch->commands = json_iter(commands);
    batch->is_parallel = api_params_bool(&params, "parallel");
    if (params.wrong != NULL)
        api_refuse(command, params.wrong);
    else if (count > API_COMMANDS_MAX)
        api_refuse(command, "too many commands");
    else
        api_group_run(api_group_create(command->call, count,
                                       batch->is_parallel ? API_PARALLEL_MAX : 1, begin_command,
                                       tell_replies, batch));
}
