/*
 * gateway_keys: which keys gateways check tokens with, as their options say.
 */
#pragma once

#include <stdbool.h>

#include "base/text.h"
#include "operator/settings.h"

struct gateway_keys {
    struct text secret; /* empty: none, as all that follows */
    struct text rsa_public_key, ecdsa_public_key;
    struct text audience, issuer;
    const char *place; /* where these options are: "client.token" */
};

/* Those for tokens of connections, or of subscriptions. The product's own key, with its audience, is
 * that of connections where no other is given, and subscriptions have the same keys unless told. */
struct gateway_keys gateway_keys_of(const struct settings *settings, bool for_subscriptions);
