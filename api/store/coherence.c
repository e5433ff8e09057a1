#include "api/store/coherence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/store/cache_seal.h"
#include "api/store/cache_value.h"
#include "base/id.h"

#define LEASE_MS "3000" /* longer than any read of the primary may take */

/*
 * KEYS: values. ARGV: ttl, then version and value for each. An empty place stays empty: what was
 * there may have been newer than this, and flushed.
 */
static struct cache_script put_newer = {
    .lua = "for i = 1, #KEYS do\n"
           "  local version, value = ARGV[2 * i], ARGV[2 * i + 1]\n"
           "  local old = redis.pcall('GET', KEYS[i])\n"
           "  if type(old) == 'table' then redis.call('DEL', KEYS[i]); old = false end\n"
           "  local held = old and tonumber(string.match(old, '^(%d+) '))\n"
           "  if held and held < tonumber(version) then redis.call('SET', KEYS[i], value, 'PX', "
           "ARGV[1]) end\n"
           "  redis.call('DEL', KEYS[i] .. ':lease')\n"
           "end\n"
           "return #KEYS"};

/*
 * KEYS: rooms:{user} hashes, one for each membership. ARGV: room id, changed_us, value for each. A
 * list without the room is given up: it may be older than the join, or younger than the leave after
 * it.
 */
static struct cache_script put_memberships = {
    .lua = "for i = 1, #KEYS do\n"
           "  local room, changed, value = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]\n"
           "  local is = redis.call('TYPE', KEYS[i]).ok\n"
           "  if is == 'hash' then\n"
           "    local old = redis.call('HGET', KEYS[i], room)\n"
           "    local held = old and tonumber(string.match(old, '^(%d+) '))\n"
           "    if not held then redis.call('DEL', KEYS[i])\n"
           "    elseif held < tonumber(changed) then redis.call('HSET', KEYS[i], room, value) end\n"
           "  elseif is ~= 'none' then redis.call('DEL', KEYS[i]) end\n"
           "  redis.call('DEL', KEYS[i] .. ':lease')\n"
           "end\n"
           "return #KEYS"};

/* KEYS: values. */
static struct cache_script drop = {
    .lua = "for i = 1, #KEYS do redis.call('DEL', KEYS[i], KEYS[i] .. ':lease') end\n"
           "return #KEYS"};

/* KEYS: values. ARGV: ttl, then lease and value for each. */
static struct cache_script fill = {
    .lua = "for i = 1, #KEYS do\n"
           "  if redis.call('GET', KEYS[i] .. ':lease') == ARGV[2 * i] then\n"
           "    redis.call('SET', KEYS[i], ARGV[2 * i + 1], 'PX', ARGV[1])\n"
           "    redis.call('DEL', KEYS[i] .. ':lease')\n"
           "  end\n"
           "end\n"
           "return #KEYS"};

/* KEYS: one hash. ARGV: ttl, lease, then field and value by turns. A field of its own makes the
 * empty list a key too. */
static struct cache_script fill_hash = {
    .lua = "if redis.call('GET', KEYS[1] .. ':lease') ~= ARGV[2] then return 0 end\n"
           "redis.call('DEL', KEYS[1])\n"
           "redis.call('HSET', KEYS[1], 'complete', '1')\n"
           "for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end\n"
           "redis.call('PEXPIRE', KEYS[1], ARGV[1])\n"
           "redis.call('DEL', KEYS[1] .. ':lease')\n"
           "return 1"};

/* KEYS: a value. ARGV: for how long. */
static struct cache_script hold = {.lua = "redis.call('DEL', KEYS[1])\n"
                                          "redis.call('SET', KEYS[1] .. ':lease', 'held', 'PX', ARGV[1])\n"
                                          "return 1"};

/* ---- writers ---- */

/* Texts gathered in one buffer; where they are is remembered as offsets, since it moves while it
 * grows. */
struct texts {
    struct buf bytes;
    size_t *ends;
    size_t count, cap;
};

