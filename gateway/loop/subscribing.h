/*
 * subscribing: one subscription in the making, whoever wants it: a client's command, the list of
 * server-side channels at a connect, the server API.
 *
 *   checks, token, permission, maybe a proxy -> the broker (reference, position, what was missed)
 *   -> in the hub -> finished()
 *
 * A client's commands go one after the other; those of the server do not wait for it, so that a
 * channel may have been subscribed to meanwhile: then the later one fails with 105. Loop's thread.
 */
#pragma once

#include "gateway/loop/client.h"

/* What few subscriptions have; hangs on the hub's. */
struct sub_extra {
    struct arena arena;    /* of the next two */
    struct text info;      /* chan_info */
    struct text jti;       /* of its token */
    struct filter *filter; /* HUB_FILTERED */
    int64_t expires_s;     /* Unix time; 0: never */
    bool by_proxy;         /* its end is judged by the sub_refresh proxy, not by the client */
};
void sub_extra_destroy(struct sub_extra *extra);
/* A later word, copied; empty: it stays as it is. */
void sub_extra_take_info(struct sub_extra *extra, struct text info);
void sub_extra_take_token(struct sub_extra *extra, const struct subscribe_token *token);

struct subscribing {
    struct arena arena;
    struct client *client; /* held */
    uint32_t id;           /* of the command */
    struct text channel;
    const struct namespace *namespace; /* NULL: the product's own */
    bool is_server_side;
    /* What the client asks for. */
    bool recover, positioned, recoverable, join_leave, wants_delta;
    bool cache_recover; /* the latest publication without being asked, where the namespace keeps one */
    uint64_t offset;
    struct text epoch, data_for_proxy, token;
    int64_t flag;
    struct filter *filter;
    /* What a token, a proxy or the API says. */
    struct text info, data, jti;
    struct sub_override override;
    int64_t issued_s;  /* the token */
    int64_t expires_s; /* 0: never */
    /* With the outcome, once, then it is destroyed: `error` 0: `result` is good for the call, and the
     * client is in the hub. Not when the client has ended meanwhile, but for `always`. */
    void (*finished)(struct subscribing *subscribing, const struct subscribe_result *result,
                     int error, struct text message, bool temporary);
    bool always;
    void *context;
};

struct subscribing *subscribing_create(struct client *client, struct text channel);

/* From the command on: checks and permissions first (subscribing_command.c). */
void subscribing_run_command(struct client *client, const struct command *command);
/* Checks that hold for everybody: 0 or the error. Fills in the namespace. */
int subscribing_check(struct subscribing *subscribing);
/* Means all channels that match (its namespace allows that). */
bool subscribing_is_pattern(const struct subscribing *subscribing);
/* The server wants it: checks, then as below. Takes it. */
void subscribing_begin(struct subscribing *subscribing);
/* Permission is given: asks the broker. Takes it. */
void subscribing_start(struct subscribing *subscribing);

/* Each is the end of it: calls finished(), takes it. */
void subscribing_finish(struct subscribing *subscribing, const struct subscribe_result *result,
                        int error, struct text message, bool temporary);
void subscribing_fail(struct subscribing *subscribing, int error);
void subscribing_disconnect(struct subscribing *subscribing, struct disconnect why);

/* The subscription ends with this push (code 0: silently). */
void subscribing_end(struct client *client, struct text channel, int code, struct text reason);
/* The connection ends: whoever lists it must hear. */
void subscribing_leave_all(struct client *client);

/* Who asks, for permissions. */
struct person;
struct person client_person(const struct client *client, struct text channel);
