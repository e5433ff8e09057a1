#include "gateway/loop/crowd.h"

#include <pthread.h>
#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

#include "base/base.h"
#include "gateway/loop/rate.h"

struct crowd_member {
    UT_hash_handle hh;
    struct crowd_member *prev, *next; /* of those who are gone */
    int64_t connections;
    struct rate *rate; /* NULL: not limited */
    uint32_t name_len;
    char name[];
};

struct crowd {
    int64_t limit; /* connections of one user; 0: none */
    const struct rate_settings *rate;
    pthread_mutex_t lock; /* for the rest */
    struct crowd_member *members;
    struct crowd_member *gone; /* those without connections, who left first at the head */
    size_t gone_count;
};

struct crowd *crowd_create(const struct settings *settings)
{
    struct crowd *crowd;

    if (settings->client.user_connection_limit == 0 && !settings->client.user_rate.enabled)
        return NULL;
    crowd = xcalloc(1, sizeof(*crowd));
    crowd->limit = settings->client.user_connection_limit;
    crowd->rate = &settings->client.user_rate;
    pthread_mutex_init(&crowd->lock, NULL);
    return crowd;
}

static void forget(struct crowd *crowd, struct crowd_member *member)
{
    HASH_DEL(crowd->members, member);
    rate_destroy(member->rate);
    free(member);
}

static void come_back(struct crowd *crowd, struct crowd_member *member)
{
    DL_DELETE(crowd->gone, member);
    crowd->gone_count--;
}

static void forget_first(struct crowd *crowd)
{
    struct crowd_member *first = crowd->gone;

    come_back(crowd, first);
    forget(crowd, first);
}

/* One that does not rest yet goes to the end of the list: two looks for each that comes or goes are
 * enough to keep up. */
static void look_at_the_gone(struct crowd *crowd, int64_t now_ms)
{
    for (int i = 0; i < 2 && crowd->gone != NULL; i++) {
        struct crowd_member *first = crowd->gone;
        if (rate_rests(first->rate, now_ms)) {
            forget_first(crowd);
        } else {
            DL_DELETE(crowd->gone, first);
            DL_APPEND(crowd->gone, first);
        }
    }
}

void crowd_destroy(struct crowd *crowd)
{
    if (crowd == NULL)
        return;
    while (crowd->gone != NULL)
        forget_first(crowd);
    CHECK(crowd->members == NULL);
    pthread_mutex_destroy(&crowd->lock);
    free(crowd);
}

static struct crowd_member *find_or_add(struct crowd *crowd, struct text user)
{
    struct crowd_member *member;

    HASH_FIND(hh, crowd->members, user.at, user.len, member);
    if (member != NULL && member->connections == 0)
        come_back(crowd, member);
    if (member != NULL)
        return member;
    member = xcalloc(1, sizeof(*member) + user.len);
    member->rate = rate_create(crowd->rate);
    member->name_len = (uint32_t)user.len;
    memcpy(member->name, user.at, user.len);
    HASH_ADD_KEYPTR(hh, crowd->members, member->name, user.len, member);
    return member;
}

static struct crowd_member *enter(struct crowd *crowd, struct text user)
{
    struct crowd_member *member = find_or_add(crowd, user);

    if (crowd->limit > 0 && member->connections >= crowd->limit)
        return NULL; /* so it was there before */
    member->connections++;
    return member;
}

struct crowd_member *crowd_enter(struct crowd *crowd, struct text user, int64_t now_ms)
{
    struct crowd_member *member;

    pthread_mutex_lock(&crowd->lock);
    look_at_the_gone(crowd, now_ms);
    member = enter(crowd, user);
    pthread_mutex_unlock(&crowd->lock);
    return member;
}

static void leave(struct crowd *crowd, struct crowd_member *member, int64_t now_ms)
{
    if (--member->connections > 0)
        return;
    if (rate_rests(member->rate, now_ms)) {
        forget(crowd, member);
        return;
    }
    if (crowd->gone_count == CROWD_GONE_MAX)
        forget_first(crowd);
    DL_APPEND(crowd->gone, member);
    crowd->gone_count++;
}

void crowd_leave(struct crowd *crowd, struct crowd_member *member, int64_t now_ms)
{
    pthread_mutex_lock(&crowd->lock);
    look_at_the_gone(crowd, now_ms);
    leave(crowd, member, now_ms);
    pthread_mutex_unlock(&crowd->lock);
}

bool crowd_passes(struct crowd *crowd, struct crowd_member *member, enum command_kind kind,
                  int64_t now_ms)
{
    bool passes;

    if (!crowd->rate->enabled)
        return true;
    pthread_mutex_lock(&crowd->lock);
    passes = rate_passes(member->rate, crowd->rate, kind, now_ms);
    pthread_mutex_unlock(&crowd->lock);
    return passes;
}