static void texts_end(struct texts *texts)
{
    if (texts->count == texts->cap) {
        texts->cap = texts->cap == 0 ? 64 : texts->cap * 2;
        texts->ends = xrealloc(texts->ends, texts->cap * sizeof(*texts->ends));
    }
    texts->ends[texts->count++] = texts->bytes.len;
}

static void texts_add_i64(struct texts *texts, int64_t number)
{
    buf_add_i64(&texts->bytes, number);
    texts_end(texts);
}

static struct text *texts_list(const struct texts *texts)
{
    struct text *list = xmalloc((texts->count + 1) * sizeof(*list));

    for (size_t i = 0, start = 0; i < texts->count; start = texts->ends[i++])
        list[i] = text_of(texts->bytes.at + start, texts->ends[i] - start);
    return list;
}

static void texts_reset(struct texts *texts)
{
    buf_reset(&texts->bytes);
    texts->count = 0;
}

static void texts_fini(struct texts *texts)
{
    buf_fini(&texts->bytes);
    free(texts->ends);
}

struct refresh {
    struct texts value_keys, value_args;   /* for put_newer; the ttl goes before the args */
    struct texts member_keys, member_args; /* for put_memberships */
    struct texts drop_keys, drop_args;     /* for drop, which takes no args */
};

struct refresh *refresh_create(void)
{
    return xcalloc(1, sizeof(struct refresh));
}

void refresh_destroy(struct refresh *refresh)
{
    if (refresh == NULL)
        return;
    texts_fini(&refresh->value_keys);
    texts_fini(&refresh->value_args);
    texts_fini(&refresh->member_keys);
    texts_fini(&refresh->member_args);
    texts_fini(&refresh->drop_keys);
    texts_fini(&refresh->drop_args);
    free(refresh);
}

void cache_key(struct buf *out, const char *what, int64_t id)
{
    buf_add_text(out, text(what));
    buf_add_byte(out, ':');
    buf_add_i64(out, id);
}

static void add_key(struct texts *keys, const char *what, int64_t id)
{
    cache_key(&keys->bytes, what, id);
    texts_end(keys);
}

/* The key that was added last. */
static struct text last_key(const struct texts *keys)
{
    const size_t start = keys->count > 1 ? keys->ends[keys->count - 2] : 0;

    return text_of(keys->bytes.at + start, keys->bytes.len - start);
}

/* The value that stands in the args from `from` on, for that key. */
static void end_value(struct refresh *refresh, size_t from)
{
    struct texts *args = &refresh->value_args;

    cache_seal(&args->bytes, from, last_key(&refresh->value_keys), text(NULL));
    texts_end(args);
}

void refresh_room(struct refresh *refresh, const struct room *room)
{
    add_key(&refresh->value_keys, "room", room->id);
    texts_add_i64(&refresh->value_args, room->version);
    const size_t from = refresh->value_args.bytes.len;
    cache_write_room(&refresh->value_args.bytes, room);
    end_value(refresh, from);
}

static void refresh_activity(struct refresh *refresh, int64_t room_id, const struct activity *activity)
{
    add_key(&refresh->value_keys, "activity", room_id);
    texts_add_i64(&refresh->value_args, activity->message_no);
    const size_t from = refresh->value_args.bytes.len;
    cache_write_activity(&refresh->value_args.bytes, activity);
    end_value(refresh, from);
}

/* And the room's place in chat lists. */
void refresh_head(struct refresh *refresh, const struct head *head)
{
    add_key(&refresh->value_keys, "head", head->room_id);
    texts_add_i64(&refresh->value_args, head->seq);
    const size_t from = refresh->value_args.bytes.len;
    cache_write_head(&refresh->value_args.bytes, head);
    end_value(refresh, from);
    refresh_activity(refresh, head->room_id, &(struct activity){head->message_no, head->activity_us});
}

