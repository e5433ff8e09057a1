/*
 * http: keep-alive connections to the API with one request under way each. Cheap on purpose, since the
 * load shares its processor with the stores: of an answer only its length is looked at.
 *
 * What goes wrong with a connection ends the program. One thread.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "bench/senders.h"

struct http_client;

/* `on_answer`: the whole answer, head and body, and when its request was sent; from http_turn(). */
struct http_client *http_open(int port, void (*on_answer)(void *owner, struct text answer, int64_t begun_ns), void *owner);
/* One at a time, and small enough for the socket's buffer. */
void http_send(struct http_client *client, struct text request, int64_t now_ns);
/* Waits for answers, 10 s at most, and tells of them. */
void http_turn(void);

/* Host and Authorization, a line each. */
void http_add_headers(struct buf *out, int port, const struct sender *sender, const char *audience, const char *token_secret);
