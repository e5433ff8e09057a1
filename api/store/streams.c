/*
 * Three keys of a channel: m:{channel}, a hash of epoch, offset, version and version_epoch; i:{channel}, a list of the publications that
 * are kept, the last of which always is that of the offset, so that places say offsets; a:{...}, what a question was answered:
 * "offset epoch id".
 *
 * An epoch is of one start of Redis: one that was started again may have come back with what it had some time before (a snapshot, a
 * replica that lagged), and would number anew from there what everybody has heard.
 *
 * Numbers go through Lua as texts: its own are exact up to 2^53 only, which is enough for offsets, but not for versions and ids.
 */
#include "api/store/streams.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/id.h"

#define TIMEOUT_MS 1000
#define ANSWER_MS  20000 /* without a key: longer than any gateway goes on asking */
#define EPOCH_LEN  8

/* The epoch in `meta`, made if it is not there, or of another `run`; `made` is what a new one is called. */
#define LUA_EPOCH                                                                                                                         \
    "local function epoch_of(meta, items, made, run, life)\n"                                                                             \
    "  local held = redis.call('HMGET', meta, 'epoch', 'run')\n"                                                                          \
    "  local epoch = held[1]\n"                                                                                                           \
    "  if not epoch or held[2] ~= run then\n"                                                                                             \
    "    epoch = made\n"                                                                                                                  \
    "    redis.call('DEL', meta, items)\n"                                                                                                \
    "    redis.call('HSET', meta, 'epoch', epoch, 'offset', '0', 'run', run)\n"                                                           \
    "  end\n"                                                                                                                             \
    "  redis.call('PEXPIRE', meta, life)\n"                                                                                               \
    "  return epoch\n"                                                                                                                    \
    "end\n"

/* KEYS: meta, items, answer. ARGV: a new epoch, Redis' run, meta ttl, size, ttl, version, its epoch, answer's ttl, id, item. */
static struct cache_script put = {
    .lua = LUA_EPOCH "local verdict, offset, epoch = 'put', '0', ''\n"
                     "if ARGV[4] ~= '0' then\n"
                     "  epoch = epoch_of(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3])\n"
                     "end\n"
                     "local told = redis.call('GET', KEYS[3])\n"
                     "if told then\n"
                     "  local at, of, id, word = string.match(told, '^(%d+) (%a*) (%d+) ?(%a*)$')\n"
                     "  if word == 'skipped' then return {word, at, of} end\n"
                     "  if id ~= ARGV[9] then return {'known', at, of} end\n"
                     "  if of == epoch then return {'again', at, of} end\n" /* else it is gone with its stream */
                     "end\n"
                     "local function is_later(a, b)\n"
                     "  return #a > #b or (#a == #b and a > b)\n"
                     "end\n"
                     "if ARGV[4] ~= '0' then\n"
                     "  local held = redis.call('HMGET', KEYS[1], 'version', 'version_epoch')\n"
                     "  if ARGV[6] ~= '0' and held[1] and not is_later(ARGV[6], held[1])\n"
                     "     and (ARGV[7] == '' or ARGV[7] == held[2]) then\n"
                     "    verdict = 'skipped'\n"
                     "  else\n"
                     "    if ARGV[6] ~= '0' then\n"
                     "      redis.call('HSET', KEYS[1], 'version', ARGV[6], 'version_epoch', ARGV[7])\n"
                     "    end\n"
                     "    redis.call('HINCRBY', KEYS[1], 'offset', 1)\n"
                     "    redis.call('RPUSH', KEYS[2], ARGV[10])\n"
                     "    redis.call('LTRIM', KEYS[2], '-' .. ARGV[4], -1)\n"
                     "    redis.call('PEXPIRE', KEYS[2], ARGV[5])\n"
                     "  end\n"
                     "  offset = redis.call('HGET', KEYS[1], 'offset')\n"
                     "end\n"
                     "local told_now = offset .. ' ' .. epoch .. ' ' .. ARGV[9]\n"
                     "if verdict == 'skipped' then told_now = told_now .. ' skipped' end\n"
                     "redis.call('SET', KEYS[3], told_now, 'PX', ARGV[8])\n"
                     "return {verdict, offset, epoch}"};

