/*
 * A client's subscribe command: what it asks for, and who decides: its token alone, the namespace's
 * options, or the operator's back end.
 */
#include "gateway/loop/subscribing.h"

#include "base/clock.h"
#include "gateway/channels/namespaces.h"
#include "gateway/channels/permissions.h"
#include "gateway/loop/keys.h"
#include "gateway/loop/proxying.h"
#include "gateway/protocol/filter.h"
#include "gateway/token/verifier.h"

static void on_command_finished(struct subscribing *subscribing,
                                const struct subscribe_result *result, int error,
                                struct text message, bool temporary)
{
    struct client *client = subscribing->client;
    struct buf out = {0};

    if (error != 0) {
        client_send_failure(client, subscribing->id, error, message, temporary);
    } else {
        frame_begin(&out);
        client_codec(client)->subscribe(&out, subscribing->id, result);
        client_send_message(client, &out);
    }
    client_resume(client);
}

static void copy_command(struct subscribing *subscribing, const struct command *command)
{
    subscribing->id = command->id;
    subscribing->recover = command->recover;
    subscribing->positioned = command->positioned;
    subscribing->recoverable = command->recoverable;
    subscribing->join_leave = command->join_leave;
    subscribing->offset = command->offset;
    subscribing->flag = command->flag;
    subscribing->epoch = arena_text(&subscribing->arena, command->epoch);
    subscribing->data_for_proxy = arena_text(&subscribing->arena, command->data);
    subscribing->token = arena_text(&subscribing->arena, command->token);
}

static int read_filter(struct subscribing *subscribing, struct text bytes)
{
    const bool is_json = client_codec(subscribing->client)->type == PROTOCOL_JSON;
    enum err err;

    if (bytes.len == 0)
        return 0;
    if (subscribing->namespace == NULL || !subscribing->namespace->allow_tags_filter)
        return PROTOCOL_BAD_REQUEST;
    err = is_json ? filter_read_json(&subscribing->filter, bytes)
                  : filter_read_protobuf(&subscribing->filter, bytes);
    return err == ERR_OK ? 0 : PROTOCOL_BAD_REQUEST;
}

/* Section 10.2: a token decides alone. */
static void apply_token(struct subscribing *subscribing, const struct subscribe_token *token)
{
    struct client *client = subscribing->client;

    if (!text_equal(token->user, client_user(client)) ||
        !text_equal(token->channel, subscribing->channel) ||
        (token->client.len > 0 && !text_equal(token->client, text(client->id)))) {
        subscribing_disconnect(subscribing, DISCONNECT_INVALID_TOKEN);
        return;
    }
    if (banned_has_sub_token(&client->loop->banned, token->user, token->channel, token->jti,
                             token->issued_s, clock_wall_us() / 1000000)) {
        subscribing_fail(subscribing, PROTOCOL_PERMISSION_DENIED);
        return;
    }
    subscribing->jti = arena_text(&subscribing->arena, token->jti);
    subscribing->issued_s = token->issued_s;
    subscribing->info = arena_text(&subscribing->arena, token->info);
    subscribing->data = arena_text(&subscribing->arena, token->data);
    subscribing->override = token->override;
    subscribing->expires_s = token->expires ? token->expires_s : 0;
    if (token->expires && token->expires_s <= clock_wall_us() / 1000000)
        subscribing_fail(subscribing, PROTOCOL_EXPIRED);
    else
        subscribing_start(subscribing);
}

static void decide_by_token(struct subscribing *subscribing)
{
    struct verifier *verifier = subscribing->client->loop->shared->sub_verifier;
    struct subscribe_token token;
    const enum token_verdict verdict =
        verifier_subscribe(verifier, subscribing->token, clock_wall_us(), &token);

    switch (verdict) {
    case TOKEN_GOOD:
        apply_token(subscribing, &token);
        break;
    case TOKEN_EXPIRED:
        subscribing_fail(subscribing, PROTOCOL_TOKEN_EXPIRED);
        break;
    case TOKEN_WAIT:
        keys_fetch(subscribing->client->loop);
        subscribing_fail(subscribing, PROTOCOL_INTERNAL); /* the client tries again, and the keys are here then */
        break;
    case TOKEN_UNAVAILABLE:
        subscribing_fail(subscribing, PROTOCOL_INTERNAL);
        break;
    case TOKEN_BAD:
        subscribing_fail(subscribing, PROTOCOL_PERMISSION_DENIED);
        break;
    }
    subscribe_token_fini(&token);
}

