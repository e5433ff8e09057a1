/*
 * arrival: what the HTTP side knows of a connection when its socket is handed over. One block of
 * memory, made by gateway/transport, taken by client_create().
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "gateway/format.h"

struct loop;
struct transport;

struct arrival {
    struct arena arena; /* the headers': lives as long as the client */
    struct loop *loop;
    const struct transport *transport;
    enum format format;
    bool native_ping;       /* pings of WebSocket instead of the protocol's */
    struct buf first;       /* commands that came with the request; empty: none */
    struct text preface;    /* bytes that go before everything else, a constant; empty: none */
    /* Headers of the request that somebody will want: names in lower case. */
    struct command_header *headers;
    size_t header_count;
};

struct arrival *arrival_create(struct loop *loop, const struct transport *transport,
                               enum format format);
void arrival_destroy(struct arrival *arrival); /* NULL does nothing */