/* So many of the list are looked at in one go: Redis must not copy a thousand large ones for the few that fit into `bytes`. */
#define READ_AT_ONCE "16"

/* KEYS: meta, items. ARGV: a new epoch, Redis' run, meta ttl, offset or empty, 'reverse' or empty, limit, bytes. */
static struct cache_script read_range = {
    .lua = LUA_EPOCH "local epoch = epoch_of(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3])\n"
                     "local top = tonumber(redis.call('HGET', KEYS[1], 'offset'))\n"
                     "local oldest = top - redis.call('LLEN', KEYS[2]) + 1\n"
                     "local limit, bytes = tonumber(ARGV[6]), tonumber(ARGV[7])\n"
                     "local from, to\n"
                     "if ARGV[5] == 'reverse' then\n"
                     "  to = ARGV[4] == '' and top or tonumber(ARGV[4]) - 1\n"
                     "  from = math.max(oldest, to - limit + 1)\n"
                     "  if to > top then from = to + 1 end\n"
                     "else\n"
                     "  from = math.max(oldest, ARGV[4] == '' and 0 or tonumber(ARGV[4]) + 1)\n"
                     "  to = math.min(top, from + limit - 1)\n"
                     "end\n"
                     "local out = {epoch, string.format('%.0f', top), '0'}\n"
                     "local at, last, step = from - oldest, to - oldest, 1\n"
                     "if ARGV[5] == 'reverse' then at, last, step = last, at, -1 end\n"
                     "if from <= to then out[3] = string.format('%.0f', at + oldest) end\n"
                     "while (last - at) * step >= 0 do\n"
                     "  local far = math.abs(last - at) < " READ_AT_ONCE " and last or at + step * (" READ_AT_ONCE " - 1)\n"
                     "  local items = redis.call('LRANGE', KEYS[2], math.min(at, far), math.max(at, far))\n"
                     "  for i = 1, #items do\n"
                     "    local item = step == 1 and items[i] or items[#items + 1 - i]\n"
                     "    bytes = bytes - #item\n"
                     "    if bytes < 0 and #out > 3 then return out end\n"
                     "    out[#out + 1] = item\n"
                     "  end\n"
                     "  at = far + step\n"
                     "end\n"
                     "return out"};

/* KEYS: meta and items of each. ARGV: a new epoch, Redis' run, then the meta ttl of each. */
static struct cache_script read_tops = {
    .lua = LUA_EPOCH "local out = {}\n"
                     "for i = 1, #KEYS, 2 do\n"
                     "  out[i] = epoch_of(KEYS[i], KEYS[i + 1], ARGV[1], ARGV[2], ARGV[(i + 5) / 2])\n"
                     "  out[i + 1] = redis.call('HGET', KEYS[i], 'offset')\n"
                     "end\n"
                     "return out"};

struct cache *streams_open(uv_loop_t *loop, const struct settings *settings)
{
    const struct cache_config config = {.host = settings->redis.host,
                                        .port = (int)settings->redis.port,
                                        .password = settings->redis.password,
                                        .timeout_ms = TIMEOUT_MS,
                                        .retry_ms = (int)settings->redis.retry_ms,
                                        .open_limit = (size_t)settings->redis.open_max,
                                        .ask_run = true};
    struct cache *streams = cache_open(loop, &config);

    cache_set_space(streams, TEXT("streams"), 1);
    return streams;
}

/* ---- what scripts are given ---- */

static void make_epoch(char out[EPOCH_LEN + 1])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    uint64_t random = id_random(); /* 52^8 is below 2^46 */

    for (int i = 0; i < EPOCH_LEN; i++) {
        out[i] = letters[random % (sizeof(letters) - 1)];
        random /= sizeof(letters) - 1;
    }
    out[EPOCH_LEN] = '\0';
}

