#include "gateway/loop/subscribing.h"

#include <stdlib.h>

#include "base/clock.h"
#include "gateway/channel_name.h"
#include "gateway/channels/namespaces.h"
#include "gateway/channels/permissions.h"
#include "gateway/loop/expiry.h"
#include "gateway/loop/hooks.h"
#include "gateway/protocol/filter.h"
#include "gateway/token/verifier.h"

struct subscribing *subscribing_create(struct client *client, struct text channel)
{
    struct subscribing *subscribing = xcalloc(1, sizeof(*subscribing));

    subscribing->client = client;
    client_hold(client);
    subscribing->channel = arena_text(&subscribing->arena, channel);
    subscribing->override = SUB_OVERRIDE_NONE;
    return subscribing;
}

static void destroy(struct subscribing *subscribing)
{
    filter_destroy(subscribing->filter);
    arena_fini(&subscribing->arena);
    free(subscribing);
}

void sub_extra_destroy(struct sub_extra *extra)
{
    if (extra == NULL)
        return;
    filter_destroy(extra->filter);
    arena_fini(&extra->arena);
    free(extra);
}

static void renew(struct sub_extra *extra, struct text info, struct text jti)
{
    struct arena arena = {0};

    extra->info = arena_text(&arena, info.len > 0 ? info : extra->info);
    extra->jti = arena_text(&arena, jti);
    arena_fini(&extra->arena);
    extra->arena = arena;
}

void sub_extra_take_info(struct sub_extra *extra, struct text info)
{
    if (info.len > 0)
        renew(extra, info, extra->jti);
}

void sub_extra_take_token(struct sub_extra *extra, const struct subscribe_token *token)
{
    renew(extra, token->info, token->jti);
}

/* ---- the end of it ---- */

void subscribing_finish(struct subscribing *subscribing, const struct subscribe_result *result,
                        int error, struct text message, bool temporary)
{
    const bool alive = client_release(subscribing->client);

    if (alive || subscribing->always)
        subscribing->finished(subscribing, result, error, message, temporary);
    destroy(subscribing);
}

void subscribing_fail(struct subscribing *subscribing, int error)
{
    subscribing_finish(subscribing, NULL, error, (struct text){0}, protocol_error_is_temporary(error));
}

void subscribing_disconnect(struct subscribing *subscribing, struct disconnect why)
{
    client_close(subscribing->client, why);
    subscribing_fail(subscribing, PROTOCOL_INTERNAL);
}

/* ---- what it will be ---- */

struct person client_person(const struct client *client, struct text channel)
{
    const struct identity *identity = client->identity;

    return (struct person){
        .user = client_user(client),
        .insecure = client->loop->settings->client.insecure,
        .is_subscribed = client_is_subscribed(client, channel),
        .caps = identity != NULL && identity->token.has_caps ? &identity->token.caps : NULL,
    };
}

static bool chosen(int8_t override, bool otherwise)
{
    return override >= 0 ? override != 0 : otherwise;
}

static bool has_stream(const struct namespace *namespace)
{
    return namespace->history_size > 0 && namespace->history_ttl_ms > 0;
}

static bool has_access(const struct subscribing *subscribing,
                       enum access (*permission)(const struct settings *, const struct namespace *,
                                                 struct text, const struct person *))
{
    const struct client *client = subscribing->client;
    const struct person person = client_person(client, subscribing->channel);

    return permission(client->loop->settings, subscribing->namespace, subscribing->channel,
                      &person) == ACCESS_GRANTED;
}

/* Elsewhere a '*' is a byte like others. */
bool subscribing_is_pattern(const struct subscribing *subscribing)
{
    return subscribing->namespace->allow_wildcard_subscribe &&
           channel_is_pattern(subscribing->channel);
}

/* Positions: forced by the namespace, or asked for by one who may. */
static void ask_position(const struct subscribing *subscribing, struct request *request)
{
    const struct namespace *namespace = subscribing->namespace;
    const struct sub_override *override = &subscribing->override;

    if (!has_stream(namespace) || subscribing_is_pattern(subscribing))
        return;
    request->wants_recovery =
        chosen(override->force_recovery, namespace->force_recovery) ||
        (subscribing->recoverable && (namespace->allow_recovery ||
                                      has_access(subscribing, permission_history)));
    request->wants_position =
        request->wants_recovery ||
        chosen(override->force_positioning, namespace->force_positioning) ||
        (subscribing->positioned && (namespace->allow_positioning ||
                                     has_access(subscribing, permission_history)));
    request->cache_recovery = namespace->force_recovery_mode == RECOVERY_CACHE;
    request->recover =
        request->wants_recovery &&
        (subscribing->recover ||
         (request->cache_recovery && (subscribing->cache_recover || namespace->auto_cache_recover)));
}

