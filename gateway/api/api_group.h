/*
 * api_group: several commands of one call, at most so many under way at once, begun in their order
 * and told in it. Loop's thread.
 */
#pragma once

#include "gateway/api/api_command.h"

struct api_group {
    struct api_command *commands; /* `count`, in the call's arena */
    size_t count, begun, open;
    unsigned width;
    void (*begin)(struct api_group *group, size_t i); /* has `commands[i]` carried out */
    void (*finished)(struct api_group *group); /* all are; maybe before api_group_run() returns */
    void *context;
    bool is_beginning;
};

/* In the call's arena; its commands are initialised, with a width of 1. */
struct api_group *api_group_create(struct api_call *call, size_t count, unsigned width,
                                   void (*begin)(struct api_group *group, size_t i),
                                   void (*finished)(struct api_group *group), void *context);
void api_group_run(struct api_group *group);
void api_group_fini(struct api_group *group); /* gives the results back */