void refresh_user(struct refresh *refresh, const struct user *user)
{
    add_key(&refresh->value_keys, "user", user->id);
    texts_add_i64(&refresh->value_args, user->version);
    const size_t from = refresh->value_args.bytes.len;
    cache_write_user(&refresh->value_args.bytes, user);
    end_value(refresh, from);
}

void refresh_membership(struct refresh *refresh, const struct membership *membership)
{
    struct texts *args = &refresh->member_args;
    char room_id[24];

    snprintf(room_id, sizeof(room_id), "%" PRId64, membership->room_id);
    add_key(&refresh->member_keys, "rooms", membership->user_id);
    texts_add_i64(args, membership->room_id);
    texts_add_i64(args, membership->changed_us);
    const size_t from = args->bytes.len;
    cache_write_membership(&args->bytes, membership);
    cache_seal(&args->bytes, from, last_key(&refresh->member_keys), text(room_id));
    texts_end(args);
}

void refresh_drop(struct refresh *refresh, const char *what, int64_t id)
{
    add_key(&refresh->drop_keys, what, id);
}

/* Three scripts may be under way for one refresh; the caller hears of it once, with the worse
 * outcome. */
struct refreshing {
    int open;
    enum err err;
    void (*done)(void *context, enum err err);
    void *context;
};

static void on_stored(void *context, enum err err)
{
    struct refreshing *refreshing = context;

    if (err != ERR_OK)
        refreshing->err = err;
    if (--refreshing->open > 0)
        return;
    refreshing->done(refreshing->context, refreshing->err);
    free(refreshing);
}

/* `ttl` goes before the args when it is not empty. */
static void send_script(struct cache *cache, struct cache_script *script, struct texts *keys,
                        struct texts *args, struct text ttl, struct refreshing *refreshing)
{
    struct text *key_list = texts_list(keys);
    struct text *arg_list = texts_list(args);
    const size_t before = ttl.len > 0 ? 1 : 0;
    struct text *all = xmalloc((args->count + 1) * sizeof(*all));

    all[0] = ttl;
    memcpy(all + before, arg_list, args->count * sizeof(*all));
    cache_eval(cache, script, key_list, keys->count, all, args->count + before, on_stored,
               refreshing);
    free(all);
    free(arg_list);
    free(key_list);
    texts_reset(keys);
    texts_reset(args);
}

void refresh_send(struct refresh *refresh, struct cache *cache, int64_t ttl_ms,
                  void (*done)(void *context, enum err err), void *context)
{
    const bool has_values = refresh->value_keys.count > 0,
               has_members = refresh->member_keys.count > 0,
               has_drops = refresh->drop_keys.count > 0;

    if (!has_values && !has_members && !has_drops) {
        done(context, ERR_OK);
        return;
    }

    struct refreshing *refreshing = xcalloc(1, sizeof(*refreshing));
    char ttl[24];

    *refreshing =
        (struct refreshing){.open = has_values + has_members + has_drops, .done = done, .context = context};
    snprintf(ttl, sizeof(ttl), "%" PRId64, ttl_ms);
    if (has_values)
        send_script(cache, &put_newer, &refresh->value_keys, &refresh->value_args, text(ttl),
                    refreshing);
    if (has_members)
        send_script(cache, &put_memberships, &refresh->member_keys, &refresh->member_args,
                    text(NULL), refreshing);
    if (has_drops)
        send_script(cache, &drop, &refresh->drop_keys, &refresh->drop_args, text(NULL), refreshing);
}

enum err cache_hold(struct cache *cache, struct text key, int64_t ms)
{
    struct cache_reply reply = {0};
    char digits[24];

    snprintf(digits, sizeof(digits), "%" PRId64, ms);
    const enum err err = cache_call(cache, &hold, &key, 1, &(struct text){digits, strlen(digits)}, 1, &reply);
    cache_reply_fini(&reply);
    return err;
}

/* ---- readers ---- */