static bool wants_join_leave(const struct subscribing *subscribing)
{
    const struct namespace *namespace = subscribing->namespace;
    const struct sub_override *override = &subscribing->override;

    if (!chosen(override->join_leave, namespace->join_leave))
        return false;
    return chosen(override->force_push_join_leave, namespace->force_push_join_leave) ||
           (subscribing->join_leave &&
            (subscribing->is_server_side || has_access(subscribing, permission_presence)));
}

/* ---- the broker's answer ---- */

static void give_back(struct loop *loop, const struct request *request)
{
    if (request->outcome != REQUEST_DONE)
        return;
    struct returned returned = {.channel = request->channel, .full = 1};
    if (request->tells_presence || request->tells_join_leave) {
        returned.user = request->user;
        returned.client = request->client_id;
    }
    loop_return(loop, &returned);
}

static unsigned flags_of(const struct subscribing *subscribing, const struct request *request)
{
    unsigned flags = HUB_FULL;

    if (subscribing->is_server_side)
        flags |= HUB_SERVER;
    if (request->tells_presence || request->tells_join_leave)
        flags |= HUB_PRESENT;
    if (subscribing->namespace == NULL) {
        flags |= request->wants_position ? HUB_POSITIONED : 0;
        return flags | (subscribing->join_leave ? HUB_JOIN_LEAVE : 0);
    }
    if (wants_join_leave(subscribing))
        flags |= HUB_JOIN_LEAVE;
    if (request->wants_position)
        flags |= HUB_POSITIONED;
    if (subscribing->wants_delta)
        flags |= HUB_DELTA | (request->publication_count > 0 ? HUB_DELTA_READY : 0);
    if (request->filter != NULL)
        flags |= HUB_FILTERED;
    return flags;
}

static bool is_judged_by_proxy(const struct subscribing *subscribing)
{
    return subscribing->namespace != NULL && subscribing->namespace->sub_refresh_proxy_enabled;
}

static struct sub_extra *make_extra(const struct subscribing *subscribing, struct request *request)
{
    struct sub_extra *extra;

    if (subscribing->info.len == 0 && request->filter == NULL && subscribing->expires_s == 0 &&
        subscribing->jti.len == 0)
        return NULL;
    extra = xcalloc(1, sizeof(*extra));
    extra->info = arena_text(&extra->arena, subscribing->info);
    extra->jti = arena_text(&extra->arena, subscribing->jti);
    extra->expires_s = subscribing->expires_s;
    extra->by_proxy = is_judged_by_proxy(subscribing);
    extra->filter = request->filter;
    request->filter = NULL;
    return extra;
}

static void enter_hub(struct subscribing *subscribing, struct request *request)
{
    struct client *client = subscribing->client;
    struct hub_channel *channel = hub_given(client->loop->hub, subscribing->channel, 1, 0);
    const unsigned flags = flags_of(subscribing, request);
    struct sub_extra *extra = make_extra(subscribing, request);

    hub_follow(&client->follower, channel, flags);
    hub_subscription(&client->follower, channel)->extra = extra;
    if (subscribing->expires_s != 0)
        expiry_watch_subscriptions(client);
    metrics_add(&client->loop->metrics, METRIC_SUBSCRIBES, 1);
    if (client->state == CLIENT_CONNECTED) /* else it is told behind the connection */
        hooks_subscribed(client, subscribing->channel);
}

/* What was missed, as this client is shown it; the number of them. False in `*fit`: one cannot be
 * written in its format. */
static size_t show_missed(const struct subscribing *subscribing, const struct request *request,
                          const struct filter *filter, struct publication *out, bool *fit)
{
    const enum format format = (enum format)subscribing->client->connection.format;
    size_t count = 0;

    for (size_t i = 0; i < request->publication_count; i++) {
        const struct parcel *parcel = request->publications[i];
        enum shape shape = SHAPE_PLAIN;
        if (filter != NULL && !filter_passes(filter, parcel->tags, parcel->tag_count))
            continue;
        if (!parcel_may_go_to(parcel, format)) {
            *fit = false;
            continue;
        }
        if (subscribing->wants_delta)
            shape = count == 0 || filter != NULL ? SHAPE_FULL : SHAPE_DELTA;
        out[count++] = parcel_publication(parcel, shape);
    }
    return count;
}

static const struct filter *filter_of(const struct subscribing *subscribing)
{
    const struct subscription *sub = client_subscription(subscribing->client, subscribing->channel);

    return sub != NULL && sub->extra != NULL ? sub->extra->filter : NULL;
}

