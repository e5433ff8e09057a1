#include "gateway/broker/memory/memory_channel.h"

#include <stdlib.h>

struct memory_channel *memory_channel_create(struct text name, const struct namespace *namespace,
                                             unsigned loop_count)
{
    const size_t size = sizeof(struct memory_channel) + loop_count * sizeof(uint32_t);
    struct memory_channel *channel = xcalloc(1, size + name.len);

    channel->namespace = namespace;
    channel->loop_count = loop_count;
    channel->name = (char *)channel + size;
    channel->name_len = (uint32_t)name.len;
    memcpy(channel->name, name.at, name.len);
    return channel;
}

void memory_channel_destroy(struct memory_channel *channel)
{
    CHECK(channel->stream == NULL && !channel->is_pattern);
    while (channel->members != NULL)
        memory_channel_remove(channel, channel->members);
    free(channel);
}

void memory_channel_give(struct memory_channel *channel, unsigned loop)
{
    channel->given[loop]++;
    channel->listened++;
}

void memory_channel_take_back(struct memory_channel *channel, unsigned loop, uint32_t count)
{
    CHECK(channel->given[loop] >= count);
    channel->given[loop] -= count;
    channel->listened -= count;
}

/* ---- users ---- */

/* Anonymous people are one user, without a name. */
static struct memory_user *count_user(struct memory_channel *channel, struct text name)
{
    struct memory_user *user;

    if (name.len == 0)
        name = text("");
    HASH_FIND(hh, channel->users, name.at, name.len, user);
    if (user == NULL) {
        user = xcalloc(1, sizeof(*user) + name.len);
        user->name_len = (uint32_t)name.len;
        memcpy(user->name, name.at, name.len);
        HASH_ADD_KEYPTR(hh, channel->users, user->name, user->name_len, user);
    }
    user->count++;
    channel->shown_count++;
    return user;
}

static void discount_user(struct memory_channel *channel, struct memory_user *user)
{
    channel->shown_count--;
    if (--user->count > 0)
        return;
    HASH_DEL(channel->users, user);
    free(user);
}

/* ---- members ---- */

struct memory_member *memory_channel_member(const struct memory_channel *channel,
                                            struct text client)
{
    struct memory_member *member;

    HASH_FIND(hh, channel->members, client.at, client.len, member);
    return member;
}

static struct memory_member *create_member(const struct client_info *info)
{
    const size_t len =
        info->user.len + info->client.len + info->conn_info.len + info->chan_info.len;
    struct memory_member *member = xcalloc(1, sizeof(*member) + len);
    char *bytes = member->bytes;

    member->info = (struct client_info){
        text_copy(info->user, &bytes),
        text_copy(info->client, &bytes),
        text_copy(info->conn_info, &bytes),
        text_copy(info->chan_info, &bytes),
    };
    return member;
}

void memory_channel_enter(struct memory_channel *channel, const struct client_info *info,
                          bool tells_presence, bool tells_join_leave)
{
    struct memory_member *before = memory_channel_member(channel, info->client);
    struct memory_member *member = create_member(info);

    member->count = 1;
    member->tells_join_leave = tells_join_leave;
    if (tells_presence)
        member->user = count_user(channel, info->user);
    if (before != NULL) {
        member->count += before->count;
        memory_channel_remove(channel, before);
    }
    HASH_ADD_KEYPTR(hh, channel->members, member->info.client.at, member->info.client.len, member);
}

bool memory_member_leave(struct memory_member *member)
{
    return --member->count == 0;
}

void memory_channel_remove(struct memory_channel *channel, struct memory_member *member)
{
    HASH_DEL(channel->members, member);
    if (member->user != NULL)
        discount_user(channel, member->user);
    free(member);
}
