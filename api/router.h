/*
 * router: which handler a method and path belong to, what it takes, and the problem document for all that goes wrong.
 */
#pragma once

#include "api/call.h"

typedef enum err (*handler_fn)(struct call *call);

enum route_flags {
    ROUTE_PUBLIC = 1,  /* no access token needed */
    ROUTE_NO_BODY = 2, /* a body is refused unless empty; GET and DELETE have none anyway */
};

struct route {
    const char *method;
    const char *path;    /* below /v1: "/rooms/{room}/messages" */
    handler_fn handler;
    unsigned flags;
    const char *query;   /* space-separated names that the query may have: "before after around limit"; NULL = none */
    const char *body;    /* names that the body may have: "text nonce"; NULL = no body */
    const char *rpc;     /* socket RPC method of the same meaning ("messages.send"), or NULL */
};

/* The whole table (api/routes.c), ended by a NULL method. */
extern const struct route routes[];
