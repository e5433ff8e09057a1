/*
 * emulated: connections whose commands come by requests of their own (POST /emulation), found by
 * their session. The first two hex digits of a session say on which loop it is, so that any loop
 * and any gateway can pass commands on; on the bus its last 16 prove that a gateway made it, so that
 * strangers cannot have the whole fleet look for sessions that they made up. Loop's thread.
 */
#pragma once

#include "base/text.h"

struct client;
struct loop;

void emulated_remember(struct client *client); /* makes its session */
void emulated_forget(struct client *client);   /* also one that has none */
/* Commands for a session of this loop; those for one that is not there any more are dropped. */
void emulated_take(struct loop *loop, struct text session, struct text commands);

/* The loop of a session; -1: it is none of ours. */
int emulated_loop_of(struct text session);
/* Did the gateway `node`, which has the same bus key, make this session? Any thread. */
bool emulated_is_genuine(struct text secret, struct text node, struct text session);
