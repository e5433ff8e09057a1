/*
 * What somebody's connections are told to do, on all loops of all gateways. Nobody waits for them:
 * the answer comes once the order is on its way, and it does not tell whether there were any.
 */
#include "base/clock.h"
#include "base/json.h"
#include "gateway/api/api_command.h"
#include "gateway/api/methods.h"

#define CODE_MIN 3000 /* close codes of the protocol, and of applications (RFC 6455 7.4.2) */
#define CODE_MAX 4999
#define END_MAX_S 253402300799 /* the end of the year 9999: sums of times cannot overflow */

/*
 * Whose connections. An empty user is the anonymous one: "everybody" is not meant by leaving
 * something out, unless a client or a session says which.
 */
static struct order *read_order(struct api_params *params, enum order_kind kind)
{
    struct order *order = order_create(kind);

    order->user = api_params_text(params, "user");
    order->client = api_params_text(params, "client");
    order->session = api_params_text(params, "session");
    order->any_user =
        !api_params_has(params, "user") && (order->client.len > 0 || order->session.len > 0);
    return order;
}

static void read_end(struct api_params *params, struct order *order)
{
    order->has_expires = api_params_has(params, "expire_at");
    order->expires_s = api_params_i64(params, "expire_at");
    if (order->expires_s > END_MAX_S)
        order->expires_s = END_MAX_S;
    order->expires = order->expires_s != 0;
}

/* Takes the order. `why`: it is wrong. */
static void give_order(struct api_command *command, const struct api_params *params,
                       struct order *order, const char *why)
{
    struct request *request;

    if (params->wrong != NULL)
        why = params->wrong;
    if (why != NULL) {
        order_destroy(order);
        api_refuse(command, why);
        return;
    }
    request = api_request(REQUEST_ORDER);
    request->order = order;
    api_ask(command, request, NULL);
}

/* ---- subscribe, unsubscribe ---- */

/* {"presence":{"value":true}} */
static int8_t read_flag(struct api_params *overrides, const char *name)
{
    struct api_params inner = api_params_enter(overrides, name);
    const bool is_given = api_params_has(&inner, "value");
    const bool value = api_params_bool(&inner, "value");

    api_params_leave(overrides, &inner);
    return (int8_t)(is_given ? value : -1);
}

static struct sub_override read_override(struct api_params *params)
{
    struct api_params overrides = api_params_enter(params, "override");
    const struct sub_override override = {
        .presence = read_flag(&overrides, "presence"),
        .join_leave = read_flag(&overrides, "join_leave"),
        .force_push_join_leave = read_flag(&overrides, "force_push_join_leave"),
        .force_recovery = read_flag(&overrides, "force_recovery"),
        .force_positioning = read_flag(&overrides, "force_positioning"),
    };

    api_params_leave(params, &overrides);
    return override;
}

static void read_recovery(struct api_params *params, struct order *order)
{
    struct api_params since = api_params_enter(params, "recover_since");

    order->has_recover_since = api_params_has(params, "recover_since");
    order->offset = api_params_u64(&since, "offset");
    order->epoch = api_params_text(&since, "epoch");
    api_params_leave(params, &since);
}

void api_subscribe(struct api_command *command, struct json_value object)
{
    struct api_params params = api_params(&command->call->arena, object);
    struct order *order = read_order(&params, ORDER_SUBSCRIBE);
    const struct namespace *namespace;
    int error;

    order->channel = api_params_text(&params, "channel");
    order->info = api_params_payload(&params, "info", "b64info", NULL);
    order->data = api_params_payload(&params, "data", "b64data", NULL);
    order->override = read_override(&params);
    read_recovery(&params, order);
    read_end(&params, order);
    if (params.wrong == NULL &&
        (error = api_find_channel(command, order->channel, &namespace)) != 0) {
        order_destroy(order);
        api_fail(command, error, NULL);
        return;
    }
    give_order(command, &params, order, NULL);
}

