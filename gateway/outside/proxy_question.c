#include "gateway/outside/proxy_question.h"

#include "base/json.h"

/* Which kinds have a field. */
#define KIND(kind)      (1u << PROXY_##kind)
#define HAS_USER        (~KIND(CONNECT))
#define HAS_CHANNEL     (KIND(SUBSCRIBE) | KIND(PUBLISH) | KIND(SUB_REFRESH))
#define HAS_DATA        (KIND(CONNECT) | KIND(SUBSCRIBE) | KIND(PUBLISH) | KIND(RPC))
#define HAS_META        (~KIND(CONNECT))
#define IS(kinds, kind) (((kinds) >> (kind)) & 1u)

static void write_if_any(struct json_out *out, const char *name, struct text value)
{
    if (value.len > 0)
        json_key_text(out, name, value);
}

static void write_wishes(struct json_out *out, const struct proxy_question *question)
{
    write_if_any(out, "name", question->name);
    write_if_any(out, "version", question->version);
    if (question->channel_count == 0)
        return;
    json_key(out, "channels");
    json_open(out, '[');
    for (size_t i = 0; i < question->channel_count; i++)
        json_text(out, question->channels[i]);
    json_close(out, ']');
}

static void write_data(struct json_out *out, const struct proxy_question *question)
{
    if (question->data.len == 0)
        return;
    if (question->is_binary)
        json_key_base64(out, "b64data", question->data);
    else
        json_key_raw(out, "data", question->data);
}

bool proxy_question_write(struct buf *to, const struct proxy_question *question)
{
    const enum proxy_kind kind = question->kind;
    struct json_out out = {.buf = to};

    if (IS(HAS_DATA, kind) && question->data.len > 0 && !question->is_binary &&
        !json_is_valid(question->data))
        return false;
    if (IS(HAS_META, kind) && question->meta.len > 0 && !json_is_valid(question->meta))
        return false;
    json_open(&out, '{');
    json_key_text(&out, "client", question->client);
    json_key_text(&out, "transport", question->transport);
    json_key_text(&out, "protocol", question->protocol);
    json_key_text(&out, "encoding", question->is_binary ? TEXT("binary") : TEXT("json"));
    if (IS(HAS_USER, kind))
        json_key_text(&out, "user", question->user);
    if (IS(HAS_CHANNEL, kind))
        json_key_text(&out, "channel", question->channel);
    if (kind == PROXY_RPC)
        json_key_text(&out, "method", question->method);
    if (kind == PROXY_SUBSCRIBE)
        write_if_any(&out, "token", question->token);
    if (kind == PROXY_CONNECT)
        write_wishes(&out, question);
    if (IS(HAS_DATA, kind))
        write_data(&out, question);
    if (IS(HAS_META, kind) && question->meta.len > 0)
        json_key_raw(&out, "meta", question->meta);
    json_close(&out, '}');
    return true;
}
