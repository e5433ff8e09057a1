/*
 * parcel: one publication on its way from the broker to the loops: what it says, for whom it acts,
 * and its frames, one per format, made when the first client of that format needs it. One block of
 * memory, counted; but for the frames never changed after it was posted.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "gateway/frame.h"
#include "gateway/mail/letter.h"
#include "gateway/mail/names.h"
#include "gateway/protocol/reply.h"

/* How a publication is shown to a subscription. */
enum shape {
    SHAPE_PLAIN,
    SHAPE_FULL,  /* to one that takes deltas: whole all the same */
    SHAPE_DELTA, /* the difference to the one before */
    SHAPE_COUNT,
};

/* Borrowed; parcel_create() copies. */
struct parcel_content {
    struct text channel, data, epoch;
    uint64_t offset; /* 0: not of a stream */
    int64_t time_ms;
    const struct client_info *info; /* NULL: none */
    const struct tag *tags;
    size_t tag_count;
    struct text delta;         /* to the data of the publication before; empty: none */
    struct text matched;       /* delivered to the pattern `channel`: the channel it was published to */
    bool is_json;              /* `data` is known to be valid JSON; else it is looked at */
    struct text summary;       /* `chats` line of a room; empty: none */
    bool mentions_room;
    const struct text *mentions, *adds, *removes; /* users */
    size_t mention_count, add_count, remove_count;
    bool closes; /* the room has no members any more */
    bool is_urgent; /* its summary is told at once */
    bool revises; /* what was told of the room before must not be told again */
};

struct parcel {
    struct letter letter; /* LETTER_PARCEL */
    atomic_uint refs;
    struct parcel *next; /* channel.c: held ones of a channel; the broker's thread alone */
    uint64_t offset;
    int64_t time_ms;
    struct text channel, data, epoch, delta, matched, summary;
    struct client_info info;
    const struct tag *tags;
    size_t tag_count;
    struct names mentions, adds, removes;
    size_t bytes; /* of this block, without frames */
    bool mentions_room, has_info, closes, is_urgent, revises;
    bool is_json; /* else JSON clients cannot be sent it (3506) */
    _Atomic(struct frame *) frames[FORMAT_COUNT][SHAPE_COUNT];
};

struct parcel *parcel_create(const struct parcel_content *content); /* with one reference */
/*
 * The same with its difference to the one before, which everybody has who has followed; taken from
 * the bytes as they are sent, and left out when it is no smaller. Overwrites `content`.
 */
struct parcel *parcel_create_after(struct parcel_content *content, const struct parcel *before);
static inline struct parcel *parcel_ref(struct parcel *parcel)
{
    atomic_fetch_add_explicit(&parcel->refs, 1, memory_order_relaxed);
    return parcel;
}
void parcel_unref(struct parcel *parcel); /* NULL does nothing */

/* As a codec wants it; borrows from `parcel`. SHAPE_DELTA without a delta is full. */
struct publication parcel_publication(const struct parcel *parcel, enum shape shape);

/* The push in a format; stays the parcel's. Any thread. */
struct frame *parcel_make_frame(struct parcel *parcel, enum format format, enum shape shape);
static inline struct frame *parcel_frame(struct parcel *parcel, enum format format,
                                         enum shape shape)
{
    struct frame *frame =
        atomic_load_explicit(&parcel->frames[format][shape], memory_order_acquire);

    return frame != NULL ? frame : parcel_make_frame(parcel, format, shape);
}

static inline bool parcel_may_go_to(const struct parcel *parcel, enum format format)
{
    return parcel->is_json || FORMATS[format].codec->type == PROTOCOL_PROTOBUF;
}
