#include "api/handlers/tokens.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/jwt.h"

#define MAC_BYTES 24
#define MAC_CHARS 32 /* of base64url */

int64_t tokens_access(struct buf *out, const struct settings *settings, int64_t user_id, int64_t session_id)
{
    struct buf payload = {0};
    struct json_out json = {.buf = &payload};
    const int64_t now_s = clock_wall_us() / 1000000, ends_s = now_s + settings->token.life_s;

    json_open(&json, '{');
    json_key_id(&json, "sub", user_id);
    json_key_id(&json, "sid", session_id);
    json_key_text(&json, "aud", text(settings->token.audience));
    json_key_i64(&json, "iat", now_s);
    json_key_i64(&json, "exp", ends_s);
    json_close(&json, '}');
    jwt_sign(out, buf_text(&payload), text(settings->token.secret));
    buf_fini(&payload);
    return ends_s * 1000000;
}

static void make_mac(const struct settings *settings, struct text what, char out[MAC_CHARS + 1])
{
    unsigned char key[32], mac[MAC_BYTES];
    const struct text secret = text(settings->refresh.secret);

    CHECK(crypto_generichash(key, sizeof(key), (const unsigned char *)secret.at, secret.len, NULL, 0) == 0);
    CHECK(crypto_generichash(mac, sizeof(mac), (const unsigned char *)what.at, what.len, key, sizeof(key)) == 0);
    sodium_bin2base64(out, MAC_CHARS + 1, mac, sizeof(mac), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(key, sizeof(key));
}

void tokens_refresh(struct buf *out, const struct settings *settings, int64_t session_id, int64_t generation)
{
    char what[64], mac[MAC_CHARS + 1];
    const int len = snprintf(what, sizeof(what), "%" PRId64 ".%" PRId64, session_id, generation);

    make_mac(settings, text_of(what, (size_t)len), mac);
    buf_printf(out, "%s.%s", what, mac);
}

enum err tokens_read_refresh(struct text token, const struct settings *settings, int64_t *session_id, int64_t *generation)
{
    char mac[MAC_CHARS + 1];
    const char *first = memchr(token.at, '.', token.len);
    const char *last = token.len > 0 ? memrchr(token.at, '.', token.len) : NULL;

    if (token.len > REFRESH_TOKEN_MAX || first == NULL || last == first)
        return ERR_BAD_TOKEN;
    const struct text what = text_of(token.at, (size_t)(last - token.at));
    const struct text given = text_of(last + 1, token.len - what.len - 1);
    make_mac(settings, what, mac);
    if (given.len != MAC_CHARS || sodium_memcmp(given.at, mac, MAC_CHARS) != 0)
        return ERR_BAD_TOKEN;
    if (!id_parse(text_of(token.at, (size_t)(first - token.at)), session_id) ||
        !id_parse(text_of(first + 1, (size_t)(last - first - 1)), generation))
        return ERR_BAD_TOKEN;
    return ERR_OK;
}
