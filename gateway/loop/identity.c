#include "gateway/loop/identity.h"

#include <stdlib.h>

struct identity *identity_create(void)
{
    return xcalloc(1, sizeof(struct identity));
}

void identity_destroy(struct identity *identity)
{
    if (identity == NULL)
        return;
    connect_token_fini(&identity->token);
    buf_fini(&identity->info);
    buf_fini(&identity->meta);
    arena_fini(&identity->arena);
    free(identity);
}

static struct text replace(struct buf *buf, struct text with)
{
    buf_reset(buf);
    buf_add_text(buf, with);
    return buf_text(buf);
}

void identity_take_info(struct identity **identity, struct text info)
{
    if (info.len == 0)
        return;
    if (*identity == NULL)
        *identity = identity_create();
    (*identity)->token.info = replace(&(*identity)->info, info);
}

void identity_take_meta(struct identity **identity, struct text meta)
{
    if (meta.len == 0)
        return;
    if (*identity == NULL)
        *identity = identity_create();
    (*identity)->token.meta = replace(&(*identity)->meta, meta);
}

void identity_take_token(struct identity **identity, struct connect_token *token)
{
    if (*identity == NULL && token->info.len == 0 && token->meta.len == 0 && !token->has_caps &&
        token->jti.len == 0)
        return;
    if (*identity == NULL)
        *identity = identity_create();
    struct connect_token *own = &(*identity)->token;
    if (token->info.len == 0)
        token->info = arena_text(&token->arena, own->info);
    if (token->meta.len == 0)
        token->meta = arena_text(&token->arena, own->meta);
    connect_token_fini(own);
    *own = *token;
    *token = (struct connect_token){0};
}
