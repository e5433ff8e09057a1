#include "api/ended.h"

#include <pthread.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/base.h"

struct entry {
    int64_t session_id;
    int64_t learned_ms;
    UT_hash_handle hh;
};

struct ended {
    pthread_rwlock_t lock; /* guards all below; each request reads, a session that ends writes */
    struct entry *entries; /* by session_id */
    int64_t last_number;
};

struct ended *ended_create(void)
{
    struct ended *ended = xcalloc(1, sizeof(*ended));
    pthread_rwlock_init(&ended->lock, NULL);
    return ended;
}

void ended_destroy(struct ended *ended)
{
    if (ended == NULL)
        return;
    ended_prune(ended, INT64_MAX, 0);
    pthread_rwlock_destroy(&ended->lock);
    free(ended);
}

void ended_add(struct ended *ended, int64_t session_id, int64_t number, int64_t learned_ms)
{
    struct entry *entry;

    pthread_rwlock_wrlock(&ended->lock);
    HASH_FIND(hh, ended->entries, &session_id, sizeof(session_id), entry);
    if (entry == NULL) {
        entry = xcalloc(1, sizeof(*entry));
        entry->session_id = session_id;
        entry->learned_ms = learned_ms;
        HASH_ADD(hh, ended->entries, session_id, sizeof(session_id), entry);
    }
    if (number > ended->last_number)
        ended->last_number = number;
    pthread_rwlock_unlock(&ended->lock);
}

bool ended_contains(struct ended *ended, int64_t session_id)
{
    struct entry *entry;

    pthread_rwlock_rdlock(&ended->lock);
    HASH_FIND(hh, ended->entries, &session_id, sizeof(session_id), entry);
    pthread_rwlock_unlock(&ended->lock);
    return entry != NULL;
}

int64_t ended_last_number(struct ended *ended)
{
    pthread_rwlock_rdlock(&ended->lock);
    const int64_t number = ended->last_number;
    pthread_rwlock_unlock(&ended->lock);
    return number;
}

void ended_prune(struct ended *ended, int64_t now_ms, int64_t keep_s)
{
    const int64_t oldest_ms = now_ms - keep_s * 1000;
    struct entry *entry, *next;

    pthread_rwlock_wrlock(&ended->lock);
    HASH_ITER(hh, ended->entries, entry, next)
    {
        if (entry->learned_ms < oldest_ms) {
            HASH_DEL(ended->entries, entry);
            free(entry);
        }
    }
    pthread_rwlock_unlock(&ended->lock);
}
