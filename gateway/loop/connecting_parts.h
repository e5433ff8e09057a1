/*
 * What the files of connecting share: one connect under way. Each step ends with one of the
 * functions here, which takes it. Loop's thread.
 */
#pragma once

#include "gateway/loop/connecting.h"

/* One server-side channel. */
struct server_sub {
    struct text channel, info, data;
    struct sub_override override;
    int64_t expires_s;
    bool cache_recover;
    bool by_client; /* only the client's wish: dropped unless it may */
    bool done;
    struct connecting *connecting;
    struct connect_sub answer; /* its texts are in the arena */
};

struct connecting {
    struct client *client; /* held */
    struct arena arena;
    uint32_t id;
    struct text token, data, name, version;
    struct command_position *positions;
    size_t position_count;
    struct connect_token who; /* the token's claims, or what stands for them */
    bool who_is_kept;         /* the client's identity owns its memory now */
    bool by_proxy;            /* `who` is the connect proxy's word, its texts are in the arena */
    struct text told;         /* data for the client */
    struct server_sub *subs;
    size_t sub_count, pending;
    int error; /* the first that a server-side subscription met */
    int64_t give_up_ms; /* waits for a key */
    struct connecting *prev, *next; /* of the loop's that wait */
};

/* ---- ends (connecting.c) ---- */

void connecting_end(struct connecting *connecting); /* the client is gone */
void connecting_close(struct connecting *connecting, struct disconnect why);
void connecting_refuse(struct connecting *connecting, int error);
void connecting_refuse_as(struct connecting *connecting, int error, struct text message,
                          bool temporary);

/* ---- steps ---- */

/* Without a token: the connect proxy is asked, if there is one (connecting_proxy.c). */
void connecting_ask_proxy(struct connecting *connecting);
/* Nobody says who it is (connecting.c). */
void connecting_without_credentials(struct connecting *connecting);
/* `who` is known: may they come in? (connecting.c) */
void connecting_come_in(struct connecting *connecting);
/* The code is 0, or they were sent away meanwhile. */
struct disconnect connecting_ban(const struct connecting *connecting);
/* Server-side subscriptions, all at once (connecting_channels.c). */
void connecting_subscribe(struct connecting *connecting);
/* All is there (connecting_answer.c). */
void connecting_answer(struct connecting *connecting);
