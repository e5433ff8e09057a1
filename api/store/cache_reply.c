#include "api/store/cache_reply.h"

#include <stdlib.h>

static void copy_items(struct cache_reply *out, const redisReply *reply)
{
    out->kind = CACHE_ARRAY;
    out->count = reply->elements;
    out->items = xcalloc(reply->elements + 1, sizeof(*out->items));
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *item = reply->element[i];
        out->items[i].at = out->bytes.len;
        if (item->type == REDIS_REPLY_STRING || item->type == REDIS_REPLY_STATUS)
            buf_add(&out->bytes, item->str, (size_t)item->len);
        else if (item->type == REDIS_REPLY_INTEGER)
            buf_add_i64(&out->bytes, item->integer);
        else
            out->items[i].is_null = true;
        out->items[i].len = out->bytes.len - out->items[i].at;
    }
}

void cache_reply_copy(struct cache_reply *out, const redisReply *reply)
{
    *out = (struct cache_reply){.kind = CACHE_FAILED};
    if (reply->type == REDIS_REPLY_ARRAY) {
        copy_items(out, reply);
    } else if (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS) {
        out->kind = CACHE_TEXT;
        buf_add(&out->bytes, reply->str, (size_t)reply->len);
    } else if (reply->type == REDIS_REPLY_INTEGER) {
        out->kind = CACHE_INTEGER;
        out->integer = reply->integer;
    } else if (reply->type == REDIS_REPLY_NIL) {
        out->kind = CACHE_NULL;
    }
}

void cache_reply_fini(struct cache_reply *reply)
{
    buf_fini(&reply->bytes);
    free(reply->items);
    *reply = (struct cache_reply){0};
}

struct text cache_item(const struct cache_reply *reply, size_t i)
{
    CHECK(i < reply->count);
    if (reply->items[i].is_null)
        return (struct text){0};
    return text_of(reply->bytes.at + reply->items[i].at, reply->items[i].len);
}
