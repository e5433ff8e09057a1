#include "gateway/outside/webhook_sign.h"

#include <inttypes.h>

#include <sodium.h>

void webhook_sign(struct buf *out, struct text secret, int64_t time_s, struct text body)
{
    crypto_auth_hmacsha256_state state;
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char hex[2 * sizeof(mac) + 1];
    struct buf start = {0};

    buf_printf(&start, "%" PRId64 ".", time_s);
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret.at, secret.len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)start.at, start.len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body.at, body.len);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof(state));
    buf_fini(&start);
    sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac));
    buf_printf(out, "t=%" PRId64 ",v1=%s", time_s, hex);
}
