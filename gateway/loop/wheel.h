/*
 * wheel: deadlines of many, each one coarse (WHEEL_TICK_MS), for one timer of the loop. Embedded
 * nodes, no allocation. Loop's thread.
 */
#pragma once

#include <stdint.h>

#define WHEEL_TICK_MS 50
#define WHEEL_SLOTS   1024 /* a turn of 51 s; what is due later goes round again */

struct wheel_node {
    struct wheel_node *prev, *next; /* NULL: not armed */
    int64_t due_ms;
};

struct wheel {
    struct wheel_node slots[WHEEL_SLOTS]; /* heads of circular lists */
    int64_t tick;                         /* the last one that was served */
};

void wheel_init(struct wheel *wheel, int64_t now_ms);
/* Moves it when it is armed already. A past time is due at the next tick. */
void wheel_arm(struct wheel *wheel, struct wheel_node *node, int64_t due_ms);
void wheel_disarm(struct wheel_node *node); /* also when it is not armed */

/* Disarms and calls each that is due; `on_due` may arm and disarm any node. */
void wheel_turn(struct wheel *wheel, int64_t now_ms,
                void (*on_due)(void *context, struct wheel_node *node), void *context);
