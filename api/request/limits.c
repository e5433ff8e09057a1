#include "api/request/limits.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/counters.h"
#include "api/request/address.h"
#include "api/request/buckets.h"
#include "api/request/call_state.h"
#include "api/request/router.h"
#include "api/settings.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/log.h"

#define MINUTE_US   INT64_C(60000000)
#define WANTED_MAX 2 /* buckets of one class */
#define NAME_BYTES 96
#define SPACE      "parley:limits:" /* they copy nothing of the database: nothing makes them void */
#define DIGITS     24
#define WHY_BYTES  160

struct limits {
    uint64_t seed; /* of the names' hashes: nobody can choose two that share a bucket */
    struct buckets *known;
};

/* ---- which buckets ---- */

enum whose { OF_ADDRESS, OF_USER, OF_ROOM, OF_LOGIN };

static const struct {
    const char *name, *what;
    enum whose whose;
    enum counter counter;
} kinds[LIMIT_COUNT] = {
    [LIMIT_REGISTER] = {"register", "new accounts from one address", OF_ADDRESS, COUNTER_LIMITED_REGISTER},
    [LIMIT_SIGN_IN] = {"sign_in", "sign-ins from one address", OF_ADDRESS, COUNTER_LIMITED_SIGN_IN},
    [LIMIT_REFRESH] = {"refresh", "refreshed tokens from one address", OF_ADDRESS, COUNTER_LIMITED_REFRESH},
    [LIMIT_PASSWORD] = {"password", "a person's own passwords", OF_USER, COUNTER_LIMITED_PASSWORD},
    [LIMIT_SEND] = {"send", "a person's messages", OF_USER, COUNTER_LIMITED_SEND},
    [LIMIT_SEND_ROOM] = {"send_room", "a room's messages", OF_ROOM, COUNTER_LIMITED_SEND_ROOM},
    [LIMIT_WRITE] = {"write", "a person's changes", OF_USER, COUNTER_LIMITED_WRITE},
    [LIMIT_READ] = {"read", "a person's questions", OF_USER, COUNTER_LIMITED_READ},
    [LIMIT_SEARCH] = {"search", "a person's searches", OF_USER, COUNTER_LIMITED_SEARCH},
    [LIMIT_FIND] = {"find", "a person's searches for people, rooms and groups", OF_USER, COUNTER_LIMITED_FIND},
    [LIMIT_ACCOUNT] = {"account", "wrong passwords for one account", OF_LOGIN, COUNTER_LIMITED_ACCOUNT},
};

struct wanted {
    enum limit limit;
    struct bucket_rate rate;
    char name[NAME_BYTES]; /* its key in Redis */
    uint64_t hash;         /* its name in memory */
    int64_t cost_us;       /* what is taken */
    int64_t used_us;       /* of it, afterwards */
};

static struct bucket_rate rate_of(const struct settings *settings, enum limit limit)
{
    const struct limit_rate *rate = &settings->limits.rates[limit];
    const int64_t interval_us = MINUTE_US / rate->per_minute;

    return (struct bucket_rate){interval_us, interval_us * rate->burst};
}

/* How the routes are divided; at most WANTED_MAX each. */
static int limits_of(struct call *call, enum limit list[WANTED_MAX])
{
    const struct route *route = call->route;
    struct text q = {0};
    const bool finds = (route->flags & ROUTE_FINDS) != 0 && call_query_text(call, "q", &q) && q.len > 0;
    const bool reads = strcmp(route->method, "GET") == 0;

    if ((route->flags & ROUTE_SENDS) != 0) {
        list[0] = LIMIT_SEND;
        list[1] = LIMIT_SEND_ROOM;
        return 2;
    }
    list[0] = (route->flags & ROUTE_REGISTERS) != 0   ? LIMIT_REGISTER
              : (route->flags & ROUTE_REFRESHES) != 0 ? LIMIT_REFRESH
              : (route->flags & ROUTE_PASSWORD) != 0  ? LIMIT_PASSWORD
              : (route->flags & ROUTE_SEARCHES) != 0  ? LIMIT_SEARCH
              : finds                                 ? LIMIT_FIND
              : (route->flags & ROUTE_PUBLIC) != 0    ? LIMIT_SIGN_IN
              : reads                                 ? LIMIT_READ
                                                      : LIMIT_WRITE;
    return (route->flags & ROUTE_PUBLIC) != 0 && reads ? 0 : 1; /* what is the same for all costs nothing */
}

