#include "gateway/admin/session.h"

#include <pthread.h>
#include <sodium.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/jwt.h"
#include "base/log.h"
#include "gateway/transport/http.h"

#define COOKIE    "parley_admin"
#define AUDIENCE  "parley-admin"
#define LIFE_S    86400
#define TRY_SPAN_MS 60000
#define KEY_BYTES 32

static const struct settings *settings;
static unsigned char key[KEY_BYTES];

/* When the last wrong passwords came, the oldest at `next`; of all threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t wrong_ms[SESSION_TRIES_MAX];
static size_t next, wrong_count;

static void hash_in(crypto_generichash_state *state, const char *word)
{
    const unsigned char *bytes = (const unsigned char *)(word != NULL ? word : "");

    crypto_generichash_update(state, bytes, strlen((const char *)bytes) + 1);
}

/* The password is part of it: sessions of an old one are no more. */
static void make_key(void)
{
    crypto_generichash_state state;

    if (settings->admin.secret == NULL || settings->admin.secret[0] == '\0') {
        id_random_bytes(key, sizeof(key));
        return;
    }
    crypto_generichash_init(&state, NULL, 0, sizeof(key));
    hash_in(&state, AUDIENCE);
    hash_in(&state, settings->admin.secret);
    hash_in(&state, settings->admin.password);
    crypto_generichash_final(&state, key, sizeof(key));
}

void session_init(const struct settings *given)
{
    settings = given;
    next = wrong_count = 0;
    make_key();
}

/* ---- whose page ---- */

static struct text without_scheme(struct text origin)
{
    const char *at = origin.len > 0 ? memmem(origin.at, origin.len, "://", 3) : NULL;

    return at != NULL ? text_after(origin, (size_t)(at + 3 - origin.at)) : (struct text){0};
}

/* Browsers say where a POST comes from: in Sec-Fetch-Site where the connection counts as safe, in
 * Origin always. Who says neither is no browser, and has no business here. */
bool session_is_same_site(const h2o_req_t *req)
{
    const struct text site = http_header(req, "sec-fetch-site");
    const struct text host = without_scheme(http_header(req, "origin"));

    if (site.len > 0)
        return text_equal(site, TEXT("same-origin"));
    return host.len > 0 &&
           http_equal_nocase(host, text_of(req->authority.base, req->authority.len));
}

/* ---- the cookie ---- */

/* Takes "name=value" off the front. */
static struct text next_pair(struct text *cookies)
{
    while (cookies->len > 0 && (cookies->at[0] == ' ' || cookies->at[0] == ';'))
        *cookies = text_after(*cookies, 1);
    const char *end = cookies->len > 0 ? memchr(cookies->at, ';', cookies->len) : NULL;
    const struct text pair =
        text_of(cookies->at, end != NULL ? (size_t)(end - cookies->at) : cookies->len);

    *cookies = text_after(*cookies, pair.len);
    return pair;
}

static struct text find_cookie(const h2o_req_t *req)
{
    static const char prefix[] = COOKIE "=";
    struct text cookies = http_header(req, "cookie");

    for (struct text pair; (pair = next_pair(&cookies)).len > 0;)
        if (pair.len > strlen(prefix) && memcmp(pair.at, prefix, strlen(prefix)) == 0)
            return text_after(pair, strlen(prefix));
    return (struct text){0};
}

static bool is_good(struct text token)
{
    const struct jwt_rules rules = {
        .key = text_of((const char *)key, sizeof(key)),
        .audience = TEXT(AUDIENCE),
        .now_us = clock_wall_us(),
    };
    struct buf payload = {0};
    struct json claims = {0};
    const bool good = token.len > 0 && jwt_verify(token, &rules, &payload, &claims) == ERR_OK;

    json_fini(&claims);
    buf_fini(&payload);
    return good;
}

bool session_is_open(const h2o_req_t *req)
{
    return settings->admin.insecure || is_good(find_cookie(req));
}

static void make_token(struct buf *out)
{
    const int64_t now_s = clock_wall_us() / 1000000;
    struct buf payload = {0};

    buf_printf(&payload, "{\"aud\":\"" AUDIENCE "\",\"iat\":%lld,\"exp\":%lld}", (long long)now_s,
               (long long)(now_s + LIFE_S));
    jwt_sign(out, buf_text(&payload), text_of((const char *)key, sizeof(key)));
    buf_fini(&payload);
}

/* TLS is the work of a proxy, which says so. */
static bool came_by_tls(const h2o_req_t *req)
{
    return http_equal_nocase(http_header(req, "x-forwarded-proto"), TEXT("https"));
}

static void set_cookie(h2o_req_t *req, struct text value, int life_s)
{
    struct buf line = {0};

    buf_printf(&line, COOKIE "=%.*s; Path=%s; Max-Age=%d; HttpOnly; SameSite=Strict%s",
               (int)value.len, value.at, settings->admin.path, life_s,
               came_by_tls(req) ? "; Secure" : "");
    http_add_header(req, "set-cookie", buf_text(&line));
    buf_fini(&line);
}

/* ---- in and out ---- */

/* Hashes, so that the time says nothing about the password's length either. */
static bool is_password(struct text given)
{
    unsigned char a[KEY_BYTES], b[KEY_BYTES];
    const struct text password =
        text(settings->admin.password != NULL ? settings->admin.password : "");

    crypto_generichash(a, sizeof(a), (const unsigned char *)given.at, given.len, key, sizeof(key));
    crypto_generichash(b, sizeof(b), (const unsigned char *)password.at, password.len, key,
                       sizeof(key));
    return sodium_memcmp(a, b, sizeof(a)) == 0 && password.len > 0;
}

static bool too_many_were_wrong(int64_t now_ms)
{
    return wrong_count == SESSION_TRIES_MAX && now_ms - wrong_ms[next] < TRY_SPAN_MS;
}

static void remember_wrong(int64_t now_ms)
{
    wrong_ms[next] = now_ms;
    next = (next + 1) % SESSION_TRIES_MAX;
    if (wrong_count < SESSION_TRIES_MAX)
        wrong_count++;
}

static enum err try_password(struct text password)
{
    const int64_t now_ms = clock_mono_ms();
    enum err err = ERR_OK;

    pthread_mutex_lock(&lock);
    if (too_many_were_wrong(now_ms)) {
        err = ERR_LIMIT;
    } else if (!is_password(password)) {
        remember_wrong(now_ms);
        err = ERR_BAD_CREDENTIALS;
    }
    pthread_mutex_unlock(&lock);
    return err;
}

enum err session_begin(h2o_req_t *req, struct text password)
{
    struct buf token = {0};
    const enum err err = try_password(password);

    if (err != ERR_OK) {
        log_warn("admin: %s", err == ERR_LIMIT ? "too many wrong passwords" : "a wrong password");
        return err;
    }
    log_info("admin: a session began");
    make_token(&token);
    set_cookie(req, buf_text(&token), LIFE_S);
    buf_fini(&token);
    return ERR_OK;
}

void session_end(h2o_req_t *req)
{
    set_cookie(req, TEXT(""), 0);
}
