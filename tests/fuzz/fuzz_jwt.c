/*
 * The first byte says what the rest is: a token as anybody may send it, for a verifier with keys of
 * every kind ('t'); the payload of one that is well signed ('p'); a header that is ('h').
 */
#include <sodium.h>

#include "base/clock.h"
#include "base/jwt.h"
#include "gateway/token/verifier.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define NOW_US 1700000000000000
#define SECRET "secret"

static char rsa_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtQKtv51EwX1wFO+kBE8y\n"
                        "KcGQuDj4DNexpHVX0ECP4ocAWVKIMTYf9fevMYKNAncoGbxefdqJrBUWciPlgroX\n"
                        "vHmElC5U+7GrJJ2i5iHyorp4oZZ4GWuyQdU6Jw4dfhaYkt1SYbdFSf8vMDY7mK6J\n"
                        "qQEPcn3SoNZqRcdA/SAFkAXqY/Nd1go4esJfUUeOKyHw93ubUNPIMSfmJKE+je6C\n"
                        "GaYo3u5lB5flPxV7Zq2LqJb0s/1lVoZ/ofXFx2sgMDEv7RzeFqeROFwil4TYa/J0\n"
                        "xRZ0k6p9mXxbY1WxyESr9dn+/WdvYaL/WOKL6IztIJXxtoWkNOReVue3JWZbiyvX\n"
                        "fwIDAQAB\n"
                        "-----END PUBLIC KEY-----\n";
static char ec_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                       "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE0GvE5V8vysrgBvs9Y3e5DOkmSBbo\n"
                       "WVuG84ZjlIiMImwF/5waygy8tNv/qG7qcLLddWfUtrYpnhP1yGV5iFf80w==\n"
                       "-----END PUBLIC KEY-----\n";
static const char key_set[] = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"e\",\"x\":"
                              "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},{\"kty\":\"EC\","
                              "\"crv\":\"P-256\",\"kid\":\"p\","
                              "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                              "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static struct verifier *make_verifier(void)
{
    char why[VERIFIER_WHY_BYTES];
    const struct verifier_config config = {
        .hmac_secret_key = SECRET,
        .hmac_previous_secret_key = "older",
        .rsa_public_key = rsa_pem,
        .ecdsa_public_key = ec_pem,
        .jwks_public_endpoint = "https://login.example/keys",
    };
    struct verifier *verifier = verifier_create(&config, why);

    CHECK(verifier != NULL && jwks_fetch_begin(verifier_jwks(verifier), clock_mono_ms()));
    jwks_fetch_done(verifier_jwks(verifier), 200, text(key_set), clock_mono_ms());
    return verifier;
}

/* What goes out to clients must be JSON where it is not bytes, and on one line. */
static void check_json(struct text json, bool is_binary)
{
    if (is_binary || json.len == 0)
        return;
    CHECK(json_is_valid(json));
    CHECK(memchr(json.at, '\n', json.len) == NULL && memchr(json.at, '\r', json.len) == NULL);
}

static void try_connect(struct verifier *verifier, struct text token)
{
    struct connect_token out;

    if (verifier_connect(verifier, token, NOW_US, &out) == TOKEN_GOOD) {
        CHECK(out.user.len <= CLAIMS_USER_MAX && out.sub_count <= CLAIMS_SUBS_MAX);
        CHECK(out.expires == (out.expires_s > 0));
        check_json(out.info, out.info_is_binary);
        check_json(out.meta, false);
        for (size_t i = 0; i < out.sub_count; i++) {
            CHECK(out.subs[i].channel.len > 0);
            CHECK(i == 0 || !text_equal(out.subs[i].channel, out.subs[i - 1].channel));
            check_json(out.subs[i].info, out.subs[i].info_is_binary);
            check_json(out.subs[i].data, out.subs[i].data_is_binary);
        }
        CHECK(out.has_caps || out.caps.count == 0);
        CHECK(caps_allow(&out.caps, TEXT("news:aaaaaaaaaaaaaaaaaaaaaaaa")) < 16);
    }
    connect_token_fini(&out);
}

static void try_subscribe(struct verifier *verifier, struct text token)
{
    struct subscribe_token out;

    if (verifier_subscribe(verifier, token, NOW_US, &out) == TOKEN_GOOD) {
        CHECK(out.channel.len > 0 && out.user.len <= CLAIMS_USER_MAX);
        check_json(out.info, out.info_is_binary);
        check_json(out.data, out.data_is_binary);
    }
    subscribe_token_fini(&out);
}

static void add_base64(struct buf *out, struct text bytes)
{
    const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    const size_t room = sodium_base64_encoded_len(bytes.len, variant);

    sodium_bin2base64(buf_reserve(out, room), room, (const unsigned char *)bytes.at, bytes.len,
                      variant);
    out->len += room - 1;
}

/* As jwt_sign(), but with any header. */
static void sign(struct buf *out, struct text header, struct text payload)
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;

    add_base64(out, header);
    buf_add_byte(out, '.');
    add_base64(out, payload);
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)SECRET, strlen(SECRET));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)out->at, out->len);
    crypto_auth_hmacsha256_final(&state, mac);
    buf_add_byte(out, '.');
    add_base64(out, text_of(mac, sizeof(mac)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct verifier *verifier;
    struct buf token = {0};

    if (verifier == NULL)
        verifier = make_verifier();
    if (len == 0)
        return 0;
    const struct text rest = text_of(bytes + 1, len - 1);
    if (bytes[0] == 'p')
        sign(&token, TEXT("{\"alg\":\"HS256\"}"), rest);
    else if (bytes[0] == 'h')
        sign(&token, rest, TEXT("{\"sub\":\"42\"}"));
    else
        buf_add_text(&token, rest);
    try_connect(verifier, buf_text(&token));
    try_subscribe(verifier, buf_text(&token));
    buf_fini(&token);
    return 0;
}