enum err lease_take(struct cache *cache, const struct text *keys, struct lease *leases,
                    size_t count, bool anyway)
{
    struct cache_command *commands = xcalloc(count + 1, sizeof(*commands));
    struct text(*args)[4] = xcalloc(count + 1, sizeof(*args));
    struct text *names = xcalloc(count + 1, sizeof(*names));
    struct buf bytes = {0};

    for (size_t i = 0; i < count; i++)
        buf_printf(&bytes, "%.*s:lease", TEXT_ARGS(keys[i]));
    for (size_t i = 0, at = 0; i < count; i++) {
        snprintf(leases[i].token, LEASE_BYTES, "%016" PRIx64, id_random());
        names[i] = text_of(bytes.at + at, keys[i].len + strlen(":lease"));
        at += names[i].len;
        args[i][0] = text(leases[i].token);
        args[i][1] = TEXT("PX");
        args[i][2] = TEXT(LEASE_MS);
        args[i][3] = TEXT("NX");
        commands[i] = (struct cache_command){.verb = "SET",
                                             .keys = &names[i],
                                             .key_count = 1,
                                             .args = args[i],
                                             .arg_count = anyway ? 3 : 4};
    }
    const enum err err = count > 0 ? cache_run(cache, commands, count) : ERR_OK;
    for (size_t i = 0; i < count; i++) {
        if (err != ERR_OK || commands[i].err != ERR_OK || commands[i].reply.kind != CACHE_TEXT)
            leases[i].token[0] = '\0';
        cache_reply_fini(&commands[i].reply);
    }
    buf_fini(&bytes);
    free(names);
    free(args);
    free(commands);
    return err;
}

/* Sealed copies of values, one after the other. */
static void add_sealed(struct texts *sealed, struct text value, struct text key, struct text field)
{
    const size_t from = sealed->bytes.len;

    buf_add_text(&sealed->bytes, value);
    cache_seal(&sealed->bytes, from, key, field);
    texts_end(sealed);
}

void lease_fill(struct cache *cache, const struct text *keys, const struct lease *leases,
                const struct text *values, size_t count, int64_t ttl_ms)
{
    struct text *held = xcalloc(count + 1, sizeof(*held));
    struct text *args = xcalloc(2 * count + 1, sizeof(*args));
    struct texts sealed = {0};
    size_t held_count = 0;
    char ttl[24];

    snprintf(ttl, sizeof(ttl), "%" PRId64, ttl_ms);
    args[0] = text(ttl);
    for (size_t i = 0; i < count; i++) {
        if (leases[i].token[0] == '\0' || values[i].at == NULL)
            continue;
        held[held_count] = keys[i];
        args[2 * held_count + 1] = text(leases[i].token);
        add_sealed(&sealed, values[i], keys[i], text(NULL));
        held_count++;
    }
    struct text *list = texts_list(&sealed); /* they do not move any more */
    for (size_t i = 0; i < held_count; i++)
        args[2 * i + 2] = list[i];
    if (held_count > 0)
        cache_eval(cache, &fill, held, held_count, args, 2 * held_count + 1, NULL, NULL);
    free(list);
    texts_fini(&sealed);
    free(args);
    free(held);
}

void lease_fill_hash(struct cache *cache, struct text key, const struct lease *lease,
                     const struct text *fields, const struct text *values, size_t count,
                     int64_t ttl_ms)
{
    if (lease->token[0] == '\0')
        return;

    struct text *args = xcalloc(2 * count + 2, sizeof(*args));
    struct texts sealed = {0};
    char ttl[24];

    snprintf(ttl, sizeof(ttl), "%" PRId64, ttl_ms);
    args[0] = text(ttl);
    args[1] = text(lease->token);
    for (size_t i = 0; i < count; i++)
        add_sealed(&sealed, values[i], key, fields[i]);
    struct text *list = texts_list(&sealed);
    for (size_t i = 0; i < count; i++) {
        args[2 + 2 * i] = fields[i];
        args[3 + 2 * i] = list[i];
    }
    cache_eval(cache, &fill_hash, &key, 1, args, 2 * count + 2, NULL, NULL);
    free(list);
    texts_fini(&sealed);
    free(args);
}
