#include "api/store/cache_reply.h"

#include <stdio.h>
#include <stdlib.h>

/* More elements than any question has answers: the connection ends then. */
#define ELEMENTS_MAX (1 << 20)

/* What a reply's bytes take at first, for each element of an array. */
#define ELEMENT_BYTES 64

/* ---- what hiredis calls: the object of the whole reply stands for those of its parts, too ---- */

static struct cache_reply_object *create(int type, enum cache_kind kind)
{
    struct cache_reply_object *object = xcalloc(1, sizeof(*object));

    object->head.type = type;
    object->is.kind = kind;
    return object;
}

/* The place of an element of the outermost array; NULL: it is deeper, and nobody sees it. */
static struct cache_item *place_of(const redisReadTask *task)
{
    struct cache_reply_object *whole = task->parent->obj;

    return task->parent->parent == NULL ? &whole->is.items[task->idx] : NULL;
}

static void *put_item(const redisReadTask *task, const char *bytes, size_t len)
{
    struct cache_reply_object *whole = task->parent->obj;
    struct cache_item *item = place_of(task);

    if (item != NULL && bytes != NULL) {
        *item = (struct cache_item){.at = whole->is.bytes.len, .len = len};
        buf_add(&whole->is.bytes, bytes, len);
    }
    return whole;
}

static void *create_string(const redisReadTask *task, char *bytes, size_t len)
{
    const bool is_error = task->type == REDIS_REPLY_ERROR;

    if (task->parent != NULL)
        return put_item(task, is_error ? NULL : bytes, len);

    struct cache_reply_object *object = create(task->type, is_error ? CACHE_FAILED : CACHE_TEXT);
    buf_add(&object->is.bytes, bytes, len);
    object->head.str = (char *)buf_cstring(&object->is.bytes);
    object->head.len = (__typeof__(object->head.len))len;
    return object;
}

/* All elements are null until they are put in. NULL: hiredis gives up. */
static void *create_array(const redisReadTask *task, int elements)
{
    if (elements > ELEMENTS_MAX)
        return NULL;
    if (task->parent != NULL)
        return task->parent->obj;

    struct cache_reply_object *object = create(REDIS_REPLY_ARRAY, CACHE_ARRAY);
    object->is.count = elements > 0 ? (size_t)elements : 0;
    object->is.items = xcalloc(object->is.count + 1, sizeof(*object->is.items));
    for (size_t i = 0; i < object->is.count; i++)
        object->is.items[i].is_null = true;
    buf_reserve(&object->is.bytes, object->is.count * ELEMENT_BYTES);
    return object;
}

static void *create_integer(const redisReadTask *task, long long integer)
{
    if (task->parent != NULL) {
        char digits[24];
        const int len = snprintf(digits, sizeof(digits), "%lld", integer);
        return put_item(task, digits, (size_t)len);
    }
    struct cache_reply_object *object = create(REDIS_REPLY_INTEGER, CACHE_INTEGER);
    object->is.integer = integer;
    return object;
}

static void *create_nil(const redisReadTask *task)
{
    return task->parent != NULL ? task->parent->obj : create(REDIS_REPLY_NIL, CACHE_NULL);
}

static void free_object(void *arg)
{
    struct cache_reply_object *object = arg;

    cache_reply_fini(&object->is);
    free(object);
}

redisReplyObjectFunctions cache_reply_functions = {
    .createString = create_string,
    .createArray = create_array,
    .createInteger = create_integer,
    .createNil = create_nil,
    .freeObject = free_object,
};

/* ---- what the cache calls ---- */

struct cache_reply cache_reply_take(struct cache_reply_object *object)
{
    const struct cache_reply reply = object->is;

    object->is = (struct cache_reply){.kind = CACHE_NULL};
    return reply;
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
