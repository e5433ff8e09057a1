/* Questions to all loops, and how their answers are joined. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/broker/survey.h"
#include "gateway/mail/request.h"

static void a_question_is_for_channels_or_for_connections_and_else_none(void **state)
{
    struct survey *survey = survey_create(TEXT("{\"channels\":{\"pattern\":\"news:*\"}}"));

    assert_int_equal(survey->kind, SURVEY_CHANNELS);
    assert_true(text_equal(survey->pattern, TEXT("news:*")));
    survey_destroy(survey);

    survey = survey_create(TEXT("{\"channels\":{}}"));
    assert_int_equal(survey->pattern.len, 0);
    survey_destroy(survey);

    survey = survey_create(TEXT("{\"connections\":{\"user\":\"ada\",\"limit\":3}}"));
    assert_int_equal(survey->kind, SURVEY_CONNECTIONS);
    assert_true(survey->has_user);
    assert_true(text_equal(survey->user, TEXT("ada")));
    assert_int_equal(survey->limit, 3);
    survey_destroy(survey);

    survey = survey_create(TEXT("{\"connections\":{\"limit\":1000000}}"));
    assert_false(survey->has_user);
    assert_int_equal(survey->limit, SURVEY_CONNECTIONS_MAX);
    survey_destroy(survey);

    static const char *const none[] = {"", "{}", "[]", "{\"channels\":1}", "{\"weather\":{}}", "{"};
    for (size_t i = 0; i < ARRAY_COUNT(none); i++)
        assert_null(survey_create(text(none[i])));
}

static void channels_can_be_asked_for_in_parts(void **state)
{
    const struct survey_part part = {.part = 4095, .parts = 4096, .seed = UINT32_MAX};
    const struct survey_part whole = {.parts = 1, .seed = 7};
    struct buf question = {0};
    struct survey *survey;

    survey_write_channels(&question, TEXT("say \"hi\""), &part);
    survey = survey_create(buf_text(&question));
    assert_true(text_equal(survey->pattern, TEXT("say \"hi\"")));
    assert_memory_equal(&survey->part, &part, sizeof(part));
    survey_destroy(survey);

    buf_reset(&question);
    survey_write_channels(&question, TEXT("*"), &whole);
    assert_string_equal(buf_cstring(&question), "{\"channels\":{\"pattern\":\"*\"}}");
    buf_fini(&question);

    static const char *const none[] = {
        "{\"channels\":{\"parts\":4097}}",
        "{\"channels\":{\"parts\":2,\"part\":2}}",
        "{\"channels\":{\"part\":1}}",
        "{\"channels\":{\"parts\":2,\"part\":-1}}",
        "{\"channels\":{\"parts\":\"2\"}}",
        "{\"channels\":{\"parts\":2,\"seed\":4294967296}}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(none); i++)
        assert_null(survey_create(text(none[i])));
}

static void every_name_is_in_one_part_and_its_halves_make_it_up(void **state)
{
    size_t in_first = 0;

    for (int i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "news:%d", i);
        for (uint32_t parts = 1; parts < 64; parts *= 2) {
            size_t found = 0;
            for (uint32_t part = 0; part < parts; part++) {
                const bool has = survey_part_has(&(struct survey_part){part, parts, 9}, text(name));
                const size_t halves =
                    survey_part_has(&(struct survey_part){part, parts * 2, 9}, text(name)) +
                    survey_part_has(&(struct survey_part){part + parts, parts * 2, 9}, text(name));
                assert_int_equal(halves, has);
                found += has;
            }
            assert_int_equal(found, 1);
        }
        in_first += survey_part_has(&(struct survey_part){0, 2, 9}, text(name));
    }
    assert_in_range(in_first, 400, 600);
}

static void another_seed_makes_other_parts(void **state)
{
    size_t moved = 0;

    for (int i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "news:%d", i);
        moved += survey_part_has(&(struct survey_part){0, 2, 1}, text(name)) !=
                 survey_part_has(&(struct survey_part){0, 2, 0x80000001}, text(name));
    }
    assert_in_range(moved, 300, 700);
}

/* Records as a loop writes them. */
static void add(struct survey_merge *merge, uint32_t number, const char *name, const char *value)
{
    struct survey *survey = survey_create_numbers();

    assert_true(survey_add(survey, number, text(name), text(value)));
    survey_merge_add(merge, buf_text(&survey->answer));
    survey_destroy(survey);
}

static void assert_json(const struct survey_merge *merge, const char *expected)
{
    struct buf json = {0};

    survey_merge_write_json(merge, &json);
    assert_string_equal(buf_cstring(&json), expected);
    buf_fini(&json);
}