/* False: it has no such thing (a path that names no room: the handler says so). */
static bool write_name(struct call *call, struct wanted *wanted)
{
    const char *kind = kinds[wanted->limit].name;
    struct buf address = {0};
    int64_t id;

    switch (kinds[wanted->limit].whose) {
    case OF_ADDRESS:
        address_network(call_address(call), &address);
        snprintf(wanted->name, NAME_BYTES, "%s:%.*s", kind, TEXT_ARGS(buf_text(&address)));
        buf_fini(&address);
        return true;
    case OF_ROOM:
        if (call_path_id(call, "room", &id) != ERR_OK)
            return false;
        break;
    default:
        id = call->user_id;
    }
    snprintf(wanted->name, NAME_BYTES, "%s:%lld", kind, (long long)id);
    return true;
}

/* Of which `name` says which one. */
static void set_bucket(const struct app *app, struct wanted *wanted)
{
    wanted->rate = rate_of(app->settings, wanted->limit);
    wanted->cost_us = wanted->rate.interval_us;
    wanted->hash = hash_text(app->limits->seed, text(wanted->name));
}

static int gather(struct call *call, struct wanted list[WANTED_MAX])
{
    const struct app *app = call->worker->app;
    enum limit limits[WANTED_MAX];
    const int possible = limits_of(call, limits);
    int count = 0;

    for (int i = 0; i < possible; i++) {
        struct wanted *wanted = &list[count];
        *wanted = (struct wanted){.limit = limits[i]};
        if (app->settings->limits.rates[limits[i]].per_minute == 0 || !write_name(call, wanted))
            continue;
        set_bucket(app, wanted);
        count++;
    }
    return count;
}

/* ---- whom none holds ---- */

/* Somebody who came through a proxy that is not listed has the proxy's address, and is not meant. */
static bool is_exempt(struct call *call)
{
    const char *exempt = call->worker->app->settings->limits.exempt;

    if (exempt[0] == '\0')
        return false;
    if (call->is_rpc)
        return settings_list_has(exempt, TEXT("sockets"));
    const struct text address = call_address(call);
    return !call->is_from_stranger && address_in(exempt, address);
}

/* ---- Redis ---- */

/*
 * KEYS: the buckets. ARGV: what is taken, and room of each, in µs. A bucket is the time at which it is full, by Redis' own clock; should that
 * be set back, or the limit made smaller, nobody waits longer than an empty bucket does. Answers how much of each is used up.
 */
static struct cache_script take = {
    .space = SPACE,
    .lua = "local clock = redis.call('TIME')\n"
           "local now = clock[1] * 1000000 + clock[2]\n"
           "local full, refused, used = {}, false, {}\n"
           "for i = 1, #KEYS do\n"
           "  local cost, room = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])\n"
           "  full[i] = tonumber(redis.call('GET', KEYS[i]) or now) or now\n"
           "  full[i] = math.min(math.max(full[i], now), now + room)\n"
           "  if full[i] + cost > now + room then refused = true end\n"
           "end\n"
           "for i = 1, #KEYS do\n"
           "  if not refused then\n"
           "    full[i] = full[i] + ARGV[2 * i - 1]\n"
           "    redis.call('SET', KEYS[i], string.format('%.0f', full[i]), 'PX', math.ceil((full[i] - now) / 1000) + 1)\n"
           "  end\n"
           "  used[i] = string.format('%.0f', full[i] - now)\n"
           "end\n"
           "used[#KEYS + 1] = refused and 'refused' or 'taken'\n"
           "return used"};

/* KEYS: a bucket. ARGV: its interval. */
static struct cache_script give_back = {
    .space = SPACE,
    .lua = "local full = tonumber(redis.call('GET', KEYS[1]) or 0) or 0\n"
           "local ttl = redis.call('PTTL', KEYS[1])\n"
           "if ttl > 0 then redis.call('SET', KEYS[1], string.format('%.0f', full - ARGV[1]), 'PX', ttl) end"};

static bool read_answer(const struct cache_reply *reply, struct wanted *list, int count, bool *refused)
{
    if (reply->kind != CACHE_ARRAY || reply->count != (size_t)count + 1)
        return false;
    for (int i = 0; i < count; i++) {
        const struct text digits = cache_item(reply, (size_t)i);
        if (digits.len == 0 || digits.len >= DIGITS)
            return false;
        char number[DIGITS] = "";
        memcpy(number, digits.at, digits.len);
        list[i].used_us = strtoll(number, NULL, 10);
    }
    *refused = text_equal(cache_item(reply, (size_t)count), TEXT("refused"));
    return true;
}

/* ERR_UNAVAILABLE: Redis does not say. */
static enum err ask_redis(struct call *call, struct wanted *list, int count, bool *refused)
{
    struct text keys[WANTED_MAX], args[2 * WANTED_MAX];
    char digits[2 * WANTED_MAX][DIGITS];
    struct cache_reply reply;

