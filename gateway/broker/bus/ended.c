#include "gateway/broker/bus/ended.h"

#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

struct ended_session {
    int64_t session, until_ms;
    struct ended_session *prev, *next;
    UT_hash_handle hh;
};

static struct ended_session *find(const struct ended *ended, int64_t session)
{
    struct ended_session *found;

    HASH_FIND(hh, ended->map, &session, sizeof(session), found);
    return found;
}

static void drop_oldest(struct ended *ended)
{
    struct ended_session *entry = ended->oldest;

    DL_DELETE(ended->oldest, entry);
    HASH_DEL(ended->map, entry);
    free(entry);
}

void ended_add(struct ended *ended, int64_t session, int64_t now_ms)
{
    struct ended_session *entry;

    if (session == 0 || find(ended, session) != NULL)
        return;
    if (HASH_COUNT(ended->map) >= ended->max) {
        drop_oldest(ended);
        ended->forgotten++;
    }
    entry = xcalloc(1, sizeof(*entry));
    entry->session = session;
    entry->until_ms = now_ms + ended->keep_ms;
    HASH_ADD(hh, ended->map, session, sizeof(entry->session), entry);
    DL_APPEND(ended->oldest, entry);
}

bool ended_has(const struct ended *ended, int64_t session)
{
    return session != 0 && find(ended, session) != NULL;
}

void ended_forget(struct ended *ended, int64_t now_ms)
{
    while (ended->oldest != NULL && ended->oldest->until_ms <= now_ms)
        drop_oldest(ended);
}

void ended_fini(struct ended *ended)
{
    while (ended->oldest != NULL)
        drop_oldest(ended);
}