static void listeners_of_one_channel_are_added_up(void **state)
{
    struct survey_merge *merge = survey_merge_create(SURVEY_CHANNELS);

    assert_json(merge, "{\"channels\":{}}");
    add(merge, 2, "news:go", "");
    add(merge, 1, "say \"hi\"", "");
    add(merge, 3, "news:go", "");
    assert_json(merge, "{\"channels\":{\"news:go\":{\"num_clients\":5},"
                       "\"say \\\"hi\\\"\":{\"num_clients\":1}}}");
    survey_merge_destroy(merge);
}

static void connections_stand_side_by_side(void **state)
{
    struct survey_merge *merge = survey_merge_create(SURVEY_CONNECTIONS);

    add(merge, 1, "c1", "{\"user\":\"ada\"}");
    add(merge, 1, "c2", "{\"user\":\"bob\"}");
    assert_json(merge, "{\"connections\":{\"c1\":{\"user\":\"ada\"},\"c2\":{\"user\":\"bob\"}}}");
    survey_merge_destroy(merge);
}

static void what_was_joined_can_be_joined_again(void **state)
{
    struct survey_merge *merge = survey_merge_create(SURVEY_CHANNELS);
    struct survey_merge *other = survey_merge_create(SURVEY_CHANNELS);
    struct buf records = {0};

    add(merge, 2, "a", "");
    add(merge, 3, "a", "");
    assert_true(survey_merge_write(merge, &records));
    assert_int_equal(records.len, survey_merge_bytes(merge));
    survey_merge_add(other, buf_text(&records));
    survey_merge_add(other, buf_text(&records));
    assert_json(other, "{\"channels\":{\"a\":{\"num_clients\":10}}}");
    buf_fini(&records);
    survey_merge_destroy(other);
    survey_merge_destroy(merge);
}

static void an_answer_that_is_cut_is_read_up_to_there(void **state)
{
    struct survey *survey = survey_create_numbers();

    assert_true(survey_add(survey, 1, TEXT("a"), TEXT("")));
    const size_t first = survey->answer.len;
    assert_true(survey_add(survey, 1, TEXT("b"), TEXT("")));
    for (size_t len = 0; len <= survey->answer.len; len++) {
        struct survey_merge *merge = survey_merge_create(SURVEY_CHANNELS);
        survey_merge_add(merge, text_of(survey->answer.at, len));
        assert_json(merge, len < first ? "{\"channels\":{}}"
                           : len < survey->answer.len
                               ? "{\"channels\":{\"a\":{\"num_clients\":1}}}"
                               : "{\"channels\":{\"a\":{\"num_clients\":1},\"b\":{\"num_clients\":1}}}");
        survey_merge_destroy(merge);
    }
    survey_destroy(survey);
}

static void users_are_asked_about_once_each_and_not_too_many(void **state)
{
    struct survey *survey =
        survey_create(TEXT("{\"statuses\":{\"users\":[\"ada\",\"bob\",\"ada\",\"\"]}}"));
    struct buf many = {0};

    assert_int_equal(survey->kind, SURVEY_STATUSES);
    assert_int_equal(survey->user_count, 3);
    assert_true(text_equal(survey->users[1], TEXT("bob")));
    survey_destroy(survey);
    static const char *const none[] = {"{\"statuses\":{}}", "{\"statuses\":{\"users\":[1]}}",
                                       "{\"statuses\":{\"users\":\"ada\"}}"};
    for (size_t i = 0; i < ARRAY_COUNT(none); i++)
        assert_null(survey_create(text(none[i])));
    buf_printf(&many, "{\"statuses\":{\"users\":[\"0\"");
    for (int i = 1; i <= SURVEY_USERS_MAX; i++)
        buf_printf(&many, ",\"%d\"", i);
    buf_printf(&many, "]}}");
    assert_null(survey_create(buf_text(&many)));
    buf_fini(&many);
}

static void add_status(struct survey_merge *merge, uint32_t connections, const char *user,
                       int64_t seen_s)
{
    struct survey *survey = survey_create_numbers();

    assert_true(survey_add_status(survey, connections, text(user), seen_s));
    survey_merge_add(merge, buf_text(&survey->answer));
    survey_destroy(survey);
}

