#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Copies what was read, by the writer; what comes out must mean the same when read again. */
static void copy_value(struct json_value value, struct json_out *out)
{
    struct buf plain = {0};
    const enum json_kind kind = json_kind(value);

    if (kind == JSON_STRING) {
        CHECK(json_to_text(value, &plain));
        json_text(out, buf_text(&plain));
    } else if (kind == JSON_ARRAY || kind == JSON_OBJECT) {
        json_open(out, kind == JSON_ARRAY ? '[' : '{');
        for (struct json_iter it = json_iter(value); json_next(&it);) {
            if (kind == JSON_OBJECT) {
                buf_reset(&plain);
                buf_add_text(&plain, it.key);
                json_key(out, buf_cstring(&plain));
            }
            copy_value(it.value, out);
        }
        json_close(out, kind == JSON_ARRAY ? ']' : '}');
    } else {
        json_raw_value(out, json_raw(value));
    }
    buf_fini(&plain);
}

/* The copy of a copy is that copy, byte for byte. */
static void check_copies(const struct json *json)
{
    struct buf first = {0}, second = {0};
    struct json_out out = {&first}, again = {&second};
    struct json copy;

    copy_value(json_root(json), &out);
    CHECK(json_parse(&copy, buf_text(&first)) == ERR_OK);
    CHECK(copy.count == json->count);
    copy_value(json_root(&copy), &again);
    CHECK(text_equal(buf_text(&first), buf_text(&second)));
    json_fini(&copy);
    buf_fini(&first);
    buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct json json;
    char why[96];
    int64_t number;

    const enum err err = json_parse(&json, text_of(bytes, len));
    CHECK(json_validate(text_of(bytes, len), why) == err);
    CHECK((err == ERR_OK) == (why[0] == '\0'));
    if (err == ERR_OK) {
        check_copies(&json);
        (void)json_to_i64(json_get(json_root(&json), "id"), &number);
    }
    json_fini(&json);
    return 0;
}