/* Texts one behind the other in a buffer, which moves while it grows: they are cut out at the end. */
struct words {
    struct buf bytes;
    size_t *ends;
    size_t count, cap;
};

static void end_word(struct words *words)
{
    if (words->count == words->cap) {
        words->cap = words->cap == 0 ? 16 : words->cap * 2;
        words->ends = xrealloc(words->ends, words->cap * sizeof(*words->ends));
    }
    words->ends[words->count++] = words->bytes.len;
}

static void add_word(struct words *words, struct text word)
{
    buf_add_text(&words->bytes, word);
    end_word(words);
}

static void add_number(struct words *words, uint64_t number)
{
    buf_printf(&words->bytes, "%" PRIu64, number);
    end_word(words);
}

static void add_key(struct words *words, const char *prefix, struct text channel)
{
    buf_add_text(&words->bytes, text(prefix));
    add_word(words, channel);
}

/* What a new epoch is called, and of which run all must be. */
static void add_epoch(struct words *words, const struct cache *streams)
{
    char epoch[EPOCH_LEN + 1];

    make_epoch(epoch);
    add_word(words, text(epoch));
    add_word(words, cache_run_id(streams));
}

/* A time to live of nothing would be an error of Redis. */
static void add_life(struct words *words, int64_t life_ms)
{
    add_number(words, life_ms > 0 ? (uint64_t)life_ms : 1);
}

static enum err call(struct cache *streams, struct cache_script *script, struct words *keys, struct words *args,
                     struct cache_reply *reply)
{
    struct text *all = xcalloc(keys->count + args->count + 1, sizeof(*all));
    struct words *lists[] = {keys, args};
    size_t at = 0;

    for (size_t list = 0; list < ARRAY_COUNT(lists); list++)
        for (size_t i = 0, start = 0; i < lists[list]->count; start = lists[list]->ends[i++])
            all[at++] = text_of(lists[list]->bytes.at + start, lists[list]->ends[i] - start);
    const enum err err = cache_call(streams, script, all, keys->count, all + keys->count, args->count, reply);
    for (size_t list = 0; list < ARRAY_COUNT(lists); list++) {
        buf_fini(&lists[list]->bytes);
        free(lists[list]->ends);
    }
    free(all);
    return err;
}

/* ---- what they return ---- */

static bool read_number(struct text digits, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9' || *number > UINT64_MAX / 10 - 1)
            return false;
        *number = *number * 10 + (uint64_t)(digits.at[i] - '0');
    }
    return digits.len > 0;
}

static bool read_epoch(struct text epoch, char out[STREAM_EPOCH_MAX + 1])
{
    if (epoch.len > STREAM_EPOCH_MAX)
        return false;
    if (epoch.len > 0)
        memcpy(out, epoch.at, epoch.len);
    out[epoch.len] = '\0';
    return true;
}

static bool is_list(const struct cache_reply *reply, size_t min)
{
    return reply->kind == CACHE_ARRAY && reply->count >= min;
}

static bool read_verdict(struct text word, enum stream_verdict *verdict)
{
    static const struct text words[] = {
        [STREAM_PUT] = TEXT("put"),
        [STREAM_SKIPPED] = TEXT("skipped"),
        [STREAM_KNOWN] = TEXT("known"),
        [STREAM_AGAIN] = TEXT("again"),
    };

    for (size_t i = 0; i < ARRAY_COUNT(words); i++)
        if (text_equal(word, words[i])) {
            *verdict = (enum stream_verdict)i;
            return true;
        }
    return false;
}

/* ---- the operations ---- */

/* The length of the channel before both: no two pairs look alike. */
static void add_answer_key(struct words *keys, const struct stream_draft *draft)
{
    if (draft->key.len > 0)
        buf_printf(&keys->bytes, "a:%zu:%.*s:%.*s", draft->channel.len, TEXT_ARGS(draft->channel), TEXT_ARGS(draft->key));
    else
        buf_printf(&keys->bytes, "q:%" PRIu64, draft->id);
    end_word(keys);
}