static void succeed(struct subscribing *subscribing, struct request *request)
{
    struct client *client = subscribing->client;
    struct publication *missed = xcalloc(request->publication_count + 1, sizeof(*missed));
    bool fit = true;

    enter_hub(subscribing, request);
    struct subscribe_result result = {
        .recoverable = request->wants_recovery,
        .positioned = request->wants_position,
        .epoch = request->wants_position ? request->position_epoch : (struct text){0},
        /* A client that recovered counts on over the publications from where it was. */
        .offset = !request->wants_position ? 0
                  : request->recovered     ? request->offset
                                           : request->position,
        .was_recovering = request->recover,
        .recovered = request->recovered,
        .expires = subscribing->expires_s != 0 && !is_judged_by_proxy(subscribing),
        .ttl = expiry_ttl(subscribing->expires_s),
        .delta = subscribing->wants_delta,
        .data = subscribing->namespace != NULL ? subscribing->data : request->told,
        .publications = missed,
    };
    result.publication_count =
        show_missed(subscribing, request, filter_of(subscribing), missed, &fit);
    if (!client_can_take(client, result.data)) {
        result.data = (struct text){0};
        fit = false;
    }
    if (!fit)
        connection_unfit(&client->connection);
    subscribing_finish(subscribing, &result, 0, (struct text){0}, false);
    free(missed);
}

/* The token that let it in may have been revoked while the broker was asked. */
static bool is_revoked(const struct subscribing *subscribing)
{
    const struct client *client = subscribing->client;

    return subscribing->token.len > 0 && subscribing->namespace != NULL &&
           banned_has_sub_token(&client->loop->banned, client_user(client), subscribing->channel,
                                subscribing->jti, subscribing->issued_s,
                                clock_wall_us() / 1000000);
}

/* Removed while the broker was at it: what removed it came before the answer. */
static bool is_removed(const struct subscribing *subscribing, const struct request *request)
{
    return request->by_membership &&
           !client_is_member(subscribing->client, subscribing->channel);
}

static void on_answer(struct loop *loop, struct request *request)
{
    struct subscribing *subscribing = request->context;
    struct client *client = subscribing->client;

    if (client->state >= CLIENT_CLOSING) {
        give_back(loop, request);
        subscribing_fail(subscribing, PROTOCOL_INTERNAL);
    } else if (request->outcome == REQUEST_DISCONNECT) {
        subscribing_disconnect(subscribing, (struct disconnect){request->error, request->message});
    } else if (request->outcome == REQUEST_FAILED) {
        subscribing_finish(subscribing, NULL, request->error, text(request->message), request->temporary);
    } else if (client_is_subscribed(client, subscribing->channel)) { /* meanwhile, another way */
        give_back(loop, request);
        subscribing_fail(subscribing, PROTOCOL_ALREADY_SUBSCRIBED);
    } else if (is_revoked(subscribing) || is_removed(subscribing, request)) {
        give_back(loop, request);
        subscribing_fail(subscribing, PROTOCOL_PERMISSION_DENIED);
    } else {
        succeed(subscribing, request);
    }
    request_destroy(request);
}

/* ---- asking ---- */

static void fill_namespace(struct subscribing *subscribing, struct request *request)
{
    const struct namespace *namespace = subscribing->namespace;
    const struct sub_override *override = &subscribing->override;
    struct client_info info = client_info(subscribing->client);

    ask_position(subscribing, request);
    request->tells_presence = chosen(override->presence, namespace->presence);
    request->tells_join_leave = chosen(override->join_leave, namespace->join_leave);
    if (request->tells_presence || request->tells_join_leave) {
        info.chan_info = subscribing->info;
        request_keep_info(request, &info);
    }
}

/* The product's own: a room is a log, `live:` lists who looks. */
static void fill_product(const struct subscribing *subscribing, struct request *request)
{
    const enum channel_name_kind kind = channel_name_kind(subscribing->channel);

    request->wants_position = request->wants_recovery = kind == CHANNEL_NAME_ROOM;
    request->recover = subscribing->recover && request->wants_recovery;
    request->tells_presence = kind == CHANNEL_NAME_LIVE;
    request->is_member = client_is_member(subscribing->client, subscribing->channel);
}

void subscribing_start(struct subscribing *subscribing)
{
    struct client *client = subscribing->client;
    struct request *request = client_request(client, REQUEST_SUBSCRIBE, on_answer);

    request->context = subscribing;
    request->channel = request_keep(request, subscribing->channel);
    request->epoch = request_keep(request, subscribing->epoch);
    request->offset = subscribing->offset;
    request->flag = subscribing->flag;
    request->namespace = subscribing->namespace;
    request->filter = subscribing->filter;
    subscribing->filter = NULL;
    if (subscribing->namespace != NULL)
        fill_namespace(subscribing, request);
    else
        fill_product(subscribing, request);
    if (loop_ask(client->loop, request))
        return;
    request_destroy(request);
    subscribing_fail(subscribing, PROTOCOL_INTERNAL);
}

