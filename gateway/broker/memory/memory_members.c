/*
 * memory_members: who is there: joins, leaves, presence.
 */
#include "gateway/broker/memory/memory_state.h"

/* ---- coming and going ---- */

static void tell(struct memory_broker *broker, const struct memory_channel *channel,
                 enum notice_kind kind, const struct memory_member *member)
{
    if (!member->tells_join_leave)
        return;
    for (unsigned i = 0; i < broker->base.port_count; i++)
        if (channel->given[i] > 0)
            port_post_notice(broker->base.ports[i],
                             notice_presence(kind, memory_channel_name(channel), &member->info));
}

void memory_enter(struct memory_broker *broker, struct memory_channel *channel,
                  const struct request *request)
{
    const struct memory_member *before = memory_channel_member(channel, request->info.client);

    if (before != NULL)
        tell(broker, channel, NOTICE_LEAVE, before);
    memory_channel_enter(channel, &request->info, request->tells_presence,
                         request->tells_join_leave);
}

void memory_tell_join(struct memory_broker *broker, const struct memory_channel *channel,
                      struct text client)
{
    const struct memory_member *member = memory_channel_member(channel, client);

    if (member != NULL)
        tell(broker, channel, NOTICE_JOIN, member);
}

void memory_leave(struct memory_broker *broker, struct memory_channel *channel, struct text client)
{
    struct memory_member *member = memory_channel_member(channel, client);

    if (member == NULL || !memory_member_leave(member))
        return;
    tell(broker, channel, NOTICE_LEAVE, member);
    memory_channel_remove(channel, member);
}

/* ---- presence ---- */

static bool keeps_presence(const struct request *request)
{
    return request->namespace != NULL && request->namespace->presence;
}

static struct client_info keep(struct request *request, const struct client_info *info)
{
    return (struct client_info){
        request_keep(request, info->user),
        request_keep(request, info->client),
        request_keep(request, info->conn_info),
        request_keep(request, info->chan_info),
    };
}

/* False: it is too large. */
static bool list(struct request *request, const struct memory_channel *channel)
{
    const struct memory_member *member;
    size_t bytes = 0;

    request->entries =
        arena_alloc(&request->arena, channel->shown_count * sizeof(*request->entries));
    for (member = channel->members; member != NULL; member = member->hh.next) {
        if (member->user == NULL)
            continue;
        if ((bytes += request_entry_bytes(&member->info)) > request->bytes_max)
            return false;
        request->entries[request->entry_count++] = keep(request, &member->info);
    }
    return true;
}

void memory_presence(struct memory_broker *broker, struct request *request)
{
    const struct memory_channel *channel = memory_find(broker, request->channel);

    if (!keeps_presence(request)) {
        memory_fail(broker, request, PROTOCOL_NOT_AVAILABLE);
        return;
    }
    if (channel != NULL &&
        (channel->shown_count > broker->base.settings->presence.channel_list_max ||
         !list(request, channel))) {
        memory_fail(broker, request, PROTOCOL_LIMIT_EXCEEDED);
        return;
    }
    memory_answer(broker, request);
}

void memory_presence_stats(struct memory_broker *broker, struct request *request)
{
    const struct memory_channel *channel = memory_find(broker, request->channel);

    if (!keeps_presence(request)) {
        memory_fail(broker, request, PROTOCOL_NOT_AVAILABLE);
        return;
    }
    if (channel != NULL) {
        request->client_count = channel->shown_count;
        request->user_count = HASH_COUNT(channel->users);
    }
    memory_answer(broker, request);
}