enum err streams_put(struct cache *streams, const struct stream_draft *draft, struct stream_place *place)
{
    struct words keys = {0}, args = {0};
    struct cache_reply reply;
    enum err err;

    add_key(&keys, "m:", draft->channel);
    add_key(&keys, "i:", draft->channel);
    add_answer_key(&keys, draft);
    add_epoch(&args, streams);
    add_life(&args, draft->meta_ttl_ms);
    add_number(&args, draft->size);
    add_life(&args, draft->ttl_ms);
    add_number(&args, draft->version);
    add_word(&args, draft->version_epoch);
    add_life(&args, draft->key.len > 0 ? draft->key_ttl_ms : ANSWER_MS);
    add_number(&args, draft->id);
    add_word(&args, draft->item);
    err = call(streams, &put, &keys, &args, &reply);
    if (err == ERR_OK && (!is_list(&reply, 3) || !read_verdict(cache_item(&reply, 0), &place->verdict) ||
                          !read_number(cache_item(&reply, 1), &place->offset) || !read_epoch(cache_item(&reply, 2), place->epoch)))
        err = ERR_UNAVAILABLE;
    cache_reply_fini(&reply);
    return err;
}

enum err streams_read(struct cache *streams, const struct stream_range *range, struct stream_page *page)
{
    struct words keys = {0}, args = {0};
    enum err err;

    *page = (struct stream_page){0};
    add_key(&keys, "m:", range->channel);
    add_key(&keys, "i:", range->channel);
    add_epoch(&args, streams);
    add_life(&args, range->meta_ttl_ms);
    if (range->has_offset)
        add_number(&args, range->offset);
    else
        add_word(&args, TEXT(""));
    add_word(&args, range->reverse ? TEXT("reverse") : TEXT(""));
    add_number(&args, range->limit);
    add_number(&args, range->bytes);
    err = call(streams, &read_range, &keys, &args, &page->reply);
    if (err == ERR_OK && (!is_list(&page->reply, 3) || !read_epoch(cache_item(&page->reply, 0), page->epoch) ||
                          !read_number(cache_item(&page->reply, 1), &page->top) ||
                          !read_number(cache_item(&page->reply, 2), &page->first)))
        err = ERR_UNAVAILABLE;
    if (err == ERR_OK)
        page->count = page->reply.count - 3;
    return err;
}

struct text stream_item(const struct stream_page *page, size_t i)
{
    return cache_item(&page->reply, i + 3);
}

void stream_page_fini(struct stream_page *page)
{
    cache_reply_fini(&page->reply);
}

enum err streams_tops(struct cache *streams, struct stream_top *tops, size_t count)
{
    struct words keys = {0}, args = {0};
    struct cache_reply reply;
    enum err err;

    add_epoch(&args, streams);
    for (size_t i = 0; i < count; i++) {
        add_key(&keys, "m:", tops[i].channel);
        add_key(&keys, "i:", tops[i].channel);
        add_life(&args, tops[i].meta_ttl_ms);
    }
    err = call(streams, &read_tops, &keys, &args, &reply);
    if (err == ERR_OK && !is_list(&reply, 2 * count))
        err = ERR_UNAVAILABLE;
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        if (!read_epoch(cache_item(&reply, 2 * i), tops[i].epoch) || !read_number(cache_item(&reply, 2 * i + 1), &tops[i].offset))
            err = ERR_UNAVAILABLE;
    cache_reply_fini(&reply);
    return err;
}

enum err streams_clear(struct cache *streams, struct text channel)
{
    struct words words = {0};
    enum err err;

    add_key(&words, "i:", channel);
    const struct text key = buf_text(&words.bytes);
    struct cache_command command = {.verb = "DEL", .keys = &key, .key_count = 1};
    err = cache_run(streams, &command, 1);
    if (err == ERR_OK && command.reply.kind != CACHE_INTEGER)
        err = ERR_UNAVAILABLE;
    cache_reply_fini(&command.reply);
    buf_fini(&words.bytes);
    free(words.ends);
    return err;
}
