/*
 * The first byte chooses the format ('0' JSON, '1' Protobuf), the rest is a frame of commands; it
 * is also read as one command, a bare connect request and an emulation request. What was read goes
 * out again in replies and pushes: in JSON those must be JSON without newlines, in Protobuf one
 * message each.
 */
#include "base/json.h"
#include "base/utf8.h"
#include "gateway/protocol/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct fuzz {
    const struct codec *codec;
    struct buf out;
};

static void check_json(struct buf *out)
{
    char why[96];
    struct buf minified = {0};

    CHECK(memchr(out->at, '\n', out->len) == NULL && memchr(out->at, '\r', out->len) == NULL);
    if (json_validate(buf_text(out), why) != ERR_OK) /* what it wraps may be at the limit itself */
        CHECK(strstr(why, "nested too deep") != NULL);
    reply_minify(&minified, buf_text(out));
    buf_reset(out);
    reply_minify(out, buf_text(&minified));
    CHECK(text_equal(buf_text(out), buf_text(&minified)));
    buf_fini(&minified);
}

/* Empties `out`. */
static void check_reply(struct fuzz *fuzz)
{
    struct text frame = buf_text(&fuzz->out), message;

    if (fuzz->codec->type == PROTOCOL_JSON)
        check_json(&fuzz->out);
    else
        CHECK(command_cut(PROTOCOL_PROTOBUF, &frame, &message) && frame.len == 0);
    buf_reset(&fuzz->out);
}

static void check_text(struct text text)
{
    CHECK(utf8_valid(text) && (text.len == 0 || memchr(text.at, '\0', text.len) == NULL));
}

static void check_command(const struct command *command)
{
    CHECK(command->id != 0 || command->kind == COMMAND_PONG || command->kind == COMMAND_SEND ||
          command->kind == COMMAND_CONNECT);
    CHECK(command->position_count <= COMMAND_POSITIONS_MAX);
    CHECK(command->header_count <= COMMAND_HEADERS_MAX);
    const struct text texts[] = {command->channel, command->token,   command->method, command->name,
                                 command->epoch,   command->version, command->delta};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        check_text(texts[i]);
    for (size_t i = 0; i < command->header_count; i++) {
        check_text(command->headers[i].name);
        check_text(command->headers[i].value);
    }
}

static void send_connect(struct fuzz *fuzz, const struct command *command,
                         const struct publication *publication)
{
    struct connect_sub subs[COMMAND_POSITIONS_MAX];
    for (size_t i = 0; i < command->position_count; i++)
        subs[i] = (struct connect_sub){.channel = command->positions[i].channel,
                                       .result = {.epoch = command->positions[i].epoch,
                                                  .offset = command->positions[i].offset,
                                                  .publications = publication,
                                                  .publication_count = i % 2}};
    const struct connect_result result = {.client = command->name,
                                          .version = command->version,
                                          .data = command->data,
                                          .subs = subs,
                                          .sub_count = command->position_count};
    fuzz->codec->connect(&fuzz->out, command->id, &result);
    check_reply(fuzz);
}

static void on_command(void *context, const struct command *command)
{
    struct fuzz *fuzz = context;
    const struct codec *codec = fuzz->codec;
    const struct client_info info = {
        .user = command->method, .client = command->channel, .conn_info = command->data};
    const struct tag tag = {command->token, command->delta};
    const struct publication publication = {.data = command->data,
                                            .offset = command->offset,
                                            .epoch = command->epoch,
                                            .info = &info,
                                            .tags = &tag,
                                            .tag_count = 1,
                                            .as_text = command->recover};

    check_command(command);
    codec->push_publication(&fuzz->out, command->channel, &publication);
    check_reply(fuzz);
    codec->history(&fuzz->out, command->id, &publication, 1, command->offset, command->token);
    check_reply(fuzz);
    codec->presence(&fuzz->out, command->id, &info, 1);
    check_reply(fuzz);
    send_connect(fuzz, command, &publication);
}

static void on_emulation(void *context, const struct emulation *request)
{
    check_text(request->node);
    check_text(request->session);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return 0;

    struct fuzz fuzz = {.codec = (bytes[0] & 1) == 0 ? &CODEC_JSON : &CODEC_PROTOBUF};
    const enum protocol_type type = fuzz.codec->type;
    const struct text whole = text_of(bytes + 1, len - 1);
    struct text frame = whole, command;

    while (command_cut(type, &frame, &command) && command_read(type, command, on_command, &fuzz))
        CHECK(frame.len < whole.len);
    (void)!command_read(type, whole, on_command, &fuzz);
    (void)!command_read_emulation(type, whole, on_emulation, NULL);
    if (type == PROTOCOL_JSON)
        (void)!command_read_connect(whole, on_command, &fuzz);
    buf_fini(&fuzz.out);
    return 0;
}
