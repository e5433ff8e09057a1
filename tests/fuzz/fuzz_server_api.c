/*
 * The body of a call of the server API. The first byte chooses the method (a letter, 'a' the
 * first), or '/' a stream of commands. Whatever the broker answers, each command ends once, and its
 * result is JSON.
 */
#include "gateway/api/api_stream.h"
#include "tests/unit/api_place.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char *const methods[] = {
    "publish",     "broadcast",  "unsubscribe",  "disconnect",   "presence",  "presence_stats",
    "history",     "channels",   "rpc",          "subscribe",    "refresh",   "history_remove",
    "connections", "block_user", "revoke_token", "unblock_user", "batch",
    "invalidate_user_tokens",
};

static void answer_all(void)
{
    for (size_t i = 0; i < place.asked_count; i++) {
        if (place.asked[i] == NULL)
            continue;
        place.asked[i]->error = 112;
        place_answer(i, i % 3 == 2 ? REQUEST_FAILED : REQUEST_DONE);
    }
}

static void check_result(void)
{
    char why[96];

    CHECK(place.done_count == 1);
    if (place.command.error == 0 &&
        json_validate(buf_text(&place.command.result), why) != ERR_OK)
        CHECK(strstr(why, "too many") != NULL);
}

static void read_stream(struct text body)
{
    struct arena arena = {0};
    struct api_stream stream;

    if (api_stream_read(&stream, &arena, body, 1 << 16))
        for (size_t i = 0; i < stream.count; i++)
            CHECK(json_kind(json_root(&stream.commands[i].json)) == JSON_OBJECT);
    api_stream_fini(&stream);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return 0;
    const struct text body = text_of(bytes + 1, len - 1);
    if (bytes[0] == '/') {
        read_stream(body);
        return 0;
    }
    if (place_run(methods[(size_t)(bytes[0] - 'a') % ARRAY_COUNT(methods)], body)) {
        answer_all();
        check_result();
    }
    place_fini();
    return 0;
}
