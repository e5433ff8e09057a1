/* Paths and queries: whatever comes, parts and members are text, within the buffer, and never able
 * to leave their place. */
#include "api/request/url.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct text value, const struct buf *bytes)
{
    CHECK(value.at >= bytes->at && value.at + value.len <= bytes->at + bytes->len);
    CHECK(value.len == 0 || memchr(value.at, '\0', value.len) == NULL);
    CHECK(utf8_valid(value));
}

static void check_path(struct text raw)
{
    struct buf bytes = {0};
    struct url_path path;

    if (url_split(raw, &bytes, &path) == ERR_OK) {
        for (int i = 0; i < path.count; i++) {
            check_text(path.parts[i], &bytes);
            CHECK(path.parts[i].len > 0);
            CHECK(memchr(path.parts[i].at, '/', path.parts[i].len) == NULL);
            CHECK(!text_equal(path.parts[i], TEXT("..")));
        }
    }
    buf_fini(&bytes);
}

static void check_query(struct text raw)
{
    struct buf bytes = {0};
    struct url_query query;

    if (url_read_query(raw, &bytes, &query) == ERR_OK) {
        for (int i = 0; i < query.count; i++) {
            check_text(query.members[i].name, &bytes);
            check_text(query.members[i].value, &bytes);
        }
    }
    buf_fini(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct text raw = text_of(data, size);

    check_path(raw);
    check_query(raw);
    return 0;
}
