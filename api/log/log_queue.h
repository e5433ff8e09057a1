/*
 * log_queue: rows of one lane that wait for a batch: of each room in the order in which they came, of several rooms about so.
 *
 * A row that does not fit beside those before it waits with all later ones of its room in a queue of that room's own: it is not looked at
 * again and again while others pass, so a storm in one room (of reactions, say, of which a batch takes one) holds up no other room.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct log_row;
struct log_room;

struct log_queue {
    struct log_row *first, **end; /* as they came */
    struct log_room *rooms;       /* those that wait apart, whose turn is next first: all that is in them is older than `first` */
    struct log_room *by_id;       /* the same */
    size_t room_count, count;     /* `count`: of all rows */
};

void log_queue_init(struct log_queue *queue);
void log_queue_push(struct log_queue *queue, struct log_row *row);
struct log_row *log_queue_pop(struct log_queue *queue); /* the next one, whatever fits beside it; NULL: it is empty */
/* Makes it the first of its room, and that the first of all. Several go back in reverse order. */
void log_queue_put_back(struct log_queue *queue, struct log_row *row);

enum log_offer {
    LOG_OFFER_TAKEN, /* it is the caller's now */
    LOG_OFFER_LATER, /* nothing more of its room this time */
    LOG_OFFER_END,   /* nothing more of any */
};

/*
 * Offers rows, at most `look_max` of those that do not wait apart. A room that waits apart has its turn once, and is last in line then.
 */
void log_queue_offer(struct log_queue *queue, size_t look_max, enum log_offer (*offer)(void *context, struct log_row *row), void *context);
