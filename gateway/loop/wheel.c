#include "gateway/loop/wheel.h"

#include <stddef.h>

static void list_init(struct wheel_node *head)
{
    head->prev = head->next = head;
}

static void append(struct wheel_node *head, struct wheel_node *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

void wheel_init(struct wheel *wheel, int64_t now_ms)
{
    for (int i = 0; i < WHEEL_SLOTS; i++)
        list_init(&wheel->slots[i]);
    wheel->tick = now_ms / WHEEL_TICK_MS;
}

void wheel_disarm(struct wheel_node *node)
{
    if (node->next == NULL)
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->prev = node->next = NULL;
}

void wheel_arm(struct wheel *wheel, struct wheel_node *node, int64_t due_ms)
{
    int64_t tick = (due_ms + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS;

    if (tick <= wheel->tick)
        tick = wheel->tick + 1;
    wheel_disarm(node);
    node->due_ms = due_ms;
    append(&wheel->slots[tick % WHEEL_SLOTS], node);
}

/* The slot's list is taken over first: whoever is armed meanwhile waits for another turn. */
static void serve(struct wheel *wheel, struct wheel_node *slot, int64_t now_ms,
                  void (*on_due)(void *context, struct wheel_node *node), void *context)
{
    struct wheel_node taken;

    if (slot->next == slot)
        return;
    taken = *slot;
    taken.next->prev = taken.prev->next = &taken;
    list_init(slot);
    while (taken.next != &taken) {
        struct wheel_node *node = taken.next;
        wheel_disarm(node);
        if (node->due_ms > now_ms)
            wheel_arm(wheel, node, node->due_ms); /* due in a later turn of the wheel */
        else
            on_due(context, node);
    }
}

void wheel_turn(struct wheel *wheel, int64_t now_ms,
                void (*on_due)(void *context, struct wheel_node *node), void *context)
{
    const int64_t now = now_ms / WHEEL_TICK_MS;

    if (now - wheel->tick > WHEEL_SLOTS)
        wheel->tick = now - WHEEL_SLOTS; /* the loop slept: each slot once is enough */
    while (wheel->tick < now) {
        wheel->tick++;
        serve(wheel, &wheel->slots[wheel->tick % WHEEL_SLOTS], now_ms, on_due, context);
    }
}
