/*
 * One hash per person, status:{user}: n:{node} -> "number at_ms here", state -> 1 or 0, at -> when that began, seen -> when they were last
 * there. And one sorted set, status-due: user -> when to look whether they are gone. The time is that of Redis: the clocks of APIs may differ.
 */
#include "api/model/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/settings.h"
#include "api/store/cache.h"
#include "base/id.h"

#define SWEEP_MAX  100
#define KEEP_MS    "2592000000" /* a month: how long it is known when somebody was last there */
#define CHANNEL    "status:"
#define LUA_FIELDS 4 /* of each change in a script's answer: user, state, since, seen */

/* The latest word of a gateway that somebody is there, 0: none that still counts. */
#define LUA_ALIVE                                                                                  \
    "local time = redis.call('TIME')\n"                                                            \
    "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"                                    \
    "local function alive(key, life)\n"                                                            \
    "  local all, newest = redis.call('HGETALL', key), 0\n"                                        \
    "  for i = 1, #all, 2 do\n"                                                                    \
    "    if string.sub(all[i], 1, 2) == 'n:' then\n"                                               \
    "      local at, here = string.match(all[i + 1], '^%d+ (%d+) ([01])$')\n"                      \
    "      if here == '1' and now - at < life then newest = math.max(newest, tonumber(at)) end\n"  \
    "      if not at or now - at >= life then redis.call('HDEL', key, all[i]) end\n"               \
    "    end\n"                                                                                    \
    "  end\n"                                                                                      \
    "  return newest\n"                                                                            \
    "end\n"                                                                                        \
    "local function begin(key, out, user, state, seen)\n"                                          \
    "  local since = math.max(now, (tonumber(redis.call('HGET', key, 'at')) or 0) + 1)\n"          \
    "  redis.call('HSET', key, 'state', state, 'at', string.format('%d', since))\n"                \
    "  for _, word in ipairs({user, state, string.format('%d', since), seen}) do out[#out + 1] = word end\n"    \
    "end\n"

/* KEYS: status-due, then one hash per step. ARGV: life, grace, node, number, then user and here for each. */
static struct cache_script store_steps = {
    .lua = LUA_ALIVE
           "local life, grace, node, number = tonumber(ARGV[1]), tonumber(ARGV[2]), 'n:' .. ARGV[3], tonumber(ARGV[4])\n"
           "local out = {}\n"
           "for i = 2, #KEYS do\n"
           "  local key, user, here = KEYS[i], ARGV[2 * i + 1], ARGV[2 * i + 2]\n"
           "  if redis.call('TYPE', key).ok ~= 'hash' then redis.call('DEL', key) end\n"
           "  local old = redis.call('HGET', key, node)\n"
           "  local held = old and tonumber(string.match(old, '^(%d+) '))\n"
           "  if not held or held <= number then\n"
           "    redis.call('HSET', key, node, string.format('%d %d %s', number, now, here))\n"
           "    if here == '1' then\n"
           "      redis.call('ZADD', KEYS[1], now + life, user)\n"
           "      redis.call('HDEL', key, 'seen')\n"
           "      if redis.call('HGET', key, 'state') ~= '1' then begin(key, out, user, '1', '') end\n"
           "    elseif alive(key, life) == 0 then\n"
           "      redis.call('HSET', key, 'seen', string.format('%d', now))\n"
           "      redis.call('ZADD', KEYS[1], now + grace, user)\n"
           "    end\n"
           "    redis.call('PEXPIRE', key, " KEEP_MS ")\n"
           "  end\n"
           "end\n"
           "return out"};

/* KEYS: status-due. ARGV: life, how many, what stands before a user in the key of the hash. Answers how many it looked at, then the changes. */
static struct cache_script sweep = {
    .lua = LUA_ALIVE
           "local life = tonumber(ARGV[1])\n"
           "if redis.call('TYPE', KEYS[1]).ok ~= 'zset' then redis.call('DEL', KEYS[1]) end\n"
           "local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])\n"
           "local prefix, out = string.sub(KEYS[1], 1, -#'status-due' - 1) .. 'status:', {tostring(#due)}\n"
           "for _, user in ipairs(due) do\n"
           "  local key = prefix .. user\n"
           "  if redis.call('TYPE', key).ok ~= 'hash' then redis.call('DEL', key) end\n"
           "  local newest = alive(key, life)\n"
           "  if newest > 0 then\n"
           "    redis.call('ZADD', KEYS[1], newest + life, user)\n"
           "  else\n"
           "    redis.call('ZREM', KEYS[1], user)\n"
           "    if redis.call('HGET', key, 'state') ~= '0' then\n"
           "      local seen = redis.call('HGET', key, 'seen') or string.format('%d', now)\n"
           "      redis.call('HSET', key, 'seen', seen)\n"
           "      begin(key, out, user, '0', seen)\n"
           "      redis.call('PEXPIRE', key, " KEEP_MS ")\n"
           "    end\n"
           "  end\n"
           "end\n"
           "return out"};

