/*
 * identity: what a client brought along that not every client has. Made when there is something to
 * keep. Loop's thread.
 */
#pragma once

#include "base/arena.h"
#include "gateway/protocol/command.h"
#include "gateway/token/claims.h"

struct identity {
    struct arena arena;
    struct connect_token token; /* its claims, or what the connect proxy said instead: `info`, `meta`,
                                   `caps`, `jti`, `issued_s`, and a token's `subs` matter later */
    struct buf info, meta;      /* that came later in place of the token's, which point here then */
    struct text session;        /* of an emulated connection: where its commands go */
    /* Headers of its request, and emulated ones, for proxies. */
    const struct command_header *headers, *emulated;
    size_t header_count, emulated_count;
};

struct identity *identity_create(void);
void identity_destroy(struct identity *identity); /* NULL does nothing */

/* Later words on who it is; copied. Empty: it stays as it is. `*identity` may be NULL before. */
void identity_take_info(struct identity **identity, struct text info);
void identity_take_meta(struct identity **identity, struct text meta);
/* A new token in place of the one before; takes its memory. What it does not say of `info` and `meta`
 * stays. */
void identity_take_token(struct identity **identity, struct connect_token *token);