void api_unsubscribe(struct api_command *command, struct json_value object)
{
    struct api_params params = api_params(&command->call->arena, object);
    struct order *order = read_order(&params, ORDER_UNSUBSCRIBE);
    const struct namespace *namespace;
    int error;

    order->channel = api_params_text(&params, "channel"); /* empty: from all */
    order->code = UNSUBSCRIBE_SERVER;
    order->reason = text(protocol_unsubscribe_reason(UNSUBSCRIBE_SERVER));
    if (params.wrong == NULL && order->channel.len > 0 &&
        (error = api_find_channel(command, order->channel, &namespace)) != 0) {
        order_destroy(order);
        api_fail(command, error, NULL);
        return;
    }
    give_order(command, &params, order, NULL);
}

/* ---- disconnect ---- */

/* Clients take a reason that is a JSON object for advice of an older protocol. */
static bool is_advice(struct text reason)
{
    return reason.len > 0 && reason.at[0] == '{' && json_is_valid(reason);
}

static const char *read_disconnect(struct api_params *params, struct order *order)
{
    struct api_params inner = api_params_enter(params, "disconnect");
    const int64_t code = api_params_i64(&inner, "code");
    const struct text reason = api_params_text(&inner, "reason");

    api_params_leave(params, &inner);
    if (code != 0 && (code < CODE_MIN || code > CODE_MAX))
        return "a code outside 3000 to 4999";
    if (reason.len > REQUEST_MESSAGE_MAX || is_advice(reason))
        return "a reason that does not fit into a close frame";
    order->code = code != 0 ? (int)code : DISCONNECT_FORCE.code;
    order->reason = reason;
    if (order->code == DISCONNECT_FORCE.code && reason.len == 0)
        order->reason = text(DISCONNECT_FORCE.reason);
    return NULL;
}

void api_disconnect(struct api_command *command, struct json_value object)
{
    struct api_params params = api_params(&command->call->arena, object);
    struct order *order = read_order(&params, ORDER_DISCONNECT);

    order->whitelist = api_params_texts(&params, "whitelist", &order->whitelist_count);
    const char *why = read_disconnect(&params, order);
    give_order(command, &params, order, why);
}

/* ---- refresh ---- */

void api_refresh(struct api_command *command, struct json_value object)
{
    struct api_params params = api_params(&command->call->arena, object);
    struct order *order = read_order(&params, ORDER_REFRESH);

    order->expired = api_params_bool(&params, "expired");
    order->info = api_params_payload(&params, "info", "b64info", NULL);
    read_end(&params, order);
    give_order(command, &params, order, NULL);
}

/* ---- who may come ---- */

void api_block_user(struct api_command *command, struct json_value object)
{
    struct api_params params = api_params(&command->call->arena, object);
    struct order *order = order_create(ORDER_BLOCK_USER);

    order->user = api_params_text(&params, "user");
    read_end(&params, order);
    give_order(command, &params, order, order->user.len == 0 ? "no user" : NULL);
}

void api_unblock_user(struct api_command *command, struct json_value object)
{
    struct api_params params = api_params(&command->call->arena, object);
    struct order *order = order_create(ORDER_UNBLOCK_USER);

    order->user = api_params_text(&params, "user");
    give_order(command, &params, order, order->user.len == 0 ? "no user" : NULL);
}

void api_revoke_token(struct api_command *command, struct json_value object)
{
    struct api_params params = api_params(&command->call->arena, object);
    struct order *order = order_create(ORDER_REVOKE_TOKEN);

    order->jti = api_params_text(&params, "uid");
    read_end(&params, order);
    give_order(command, &params, order, order->jti.len == 0 ? "no uid" : NULL);
}

/* Without `issued_before`: all that were issued until now. */
void api_invalidate_user_tokens(struct api_command *command, struct json_value object)
{
    struct api_params params = api_params(&command->call->arena, object);
    struct order *order = order_create(ORDER_REVOKE_USER);

    order->user = api_params_text(&params, "user");
    order->channel = api_params_text(&params, "channel");
    order->issued_before_s = api_params_i64(&params, "issued_before");
    if (order->issued_before_s == 0)
        order->issued_before_s = clock_wall_us() / 1000000;
    read_end(&params, order);
    give_order(command, &params, order, order->user.len == 0 ? "no user" : NULL);
}
