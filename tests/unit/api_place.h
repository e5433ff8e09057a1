/*
 * api_place: a loop without any network whose broker is the test: what methods ask waits in a list
 * until it is answered. Also for the fuzz target.
 */
#pragma once

#include <stdlib.h>

#include "gateway/api/api_command.h"
#include "gateway/api/methods.h"
#include "gateway/loop/loop.h"
#include "gateway/mail/parcel.h"

#define ASKED_MAX 20000

static struct namespace place_namespaces[] = {
    {.name = (char *)"bare"},
    {.name = (char *)"object", .publication_data_format = DATA_JSON_OBJECT},
};
static struct settings place_settings = {
    .channel =
        {
            .max_length = 255,
            .namespace_boundary = (char *)":",
            .private_prefix = (char *)"$",
            .user_boundary = (char *)"#",
            .user_separator = (char *)",",
            .without_namespace = {.name = (char *)"", .presence = true, .history_size = 10},
            .namespaces = place_namespaces,
            .namespace_count = ARRAY_COUNT(place_namespaces),
        },
};

static struct place {
    struct loop loop;
    struct api_call call;
    struct json json;
    struct api_command command;
    int done_count;
    struct request *asked[ASKED_MAX];
    size_t asked_count, answered_count;
} place;

static bool place_is_overrun; /* the broker takes nothing */
static unsigned place_width = API_PARALLEL_MAX;

bool loop_ask(struct loop *loop, struct request *request)
{
    if (place_is_overrun || place.asked_count == ASKED_MAX)
        return false;
    place.asked[place.asked_count++] = request;
    return true;
}

bool loop_is_product(const struct loop *loop, struct text channel)
{
    return text_equal(channel, TEXT("chats"));
}

static inline void place_on_done(struct api_command *command)
{
    place.done_count++;
}

static inline void place_fini(void)
{
    api_command_fini(&place.command);
    json_fini(&place.json);
    arena_fini(&place.call.arena);
    memset(&place, 0, sizeof(place));
}

/* Runs one method as an HTTP request would. False: `params` is no JSON object. */
static inline bool place_run(const char *method, struct text params)
{
    place_fini();
    place.loop.settings = &place_settings;
    place.call.loop = &place.loop;
    if (json_parse_up_to(&place.json, params, 1 << 20) != ERR_OK ||
        json_kind(json_root(&place.json)) != JSON_OBJECT)
        return false;
    api_command_init(&place.command, &place.call, place_on_done, NULL);
    place.command.width = place_width;
    api_command_run(&place.command, methods_find(text(method)), json_root(&place.json));
    return true;
}

/* The broker answers the request at `i`, which is gone then. */
static inline void place_answer(size_t i, enum request_outcome outcome)
{
    struct request *request = place.asked[i];

    place.asked[i] = NULL;
    place.answered_count++;
    request->outcome = outcome;
    request->done(&place.loop, request);
}