/* ---- checks ---- */

static int check_product(const struct subscribing *subscribing)
{
    const struct text user = client_user(subscribing->client);

    switch (channel_name_kind(subscribing->channel)) {
    case CHANNEL_NAME_CHATS:
        return PROTOCOL_ALREADY_SUBSCRIBED;
    case CHANNEL_NAME_USER:
        return text_equal(channel_name_id(subscribing->channel), user)
                   ? PROTOCOL_ALREADY_SUBSCRIBED
                   : PROTOCOL_PERMISSION_DENIED;
    case CHANNEL_NAME_ROOM:
    case CHANNEL_NAME_LIVE:
    case CHANNEL_NAME_STATUS:
    case CHANNEL_NAME_PUBLIC:
        return 0;
    default:
        return PROTOCOL_UNKNOWN_CHANNEL;
    }
}

static int check_name(struct subscribing *subscribing)
{
    const struct settings *settings = subscribing->client->loop->settings;

    if (loop_is_product(subscribing->client->loop, subscribing->channel))
        return check_product(subscribing);
    subscribing->namespace = namespace_find(settings, subscribing->channel);
    if (subscribing->namespace == NULL)
        return PROTOCOL_UNKNOWN_CHANNEL;
    return channel_check_name(settings, subscribing->namespace, subscribing->channel);
}

int subscribing_check(struct subscribing *subscribing)
{
    const struct client *client = subscribing->client;
    const struct settings *settings = client->loop->settings;
    int error;

    if (subscribing->channel.len > (size_t)settings->channel.max_length)
        return PROTOCOL_BAD_REQUEST;
    if ((error = check_name(subscribing)) != 0)
        return error;
    if (client_is_subscribed(client, subscribing->channel))
        return PROTOCOL_ALREADY_SUBSCRIBED;
    /* its place among the user's connections is one of them, but not its choice */
    if (client->follower.full_count > (uint32_t)settings->client.channel_limit)
        return PROTOCOL_LIMIT_EXCEEDED;
    return 0;
}

void subscribing_begin(struct subscribing *subscribing)
{
    const int error = subscribing_check(subscribing);

    if (error != 0)
        subscribing_fail(subscribing, error);
    else
        subscribing_start(subscribing);
}

/* ---- the end of a subscription ---- */

static void report_left(struct client *client, struct text channel)
{
    loop_return(client->loop, &(struct returned){.channel = channel,
                                                 .user = client_user(client),
                                                 .client = text(client->id)});
}

/* Lines come from now on, and there is none of what was on its way meanwhile. */
static void send_newest_line(struct client *client, const struct hub_channel *room)
{
    struct parcel *line = chats_newest(room);

    if (line == NULL)
        return;
    metrics_add(&client->loop->metrics, METRIC_LINES, 1);
    client_send(client, parcel_frame(line, (enum format)client->connection.format, SHAPE_PLAIN));
    parcel_unref(line);
}

void subscribing_end(struct client *client, struct text name, int code, struct text reason)
{
    struct hub *hub = client->loop->hub;
    struct hub_channel *channel = hub_find(hub, name);
    const unsigned flags = channel != NULL ? hub_flags(&client->follower, channel) : 0;
    struct buf out = {0};

    if ((flags & HUB_FULL) == 0)
        return;
    if (code != 0) {
        frame_begin(&out);
        client_codec(client)->push_unsubscribe(&out, name, code, reason);
        client_send_message(client, &out);
    }
    if ((flags & HUB_PRESENT) != 0)
        report_left(client, name);
    metrics_add(&client->loop->metrics, METRIC_SUBSCRIPTIONS_ENDED, 1);
    hooks_unsubscribed(client, name, code, reason);
    if (code == 0 && (flags & HUB_MEMBER) != 0)
        send_newest_line(client, channel);
    hub_unfollow(hub, &client->follower, channel, HUB_FULL);
}

void subscribing_leave_all(struct client *client)
{
    for (uint32_t i = 0; i < client->follower.count; i++) {
        const struct subscription *sub = &client->follower.subs[i];
        if ((sub->flags & HUB_PRESENT) != 0)
            report_left(client, hub_channel_name(sub->channel));
        if ((sub->flags & HUB_FULL) != 0 && sub->channel != client->user &&
            client->connected_s != 0)
            hooks_unsubscribed(client, hub_channel_name(sub->channel), 0, (struct text){0});
    }
}