    for (int i = 0; i < count; i++) {
        keys[i] = text(list[i].name);
        snprintf(digits[2 * i], DIGITS, "%lld", (long long)list[i].cost_us);
        snprintf(digits[2 * i + 1], DIGITS, "%lld", (long long)list[i].rate.room_us);
        args[2 * i] = text(digits[2 * i]);
        args[2 * i + 1] = text(digits[2 * i + 1]);
    }
    enum err err = cache_call(call->worker->cache, &take, keys, (size_t)count, args, 2 * (size_t)count, &reply);
    if (err == ERR_OK && !read_answer(&reply, list, count, refused))
        err = ERR_UNAVAILABLE;
    cache_reply_fini(&reply);
    return err;
}

/* ---- memory ---- */

static int64_t now_us(void)
{
    return clock_mono_ns() / 1000;
}

/* Somebody has to wait, as far as is known here; no bucket is fuller than that. */
static bool has_to_wait(struct limits *limits, struct wanted *list, int count)
{
    bool waits = false;

    for (int i = 0; i < count; i++) {
        list[i].used_us = buckets_used_us(limits->known, list[i].hash, now_us());
        waits |= list[i].used_us + list[i].cost_us > list[i].rate.room_us;
    }
    return waits;
}

static void note(struct limits *limits, const struct wanted *list, int count)
{
    for (int i = 0; i < count; i++)
        buckets_set(limits->known, list[i].hash, list[i].used_us, now_us());
}

/* ---- what the client is told ---- */

/* RateLimit and RateLimit-Policy as draft-ietf-httpapi-ratelimit-headers-10 has them: quota, window; remaining, seconds until full. */
static void set_headers(struct call *call, const struct wanted *list, int count)
{
    struct buf policy = {0}, state = {0};

    for (int i = 0; i < count; i++) {
        const struct wanted *wanted = &list[i];
        const int64_t left_us = wanted->rate.room_us - wanted->used_us;
        const char *comma = i > 0 ? ", " : "";
        buf_printf(&policy, "%s\"%s\";q=%lld;w=%lld", comma, kinds[wanted->limit].name,
                   (long long)(wanted->rate.room_us / wanted->rate.interval_us), (long long)((wanted->rate.room_us + 999999) / 1000000));
        buf_printf(&state, "%s\"%s\";r=%lld;t=%lld", comma, kinds[wanted->limit].name,
                   (long long)(left_us > 0 ? left_us / wanted->rate.interval_us : 0), (long long)((wanted->used_us + 999999) / 1000000));
    }
    call_set_header(call, "ratelimit-policy", buf_text(&policy));
    call_set_header(call, "ratelimit", buf_text(&state));
    buf_fini(&policy);
    buf_fini(&state);
}

enum err limits_refuse(struct call *call, enum limit limit, int wait_s, const char *why)
{
    counter_add(kinds[limit].counter, 1);
    call->problem.limit = kinds[limit].name;
    call_retry_after(call, wait_s);
    return call_fail(call, ERR_LIMIT, "%s", why);
}

static enum err refuse(struct call *call, const struct wanted *list, int count)
{
    const struct wanted *worst = NULL;
    int64_t wait_us = 0;

    for (int i = 0; i < count; i++) {
        const int64_t late_us = list[i].used_us + list[i].cost_us - list[i].rate.room_us;
        if (late_us <= wait_us)
            continue;
        worst = &list[i];
        wait_us = late_us;
    }
    CHECK(worst != NULL);
    const struct limit_rate *rate = &call->worker->app->settings->limits.rates[worst->limit];
    char why[WHY_BYTES];
    snprintf(why, sizeof(why), "%s: %lld a minute, %lld at once", kinds[worst->limit].what, (long long)rate->per_minute, (long long)rate->burst);
    return limits_refuse(call, worst->limit, (int)((wait_us + 999999) / 1000000), why);
}

/* ---- the module ---- */

struct limits *limits_create(const struct settings *settings)
{
    if (!address_check_option("limits.exempt", settings->limits.exempt, "sockets"))
        return NULL;
    struct limits *limits = xcalloc(1, sizeof(*limits));
    limits->seed = id_random();
    limits->known = buckets_create((size_t)settings->limits.places);
    return limits;
}

void limits_destroy(struct limits *limits)
{
    if (limits == NULL)
        return;
    buckets_destroy(limits->known);
    free(limits);
}

