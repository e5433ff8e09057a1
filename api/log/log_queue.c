#include "api/log/log_queue.h"

#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

#include "api/log/room_log.h"

/* Of a room that waits apart; never empty between two calls. */
struct log_room {
    int64_t id;
    struct log_row *first, **end;
    struct log_room *prev, *next; /* in line */
    UT_hash_handle hh;
};

void log_queue_init(struct log_queue *queue)
{
    *queue = (struct log_queue){.end = &queue->first};
}

void log_queue_push(struct log_queue *queue, struct log_row *row)
{
    row->next = NULL;
    *queue->end = row;
    queue->end = &row->next;
    queue->count++;
}

static struct log_row *pop_first(struct log_queue *queue)
{
    struct log_row *row = queue->first;

    queue->first = row->next;
    if (queue->first == NULL)
        queue->end = &queue->first;
    return row;
}

/* ---- rooms that wait apart ---- */

static struct log_room *find_room(const struct log_queue *queue, int64_t id)
{
    struct log_room *room = NULL;

    if (queue->by_id != NULL) /* as a rule none waits */
        HASH_FIND(hh, queue->by_id, &id, sizeof(id), room);
    return room;
}

static struct log_room *add_room(struct log_queue *queue, int64_t id)
{
    struct log_room *room = xcalloc(1, sizeof(*room));

    room->id = id;
    room->end = &room->first;
    HASH_ADD(hh, queue->by_id, id, sizeof(room->id), room);
    DL_APPEND(queue->rooms, room);
    queue->room_count++;
    return room;
}

static void drop_room(struct log_queue *queue, struct log_room *room)
{
    HASH_DEL(queue->by_id, room);
    DL_DELETE(queue->rooms, room);
    queue->room_count--;
    free(room);
}

static void add_row(struct log_room *room, struct log_row *row)
{
    row->next = NULL;
    *room->end = row;
    room->end = &row->next;
}

static struct log_row *pop_row(struct log_room *room)
{
    struct log_row *row = room->first;

    room->first = row->next;
    if (room->first == NULL)
        room->end = &room->first;
    return row;
}

struct log_row *log_queue_pop(struct log_queue *queue)
{
    struct log_room *room = queue->rooms;
    struct log_row *row;

    if (queue->count == 0)
        return NULL;
    queue->count--;
    if (room == NULL)
        return pop_first(queue);
    row = pop_row(room);
    if (room->first == NULL)
        drop_room(queue, room);
    return row;
}

void log_queue_put_back(struct log_queue *queue, struct log_row *row)
{
    struct log_room *room = find_room(queue, row->room_id);

    if (room == NULL)
        room = add_room(queue, row->room_id);
    row->next = room->first;
    room->first = row;
    if (row->next == NULL)
        room->end = &row->next;
    DL_DELETE(queue->rooms, room);
    DL_PREPEND(queue->rooms, room);
    queue->count++;
}

/* ---- offering ---- */

/* What is left of the room goes to the end of the line, unless it had no turn at all. */
static enum log_offer offer_room(struct log_queue *queue, struct log_room *room, enum log_offer (*offer)(void *, struct log_row *),
                                 void *context)
{
    enum log_offer said = LOG_OFFER_TAKEN;
    bool had_turn = false;

    while (room->first != NULL) {
        struct log_row *next = room->first->next;
        if ((said = offer(context, room->first)) != LOG_OFFER_TAKEN)
            break;
        room->first = next;
        queue->count--;
        had_turn = true;
    }
    if (room->first == NULL) {
        drop_room(queue, room);
    } else if (had_turn || said == LOG_OFFER_LATER) {
        DL_DELETE(queue->rooms, room);
        DL_APPEND(queue->rooms, room);
    }
    return said;
}

/* The first of those that do not wait apart. */
static enum log_offer offer_first(struct log_queue *queue, enum log_offer (*offer)(void *, struct log_row *), void *context)
{
    struct log_row *row = queue->first, *next = row->next;
    struct log_room *room = find_room(queue, row->room_id);
    enum log_offer said = LOG_OFFER_LATER;

    if (room == NULL) {
        said = offer(context, row);
        if (said == LOG_OFFER_END)
            return said;
    }
    queue->first = next;
    if (next == NULL)
        queue->end = &queue->first;
    if (said == LOG_OFFER_TAKEN)
        queue->count--;
    else
        add_row(room != NULL ? room : add_room(queue, row->room_id), row);
    return said;
}

void log_queue_offer(struct log_queue *queue, size_t look_max, enum log_offer (*offer)(void *context, struct log_row *row), void *context)
{
    for (size_t rooms = queue->room_count; rooms > 0; rooms--)
        if (offer_room(queue, queue->rooms, offer, context) == LOG_OFFER_END)
            return;
    for (size_t looked = 0; queue->first != NULL && looked < look_max; looked++)
        if (offer_first(queue, offer, context) == LOG_OFFER_END)
            return;
}
