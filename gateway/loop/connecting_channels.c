/*
 * The server-side subscriptions of a connect: which ones, and all of them at once.
 */
#include "gateway/channels/namespaces.h"
#include "gateway/channels/permissions.h"
#include "gateway/loop/connecting_parts.h"
#include "gateway/loop/subscribing.h"

/* ---- all at once ---- */

static const struct client_info *copy_info(struct arena *arena, const struct client_info *info)
{
    struct client_info *copy;

    if (info == NULL)
        return NULL;
    copy = arena_alloc(arena, sizeof(*copy));
    *copy = (struct client_info){arena_text(arena, info->user), arena_text(arena, info->client),
                                 arena_text(arena, info->conn_info),
                                 arena_text(arena, info->chan_info)};
    return copy;
}

static struct publication copy_publication(struct arena *arena, const struct publication *from)
{
    struct publication copy = *from;
    struct tag *tags = arena_alloc(arena, from->tag_count * sizeof(*tags));

    copy.data = arena_text(arena, from->data);
    copy.epoch = arena_text(arena, from->epoch);
    copy.channel = arena_text(arena, from->channel);
    copy.info = copy_info(arena, from->info);
    for (size_t i = 0; i < from->tag_count; i++)
        tags[i] = (struct tag){arena_text(arena, from->tags[i].key),
                               arena_text(arena, from->tags[i].value)};
    copy.tags = tags;
    return copy;
}

static void keep_result(struct connecting *connecting, struct server_sub *sub,
                        const struct subscribe_result *result)
{
    struct arena *arena = &connecting->arena;
    struct publication *kept = arena_alloc(arena, result->publication_count * sizeof(*kept));

    sub->done = true;
    sub->answer.channel = sub->channel;
    sub->answer.result = *result;
    sub->answer.result.epoch = arena_text(arena, result->epoch);
    sub->answer.result.data = arena_text(arena, result->data);
    for (size_t i = 0; i < result->publication_count; i++)
        kept[i] = copy_publication(arena, &result->publications[i]);
    sub->answer.result.publications = kept;
}

static void one_done(struct connecting *connecting)
{
    if (--connecting->pending > 0)
        return;
    if (connecting->client->state >= CLIENT_CLOSING) {
        connecting_end(connecting);
    } else if (connecting->error != 0) {
        connecting_refuse(connecting, connecting->error);
    } else {
        connecting_answer(connecting);
    }
}

static void on_subscribed(struct subscribing *subscribing, const struct subscribe_result *result,
                          int error, struct text message, bool temporary)
{
    struct server_sub *sub = subscribing->context;
    struct connecting *connecting = sub->connecting;

    if (error == 0)
        keep_result(connecting, sub, result);
    else if (!sub->by_client && connecting->error == 0)
        connecting->error = error;
    one_done(connecting);
}

static const struct command_position *position_of(const struct connecting *connecting,
                                                  struct text channel)
{
    for (size_t i = 0; i < connecting->position_count; i++)
        if (text_equal(connecting->positions[i].channel, channel))
            return &connecting->positions[i];
    return NULL;
}

static void subscribe(struct connecting *connecting, struct server_sub *sub)
{
    struct subscribing *subscribing = subscribing_create(connecting->client, sub->channel);
    const struct command_position *position = position_of(connecting, sub->channel);
    struct arena *arena = &subscribing->arena;

    subscribing->is_server_side = subscribing->always = true;
    subscribing->finished = on_subscribed;
    subscribing->context = sub;
    subscribing->info = arena_text(arena, sub->info);
    subscribing->data = arena_text(arena, sub->data);
    subscribing->override = sub->override;
    subscribing->expires_s = sub->expires_s;
    subscribing->cache_recover = sub->cache_recover;
    if (position != NULL) {
        subscribing->recover = position->recover;
        subscribing->offset = position->offset;
        subscribing->epoch = arena_text(arena, position->epoch);
    }
    subscribing_begin(subscribing);
}

static void subscribe_all(struct connecting *connecting)
{
    connecting->pending = connecting->sub_count + 1; /* ours, so that it is not over before the end */
    for (size_t i = 0; i < connecting->sub_count; i++)
        subscribe(connecting, &connecting->subs[i]);
    one_done(connecting);
}

/* ---- which ones ---- */

