#include "gateway/mail/request.h"

#include <stdlib.h>

#include "gateway/protocol/filter.h"

struct request *request_create(enum request_kind kind,
                               void (*done)(struct loop *loop, struct request *request))
{
    struct request *request = xcalloc(1, sizeof(*request));

    request->letter.kind = LETTER_REQUEST;
    request->kind = kind;
    request->done = done;
    return request;
}

void request_drop_publications(struct request *request)
{
    for (size_t i = 0; i < request->publication_count; i++)
        parcel_unref(request->publications[i]);
    free(request->publications);
    request->publications = NULL;
    request->publication_count = 0;
}

void request_destroy(struct request *request)
{
    if (request == NULL)
        return;
    request_drop_publications(request);
    order_destroy(request->order);
    filter_destroy(request->filter);
    arena_fini(&request->arena);
    free(request);
}

void request_keep_info(struct request *request, const struct client_info *info)
{
    request->has_info = true;
    request->info = (struct client_info){
        request_keep(request, info->user),
        request_keep(request, info->client),
        request_keep(request, info->conn_info),
        request_keep(request, info->chan_info),
    };
}

void request_keep_tags(struct request *request, const struct tag *tags, size_t count)
{
    struct tag *kept = arena_alloc(&request->arena, count * sizeof(*kept));

    for (size_t i = 0; i < count; i++)
        kept[i] = (struct tag){request_keep(request, tags[i].key),
                               request_keep(request, tags[i].value)};
    request->tags = kept;
    request->tag_count = count;
}

static void set_message(struct request *request, struct text message)
{
    const size_t len = message.len < REQUEST_MESSAGE_MAX ? message.len : REQUEST_MESSAGE_MAX;

    if (len > 0)
        memcpy(request->message, message.at, len);
    request->message[len] = '\0';
}

/* Names of members, marks, and the id twice. */
#define ENTRY_BYTES 128

size_t request_entry_bytes(const struct client_info *entry)
{
    return ENTRY_BYTES + entry->user.len + entry->conn_info.len + entry->chan_info.len;
}

void request_fail(struct request *request, int error, struct text message, bool temporary)
{
    request->outcome = REQUEST_FAILED;
    request->error = error;
    request->temporary = temporary;
    set_message(request, message);
}

void request_disconnect(struct request *request, int code, struct text reason)
{
    request->outcome = REQUEST_DISCONNECT;
    request->error = code;
    set_message(request, reason);
}

void request_begin_publications(struct request *request, size_t max)
{
    request_drop_publications(request);
    request->publications = xcalloc(max + 1, sizeof(struct parcel *));
}

void request_add_publication(struct request *request, struct parcel *parcel)
{
    request->publications[request->publication_count++] = parcel_ref(parcel);
}
