/*
 * One hash per channel, presence:{channel}: client -> "number at_ms user\ninfo"; who left stays as "number at_ms -\n" until it is too
 * old to be overtaken by something older.
 */
#include "api/questions/presence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/store/cache.h"
#include "base/clock.h"
#include "base/id.h"

/* KEYS: one hash per step. ARGV: life in ms, number, then client and value for each. */
static struct cache_script put_steps = {
    .lua = "for i = 1, #KEYS do\n"
           "  local client, value = ARGV[2 * i + 1], ARGV[2 * i + 2]\n"
           "  local old = redis.pcall('HGET', KEYS[i], client)\n"
           "  if type(old) == 'table' then redis.call('DEL', KEYS[i]); old = false end\n"
           "  local held = old and tonumber(string.match(old, '^(%d+) '))\n"
           "  if not held or held <= tonumber(ARGV[2]) then redis.call('HSET', KEYS[i], client, value) end\n"
           "  redis.call('PEXPIRE', KEYS[i], ARGV[1])\n"
           "end\n"
           "return #KEYS"};

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

static void write_value(struct buf *out, uint64_t number, const Bus__PresenceStep *step)
{
    buf_printf(out, "%" PRIu64 " %" PRId64 " ", number, clock_wall_us() / 1000);
    buf_add_text(out, step->joined ? wire_text(step->entry->user) : TEXT("-"));
    buf_add_byte(out, '\n');
    if (step->joined)
        buf_add_text(out, wire_text(step->entry->info));
}

enum err presence_store(struct worker *worker, const Bus__PresenceChange *change)
{
    const size_t count = change->n_steps;
    struct text *keys = xcalloc(count + 1, sizeof(*keys)), *args = xcalloc(2 * count + 2, sizeof(*args));
    struct buf *bytes = xcalloc(2 * count + 1, sizeof(*bytes));
    struct storing storing = {.task = task_self()};
    char life[24], number[24];

    snprintf(life, sizeof(life), "%d", PRESENCE_LIFE_MS);
    snprintf(number, sizeof(number), "%" PRIu64, change->number);
    args[0] = text(life);
    args[1] = text(number);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&bytes[2 * i], "presence:%.*s", TEXT_ARGS(wire_text(change->steps[i]->entry->channel)));
        write_value(&bytes[2 * i + 1], change->number, change->steps[i]);
        keys[i] = buf_text(&bytes[2 * i]);
        args[2 * i + 2] = wire_text(change->steps[i]->entry->client);
        args[2 * i + 3] = buf_text(&bytes[2 * i + 1]);
    }
    if (count > 0) {
        cache_eval(worker->cache, &put_steps, keys, count, args, 2 * count + 2, on_stored, &storing);
        task_wait();
    }
    for (size_t i = 0; i < 2 * count; i++)
        buf_fini(&bytes[i]);
    free(bytes);
    free(args);
    free(keys);
    return storing.err;
}

/* False: not ours, too old, or gone. */
static bool read_value(struct text value, int64_t now_ms, struct text *user, struct text *info)
{
    const char *newline = value.len > 0 ? memchr(value.at, '\n', value.len) : NULL;
    if (newline == NULL)
        return false;

    const struct text line = text_of(value.at, (size_t)(newline - value.at));
    const char *first = memchr(line.at, ' ', line.len);
    const char *last = memrchr(line.at, ' ', line.len);
    int64_t at_ms, user_id;

    if (first == NULL || first == last || !id_parse(text_of(first + 1, (size_t)(last - first - 1)), &at_ms))
        return false;
    *user = text_of(last + 1, (size_t)(newline - last - 1));
    *info = text_of(newline + 1, value.len - line.len - 1);
    return now_ms - at_ms < PRESENCE_LIFE_MS && id_parse(*user, &user_id);
}

enum err presence_list(struct worker *worker, struct text channel,
                       void (*each)(void *context, struct text client, struct text user, struct text info), void *context)
{
    struct buf name = {0};

    buf_printf(&name, "presence:%.*s", TEXT_ARGS(channel));
    const struct text key = buf_text(&name);
    struct cache_command command = {.verb = "HGETALL", .keys = &key, .key_count = 1};
    const enum err err = cache_run(worker->cache, &command, 1);
    const int64_t now_ms = clock_wall_us() / 1000;

    for (size_t i = 0; err == ERR_OK && command.reply.kind == CACHE_ARRAY && i + 1 < command.reply.count; i += 2) {
        struct text user, info;
        if (read_value(cache_item(&command.reply, i + 1), now_ms, &user, &info))
            each(context, cache_item(&command.reply, i), user, info);
    }
    cache_reply_fini(&command.reply);
    buf_fini(&name);
    return err;
}
