#include "gateway/mail/parcel.h"

#include <stdlib.h>

static struct text copy(ProtobufCBinaryData from, char **bytes)
{
    char *at = *bytes;

    if (from.len > 0)
        memcpy(at, from.data, from.len);
    *bytes += from.len;
    return text_of(at, from.len);
}

size_t names_bytes(const ProtobufCBinaryData *from, size_t count)
{
    size_t bytes = count * sizeof(struct text);

    for (size_t i = 0; i < count; i++)
        bytes += from[i].len;
    return bytes;
}

struct names names_copy(const ProtobufCBinaryData *from, size_t count, struct text **places,
                        char **bytes)
{
    const struct names names = {*places, count};

    for (size_t i = 0; i < count; i++)
        names.at[i] = copy(from[i], bytes);
    *places += count;
    return names;
}

static size_t block_bytes(const Bus__Publication *from)
{
    return sizeof(struct parcel) + from->channel.len + from->epoch.len + from->summary.len +
           names_bytes(from->mentions, from->n_mentions) + names_bytes(from->adds, from->n_adds) +
           names_bytes(from->removes, from->n_removes);
}

static struct frame *encode(const Bus__Publication *from)
{
    const struct publication publication = {
        .data = wire_text(from->data),
        .offset = from->offset,
        .epoch = wire_text(from->epoch),
    };
    return frame_publication(wire_text(from->channel), &publication);
}

struct parcel *parcel_create(const Bus__Publication *from, bool with_frame)
{
    struct parcel *parcel = xmalloc(block_bytes(from));
    struct text *places = (struct text *)(parcel + 1);
    char *bytes = (char *)(places + from->n_mentions + from->n_adds + from->n_removes);

    *parcel = (struct parcel){
        .letter = {LETTER_PARCEL},
        .offset = from->offset,
        .mentions_room = from->mentions_room,
        .frame = with_frame ? encode(from) : NULL,
    };
    atomic_init(&parcel->refs, 1);
    parcel->mentions = names_copy(from->mentions, from->n_mentions, &places, &bytes);
    parcel->adds = names_copy(from->adds, from->n_adds, &places, &bytes);
    parcel->removes = names_copy(from->removes, from->n_removes, &places, &bytes);
    parcel->channel = copy(from->channel, &bytes);
    parcel->epoch = copy(from->epoch, &bytes);
    parcel->summary = copy(from->summary, &bytes);
    return parcel;
}

void parcel_unref(struct parcel *parcel)
{
    if (parcel == NULL || atomic_fetch_sub_explicit(&parcel->refs, 1, memory_order_acq_rel) != 1)
        return;
    frame_unref(parcel->frame);
    free(parcel);
}
