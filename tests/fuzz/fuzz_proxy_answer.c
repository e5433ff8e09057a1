/*
 * The input is a kind of question (one byte) and a back end's answer. Whatever it is, what comes
 * out keeps the promises of the header.
 */
#include "base/json.h"
#include "base/utf8.h"
#include "gateway/outside/proxy_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_json(struct text json)
{
    CHECK(json.len == 0 || json_is_valid(json));
}

static void check_payload(const struct proxy_payload *payload)
{
    if (!payload->is_binary)
        check_json(payload->bytes);
}

static void check_override(const struct sub_override *override)
{
    const int8_t flags[] = {override->presence, override->join_leave,
                            override->force_push_join_leave, override->force_recovery,
                            override->force_positioning};
    for (size_t i = 0; i < ARRAY_COUNT(flags); i++)
        CHECK(flags[i] >= -1 && flags[i] <= 1);
}

static void check_result(const struct proxy_answer *answer)
{
    CHECK(utf8_valid(answer->user) && utf8_valid(answer->idempotency_key));
    CHECK(answer->expires == (answer->expire_at_s > 0) && answer->expire_at_s >= 0);
    check_payload(&answer->info);
    check_payload(&answer->data);
    check_json(answer->meta);
    check_json(answer->caps);
    check_override(&answer->override);
    for (size_t i = 0; i < answer->channel_count; i++)
        CHECK(utf8_valid(answer->channels[i]));
    for (size_t i = 0; i < answer->sub_count; i++) {
        CHECK(utf8_valid(answer->subs[i].channel));
        check_payload(&answer->subs[i].info);
        check_payload(&answer->subs[i].data);
        check_override(&answer->subs[i].override);
    }
    for (size_t i = 0; i < answer->tag_count; i++)
        CHECK(utf8_valid(answer->tags[i].key) && utf8_valid(answer->tags[i].value));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct buf body = {0};

    if (len == 0)
        return 0;
    buf_add(&body, bytes + 1, len - 1);
    struct proxy_answer *answer = proxy_answer_read(bytes[0] % (PROXY_RPC + 1), &body);
    switch (answer->outcome) {
    case PROXY_RESULT:
        check_result(answer);
        break;
    case PROXY_ERROR:
        CHECK(answer->code > 0 && utf8_valid(answer->message));
        break;
    case PROXY_DISCONNECT:
        CHECK(proxy_may_disconnect(answer->code) && utf8_valid(answer->message));
        CHECK(answer->message.len > 0 && answer->message.len <= PROXY_REASON_MAX);
        CHECK(!json_is_valid(answer->message));
        break;
    case PROXY_FAILED:
        CHECK(answer->why[0] != '\0');
    }
    proxy_answer_destroy(answer);
    return 0;
}
