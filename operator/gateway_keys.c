#include "operator/gateway_keys.h"

struct gateway_keys gateway_keys_of(const struct settings *settings, bool for_subscriptions)
{
    const bool apart = for_subscriptions && settings->subscription_token_enabled;
    const struct token_settings *given =
        apart ? &settings->subscription_token : &settings->client_token;
    struct gateway_keys keys = {
        .secret = text(given->hmac_secret_key),
        .rsa_public_key = text(given->rsa_public_key),
        .ecdsa_public_key = text(given->ecdsa_public_key),
        .audience = text(given->audience),
        .issuer = text(given->issuer),
        .place = apart ? "client.subscription_token" : "client.token",
    };

    if (!apart && keys.secret.len == 0) {
        keys.secret = text(settings->token_secret);
        if (keys.secret.len > 0 && keys.audience.len == 0)
            keys.audience = text(settings->token_audience);
    }
    return keys;
}
