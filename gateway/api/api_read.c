/*
 * What is asked without changing anything: presence, history, what all gateways know; rpc, which
 * nobody answers.
 */
#include "gateway/api/api_command.h"
#include "gateway/api/api_payload.h"
#include "gateway/api/methods.h"
#include "gateway/broker/survey.h"
#include "gateway/mail/parcel.h"

/* ---- presence ---- */

#define PRESENCE_BYTES_MAX (48u << 20) /* of a list: an answer has 64 MiB at most */

static void write_info(struct json_out *out, const struct client_info *info)
{
    json_open(out, '{');
    json_key_text(out, "user", info->user);
    json_key_text(out, "client", info->client);
    api_payload_write(out, "conn_info", "b64conn_info", info->conn_info, false);
    api_payload_write(out, "chan_info", "b64chan_info", info->chan_info, false);
    json_close(out, '}');
}

static void write_presence(struct json_out *out, const struct request *request)
{
    json_key(out, "presence");
    json_open(out, '{');
    for (size_t i = 0; i < request->entry_count; i++) {
        json_name(out, request->entries[i].client);
        write_info(out, &request->entries[i]);
    }
    json_close(out, '}');
}

static void write_presence_stats(struct json_out *out, const struct request *request)
{
    json_key_u64(out, "num_clients", request->client_count);
    json_key_u64(out, "num_users", request->user_count);
}

static void ask_presence(struct api_command *command, struct json_value object,
                         enum request_kind kind,
                         void (*write)(struct json_out *out, const struct request *request))
{
    struct api_params params = api_params(&command->call->arena, object);
    const struct text channel = api_params_text(&params, "channel");
    const struct namespace *namespace;
    struct request *request;
    int error;

    if (params.wrong != NULL) {
        api_refuse(command, params.wrong);
        return;
    }
    if ((error = api_find_channel(command, channel, &namespace)) == 0 && !namespace->presence)
        error = PROTOCOL_NOT_AVAILABLE;
    if (error != 0) {
        api_fail(command, error, NULL);
        return;
    }
    request = api_request(kind);
    request->namespace = namespace;
    request->channel = channel;
    request->bytes_max = PRESENCE_BYTES_MAX;
    api_ask(command, request, write);
}

void api_presence(struct api_command *command, struct json_value object)
{
    ask_presence(command, object, REQUEST_PRESENCE, write_presence);
}

void api_presence_stats(struct api_command *command, struct json_value object)
{
    ask_presence(command, object, REQUEST_PRESENCE_STATS, write_presence_stats);
}

/* ---- history ---- */

static void write_tags(struct json_out *out, const struct parcel *parcel)
{
    if (parcel->tag_count == 0)
        return;
    json_key(out, "tags");
    json_open(out, '{');
    for (size_t i = 0; i < parcel->tag_count; i++) {
        json_name(out, parcel->tags[i].key);
        json_text(out, parcel->tags[i].value);
    }
    json_close(out, '}');
}

static void write_publication(struct json_out *out, const struct parcel *parcel)
{
    json_open(out, '{');
    api_payload_write(out, "data", "b64data", parcel->data, parcel->is_json);
    if (parcel->has_info) {
        json_key(out, "info");
        write_info(out, &parcel->info);
    }
    json_key_u64(out, "offset", parcel->offset);
    write_tags(out, parcel);
    json_close(out, '}');
}

static void write_history(struct json_out *out, const struct request *request)
{
    json_key(out, "publications");
    json_open(out, '[');
    for (size_t i = 0; i < request->publication_count; i++)
        write_publication(out, request->publications[i]);
    json_close(out, ']');
    json_key_text(out, "epoch", request->position_epoch);
    json_key_u64(out, "offset", request->position);
}

static void read_range(struct api_params *params, struct request *request)
{
    struct api_params since = api_params_enter(params, "since");

    request->limit = api_params_i32(params, "limit");
    request->reverse = api_params_bool(params, "reverse");
    request->has_since = api_params_has(params, "since");
    request->offset = api_params_u64(&since, "offset");
    request->epoch = api_params_text(&since, "epoch");
    api_params_leave(params, &since);
}

