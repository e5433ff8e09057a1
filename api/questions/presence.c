/*
 * One hash per channel, presence:{channel}: client -> "number at_ms here user_bytes conn_info_bytes\n", then user, conn_info and chan_info;
 * who left stays with 0 for `here` until it is too old to be overtaken by something older. The time is that of Redis: the clocks of
 * APIs may differ.
 */
#include "api/questions/presence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/model/status.h"
#include "api/settings.h"
#include "api/store/cache.h"

/*
 * KEYS: one hash per step. ARGV: life in ms, number, then client and the value behind its time for each. Each step looks at some others
 * by the way, and drops those that are too old: where people come and go for ever, nobody else would.
 */
#define NOW_MS "local time = redis.call('TIME')\n" \
               "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"

static struct cache_script put_steps = {
    .lua = NOW_MS
           "for i = 1, #KEYS do\n"
           "  local client, value = ARGV[2 * i + 1], ARGV[2] .. string.format(' %d ', now) .. ARGV[2 * i + 2]\n"
           "  local old = redis.pcall('HGET', KEYS[i], client)\n"
           "  if type(old) == 'table' then redis.call('DEL', KEYS[i]); old = false end\n"
           "  local held = old and tonumber(string.match(old, '^(%d+) '))\n"
           "  if not held or held <= tonumber(ARGV[2]) then redis.call('HSET', KEYS[i], client, value) end\n"
           "  redis.call('PEXPIRE', KEYS[i], ARGV[1])\n"
           "  local some = redis.pcall('HRANDFIELD', KEYS[i], 3, 'WITHVALUES')\n"
           "  for k = 1, #some, 2 do\n"
           "    local at = tonumber(string.match(some[k + 1], '^%d+ (%d+) '))\n"
           "    if not at or now - at >= tonumber(ARGV[1]) then redis.call('HDEL', KEYS[i], some[k]) end\n"
           "  end\n"
           "end\n"
           "return #KEYS"};

#define ARGS_BEFORE 2 /* life, number */

struct storing {
    struct task *task;
    enum err err;
};

static void on_stored(void *context, enum err err)
{
    struct storing *storing = context;

    storing->err = err;
    task_resume(storing->task);
}

static void write_value(struct buf *out, const Bus__PresenceStep *step)
{
    const Bus__Presence *entry = step->entry;

    buf_printf(out, "%d %zu %zu\n", step->joined, entry->user.len, entry->info.len);
    if (!step->joined)
        return;
    buf_add_text(out, wire_text(entry->user));
    buf_add_text(out, wire_text(entry->info));
    buf_add_text(out, wire_text(entry->chan_info));
}

enum err presence_store(struct worker *worker, const Bus__PresenceChange *change)
{
    const size_t most = change->n_steps;
    struct text *keys = xcalloc(most + 1, sizeof(*keys)), *args = xcalloc(2 * most + ARGS_BEFORE, sizeof(*args));
    struct buf *bytes = xcalloc(2 * most + 1, sizeof(*bytes));
    struct storing storing = {.task = task_self()};
    char life[24], number[24];
    size_t count = 0;

    snprintf(life, sizeof(life), "%" PRId64, worker->app->settings->presence.life_ms);
    snprintf(number, sizeof(number), "%" PRIu64, change->number);
    args[0] = text(life);
    args[1] = text(number);
    for (size_t i = 0; i < most; i++) {
        const Bus__PresenceStep *step = change->steps[i];
        if (step->unlisted || status_is_step(step))
            continue;
        buf_printf(&bytes[2 * count], "presence:%.*s", TEXT_ARGS(wire_text(step->entry->channel)));
        write_value(&bytes[2 * count + 1], step);
        keys[count] = buf_text(&bytes[2 * count]);
        args[2 * count + ARGS_BEFORE] = wire_text(step->entry->client);
        args[2 * count + ARGS_BEFORE + 1] = buf_text(&bytes[2 * count + 1]);
        count++;
    }
    if (count > 0) {
        cache_eval(worker->cache, &put_steps, keys, count, args, 2 * count + ARGS_BEFORE, on_stored, &storing);
        task_wait();
    }
    for (size_t i = 0; i < 2 * count; i++)
        buf_fini(&bytes[i]);
    free(bytes);
    free(args);
    free(keys);
    return storing.err;
}

