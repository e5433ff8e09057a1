/*
 * single: a user's newest connection ends the others, on all gateways
 * (client.subscribe_to_user_personal_channel.single_connection). Loop's thread.
 */
#pragma once

#include "gateway/loop/client.h"

/* The client is connected: its user's others are closed with 3504, where the settings say so. */
void single_claim(struct client *client);

/* An order of another claim reaches a client whose own is still under way: the client is the
 * younger one, and stays. */
bool single_spares(const struct order *order, const struct client *client);