/* KEYS: hashes. Answers state, since and seen of each. */
static struct cache_script read_states = {
    .lua = "local out = {}\n"
           "for i = 1, #KEYS do\n"
           "  local held = redis.pcall('HMGET', KEYS[i], 'state', 'at', 'seen')\n"
           "  for k = 1, 3 do out[#out + 1] = held[k] or '' end\n"
           "end\n"
           "return out"};

bool status_is_step(const Bus__PresenceStep *step)
{
    return text_starts(wire_text(step->entry->channel), TEXT(CHANNEL));
}

static bool read_ms(struct text digits, int64_t *us)
{
    int64_t ms;

    if (!id_parse(digits, &ms) || ms > INT64_MAX / 1000)
        return false;
    *us = ms * 1000;
    return true;
}

/* What of an answer, from `from` on, makes sense. */
static void read_changes(const struct cache_reply *reply, size_t from, struct status **changed, size_t *count)
{
    *count = 0;
    *changed = xcalloc(reply->count / LUA_FIELDS + 1, sizeof(**changed));
    for (size_t i = from; i + LUA_FIELDS <= reply->count; i += LUA_FIELDS) {
        struct status status = {.is_known = true, .online = text_equal(cache_item(reply, i + 1), TEXT("1"))};
        if (id_parse(cache_item(reply, i), &status.user_id) && read_ms(cache_item(reply, i + 2), &status.changed_us) &&
            (status.online || read_ms(cache_item(reply, i + 3), &status.seen_us)))
            (*changed)[(*count)++] = status;
    }
}

/* ---- storing ---- */

enum err status_store(struct worker *worker, const Bus__PresenceChange *change, struct status **changed, size_t *count)
{
    const struct settings *settings = worker->app->settings;
    struct text *keys = xcalloc(change->n_steps + 1, sizeof(*keys)), *args = xcalloc(2 * change->n_steps + 4, sizeof(*args));
    struct cache_reply reply = {0};
    char life[24], grace[24], number[24];
    size_t key_count = 0;
    enum err err = ERR_OK;

    snprintf(life, sizeof(life), "%" PRId64, settings->presence.life_ms);
    snprintf(grace, sizeof(grace), "%" PRId64, settings->status.grace_ms);
    snprintf(number, sizeof(number), "%" PRIu64, change->number);
    args[0] = text(life);
    args[1] = text(grace);
    args[2] = wire_text(change->node);
    args[3] = text(number);
    keys[key_count++] = TEXT("status-due");
    for (size_t i = 0; i < change->n_steps; i++) {
        const struct text channel = wire_text(change->steps[i]->entry->channel), user = text_after(channel, strlen(CHANNEL));
        int64_t user_id;
        if (!status_is_step(change->steps[i]) || !id_parse(user, &user_id))
            continue;
        args[2 * key_count + 2] = user;
        args[2 * key_count + 3] = change->steps[i]->joined ? TEXT("1") : TEXT("0");
        keys[key_count++] = channel;
    }
    if (key_count > 1)
        err = cache_call(worker->cache, &store_steps, keys, key_count, args, 2 * key_count + 2, &reply);
    read_changes(&reply, 0, changed, count);
    cache_reply_fini(&reply);
    free(args);
    free(keys);
    return err;
}

enum err status_sweep(struct worker *worker, struct status **changed, size_t *count, bool *more)
{
    const struct text key = TEXT("status-due");
    struct cache_reply reply = {0};
    char life[24], most[24];
    int64_t looked = 0;

    snprintf(life, sizeof(life), "%" PRId64, worker->app->settings->presence.life_ms);
    snprintf(most, sizeof(most), "%d", SWEEP_MAX);
    const struct text args[] = {text(life), text(most)};
    const enum err err = cache_call(worker->cache, &sweep, &key, 1, args, ARRAY_COUNT(args), &reply);
    if (reply.count > 0)
        (void)!id_parse(cache_item(&reply, 0), &looked);
    *more = looked >= SWEEP_MAX;
    read_changes(&reply, 1, changed, count);
    cache_reply_fini(&reply);
    return err;
}

/* ---- reading ---- */

static void read_one(const struct cache_reply *reply, size_t at, struct status *status)
{
    status->is_known = true;
    if (!read_ms(cache_item(reply, at + 1), &status->changed_us))
        return; /* never heard of: not online */
    status->online = text_equal(cache_item(reply, at), TEXT("1"));
    if (!status->online && !read_ms(cache_item(reply, at + 2), &status->seen_us))
        status->seen_us = 0;
}

void status_read(struct worker *worker, struct status *list, size_t count)
{
    struct text *keys = xcalloc(count + 1, sizeof(*keys));
    char(*names)[32] = xcalloc(count + 1, sizeof(*names));
    struct cache_reply reply = {0};

    for (size_t i = 0; i < count; i++) {
        list[i] = (struct status){.user_id = list[i].user_id};
        keys[i] = text_of(names[i], (size_t)snprintf(names[i], sizeof(names[i]), CHANNEL "%" PRId64, list[i].user_id));
    }
    if (count > 0 && cache_call(worker->cache, &read_states, keys, count, NULL, 0, &reply) == ERR_OK && reply.count == 3 * count)
        for (size_t i = 0; i < count; i++)
            read_one(&reply, 3 * i, &list[i]);
    cache_reply_fini(&reply);
    free(names);
    free(keys);
}
