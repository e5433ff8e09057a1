/*
 * Who comes without a token is whom the operator's back end says.
 */
#include "base/json.h"
#include "base/log.h"
#include "gateway/loop/connecting_parts.h"
#include "gateway/loop/proxying.h"

static void take_subs(struct connecting *connecting, const struct proxy_answer *answer)
{
    struct arena *arena = &connecting->arena;
    struct connect_token *who = &connecting->who;

    who->subs = arena_alloc(arena, (answer->sub_count + answer->channel_count) * sizeof(*who->subs));
    for (size_t i = 0; i < answer->sub_count; i++) {
        const struct proxy_sub *from = &answer->subs[i];
        who->subs[who->sub_count++] = (struct token_sub){
            .channel = arena_text(arena, from->channel),
            .info = proxying_payload(arena, &from->info),
            .data = proxying_payload(arena, &from->data),
            .override = from->override,
            .expires_s = from->expire_at_s,
            .cache_recover = from->cache_recover,
        };
    }
    for (size_t i = 0; i < answer->channel_count; i++)
        who->subs[who->sub_count++] = (struct token_sub){
            .channel = arena_text(arena, answer->channels[i]),
            .override = SUB_OVERRIDE_NONE,
        };
}

/* As the claim of a token. */
static bool take_caps(struct connect_token *who, struct text bytes)
{
    const char *why = NULL;
    struct json json = {0};

    if (bytes.len == 0)
        return true;
    who->has_caps = json_parse(&json, bytes) == ERR_OK &&
                    caps_read(&who->caps, &who->arena, json_root(&json), &why);
    json_fini(&json);
    if (!who->has_caps)
        log_warn("proxy: %s", why != NULL ? why : "`caps` is no JSON");
    return who->has_caps;
}

static void take_result(struct connecting *connecting, const struct proxy_answer *answer)
{
    struct arena *arena = &connecting->arena;
    struct connect_token *who = &connecting->who;

    if (answer->user.len > CLIENT_USER_MAX || !take_caps(who, answer->caps)) {
        connecting_refuse(connecting, PROTOCOL_INTERNAL);
        return;
    }
    who->user = arena_text(arena, answer->user);
    who->expires = answer->expires;
    who->expires_s = answer->expire_at_s;
    who->info = proxying_payload(arena, &answer->info);
    who->info_is_binary = answer->info.is_binary;
    who->meta = arena_text(arena, answer->meta);
    connecting->told = proxying_payload(arena, &answer->data);
    take_subs(connecting, answer);
    connecting->by_proxy = true;
    if (answer->data.is_binary && !client_can_take(connecting->client, connecting->told))
        connecting_close(connecting, DISCONNECT_INAPPROPRIATE_PROTOCOL);
    else
        connecting_come_in(connecting);
}

static void on_proxy_answer(void *context, struct proxy_answer *answer)
{
    struct connecting *connecting = context;
    char reason[PROXY_REASON_MAX + 1];

    if (connecting->client->state >= CLIENT_CLOSING) {
        connecting_end(connecting);
    } else {
        switch (answer->outcome) {
        case PROXY_RESULT:
            if (answer->has_result)
                take_result(connecting, answer);
            else
                connecting_without_credentials(connecting);
            break;
        case PROXY_ERROR:
            connecting_refuse_as(connecting, answer->code, answer->message, answer->temporary);
            break;
        case PROXY_DISCONNECT:
            snprintf(reason, sizeof(reason), "%.*s", TEXT_ARGS(answer->message));
            connecting_close(connecting, (struct disconnect){answer->code, reason});
            break;
        case PROXY_FAILED:
            connecting_refuse(connecting, PROTOCOL_INTERNAL);
            break;
        }
    }
    proxy_answer_destroy(answer);
}

void connecting_ask_proxy(struct connecting *connecting)
{
    struct client *client = connecting->client;
    struct text *channels;
    struct proxy_question question = {
        .kind = PROXY_CONNECT,
        .name = connecting->name,
        .version = connecting->version,
        .data = connecting->data,
    };

    if (!client->loop->settings->client.connect_proxy_enabled) {
        connecting_without_credentials(connecting);
        return;
    }
    channels = arena_alloc(&connecting->arena, connecting->position_count * sizeof(*channels));
    for (size_t i = 0; i < connecting->position_count; i++)
        channels[i] = connecting->positions[i].channel;
    question.channels = channels;
    question.channel_count = connecting->position_count;
    if (!proxying_ask(client, proxying_find(client->loop, PROXY_CONNECT, NULL), &question,
                      on_proxy_answer, connecting))
        connecting_refuse(connecting, PROTOCOL_INTERNAL);
}
