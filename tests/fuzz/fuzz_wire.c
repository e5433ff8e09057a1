/* The bus's decoders, and the seal before them: whatever arrives is read or refused. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/id.h"
#include "bus/seal.h"
#include "bus/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read can be packed, and read again. */
static void repack(const void *message)
{
    const size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = xmalloc(size + 1);

    CHECK(protobuf_c_message_pack(message, bytes) == size);
    const ProtobufCMessageDescriptor *type = ((const ProtobufCMessage *)message)->descriptor;
    CHECK(wire_is_sane(type, text_of(bytes, size)) || size > WIRE_MESSAGE_MAX);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct text payload = text_of(data, size);
    struct seal_keys keys;
    struct buf inside = {0};

    id_init();
    seal_keys_init(&keys, TEXT(""), TEXT(""));
    if (seal_open(&keys, SEAL_EVENT, payload, &inside))
        CHECK(inside.len + SEAL_OVERHEAD == size);
    buf_fini(&inside);

    Bus__Batch *batch = wire_read_batch(payload);
    Bus__Question *question = wire_read_question(payload);
    Bus__Answer *answer = wire_read_answer(payload);
    Bus__Publication *publication = wire_read_publication(payload);
    if (batch != NULL)
        repack(batch);
    if (question != NULL)
        repack(question);
    if (answer != NULL)
        repack(answer);
    if (publication != NULL)
        repack(publication);
    wire_free_batch(batch);
    wire_free_question(question);
    wire_free_answer(answer);
    wire_free_publication(publication);
    return 0;
}
