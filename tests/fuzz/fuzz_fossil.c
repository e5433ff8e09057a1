/*
 * The first two bytes say how long the source is, the rest is the source and a second text. The
 * second is applied to the source as a delta; and the delta that makes it of the source must make
 * it, and be UTF-8 when both texts are.
 */
#include <stdlib.h>

#include "base/utf8.h"
#include "gateway/protocol/fossil.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void round_trip(struct text source, struct text target, bool as_text)
{
    struct buf delta = {0}, made = {0};

    fossil_delta(&delta, source, target, as_text);
    CHECK(fossil_apply(&made, source, buf_text(&delta)));
    CHECK(text_equal(buf_text(&made), target));
    CHECK(!as_text || utf8_valid(buf_text(&delta)));
    buf_fini(&delta);
    buf_fini(&made);
}

static void apply(struct text source, struct text delta)
{
    struct buf made = {0};

    if (!fossil_apply(&made, source, delta))
        CHECK(made.len == 0);
    buf_fini(&made);
}

/* Memory of its own size, for the sanitizer. */
static struct text copy_of(const uint8_t *bytes, size_t len)
{
    char *copy = xmalloc(len);
    memcpy(copy, bytes, len);
    return text_of(copy, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 2)
        return 0;
    const size_t wanted = bytes[0] * (size_t)256 + bytes[1];
    const size_t source_len = wanted < len - 2 ? wanted : len - 2;
    const struct text source = copy_of(bytes + 2, source_len);
    const struct text other = copy_of(bytes + 2 + source_len, len - 2 - source_len);

    apply(source, other);
    round_trip(source, other, false);
    if (utf8_valid(source) && utf8_valid(other))
        round_trip(source, other, true);
    free((char *)source.at);
    free((char *)other.at);
    return 0;
}
