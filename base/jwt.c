#include "base/jwt.h"

#include <math.h>
#include <stdlib.h>

#include "base/jwt_parts.h"

#define HEADER_MEMBERS_MAX 16
#define MATCHED_BYTES_MAX  1024

const char *jwt_fault_text(enum jwt_fault fault)
{
    static const char *const texts[] = {
        [JWT_GOOD] = "it is good",
        [JWT_NO_TOKEN] = "it is no token: three parts of base64url with dots between",
        [JWT_BAD_HEADER] = "its header is no object, has a name twice, or a bad alg, kid or crit",
        [JWT_WRONG_KEY] = "there is no key for its algorithm",
        [JWT_BAD_SIGNATURE] = "the signature is not that of the key",
        [JWT_BAD_PAYLOAD] = "its claims are no JSON object, too many, or one stands there twice",
        [JWT_BAD_DATE] = "\"exp\" or \"nbf\" is no number of seconds",
        [JWT_WRONG_AUDIENCE] = "\"aud\" does not name the audience that is asked for",
        [JWT_WRONG_ISSUER] = "\"iss\" is not the issuer that is asked for",
        [JWT_EARLY] = "it is not valid yet (\"nbf\")",
        [JWT_EXPIRED] = "it has expired (\"exp\")",
    };
    return texts[fault];
}

void jwt_sign(struct buf *out, struct text payload, struct text key)
{
    const size_t start = out->len;
    unsigned char mac[JWT_MAC_BYTES_MAX];

    CHECK(key.len > 0);
    jwt_encode(out, TEXT("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"));
    buf_add_byte(out, '.');
    jwt_encode(out, payload);
    const size_t len = jwt_mac(JWT_HS256, key, text_after(buf_text(out), start), mac);
    buf_add_byte(out, '.');
    jwt_encode(out, text_of(mac, len));
}

/* ---- the header ---- */

static bool read_key_id(struct jwt *jwt, struct json_value kid)
{
    struct buf plain = {0};
    bool good = json_kind(kid) == JSON_NONE;

    jwt->key_id[0] = '\0';
    if (!good && json_to_text(kid, &plain) && plain.len <= JWT_KEY_ID_MAX) {
        strcpy(jwt->key_id, buf_cstring(&plain));
        good = true;
    }
    buf_fini(&plain);
    return good;
}

