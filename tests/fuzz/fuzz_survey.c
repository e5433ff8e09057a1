/* What gateways answer to surveys: whatever arrives is read as far as it makes sense, and can be written again. */
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "gateway/broker/survey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(enum survey_kind kind, const uint8_t *data, size_t size)
{
    struct survey_merge *merge = survey_merge_create(kind);
    struct survey_merge *again = survey_merge_create(kind);
    struct buf records = {0}, json = {0};

    survey_merge_add(merge, text_of(data, size));
    const bool is_whole = survey_merge_write(merge, &records);
    survey_merge_add(again, buf_text(&records));
    survey_merge_write_json(again, &json);
    CHECK(records.len <= SURVEY_BYTES_MAX && json.len > 0);
    CHECK(is_whole == (records.len == survey_merge_bytes(merge)));
    buf_fini(&records);
    buf_fini(&json);
    survey_merge_destroy(again);
    survey_merge_destroy(merge);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct survey *survey = survey_create(text_of(data, size));

    if (survey != NULL && survey->kind == SURVEY_CHANNELS)
        CHECK(survey->part.part == 0 || survey->part.part < survey->part.parts);
    take(SURVEY_CHANNELS, data, size);
    take(SURVEY_STATUSES, data, size);
    survey_destroy(survey);
    return 0;
}
