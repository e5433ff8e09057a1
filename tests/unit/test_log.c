#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/log.h"

static char lines[65536];

/* Runs `act` with standard error in a pipe; what it wrote is in `lines`. */
static void capture(void (*act)(void))
{
    int ends[2];
    const int kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    act();
    dup2(kept, STDERR_FILENO);
    close(kept);
    const ssize_t len = read(ends[0], lines, sizeof(lines) - 1);
    lines[len > 0 ? len : 0] = '\0';
    close(ends[0]);
}

static void log_nasty_json(void)
{
    log_init("parley-test", LOG_INFO, LOG_JSON);
    log_warn("%s", "a \"quote\" \\ back\nnew\x1b[31m \xff\xc3 é");
}

static void a_json_line_is_one_object_whatever_it_says(void **state)
{
    struct json json;
    struct buf message = {0};
    capture(log_nasty_json);
    assert_ptr_equal(strchr(lines, '\n'), lines + strlen(lines) - 1);
    assert_int_equal(json_parse(&json, text(lines)), ERR_OK);
    const struct json_value root = json_root(&json);
    assert_int_equal(json_size(root), 4);
    assert_int_equal(json_kind(json_get(root, "@timestamp")), JSON_STRING);
    assert_true(text_equal(json_raw(json_get(root, "log.level")), TEXT("\"warn\"")));
    assert_true(text_equal(json_raw(json_get(root, "service.name")), TEXT("\"parley-test\"")));
    assert_true(json_to_text(json_get(root, "message"), &message));
    assert_string_equal(buf_cstring(&message),
                        "a \"quote\" \\ back\nnew\x1b[31m \xef\xbf\xbd\xef\xbf\xbd é");
    json_fini(&json);
    buf_fini(&message);
}

static void log_nasty_text(void)
{
    log_init("parley-test", LOG_INFO, LOG_TEXT);
    log_info("%s", "two\nlines\x1b[2J");
}

static void a_text_line_is_one_line(void **state)
{
    capture(log_nasty_text);
    assert_ptr_equal(strchr(lines, '\n'), lines + strlen(lines) - 1);
    assert_null(strchr(lines, '\x1b'));
    assert_non_null(strstr(lines, "Z info  parley-test: two\\u000alines"));
}

static void log_below(void)
{
    log_init("parley-test", LOG_WARN, LOG_TEXT);
    log_info("not seen");
    log_debug("not seen");
    log_error("seen");
}

static void lines_below_the_level_are_left_out(void **state)
{
    capture(log_below);
    assert_null(strstr(lines, "not seen"));
    assert_non_null(strstr(lines, "error parley-test: seen\n"));
}

static void log_much(void)
{
    static char nasty[9000];
    memset(nasty, '\x01', sizeof(nasty) - 1);
    log_init("a name far longer than any program has, and then some more of it, and more", LOG_INFO,
             LOG_JSON);
    log_info("%s", nasty);
}

static void a_long_message_is_cut_and_says_so(void **state)
{
    struct json json;
    capture(log_much);
    assert_int_equal(json_parse(&json, text(lines)), ERR_OK);
    assert_non_null(strstr(lines, " [cut]\"}\n"));
    json_fini(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_json_line_is_one_object_whatever_it_says),
        cmocka_unit_test(a_text_line_is_one_line),
        cmocka_unit_test(lines_below_the_level_are_left_out),
        cmocka_unit_test(a_long_message_is_cut_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
