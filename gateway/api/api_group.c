#include "gateway/api/api_group.h"

/* Many commands end before they are begun properly: a loop, lest each of them stands on the stack
 * of the one before. */
static void go_on(struct api_group *group)
{
    if (group->is_beginning)
        return;
    group->is_beginning = true;
    while (group->begun < group->count && group->open < group->width) {
        group->open++;
        group->begin(group, group->begun++);
    }
    group->is_beginning = false;
    if (group->open == 0)
        group->finished(group);
}

static void on_command_done(struct api_command *command)
{
    struct api_group *group = command->context;

    group->open--;
    go_on(group);
}

struct api_group *api_group_create(struct api_call *call, size_t count, unsigned width,
                                   void (*begin)(struct api_group *group, size_t i),
                                   void (*finished)(struct api_group *group), void *context)
{
    struct api_group *group = arena_alloc(&call->arena, sizeof(*group));

    *group = (struct api_group){
        .commands = arena_alloc(&call->arena, count * sizeof(struct api_command)),
        .count = count,
        .width = width,
        .begin = begin,
        .finished = finished,
        .context = context,
    };
    for (size_t i = 0; i < count; i++)
        api_command_init(&group->commands[i], call, on_command_done, group);
    return group;
}

void api_group_run(struct api_group *group)
{
    go_on(group);
}

void api_group_fini(struct api_group *group)
{
    for (size_t i = 0; i < group->count; i++)
        api_command_fini(&group->commands[i]);
}
