/*
 * The input is a frame of commands. What was read goes out again in replies and pushes: those must
 * be JSON without newlines, and minifying what is minified changes nothing.
 */
#include <string.h>

#include "gateway/protocol/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Empties `out`. */
static void check_reply(struct buf *out)
{
    char why[96];
    struct buf minified = {0};

    CHECK(memchr(out->at, '\n', out->len) == NULL && memchr(out->at, '\r', out->len) == NULL);
    if (json_validate(buf_text(out), why) != ERR_OK) /* what it wraps may be at the limit itself */
        CHECK(strstr(why, "nested too deep") != NULL);
    protocol_minify(&minified, buf_text(out));
    buf_reset(out);
    protocol_minify(out, buf_text(&minified));
    CHECK(text_equal(buf_text(out), buf_text(&minified)));
    buf_fini(&minified);
    buf_reset(out);
}

static bool on_command(void *context, const struct command *command)
{
    struct buf *out = context;
    const struct publication publication = {
        .data = command->data, .offset = command->offset, .epoch = command->epoch};
    const struct connect_result connected = {.client = command->name,
                                             .version = command->version,
                                             .subs = json_raw(command->subs),
                                             .data = command->data};

    CHECK(command->id != 0 || command->kind == COMMAND_PONG || command->kind == COMMAND_SEND);
    protocol_push_publication(out, command->channel, &publication);
    check_reply(out);
    protocol_history(out, command->id, &publication, 1, command->offset, command->token);
    check_reply(out);
    protocol_connect(out, command->id, &connected);
    check_reply(out);
    protocol_client_info(out, command->method, command->channel, command->data);
    check_reply(out);
    return command->kind != COMMAND_PING; /* sometimes stop */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct buf out = {0};

    (void)!protocol_read(text_of(bytes, len), on_command, &out);
    buf_fini(&out);
    return 0;
}