static bool is_listed(const struct connecting *connecting, struct text channel)
{
    for (size_t i = 0; i < connecting->sub_count; i++)
        if (text_equal(connecting->subs[i].channel, channel))
            return true;
    return false;
}

static struct server_sub *list(struct connecting *connecting, struct text channel)
{
    struct server_sub *sub = &connecting->subs[connecting->sub_count++];

    sub->connecting = connecting;
    sub->channel = arena_text(&connecting->arena, channel);
    sub->override = SUB_OVERRIDE_NONE;
    return sub;
}

/* Then it is closed (3505); a back end may name very many. */
static bool lists_too_many(const struct connecting *connecting)
{
    return connecting->sub_count > (size_t)connecting->client->loop->settings->client.channel_limit;
}

static void list_token(struct connecting *connecting)
{
    for (size_t i = 0; i < connecting->who.sub_count && !lists_too_many(connecting); i++) {
        const struct token_sub *from = &connecting->who.subs[i];
        if (is_listed(connecting, from->channel))
            continue;
        struct server_sub *sub = list(connecting, from->channel);
        sub->info = from->info;
        sub->data = from->data;
        sub->override = from->override;
        sub->expires_s = from->expires_s;
        sub->cache_recover = from->cache_recover;
    }
}

/* "#42", or "ns:#42". */
static void list_personal(struct connecting *connecting)
{
    const struct client *client = connecting->client;
    const struct settings *settings = client->loop->settings;
    struct buf name = {0};

    if (!settings->client.subscribe_to_user_personal_channel_enabled ||
        connecting->who.user.len == 0)
        return;
    if (settings->client.user_personal_channel_namespace[0] != '\0')
        buf_printf(&name, "%s%s", settings->client.user_personal_channel_namespace,
                   settings->channel.namespace_boundary);
    buf_printf(&name, "%s", settings->channel.user_boundary);
    buf_add_text(&name, connecting->who.user);
    if (!is_listed(connecting, buf_text(&name)))
        list(connecting, buf_text(&name));
    buf_fini(&name);
}

/* What it was subscribed to before may have come from elsewhere (the API): it keeps what it may. */
static bool may_wish(const struct connecting *connecting, struct text channel)
{
    const struct client *client = connecting->client;
    const struct settings *settings = client->loop->settings;
    const struct namespace *namespace = namespace_find(settings, channel);
    const struct person person = client_person(client, channel);

    return !loop_is_product(client->loop, channel) && namespace != NULL &&
           permission_subscribe(settings, namespace, channel, &person) == ACCESS_GRANTED;
}

static void list_wishes(struct connecting *connecting)
{
    for (size_t i = 0; i < connecting->position_count && !lists_too_many(connecting); i++) {
        const struct text channel = connecting->positions[i].channel;
        if (!is_listed(connecting, channel) && may_wish(connecting, channel))
            list(connecting, channel)->by_client = true;
    }
}

/* Whether there can be channels of all the names that the client brought. */
static bool knows_wishes(const struct connecting *connecting)
{
    const struct loop *loop = connecting->client->loop;

    for (size_t i = 0; i < connecting->position_count; i++) {
        const struct text channel = connecting->positions[i].channel;
        if (!loop_is_product(loop, channel) && namespace_find(loop->settings, channel) == NULL)
            return false;
    }
    return true;
}

static bool knows_all(const struct connecting *connecting)
{
    for (size_t i = 0; i < connecting->sub_count; i++)
        if (namespace_find(connecting->client->loop->settings, connecting->subs[i].channel) == NULL)
            return false;
    return true;
}

void connecting_subscribe(struct connecting *connecting)
{
    connecting->subs = arena_alloc(&connecting->arena,
                                   (connecting->who.sub_count + 1 + connecting->position_count) *
                                       sizeof(struct server_sub));
    list_token(connecting);
    list_personal(connecting);
    list_wishes(connecting);
    if (!knows_wishes(connecting))
        connecting_close(connecting, DISCONNECT_BAD_REQUEST);
    else if (lists_too_many(connecting))
        connecting_close(connecting, DISCONNECT_CHANNEL_LIMIT);
    else if (!knows_all(connecting))
        connecting_refuse(connecting, PROTOCOL_UNKNOWN_CHANNEL);
    else
        subscribe_all(connecting);
}
