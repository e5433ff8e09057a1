/*
 * surveys: what this gateway asks all gateways (gateway/broker/survey.h): which channels match a
 * pattern, for whoever publishes to it, and what the server API wants to know. Broker's thread.
 *
 * An answer is whole or an error: 100 for now, when a gateway did not answer in time; 106 when there
 * is more to tell than fits. Channels may be as many as they like: they are asked for in parts.
 */
#pragma once

#include "bus/asker.h"
#include "gateway/broker/survey.h"

struct bus_broker;
struct request;

/*
 * A walk over the channels that match `pattern` and have listeners, anywhere. Embedded in whoever
 * walks, who sets what is above the line.
 */
struct channel_walk {
    struct request *request; /* it fails when the walk does */
    struct text pattern;
    /* The channels of one part, for the call. channel_walk_next() goes on, now or later. */
    void (*on_part)(struct channel_walk *walk, const Bus__Surveyed *surveyed);
    void (*on_end)(struct channel_walk *walk, bool complete); /* false: the request says why not */

    struct survey_part part;
};

void channel_walk_start(struct channel_walk *walk);
void channel_walk_next(struct channel_walk *walk);

/* REQUEST_SURVEY: answers it in time. */
void surveys_start(struct request *request);