static void a_user_was_last_seen_where_it_was_latest(void **state)
{
    struct survey_merge *merge = survey_merge_create(SURVEY_STATUSES);

    add_status(merge, 0, "bob", 0);
    add_status(merge, 1, "ada", 0);
    add_status(merge, 0, "eve", 999);
    add_status(merge, 0, "eve", 1795600000);
    add_status(merge, 0, "eve", 1795500000);
    add_status(merge, 2, "ada", 1795600000);
    add(merge, 0, "odd", "yesterday");
    assert_json(merge,
                "{\"statuses\":[{\"user\":\"bob\",\"online\":false,\"connections\":0},"
                "{\"user\":\"ada\",\"online\":true,\"connections\":3},"
                "{\"user\":\"eve\",\"online\":false,\"connections\":0,\"last_seen_s\":1795600000},"
                "{\"user\":\"odd\",\"online\":false,\"connections\":0}]}");
    survey_merge_destroy(merge);
}

static void an_answer_has_a_bound_and_says_that_it_is_cut(void **state)
{
    struct survey *survey = survey_create_numbers();
    size_t count = 0;

    assert_false(survey->cut);
    while (survey_add(survey, 1, TEXT("a channel's name of some length"), TEXT("")))
        count++;
    assert_true(survey->answer.len <= SURVEY_BYTES_MAX);
    assert_true(count > 1000);
    assert_true(survey->cut);
    survey_destroy(survey);
}

/* As many channels of 1 KiB. */
static void add_many(struct survey_merge *merge, size_t count)
{
    char name[1024];

    memset(name, 'x', sizeof(name));
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "%zu", i);
        name[strlen(name)] = ':';
        struct survey *survey = survey_create_numbers();
        assert_true(survey_add(survey, 1, text_of(name, sizeof(name)), TEXT("")));
        survey_merge_add(merge, buf_text(&survey->answer));
        survey_destroy(survey);
    }
}

static void what_was_joined_may_not_fit_into_one_answer(void **state)
{
    struct survey_merge *merge = survey_merge_create(SURVEY_CHANNELS);
    struct buf records = {0};

    add_many(merge, SURVEY_BYTES_MAX / 1024);
    assert_false(survey_merge_write(merge, &records));
    assert_true(records.len <= SURVEY_BYTES_MAX);
    buf_fini(&records);
    survey_merge_destroy(merge);
}

/* The error of an answer to `question`, or 0. */
static int error_of(const char *question, const struct survey_merge *merge, bool cut)
{
    struct request *request = request_create(REQUEST_SURVEY, NULL);
    struct survey *survey = survey_create(text(question));
    int error;

    survey_tell(survey, merge, cut, request);
    error = request->outcome == REQUEST_DONE ? 0 : request->error;
    assert_true((error == 0) == (request->told.len > 0));
    assert_true((error != 0) == (request->message[0] != '\0'));
    assert_false(request->temporary);
    survey_destroy(survey);
    request_destroy(request);
    return error;
}

static void what_is_cut_is_not_told(void **state)
{
    struct survey_merge *channels = survey_merge_create(SURVEY_CHANNELS);
    struct survey_merge *connections = survey_merge_create(SURVEY_CONNECTIONS);

    assert_int_equal(error_of("{\"channels\":{}}", channels, false), 0);
    assert_int_equal(error_of("{\"channels\":{}}", channels, true), 106);
    add(connections, 1, "c1", "{}");
    assert_int_equal(error_of("{\"connections\":{}}", connections, false), 0);
    assert_int_equal(error_of("{\"connections\":{}}", connections, true), 106);
    assert_int_equal(error_of("{\"connections\":{\"limit\":1}}", connections, true), 0);
    add_many(channels, SURVEY_RESULT_MAX / 1024);
    assert_int_equal(error_of("{\"channels\":{}}", channels, false), 106);
    survey_merge_destroy(connections);
    survey_merge_destroy(channels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_for_channels_or_for_connections_and_else_none),
        cmocka_unit_test(users_are_asked_about_once_each_and_not_too_many),
        cmocka_unit_test(a_user_was_last_seen_where_it_was_latest),
        cmocka_unit_test(listeners_of_one_channel_are_added_up),
        cmocka_unit_test(connections_stand_side_by_side),
        cmocka_unit_test(what_was_joined_can_be_joined_again),
        cmocka_unit_test(an_answer_that_is_cut_is_read_up_to_there),
        cmocka_unit_test(channels_can_be_asked_for_in_parts),
        cmocka_unit_test(every_name_is_in_one_part_and_its_halves_make_it_up),
        cmocka_unit_test(another_seed_makes_other_parts),
        cmocka_unit_test(an_answer_has_a_bound_and_says_that_it_is_cut),
        cmocka_unit_test(what_was_joined_may_not_fit_into_one_answer),
        cmocka_unit_test(what_is_cut_is_not_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
