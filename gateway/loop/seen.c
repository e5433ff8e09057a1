#include "gateway/loop/seen.h"

#include <stdlib.h>
#include <uthash.h>

#include "base/base.h"

struct seen_user {
    UT_hash_handle hh;
    int64_t at_s;
    char name[];
};

static struct seen_user *find(const struct seen *seen, struct text user)
{
    struct seen_user *found;

    HASH_FIND(hh, seen->map, user.at, user.len, found);
    return found;
}

static void forget(struct seen *seen, struct seen_user *user)
{
    HASH_DEL(seen->map, user);
    free(user);
}

void seen_fini(struct seen *seen)
{
    while (seen->map != NULL)
        forget(seen, seen->map);
}

void seen_note(struct seen *seen, struct text user, int64_t now_s)
{
    struct seen_user *entry = find(seen, user);

    if (entry != NULL)
        HASH_DEL(seen->map, entry); /* it moves to the end */
    else {
        if (HASH_COUNT(seen->map) >= SEEN_USERS_MAX)
            forget(seen, seen->map);
        entry = xcalloc(1, sizeof(*entry) + user.len);
        memcpy(entry->name, user.at, user.len);
    }
    entry->at_s = now_s;
    HASH_ADD_KEYPTR(hh, seen->map, entry->name, user.len, entry);
}

int64_t seen_when(const struct seen *seen, struct text user)
{
    const struct seen_user *entry = find(seen, user);

    return entry != NULL ? entry->at_s : 0;
}
