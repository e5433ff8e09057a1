/*
 * methods: the methods of the server API by their names, and how often each was called. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"

struct api_command;

struct api_method {
    const char *name;
    /* Ends with one of the ends of api_command.h. */
    void (*run)(struct api_command *command, struct json_value params);
    bool tells_all; /* its result is the whole answer, not a member of it */
};

const struct api_method *methods_find(struct text name);          /* NULL: there is none */
const struct api_method *methods_find_any_case(struct text name); /* the same */
const struct api_method *methods_numbered(uint64_t number);       /* by its number in streams */

/* A command has ended so; `method` may be NULL. `error` 0: well. */
void methods_count(const struct api_method *method, int error);
void methods_print(struct buf *out); /* as Prometheus text */

/* api_publish.c */
void api_publish(struct api_command *command, struct json_value params);
void api_broadcast(struct api_command *command, struct json_value params);
void api_history_remove(struct api_command *command, struct json_value params);
/* api_read.c */
void api_presence(struct api_command *command, struct json_value params);
void api_presence_stats(struct api_command *command, struct json_value params);
void api_history(struct api_command *command, struct json_value params);
void api_channels(struct api_command *command, struct json_value params);
void api_connections(struct api_command *command, struct json_value params);
void api_user_status(struct api_command *command, struct json_value params);
void api_info(struct api_command *command, struct json_value params);
void api_rpc(struct api_command *command, struct json_value params);
/* api_orders.c */
void api_subscribe(struct api_command *command, struct json_value params);
void api_unsubscribe(struct api_command *command, struct json_value params);
void api_disconnect(struct api_command *command, struct json_value params);
void api_refresh(struct api_command *command, struct json_value params);
void api_block_user(struct api_command *command, struct json_value params);
void api_unblock_user(struct api_command *command, struct json_value params);
void api_revoke_token(struct api_command *command, struct json_value params);
void api_invalidate_user_tokens(struct api_command *command, struct json_value params);
/* api_batch.c */
void api_batch(struct api_command *command, struct json_value params);
