/*
 * delivery: the broker's letters, as one loop takes them: publications to those who listen, joins and
 * leaves, and what is said to many at once. Loop's thread.
 */
#pragma once

#include "gateway/loop/client.h"
#include "gateway/mail/notice.h"

void delivery_parcel(struct loop *loop, struct parcel *parcel); /* takes it */
void delivery_notice(struct loop *loop, struct notice *notice); /* takes it */

/* For the hub: one listener gets what is for it. */
void delivery_send(struct follower *follower, struct subscription *sub, struct parcel *parcel);
