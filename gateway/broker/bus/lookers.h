/*
 * lookers: who of this gateway is in which channel now, told to the APIs: changes many at a time, all
 * of them again every while, since whoever keeps them may forget. Broker's thread.
 */
#pragma once

#include <stdbool.h>

#include "base/text.h"

struct bus_broker;
struct client_info;
struct lookers;

struct lookers *lookers_open(struct bus_broker *broker);
/*
 * A subscription was granted: `info` is of its connection; copied. `listed`: presence shows it;
 * `told`: others hear of its coming and going. A connection may be granted a new subscription before
 * the end of the old one is said: it is there until both have ended.
 */
void lookers_joined(struct lookers *lookers, struct text channel, const struct client_info *info,
                    bool listed, bool told);
void lookers_left(struct lookers *lookers, struct text channel, struct text client);
/* Somebody's first connection to this gateway was let in, or the last one has gone: said on `status:{user}` by this gateway's own name. */
void lookers_online(struct lookers *lookers, struct text user, bool here);
void lookers_flush(struct lookers *lookers); /* at the end of the turn */
void lookers_close(struct lookers *lookers); /* memory goes with libuv's close callback */
