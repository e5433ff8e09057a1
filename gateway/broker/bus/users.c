#include "gateway/broker/bus/users.h"

#include <stdlib.h>
#include <utlist.h>

struct user *users_find(const struct users *users, struct text name)
{
    struct user *user;

    HASH_FIND(hh, users->map, name.at, name.len, user);
    return user;
}

void users_open(struct users *users, struct request *request)
{
    struct user *user = users_find(users, request->user);

    if (user == NULL) {
        user = xcalloc(1, sizeof(*user) + request->user.len);
        user->name_len = (uint32_t)request->user.len;
        memcpy(user->name, request->user.at, request->user.len);
        HASH_ADD_KEYPTR(hh, users->map, user->name, user->name_len, user);
    }
    request->owner = user;
    DL_APPEND(user->open, request);
}

void users_close(struct users *users, struct request *request)
{
    struct user *user = request->owner;

    if (user == NULL)
        return;
    request->owner = NULL;
    DL_DELETE(user->open, request);
    if (user->open != NULL)
        return;
    HASH_DEL(users->map, user);
    free(user->facts);
    free(user);
}

const struct fact *user_fact(const struct user *user, int64_t room)
{
    for (uint32_t i = 0; i < user->fact_count; i++)
        if (user->facts[i].room == room)
            return &user->facts[i];
    return NULL;
}

static struct fact *new_fact(struct users *users, struct user *user)
{
    if (user->fact_count == USERS_FACTS_MAX) {
        user->too_many = true;
        users->lost++;
        return NULL;
    }
    if (user->fact_count == user->fact_cap) {
        user->fact_cap = user->fact_cap == 0 ? 4 : user->fact_cap * 2;
        user->facts = xrealloc(user->facts, user->fact_cap * sizeof(*user->facts));
    }
    return &user->facts[user->fact_count++];
}

static void note(struct users *users, struct user *user, int64_t room, uint64_t offset, bool removed)
{
    struct fact *fact = (struct fact *)user_fact(user, room);

    if (fact != NULL && fact->offset >= offset)
        return; /* came late: the newer one stands */
    if (fact == NULL)
        fact = new_fact(users, user);
    if (fact != NULL)
        *fact = (struct fact){.room = room, .offset = offset, .removed = removed};
}

void users_note(struct users *users, struct text name, int64_t room, uint64_t offset, bool removed)
{
    struct user *user = users_find(users, name);

    if (user != NULL)
        note(users, user, room, offset, removed);
}

void users_note_all(struct users *users, int64_t room, uint64_t offset)
{
    for (struct user *user = users->map; user != NULL; user = user->hh.next)
        note(users, user, room, offset, true);
}
