/*
 * A filter in JSON when it begins with a brace, else in Protobuf. What is accepted must judge, and
 * say the same each time.
 */
#include <stdlib.h>

#include "gateway/protocol/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct tag tags[] = {{TEXT("t"), TEXT("tea")},
                                      {TEXT("n"), TEXT("10.50")},
                                      {TEXT("e"), {0}},
                                      {TEXT(""), TEXT("x")}};
    struct filter *filter = NULL;
    char *copy = xmalloc(len);

    memcpy(copy, bytes, len);
    const struct text input = text_of(copy, len);
    const bool is_json = len > 0 && copy[0] == '{';
    const enum err err =
        is_json ? filter_read_json(&filter, input) : filter_read_protobuf(&filter, input);
    free(copy); /* the filter keeps nothing of it */
    CHECK((err == ERR_OK) == (filter != NULL));
    for (size_t count = 0; filter != NULL && count <= ARRAY_COUNT(tags); count++)
        CHECK(filter_passes(filter, tags, count) == filter_passes(filter, tags, count));
    filter_destroy(filter);
    return 0;
}
