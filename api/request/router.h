/*
 * router: which handler a method and path belong to, what it takes, and the problem document for all that goes wrong.
 */
#pragma once

#include "api/request/call.h"

typedef enum err (*handler_fn)(struct call *call);

enum route_flags {
    ROUTE_PUBLIC = 1, /* no access token needed */
    /* Which limits hold it (api/request/limits.h), beside those of its method. */
    ROUTE_REGISTERS = 2,
    ROUTE_REFRESHES = 4,
    ROUTE_PASSWORD = 8, /* costs a hash of a password */
    ROUTE_SENDS = 16,   /* to {room} */
    ROUTE_SEARCHES = 32,
    ROUTE_FINDS = 64, /* when it has a `q` */
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

/* The whole table (api/handlers/routes.c), ended by a NULL method. */
extern const struct route routes[];

struct url_path;

/*
 * Finds the route of `method` (HEAD counts as GET) and of the path's parts behind /v1, and fills the call's route and captures. A literal part
 * wins over a {name}. ERR_NOT_FOUND; ERR_METHOD_NOT_ALLOWED: the path has others. `allow` gets "GET, HEAD, PUT" unless not found.
 */
MUST_CHECK enum err router_find(struct call *call, struct text method, const struct url_path *path,
                                struct buf *allow);

/* The route of a socket RPC method; NULL: there is none. */
const struct route *router_find_rpc(struct text method);

/*
 * Runs a call with its route in a task of its own: who asks, query, body, then the handler, then the problem if there is one;
 * at last the call is destroyed. Too many tasks: answered ERR_BUSY at once.
 */
void router_start(struct call *call);
