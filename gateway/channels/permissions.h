/*
 * permissions: who may do what in a channel, by the options of its namespace and the capabilities of
 * the connection's token (Centrifugo's rules, in its order). What the name must look like is
 * channel_check_name()'s affair, and a subscription token is decided about before: it allows every
 * channel. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "gateway/channels/namespace.h"
#include "gateway/settings.h"
#include "gateway/token/caps.h"

struct person {
    struct text user;   /* empty: anonymous */
    bool insecure;      /* `client.insecure`: may what nobody is asked about */
    bool is_subscribed; /* to this channel */
    const struct token_caps *caps; /* the token's claim, which adds and takes nothing away; NULL: none */
};

enum access {
    ACCESS_GRANTED,
    ACCESS_DENIED,    /* error 103 */
    ACCESS_ASK_PROXY, /* the namespace's proxy for this decides */
};

enum access permission_subscribe(const struct settings *settings,
                                 const struct namespace *namespace, struct text channel,
                                 const struct person *person);
enum access permission_publish(const struct settings *settings, const struct namespace *namespace,
                               struct text channel, const struct person *person);
/* Also for join and leave pushes on request. Never ACCESS_ASK_PROXY, as permission_history(). */
enum access permission_presence(const struct settings *settings, const struct namespace *namespace,
                                struct text channel, const struct person *person);
/* Also for positioning and recovery on request. */
enum access permission_history(const struct settings *settings, const struct namespace *namespace,
                               struct text channel, const struct person *person);
