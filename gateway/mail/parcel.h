/*
 * parcel: one publication on its way from the broker to the loops: the frame for those who follow
 * the channel, and the facts for summaries and membership. One block of memory, counted, never
 * changed after it was posted.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "gateway/frame.h"
#include "gateway/mail/letter.h"
#include "gateway/mail/names.h"

struct parcel {
    struct letter letter; /* LETTER_PARCEL */
    atomic_uint refs;
    struct parcel *next; /* channel.c: held ones of a channel; the broker's thread alone */
    uint64_t offset;     /* 0: not of a stream */
    struct frame *frame; /* NULL: nobody follows in full */
    struct text channel, epoch, summary;
    struct names mentions, adds, removes;
    bool mentions_room;
};

/* With one reference. `with_frame`: encodes it now. */
struct parcel *parcel_create(const Bus__Publication *publication, bool with_frame);
static inline struct parcel *parcel_ref(struct parcel *parcel)
{
    atomic_fetch_add_explicit(&parcel->refs, 1, memory_order_relaxed);
    return parcel;
}
void parcel_unref(struct parcel *parcel);
