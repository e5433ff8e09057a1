#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/api/api_stream.h"
#include "tests/unit/api_place.h"

struct reading {
    struct arena arena;
    struct api_stream stream;
};

static bool read_up_to(struct reading *reading, const char *body, int tokens_max)
{
    return api_stream_read(&reading->stream, &reading->arena, text(body), tokens_max);
}

static void end(struct reading *reading)
{
    api_stream_fini(&reading->stream);
    arena_fini(&reading->arena);
    *reading = (struct reading){0};
}

static void commands_stand_one_after_another(void **state)
{
    struct reading reading = {0};

    assert_true(read_up_to(&reading,
                           " {\"id\":1,\"method\":\"PUBLISH\",\"params\":{\"data\":\"}{\\\"\"}}"
                           "{}\r\n\t{\"id\":4294967295,\"method\":12,\"params\":null}\n",
                           100));
    assert_int_equal(reading.stream.count, 3);
    assert_int_equal(reading.stream.commands[0].id, 1);
    assert_string_equal(reading.stream.commands[0].method->name, "publish");
    assert_int_equal(json_kind(reading.stream.commands[0].params), JSON_OBJECT);
    assert_string_equal(reading.stream.commands[1].method->name, "publish");
    assert_int_equal(json_kind(reading.stream.commands[1].params), JSON_NONE);
    assert_int_equal(reading.stream.commands[2].id, UINT32_MAX);
    assert_string_equal(reading.stream.commands[2].method->name, "refresh");
    end(&reading);
    assert_true(read_up_to(&reading, "{\"method\":13}{\"method\":\"nope\"}", 100));
    assert_null(reading.stream.commands[0].method);
    assert_null(reading.stream.commands[1].method);
    end(&reading);
}

static void what_is_no_stream_is_refused(void **state)
{
    static const char *const bodies[] = {
        "",          " ",        "1",           "[]",         "{",          "{}1",
        "{}{",       "{}]",      "{\"a\"}",     "{]",         "{}{\"a\":}", "{\"id\":-1}",
        "{\"id\":4294967296}",   "{\"id\":\"1\"}", "{\"method\":[]}", "{\"method\":-1}", "{}\"",
        "{\"",       "{\"\\",
    };
    struct reading reading = {0};

    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
        if (read_up_to(&reading, bodies[i], 100))
            fail_msg("taken: %s", bodies[i]);
        end(&reading);
    }
}

static void tokens_have_a_bound_together(void **state)
{
    struct reading reading = {0};

    assert_true(read_up_to(&reading, "{\"id\":1}{\"id\":2}", 6));
    end(&reading);
    assert_false(read_up_to(&reading, "{\"id\":1}{\"id\":2}", 5));
    end(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_stand_one_after_another),
        cmocka_unit_test(what_is_no_stream_is_refused),
        cmocka_unit_test(tokens_have_a_bound_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
