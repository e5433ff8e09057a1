#include "base/jwt.h"

#include <math.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

#define HEADER_MEMBERS_MAX 16
#define HMAC_BYTES_MAX     64
#define BASE64URL          sodium_base64_VARIANT_URLSAFE_NO_PADDING

/* ---- base64url without padding (RFC 7515 2); libsodium's is strict about stray bits and bytes
 * ---- */

static void add_base64(struct buf *out, struct text bytes)
{
    const size_t room = sodium_base64_encoded_len(bytes.len, BASE64URL); /* counts a NUL */
    sodium_bin2base64(buf_reserve(out, room), room, (const unsigned char *)bytes.at, bytes.len,
                      BASE64URL);
    out->len += room - 1;
}

static bool decode_base64(struct text text, struct buf *out)
{
    size_t len;
    const size_t room = text.len / 4 * 3 + 3;
    unsigned char *at = (unsigned char *)buf_reserve(out, room);

    if (sodium_base642bin(at, room, text.at, text.len, NULL, &len, NULL, BASE64URL) != 0)
        return false;
    out->len += len;
    return true;
}

/* ---- the signature ---- */

static size_t hmac(const EVP_MD *digest, struct text key, struct text message,
                   unsigned char out[HMAC_BYTES_MAX])
{
    unsigned len = 0;
    CHECK(HMAC(digest, key.at, (int)key.len, (const unsigned char *)message.at, message.len, out,
               &len) != NULL);
    return len;
}

void jwt_sign(struct buf *out, struct text payload, struct text key)
{
    const size_t start = out->len;
    unsigned char mac[HMAC_BYTES_MAX];

    CHECK(key.len > 0);
    add_base64(out, TEXT("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"));
    buf_add_byte(out, '.');
    add_base64(out, payload);
    const size_t len = hmac(EVP_sha256(), key, text_after(buf_text(out), start), mac);
    buf_add_byte(out, '.');
    add_base64(out, text_of(mac, len));
}

static bool is_signed(struct text signature, struct text message, const EVP_MD *digest,
                      struct text key)
{
    struct buf given = {0};
    unsigned char mac[HMAC_BYTES_MAX];
    const size_t len = hmac(digest, key, message, mac);
    const bool equal = decode_base64(signature, &given) && given.len == len &&
                       CRYPTO_memcmp(given.at, mac, len) == 0;
    buf_fini(&given);
    return equal;
}

/* ---- the header ---- */

static bool is_string(struct json_value value, struct text expected)
{
    struct buf plain = {0};
    const bool equal = json_to_text(value, &plain) && text_equal(buf_text(&plain), expected);
    buf_fini(&plain);
    return equal;
}

/* RFC 7515 4, RFC 7519 4: names must be unique, else two readers see two tokens in one. */
static bool has_doubled_names(struct json_value object)
{
    for (struct json_iter one = json_iter(object); json_next(&one);)
        for (struct json_iter other = one; json_next(&other);)
            if (text_equal(one.key, other.key))
                return true;
    return false;
}

/* The digest that the header asks for; NULL when it asks for anything but the three. */
static const EVP_MD *digest_of_header(struct json_value header)
{
    if (json_kind(header) != JSON_OBJECT || json_size(header) > HEADER_MEMBERS_MAX ||
        has_doubled_names(header))
        return NULL;
    if (json_kind(json_get(header, "crit")) != JSON_NONE)
        return NULL; /* RFC 7515 4.1.11: extensions that must be understood; we know none */
    const struct json_value alg = json_get(header, "alg");
    if (is_string(alg, TEXT("HS256")))
        return EVP_sha256();
    if (is_string(alg, TEXT("HS384")))
        return EVP_sha384();
    if (is_string(alg, TEXT("HS512")))
        return EVP_sha512();
    return NULL;
}

static const EVP_MD *read_header(struct text encoded)
{
    struct buf bytes = {0};
    struct json header = {0};
    const EVP_MD *digest = NULL;

    if (decode_base64(encoded, &bytes) && json_parse(&header, buf_text(&bytes)) == ERR_OK)
        digest = digest_of_header(json_root(&header));
    json_fini(&header);
    buf_fini(&bytes);
    return digest;
}

/* ---- the claims ---- */

/* RFC 7519 2, NumericDate: seconds, maybe with a fraction, which is cut off; absent = `fallback`.
 */
static bool read_date(struct json_value claim, int64_t fallback, int64_t *seconds)
{
    char digits[64];

    *seconds = fallback;
    if (json_kind(claim) == JSON_NONE)
        return true;
    const struct text raw = json_raw(claim);
    if (json_kind(claim) != JSON_NUMBER || raw.len >= sizeof(digits))
        return false;
    memcpy(digits, raw.at, raw.len);
    digits[raw.len] = '\0';
    const double number = strtod(digits, NULL); /* some issuers write 1.7e9 */
    if (!(fabs(number) < 1e15))
        return false;
    *seconds = (int64_t)number;
    return true;
}

static bool is_for(struct json_value aud, struct text audience)
{
    if (json_kind(aud) != JSON_ARRAY)
        return is_string(aud, audience);
    for (struct json_iter it = json_iter(aud); json_next(&it);)
        if (is_string(it.value, audience))
            return true;
    return false;
}

static enum err check_claims(struct json_value claims, const struct jwt_rules *rules)
{
    const int64_t now_s = rules->now_us / 1000000;
    int64_t expires, not_before;

    if (json_kind(claims) != JSON_OBJECT || has_doubled_names(claims) ||
        !read_date(json_get(claims, "exp"), INT64_MAX, &expires) ||
        !read_date(json_get(claims, "nbf"), INT64_MIN, &not_before))
        return ERR_BAD_TOKEN;
    if (now_s + rules->leeway_s < not_before)
        return ERR_BAD_TOKEN;
    if (rules->audience.len != 0 && !is_for(json_get(claims, "aud"), rules->audience))
        return ERR_BAD_TOKEN;
    if (rules->issuer.len != 0 && !is_string(json_get(claims, "iss"), rules->issuer))
        return ERR_BAD_TOKEN;
    return now_s - rules->leeway_s >= expires ? ERR_TOKEN_EXPIRED
                                              : ERR_OK; /* last: all else is good */
}

/* The part of `rest` before the next dot; `rest` becomes what follows it. */
static bool take_part(struct text *rest, struct text *part)
{
    const char *dot = rest->len != 0 ? memchr(rest->at, '.', rest->len) : NULL;
    if (dot == NULL)
        return false;
    *part = text_of(rest->at, (size_t)(dot - rest->at));
    *rest = text_after(*rest, part->len + 1);
    return true;
}

enum err jwt_verify(struct text token, const struct jwt_rules *rules, struct buf *payload,
                    struct json *claims)
{
    struct text header, body, rest = token;

    CHECK(rules->key.len > 0);
    buf_reset(payload);
    *claims = (struct json){0};
    if (token.len > JWT_TOKEN_MAX || !take_part(&rest, &header) || !take_part(&rest, &body))
        return ERR_BAD_TOKEN;
    const EVP_MD *digest = read_header(header);
    const struct text message = text_of(token.at, header.len + 1 + body.len);
    if (digest == NULL ||
        !is_signed(rest, message, digest, rules->key)) /* a third dot is no base64 */
        return ERR_BAD_TOKEN;
    if (!decode_base64(body, payload) || json_parse(claims, buf_text(payload)) != ERR_OK)
        return ERR_BAD_TOKEN;
    return check_claims(json_root(claims), rules);
}
