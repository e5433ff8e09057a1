/*
 * lookers: who of this gateway looks at which room now (`live:` channels), told to the APIs:
 * changes many at a time, all of them again every while, since whoever keeps them may forget.
 * Broker's thread.
 */
#pragma once

#include "base/text.h"

struct broker;
struct lookers;

struct lookers *lookers_open(struct broker *broker);
void lookers_joined(struct lookers *lookers, struct text channel, struct text user,
                    struct text client);
void lookers_left(struct lookers *lookers, struct text channel, struct text client);
void lookers_flush(struct lookers *lookers); /* at the end of the turn */
void lookers_close(struct lookers *lookers); /* memory goes with libuv's close callback */