/* False: somebody has to wait, and nothing was taken. */
static bool take_all(struct call *call, struct wanted *list, int count)
{
    struct limits *limits = call->worker->app->limits;
    bool refused = false;

    if (has_to_wait(limits, list, count))
        return false;
    if (ask_redis(call, list, count, &refused) == ERR_OK) {
        note(limits, list, count);
        return !refused;
    }
    if (has_to_wait(limits, list, count)) /* others asked meanwhile */
        return false;
    counter_add(COUNTER_LIMITS_ALONE, 1);
    for (int i = 0; i < count; i++)
        list[i].used_us += list[i].cost_us;
    note(limits, list, count);
    return true;
}

enum err limits_take(struct call *call)
{
    struct wanted list[WANTED_MAX];

    if (call->worker->app->limits == NULL || is_exempt(call))
        return ERR_OK;
    const int count = gather(call, list);
    if (count == 0)
        return ERR_OK;
    const bool taken = take_all(call, list, count);
    if (!call->is_rpc)
        set_headers(call, list, count);
    if (!taken)
        return refuse(call, list, count);
    call->has_taken = true;
    return ERR_OK;
}

enum err limits_take_more(struct call *call, int64_t tokens)
{
    struct wanted list[WANTED_MAX];

    if (tokens <= 0 || call->worker->app->limits == NULL || is_exempt(call))
        return ERR_OK;
    const int count = gather(call, list);
    for (int i = 0; i < count; i++) {
        const int64_t cost_us = list[i].rate.interval_us * tokens;
        list[i].cost_us = cost_us < list[i].rate.room_us ? cost_us : list[i].rate.room_us;
    }
    return count == 0 || take_all(call, list, count) ? ERR_OK : refuse(call, list, count);
}

static void give_one_back(struct call *call, const struct wanted *wanted)
{
    struct limits *limits = call->worker->app->limits;
    const int64_t used_us = buckets_used_us(limits->known, wanted->hash, now_us()) - wanted->rate.interval_us;
    char digits[DIGITS];

    snprintf(digits, DIGITS, "%lld", (long long)wanted->rate.interval_us);
    buckets_set(limits->known, wanted->hash, used_us > 0 ? used_us : 0, now_us());
    cache_eval(call->worker->cache, &give_back, &(struct text){wanted->name, strlen(wanted->name)}, 1, &(struct text){digits, strlen(digits)}, 1, NULL,
               NULL);
}

void limits_give_back(struct call *call)
{
    struct wanted list[WANTED_MAX];

    if (!call->has_taken || (call->route->flags & ROUTE_SENDS) == 0)
        return;
    const int count = gather(call, list);
    for (int i = 0; i < count; i++)
        if (kinds[list[i].limit].whose == OF_ROOM)
            give_one_back(call, &list[i]);
}

/* False: it is not limited, or the caller is not. */
static bool want_account(struct call *call, struct text login, struct wanted *wanted)
{
    const struct app *app = call->worker->app;

    if (app->limits == NULL || app->settings->limits.rates[LIMIT_ACCOUNT].per_minute == 0 || is_exempt(call))
        return false;
    *wanted = (struct wanted){.limit = LIMIT_ACCOUNT};
    /* A text of any length and bytes; all APIs must come to the same name. */
    snprintf(wanted->name, NAME_BYTES, "%s:%016llx%016llx", kinds[LIMIT_ACCOUNT].name, (unsigned long long)hash_text(0, login),
             (unsigned long long)hash_text(1, login));
    set_bucket(app, wanted);
    return true;
}

enum err limits_take_account(struct call *call, struct text login)
{
    struct wanted wanted;

    return !want_account(call, login, &wanted) || take_all(call, &wanted, 1) ? ERR_OK : ERR_LIMIT;
}

void limits_give_account_back(struct call *call, struct text login)
{
    struct wanted wanted;

    if (want_account(call, login, &wanted))
        give_one_back(call, &wanted);
}

enum err limits_refuse_account(struct call *call)
{
    const struct bucket_rate rate = rate_of(call->worker->app->settings, LIMIT_ACCOUNT);

    return limits_refuse(call, LIMIT_ACCOUNT, (int)((rate.interval_us + 999999) / 1000000),
                         "too many wrong passwords for this account; from where it was used lately it is not held");
}

void limits_write(struct json_out *out, const struct settings *settings)
{
    json_open(out, '{');
    for (int i = 0; i < LIMIT_COUNT; i++) {
        const struct limit_rate *rate = &settings->limits.rates[i];
        if (rate->per_minute == 0)
            continue;
        json_key(out, kinds[i].name);
        json_open(out, '{');
        json_key_i64(out, "per_minute", rate->per_minute);
        json_key_i64(out, "burst", rate->burst);
        json_close(out, '}');
    }
    json_close(out, '}');
}
