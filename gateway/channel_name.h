/*
 * channel_name: what a channel's name says. Any thread.
 */
#pragma once

#include "base/text.h"

#define CHANNEL_NAME_MAX 255

enum channel_name_kind {
    CHANNEL_NAME_UNKNOWN,
    CHANNEL_NAME_CHATS,
    CHANNEL_NAME_ROOM,   /* room:{id} */
    CHANNEL_NAME_LIVE,   /* live:{id} */
    CHANNEL_NAME_USER,   /* user:{id} */
    CHANNEL_NAME_STATUS, /* status:{id} */
    CHANNEL_NAME_PUBLIC, /* public:rooms, public:groups */
};

enum channel_name_kind channel_name_kind(struct text name);
struct text channel_name_id(struct text name); /* behind the colon */

/* The name of the same id's channel of another kind: "live:7" and so on. `out` has CHANNEL_NAME_MAX
 * + 1 bytes. */
struct text channel_name_make(char *out, const char *prefix, struct text id);
