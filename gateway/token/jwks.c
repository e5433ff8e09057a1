#include "gateway/token/jwks.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"

struct key_set {
    struct jwt_key *keys[JWKS_KEYS_MAX];
    size_t count;
};

struct jwks {
    char *url;
    pthread_mutex_t lock; /* for all that follows */
    struct key_set *set;  /* NULL: none has come yet */
    int64_t fetched_ms;   /* when `set` came */
    int64_t ended_ms;     /* when the last fetch ended, well or not; valid when `tried` */
    bool tried, failed;   /* there was a fetch; the last one failed */
    bool under_way;
    bool missed; /* a key was looked for in vain since the last fetch */
};

struct jwks *jwks_create(const char *url)
{
    struct jwks *jwks = xcalloc(1, sizeof(*jwks));

    jwks->url = xstrdup(url);
    pthread_mutex_init(&jwks->lock, NULL);
    return jwks;
}

static void free_set(struct key_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++)
        jwt_key_unref(set->keys[i]);
    free(set);
}

void jwks_destroy(struct jwks *jwks)
{
    if (jwks == NULL)
        return;
    CHECK(!jwks->under_way);
    free_set(jwks->set);
    pthread_mutex_destroy(&jwks->lock);
    free(jwks->url);
    free(jwks);
}

const char *jwks_url(const struct jwks *jwks)
{
    return jwks->url;
}

/* ---- looking for a key ---- */

static struct jwt_key *find(const struct key_set *set, struct text kid,
                            enum jwt_algorithm algorithm)
{
    struct jwt_key *found = NULL;

    for (size_t i = 0; set != NULL && i < set->count; i++) {
        struct jwt_key *key = set->keys[i];
        if (!jwt_key_accepts(key, algorithm))
            continue;
        if (kid.len > 0 && text_equal(jwt_key_id(key), kid))
            return key;
        if (kid.len == 0 && found != NULL)
            return NULL; /* nobody knows which one is meant */
        if (kid.len == 0)
            found = key;
    }
    return found;
}

/* May there be another fetch so soon? */
static bool has_rested(const struct jwks *jwks, int64_t now_ms)
{
    return !jwks->tried || now_ms - jwks->ended_ms >= JWKS_INTERVAL_MS;
}

enum jwks_answer jwks_find(struct jwks *jwks, struct text kid, enum jwt_algorithm algorithm,
                           int64_t now_ms, struct jwt_key **key)
{
    enum jwks_answer answer;

    pthread_mutex_lock(&jwks->lock);
    struct jwt_key *found = find(jwks->set, kid, algorithm);
    if (found != NULL) {
        *key = jwt_key_ref(found);
        answer = JWKS_FOUND;
    } else if (jwks->under_way || has_rested(jwks, now_ms)) {
        jwks->missed = true;
        answer = JWKS_WAIT;
    } else {
        answer = jwks->failed ? JWKS_UNAVAILABLE : JWKS_NONE;
    }
    pthread_mutex_unlock(&jwks->lock);
    return answer;
}

/* ---- fetching ---- */

static bool wants_fetch(const struct jwks *jwks, int64_t now_ms)
{
    return !jwks->under_way && has_rested(jwks, now_ms) &&
           (jwks->set == NULL || jwks->missed || now_ms - jwks->fetched_ms >= JWKS_AGE_MAX_MS);
}

bool jwks_has_failed(struct jwks *jwks)
{
    pthread_mutex_lock(&jwks->lock);
    const bool failed = jwks->failed;
    pthread_mutex_unlock(&jwks->lock);
    return failed;
}

bool jwks_wants_fetch(struct jwks *jwks, int64_t now_ms)
{
    pthread_mutex_lock(&jwks->lock);
    const bool wants = wants_fetch(jwks, now_ms);
    pthread_mutex_unlock(&jwks->lock);
    return wants;
}

bool jwks_fetch_begin(struct jwks *jwks, int64_t now_ms)
{
    pthread_mutex_lock(&jwks->lock);
    const bool begins = wants_fetch(jwks, now_ms);
    if (begins)
        jwks->under_way = true;
    pthread_mutex_unlock(&jwks->lock);
    return begins;
}

/* Adds the keys that are good for us; the others are for somebody else. */
static void take_keys(struct key_set *set, struct json_value list)
{
    char ignored[JWT_KEY_WHY_BYTES];

    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct jwt_key *key = jwt_key_from_jwk(it.value, ignored);
        if (key != NULL && jwt_key_type(key) != JWT_KEY_SECRET)
            set->keys[set->count++] = key;
        else
            jwt_key_unref(key);
    }
}

/* NULL: `why` says what is wrong with the answer. */
static struct key_set *read_set(struct text body, const char **why)
{
    struct json json = {0};
    struct key_set *set = xcalloc(1, sizeof(*set));

    *why = "it is no JSON, or larger than 1 MiB";
    if (body.len <= JWKS_BODY_MAX && json_parse(&json, body) == ERR_OK) {
        const struct json_value list = json_get(json_root(&json), "keys");
        *why = "it has no list `keys` of at most 100";
        if (json_kind(list) == JSON_ARRAY && json_size(list) <= JWKS_KEYS_MAX) {
            *why = "it has no key that tokens can be signed with here";
            take_keys(set, list);
        }
    }
    json_fini(&json);
    if (set->count > 0)
        return set;
    free_set(set);
    return NULL;
}

/* Once per change, since a provider that is down stays so for a while. */
static void log_change(const struct jwks *jwks, bool had_failed, const struct key_set *set,
                       const char *why)
{
    if (set == NULL && !had_failed)
        log_warn("token keys %s: %s; those at hand stay good", jwks->url, why);
    else if (set != NULL && had_failed)
        log_info("token keys %s: there again, %zu keys", jwks->url, set->count);
}

void jwks_fetch_done(struct jwks *jwks, int status, struct text body, int64_t now_ms)
{
    char answered[32];
    const char *why = status == 0 ? "no answer" : answered;
    struct key_set *old = NULL, *set = NULL;

    snprintf(answered, sizeof(answered), "HTTP status %d", status);
    if (status == 200) /* outside the lock: a hundred keys take some milliseconds */
        set = read_set(body, &why);
    pthread_mutex_lock(&jwks->lock);
    CHECK(jwks->under_way);
    const bool had_failed = jwks->failed;
    if (set != NULL) {
        old = jwks->set;
        jwks->set = set;
        jwks->fetched_ms = now_ms;
    }
    jwks->under_way = jwks->missed = false;
    jwks->tried = true;
    jwks->failed = set == NULL;
    jwks->ended_ms = now_ms;
    pthread_mutex_unlock(&jwks->lock);
    log_change(jwks, had_failed, set, why);
    free_set(old);
}
