/*
 * fake_api: an API that is nothing but its bus: publishes made-up messages of one room, and answers
 * the gateway's questions about it (everybody is a member). Its socket's loop runs on a thread of
 * its own; the functions below are for one other thread.
 */
#pragma once

#include "base/err.h"
#include "bench/publication.h"

struct fake_api;

struct fake_api_config {
    const char *events_url, *questions_url; /* "tcp://127.0.0.1:7800", and the next port */
    struct text bus_key;                    /* may be empty */
    struct publication_shape shape;         /* its texts are kept */
};

MUST_CHECK enum err fake_api_open(struct fake_api **out, const struct fake_api_config *config);
void fake_api_close(struct fake_api *api); /* NULL does nothing */

/* Publishes the message after the last one; returns its offset, from 1 on. */
uint64_t fake_api_publish(struct fake_api *api);
