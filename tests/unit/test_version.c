#include "api/request/version.h"
#include "fake_call.h"

const struct route routes[] = {{NULL, NULL, NULL, 0, NULL, NULL, NULL}};

static enum err given(struct fake *fake, const char *value, int64_t *version)
{
    fake->request_headers[0] = value != NULL ? "if-match" : NULL;
    fake->request_headers[1] = value;
    struct call *call = fake_call(fake);
    const enum err err = call_if_match(call, version);

    (void)call_reply_empty(call, 204);
    call_destroy(call);
    return err;
}

static void a_tag_is_read_as_the_version_that_it_was_made_of(void **state)
{
    struct fake *fake = *state;
    struct call *call = fake_call(fake);
    int64_t version;

    call_set_version(call, 7);
    assert_int_equal(call_reply(call, 200), ERR_OK);
    assert_has(fake->headers, "etag: \"7\"\n");
    call_destroy(call);
    assert_int_equal(given(fake, "\"7\"", &version), ERR_OK);
    assert_int_equal(version, 7);
    assert_int_equal(given(fake, "W/\"7\"", &version), ERR_OK);
    assert_int_equal(version, 7);
}

static void a_star_is_any_version(void **state)
{
    int64_t version;

    assert_int_equal(given(*state, "*", &version), ERR_OK);
    assert_int_equal(version, VERSION_ANY);
}

static void what_is_not_given_is_asked_for(void **state)
{
    int64_t version;

    assert_int_equal(given(*state, NULL, &version), ERR_IF_MATCH_REQUIRED);
    assert_int_equal(given(*state, "", &version), ERR_IF_MATCH_REQUIRED);
}

static void what_no_version_has_as_its_tag_fits_none(void **state)
{
    static const char *const tags[] = {"7", "\"\"", "\"", "\"0\"", "\"-7\"", "\"07 \"", "\"x\"", "\"7\", \"8\"", "\"99999999999999999999\"", "**"};
    int64_t version;

    for (size_t i = 0; i < ARRAY_COUNT(tags); i++)
        assert_int_equal(given(*state, tags[i], &version), ERR_VERSION_CHANGED);
}

static void another_version_than_the_present_one_is_refused(void **state)
{
    struct fake *fake = *state;
    struct call *call = fake_call(fake);

    assert_int_equal(call_check_version(call, 7, 7), ERR_OK);
    assert_int_equal(call_check_version(call, VERSION_ANY, 7), ERR_OK);
    assert_int_equal(call_check_version(call, 6, 7), ERR_VERSION_CHANGED);
    problem_send(call, ERR_VERSION_CHANGED);
    assert_has(fake->body, "\"detail\":\"it is at version 7 now\"");
    call_destroy(call);
}

#define WITH_FAKE(test) cmocka_unit_test_setup_teardown(test, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FAKE(a_tag_is_read_as_the_version_that_it_was_made_of),
        WITH_FAKE(a_star_is_any_version),
        WITH_FAKE(what_is_not_given_is_asked_for),
        WITH_FAKE(what_no_version_has_as_its_tag_fits_none),
        WITH_FAKE(another_version_than_the_present_one_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