void api_history(struct api_command *command, struct json_value object)
{
    struct api_params params = api_params(&command->call->arena, object);
    struct request *request = api_request(REQUEST_HISTORY);
    int error;

    request->channel = api_params_text(&params, "channel");
    read_range(&params, request);
    if (params.wrong != NULL) {
        request_destroy(request);
        api_refuse(command, params.wrong);
        return;
    }
    if ((error = api_find_channel(command, request->channel, &request->namespace)) == 0 &&
        request->namespace->history_size == 0)
        error = PROTOCOL_NOT_AVAILABLE;
    if (error == 0) {
        api_ask(command, request, write_history);
        return;
    }
    request_destroy(request);
    api_fail(command, error, NULL);
}

/* ---- of all gateways: they answer what the result is ---- */

/* {"survey":{"name":value}}, without an empty value. */
static void survey(struct api_command *command, const char *survey, const char *name,
                   struct text value)
{
    struct request *request = api_request(REQUEST_SURVEY);
    struct buf question = {0};
    struct json_out out = {.buf = &question};

    json_open(&out, '{');
    json_key(&out, survey);
    json_open(&out, '{');
    if (value.len > 0)
        json_key_text(&out, name, value);
    json_close(&out, '}');
    json_close(&out, '}');
    request->data = request_keep(request, buf_text(&question));
    buf_fini(&question);
    api_ask(command, request, NULL);
}

static void ask_all(struct api_command *command, struct json_value object, const char *what,
                    const char *name)
{
    struct api_params params = api_params(&command->call->arena, object);
    const struct text value = api_params_text(&params, name);

    if (params.wrong != NULL)
        api_refuse(command, params.wrong);
    else
        survey(command, what, name, value);
}

void api_channels(struct api_command *command, struct json_value object)
{
    ask_all(command, object, "channels", "pattern");
}

void api_connections(struct api_command *command, struct json_value object)
{
    ask_all(command, object, "connections", "user");
}

/* {"users":["ada"]} -> {"statuses":[{"user":"ada","online":true,"connections":2}]} */
void api_user_status(struct api_command *command, struct json_value object)
{
    struct api_params params = api_params(&command->call->arena, object);
    struct request *request = api_request(REQUEST_SURVEY);
    struct buf question = {0};
    struct json_out out = {.buf = &question};
    size_t count;
    const struct text *users = api_params_texts(&params, "users", &count);

    json_open(&out, '{');
    json_key(&out, "statuses");
    json_open(&out, '{');
    json_key(&out, "users");
    json_open(&out, '[');
    for (size_t i = 0; i < count && i <= SURVEY_USERS_MAX; i++)
        json_text(&out, users[i]);
    json_close(&out, ']');
    json_close(&out, '}');
    json_close(&out, '}');
    request->data = request_keep(request, buf_text(&question));
    buf_fini(&question);
    if (params.wrong == NULL && count > 0 && count <= SURVEY_USERS_MAX) {
        api_ask(command, request, NULL);
        return;
    }
    request_destroy(request);
    api_refuse(command, params.wrong != NULL ? params.wrong : "1 to 256 users were expected");
}

void api_info(struct api_command *command, struct json_value object)
{
    api_ask(command, api_request(REQUEST_NODES), NULL);
}

/* ---- rpc ---- */

/* It is a door for extensions of the server, and there are none. */
void api_rpc(struct api_command *command, struct json_value object)
{
    struct api_params params = api_params(&command->call->arena, object);
    const struct text method = api_params_text(&params, "method");

    if (params.wrong != NULL)
        api_refuse(command, params.wrong);
    else if (method.len == 0)
        api_refuse(command, "no method");
    else
        api_fail(command, PROTOCOL_METHOD_NOT_FOUND, "not found");
}
