/*
 * connecting: from the connect command to its answer.
 *
 *   who is it (token, or without one: proxy, header, anonymous) -> may they come in -> the product's
 *   API, on the bus -> server-side subscriptions, all at once -> the answer
 *
 * Whoever ends it early: a bad token closes, an expired one is error 109, no credentials are 3501.
 * The steps are in connecting.c, _proxy.c, _channels.c and _answer.c. Loop's thread.
 */
#pragma once

#include "gateway/loop/client.h"

void connecting_run(struct client *client, const struct command *command);

/* Those whose token's key is being fetched are looked at again. Once a tick. */
void connecting_retry(struct loop *loop);