/* A run of digits off `rest`, and the byte behind it. */
static bool take_number(struct text *rest, char end, int64_t *number)
{
    size_t i = 0;

    for (*number = 0; i < rest->len && rest->at[i] >= '0' && rest->at[i] <= '9'; i++) {
        if (*number > INT64_MAX / 10 - 1)
            return false;
        *number = *number * 10 + (rest->at[i] - '0');
    }
    if (i == 0 || i == rest->len || rest->at[i] != end)
        return false;
    *rest = text_after(*rest, i + 1);
    return true;
}

static bool take_text(struct text *rest, int64_t len, struct text *out)
{
    if ((uint64_t)len > rest->len)
        return false;
    *out = text_of(rest->at, (size_t)len);
    *rest = text_after(*rest, (size_t)len);
    return true;
}

/* False: not ours, too old, or gone. */
static bool read_value(struct text value, int64_t now_ms, int64_t life_ms, struct present *present)
{
    int64_t number, at_ms, here, user_bytes, info_bytes;

    if (!take_number(&value, ' ', &number) || !take_number(&value, ' ', &at_ms) || !take_number(&value, ' ', &here) ||
        !take_number(&value, ' ', &user_bytes) || !take_number(&value, '\n', &info_bytes) || here != 1 ||
        !take_text(&value, user_bytes, &present->user) || !take_text(&value, info_bytes, &present->conn_info))
        return false;
    present->chan_info = value;
    return now_ms - at_ms < life_ms;
}

static uint64_t read_digits(struct text digits)
{
    uint64_t number = 0;

    for (size_t i = 0; i < digits.len && digits.at[i] >= '0' && digits.at[i] <= '9'; i++)
        number = number * 10 + (uint64_t)(digits.at[i] - '0');
    return number;
}

/* KEYS: the hash. ARGV: a cursor, how many. Returns the next cursor, the time, then client and value of some: of a small hash, all. */
static struct cache_script scan = {
    .lua = NOW_MS
           "local found = redis.pcall('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])\n"
           "if found.err then return {'0', '0'} end\n"
           "local out = {found[1], string.format('%d', now)}\n"
           "for i = 1, #found[2] do out[i + 2] = found[2][i] end\n"
           "return out"};

#define SCAN_COUNT "100" /* a value may have some kilobytes, and an answer of the bus has an end */

static enum err scan_some(struct worker *worker, struct text channel, uint64_t *cursor, struct cache_reply *reply)
{
    struct buf name = {0}, at = {0};
    enum err err;

    buf_printf(&name, "presence:%.*s", TEXT_ARGS(channel));
    buf_add_u64(&at, *cursor);
    const struct text key = buf_text(&name), args[] = {buf_text(&at), TEXT(SCAN_COUNT)};
    err = cache_call(worker->cache, &scan, &key, 1, args, ARRAY_COUNT(args), reply);
    if (err == ERR_OK && (reply->kind != CACHE_ARRAY || reply->count < 2))
        err = ERR_UNAVAILABLE;
    if (err == ERR_OK)
        *cursor = read_digits(cache_item(reply, 0));
    buf_fini(&name);
    buf_fini(&at);
    return err;
}

enum err presence_some(struct worker *worker, struct text channel, uint64_t *cursor,
                       void (*each)(void *context, const struct present *present), void *context)
{
    struct cache_reply reply = {0};
    const enum err err = scan_some(worker, channel, cursor, &reply);
    const int64_t life_ms = worker->app->settings->presence.life_ms;
    const int64_t now_ms = err == ERR_OK ? (int64_t)read_digits(cache_item(&reply, 1)) : 0;

    for (size_t i = 2; err == ERR_OK && i + 1 < reply.count; i += 2) {
        struct present present = {.client = cache_item(&reply, i)};
        if (read_value(cache_item(&reply, i + 1), now_ms, life_ms, &present))
            each(context, &present);
    }
    cache_reply_fini(&reply);
    return err;
}