static bool read_header(struct jwt *jwt, struct json_value header)
{
    struct buf alg = {0};

    if (json_kind(header) != JSON_OBJECT || json_size(header) > HEADER_MEMBERS_MAX ||
        jwt_has_doubled_names(header))
        return false;
    if (json_kind(json_get(header, "crit")) != JSON_NONE)
        return false; /* RFC 7515 4.1.11: extensions that must be understood; we know none */
    const bool has_alg = json_to_text(json_get(header, "alg"), &alg);
    jwt->algorithm = has_alg ? jwt_algorithm_of(buf_text(&alg)) : JWT_UNKNOWN;
    buf_fini(&alg);
    return has_alg && read_key_id(jwt, json_get(header, "kid"));
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

enum jwt_fault jwt_take_apart(struct jwt *jwt, struct text token)
{
    struct buf bytes = {0};
    struct json header = {0};
    enum jwt_fault fault = JWT_GOOD;

    jwt->signature = token;
    if (token.len > JWT_LENGTH_MAX || !take_part(&jwt->signature, &jwt->header) ||
        !take_part(&jwt->signature, &jwt->payload))
        return JWT_NO_TOKEN; /* a third dot is no base64, of which jwt_check_signature() thinks */
    jwt->message = text_of(token.at, jwt->header.len + 1 + jwt->payload.len);
    if (!jwt_decode(jwt->header, &bytes))
        fault = JWT_NO_TOKEN;
    else if (json_parse(&header, buf_text(&bytes)) != ERR_OK ||
             !read_header(jwt, json_root(&header)))
        fault = JWT_BAD_HEADER;
    json_fini(&header);
    buf_fini(&bytes);
    return fault;
}

/* ---- the signature ---- */

enum jwt_fault jwt_check_signature(const struct jwt *jwt, const struct jwt_key *key)
{
    struct buf signature = {0};

    if (!jwt_key_accepts(key, jwt->algorithm))
        return JWT_WRONG_KEY;
    const bool good = jwt_decode(jwt->signature, &signature) &&
                      jwt_key_verifies(key, jwt->algorithm, jwt->message, buf_text(&signature));
    buf_fini(&signature);
    return good ? JWT_GOOD : JWT_BAD_SIGNATURE;
}

/* ---- the claims ---- */

bool jwt_read_part(struct text part, struct buf *out)
{
    return jwt_decode(part, out);
}

enum jwt_fault jwt_read_claims(const struct jwt *jwt, struct buf *payload, struct json *claims)
{
    buf_reset(payload);
    *claims = (struct json){0};
    if (!jwt_decode(jwt->payload, payload))
        return JWT_NO_TOKEN;
    if (json_parse(claims, buf_text(payload)) != ERR_OK)
        return JWT_BAD_PAYLOAD;
    const struct json_value root = json_root(claims);
    if (json_kind(root) != JSON_OBJECT || json_size(root) > JWT_CLAIMS_MAX ||
        jwt_has_doubled_names(root))
        return JWT_BAD_PAYLOAD;
    return JWT_GOOD;
}

#define DATE_MAX 1000000000000000 /* s */

bool jwt_read_date(struct json_value claim, int64_t fallback, int64_t *seconds)
{
    char digits[64];

    *seconds = fallback;
    if (json_kind(claim) == JSON_NONE)
        return true;
    if (json_to_i64(claim, seconds)) /* the rule; the rest costs ten times as much */
        return *seconds > -DATE_MAX && *seconds < DATE_MAX;
    const struct text raw = json_raw(claim);
    if (json_kind(claim) != JSON_NUMBER || raw.len >= sizeof(digits))
        return false;
    memcpy(digits, raw.at, raw.len);
    digits[raw.len] = '\0';
    const double number = strtod(digits, NULL); /* some issuers write 1.7e9 */
    if (!(fabs(number) < DATE_MAX))
        return false;
    *seconds = (int64_t)number;
    return true;
}

/* What `aud` or `iss` must be; each may be left open. */
struct wanted {
    struct text exact;
    const regex_t *regex;
};

static bool is_wanted(struct json_value value, struct wanted wanted)
{
    struct buf plain = {0};
    bool good = json_to_text(value, &plain);

    if (wanted.exact.len != 0)
        good = good && text_equal(buf_text(&plain), wanted.exact);
    if (wanted.regex != NULL)
        good = good && plain.len <= MATCHED_BYTES_MAX &&
               regexec(wanted.regex, buf_cstring(&plain), 0, NULL, 0) == 0;
    buf_fini(&plain);
    return good;
}

static bool is_for(struct json_value aud, struct wanted wanted)
{
    if (json_kind(aud) != JSON_ARRAY)
        return is_wanted(aud, wanted);
    for (struct json_iter it = json_iter(aud); json_next(&it);)
        if (is_wanted(it.value, wanted))
            return true;
    return false;
}

enum jwt_fault jwt_check_claims(struct json_value claims, const struct jwt_rules *rules)
{
    const struct wanted audience = {rules->audience, rules->audience_regex};
    const struct wanted issuer = {rules->issuer, rules->issuer_regex};
    const int64_t now_s = rules->now_us / 1000000;
    int64_t expires, not_before;

    if (!jwt_read_date(json_get(claims, "exp"), INT64_MAX, &expires) ||
        !jwt_read_date(json_get(claims, "nbf"), INT64_MIN, &not_before))
        return JWT_BAD_DATE;
    if ((audience.exact.len != 0 || audience.regex != NULL) &&
        !is_for(json_get(claims, "aud"), audience))
        return JWT_WRONG_AUDIENCE;
    if ((issuer.exact.len != 0 || issuer.regex != NULL) &&
        !is_wanted(json_get(claims, "iss"), issuer))
        return JWT_WRONG_ISSUER;
    if (now_s + rules->leeway_s < not_before)
        return JWT_EARLY;
    return now_s - rules->leeway_s >= expires ? JWT_EXPIRED : JWT_GOOD; /* last: all else is good */
}

/* ---- all in one ---- */

enum err jwt_verify(struct text token, const struct jwt_rules *rules, struct buf *payload,
                    struct json *claims)
{
    const struct jwt_key key = {.type = JWT_KEY_SECRET, .secret = rules->key};
    enum jwt_fault fault;
    struct jwt jwt;

    CHECK(rules->key.len > 0);
    buf_reset(payload);
    *claims = (struct json){0};
    if (token.len > JWT_TOKEN_MAX || jwt_take_apart(&jwt, token) != JWT_GOOD ||
        jwt_check_signature(&jwt, &key) != JWT_GOOD)
        return ERR_BAD_TOKEN;
    if ((fault = jwt_read_claims(&jwt, payload, claims)) == JWT_GOOD)
        fault = jwt_check_claims(json_root(claims), rules);
    if (fault == JWT_GOOD)
        return ERR_OK;
    return fault == JWT_EXPIRED ? ERR_TOKEN_EXPIRED : ERR_BAD_TOKEN;
}
