#include "gateway/loop/banned.h"

#include <stdlib.h>
#include <uthash.h>

#include "base/base.h"
#include "base/buf.h"

enum ban_kind { BAN_USER = 'u', BAN_TOKEN = 't', BAN_ISSUED = 'i', BAN_ISSUED_FOR = 'c' };

struct ban {
    UT_hash_handle hh;
    uint64_t number;   /* its order's */
    int64_t expires_s; /* Unix time; 0: never */
    int64_t issued_before_s;
    bool is_lifted; /* stands for nothing but its number */
    uint32_t key_len;
    char key[]; /* the kind, then the name */
};

static struct ban *find(const struct banned *banned, enum ban_kind kind, struct text name)
{
    struct buf key = {0};
    struct ban *ban;

    buf_add_byte(&key, (char)kind);
    buf_add_text(&key, name);
    HASH_FIND(hh, banned->map, key.at, key.len, ban);
    buf_fini(&key);
    return ban;
}

static void forget(struct banned *banned, struct ban *ban)
{
    if (ban == NULL)
        return;
    HASH_DEL(banned->map, ban);
    free(ban);
}

void banned_fini(struct banned *banned)
{
    while (banned->map != NULL)
        forget(banned, banned->map);
}

/* Those that mean nothing any more go first, then the oldest. */
static void make_room(struct banned *banned, int64_t now_s)
{
    struct ban *ban, *next;

    HASH_ITER(hh, banned->map, ban, next)
    {
        if (ban->expires_s != 0 && ban->expires_s <= now_s)
            forget(banned, ban);
    }
    if (HASH_COUNT(banned->map) < BANNED_MAX)
        return;
    forget(banned, banned->map);
    banned->forgotten++;
}

/* In place of what was known of it. NULL: that is as new. */
static struct ban *put(struct banned *banned, enum ban_kind kind, struct text name,
                       const struct order *order, int64_t now_s)
{
    struct ban *ban = find(banned, kind, name);

    if (ban != NULL && order->number != 0 && order->number <= ban->number)
        return NULL;
    forget(banned, ban);
    if (HASH_COUNT(banned->map) >= BANNED_MAX)
        make_room(banned, now_s);
    ban = xcalloc(1, sizeof(*ban) + 1 + name.len);
    ban->number = order->number;
    ban->expires_s = order->expires_s;
    ban->is_lifted = order->kind == ORDER_UNBLOCK_USER;
    ban->key[0] = (char)kind;
    if (name.len > 0)
        memcpy(ban->key + 1, name.at, name.len);
    ban->key_len = (uint32_t)name.len + 1;
    HASH_ADD_KEYPTR(hh, banned->map, ban->key, ban->key_len, ban);
    return ban;
}

/* Of BAN_ISSUED_FOR: a channel's name has no NUL. */
static void write_pair(struct buf *to, struct text user, struct text channel)
{
    buf_add_text(to, channel);
    buf_add_byte(to, '\0');
    buf_add_text(to, user);
}

static bool put_issued(struct banned *banned, const struct order *order, int64_t now_s)
{
    struct buf pair = {0};
    struct ban *ban;

    if (order->channel.len == 0) {
        ban = put(banned, BAN_ISSUED, order->user, order, now_s);
    } else {
        write_pair(&pair, order->user, order->channel);
        ban = put(banned, BAN_ISSUED_FOR, buf_text(&pair), order, now_s);
        buf_fini(&pair);
    }
    if (ban != NULL)
        ban->issued_before_s = order->issued_before_s != 0 ? order->issued_before_s : now_s;
    return ban != NULL;
}

/* What is lifted is remembered where an older word may still come. */
static bool lift(struct banned *banned, const struct order *order, int64_t now_s)
{
    if (order->number != 0)
        return put(banned, BAN_USER, order->user, order, now_s) != NULL;
    forget(banned, find(banned, BAN_USER, order->user));
    return true;
}

bool banned_take(struct banned *banned, const struct order *order, int64_t now_s)
{
    switch (order->kind) {
    case ORDER_BLOCK_USER:
        return put(banned, BAN_USER, order->user, order, now_s) != NULL;
    case ORDER_UNBLOCK_USER:
        return lift(banned, order, now_s);
    case ORDER_REVOKE_TOKEN:
        return put(banned, BAN_TOKEN, order->jti, order, now_s) != NULL;
    case ORDER_REVOKE_USER:
        return put_issued(banned, order, now_s);
    default:
        return true;
    }
}

/* One that is over is forgotten when it is met. */
static struct ban *living(struct banned *banned, enum ban_kind kind, struct text name,
                          int64_t now_s)
{
    struct ban *ban = find(banned, kind, name);

    if (ban == NULL || ban->is_lifted)
        return NULL;
    if (ban->expires_s == 0 || ban->expires_s > now_s)
        return ban;
    forget(banned, ban);
    return NULL;
}

bool banned_has_user(struct banned *banned, struct text user, int64_t now_s)
{
    return banned->map != NULL && living(banned, BAN_USER, user, now_s) != NULL;
}

static bool is_before(const struct ban *issued, int64_t issued_s)
{
    return issued != NULL && issued_s < issued->issued_before_s;
}

bool banned_has_token(struct banned *banned, struct text user, struct text jti, int64_t issued_s,
                      int64_t now_s)
{
    if (banned->map == NULL)
        return false;
    if (jti.len > 0 && living(banned, BAN_TOKEN, jti, now_s) != NULL)
        return true;
    return is_before(living(banned, BAN_ISSUED, user, now_s), issued_s);
}

bool banned_has_sub_token(struct banned *banned, struct text user, struct text channel,
                          struct text jti, int64_t issued_s, int64_t now_s)
{
    struct buf pair = {0};
    bool has = false;

    if (banned->map == NULL)
        return false;
    if (banned_has_token(banned, user, jti, issued_s, now_s))
        return true;
    write_pair(&pair, user, channel);
    has = is_before(living(banned, BAN_ISSUED_FOR, buf_text(&pair), now_s), issued_s);
    buf_fini(&pair);
    return has;
}