static void apply_proxy(struct subscribing *subscribing, const struct proxy_answer *answer)
{
    struct arena *arena = &subscribing->arena;

    subscribing->info = proxying_payload(arena, &answer->info);
    subscribing->data = proxying_payload(arena, &answer->data);
    subscribing->override = answer->override;
    subscribing->expires_s = answer->expires ? answer->expire_at_s : 0;
    if (subscribing->expires_s != 0 && subscribing->expires_s <= clock_wall_us() / 1000000)
        subscribing_fail(subscribing, PROTOCOL_EXPIRED);
    else
        subscribing_start(subscribing);
}

static void on_proxy_answer(void *context, struct proxy_answer *answer)
{
    struct subscribing *subscribing = context;
    char reason[PROXY_REASON_MAX + 1];

    if (subscribing->client->state >= CLIENT_CLOSING) {
        subscribing_fail(subscribing, PROTOCOL_INTERNAL);
    } else {
        switch (answer->outcome) {
        case PROXY_RESULT:
            apply_proxy(subscribing, answer);
            break;
        case PROXY_ERROR:
            subscribing_finish(subscribing, NULL, answer->code, answer->message, answer->temporary);
            break;
        case PROXY_DISCONNECT:
            snprintf(reason, sizeof(reason), "%.*s", TEXT_ARGS(answer->message));
            subscribing_disconnect(subscribing, (struct disconnect){answer->code, reason});
            break;
        case PROXY_FAILED:
            subscribing_fail(subscribing, PROTOCOL_INTERNAL);
            break;
        }
    }
    proxy_answer_destroy(answer);
}

static void decide_by_proxy(struct subscribing *subscribing)
{
    struct client *client = subscribing->client;
    struct proxy *proxy = proxying_find(client->loop, PROXY_SUBSCRIBE,
                                        subscribing->namespace->subscribe_proxy_name);
    struct proxy_question question = {
        .kind = PROXY_SUBSCRIBE,
        .channel = subscribing->channel,
        .token = subscribing->token,
        .data = subscribing->data_for_proxy,
    };

    if (!proxying_ask(client, proxy, &question, on_proxy_answer, subscribing))
        subscribing_fail(subscribing, PROTOCOL_INTERNAL);
}

static void decide_by_permission(struct subscribing *subscribing)
{
    const struct client *client = subscribing->client;
    const struct person person = client_person(client, subscribing->channel);

    switch (permission_subscribe(client->loop->settings, subscribing->namespace,
                                 subscribing->channel, &person)) {
    case ACCESS_GRANTED:
        subscribing_start(subscribing);
        break;
    case ACCESS_ASK_PROXY:
        decide_by_proxy(subscribing);
        break;
    case ACCESS_DENIED:
        subscribing_fail(subscribing, PROTOCOL_PERMISSION_DENIED);
        break;
    }
}

static void decide(struct subscribing *subscribing)
{
    if (subscribing->namespace == NULL) /* the API knows who may */
        subscribing_start(subscribing);
    else if (subscribing->token.len > 0)
        decide_by_token(subscribing);
    else
        decide_by_permission(subscribing);
}

void subscribing_run_command(struct client *client, const struct command *command)
{
    struct subscribing *subscribing = subscribing_create(client, command->channel);
    int error;

    client->busy = true;
    copy_command(subscribing, command);
    subscribing->finished = on_command_finished;
    error = subscribing_check(subscribing);
    if (error == 0 && command->type != 0)
        error = PROTOCOL_PERMISSION_DENIED; /* another type than the namespace's: streams alone here */
    if (error == 0)
        error = read_filter(subscribing, command->filter);
    if (error == 0 && command->delta.len > 0) {
        if (!text_equal(command->delta, TEXT("fossil"))) {
            subscribing_disconnect(subscribing, DISCONNECT_BAD_REQUEST);
            return;
        }
        subscribing->wants_delta = subscribing->namespace != NULL &&
                                   subscribing->namespace->allow_fossil_delta &&
                                   !subscribing_is_pattern(subscribing);
    }
    if (error != 0)
        subscribing_fail(subscribing, error);
    else
        decide(subscribing);
}
