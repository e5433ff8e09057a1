#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/store/cache_value.h"
#include "base/json.h"

static const struct room tea = {
    .id = 7,
    .kind = ROOM_PUBLIC,
    .name = {"Té", 3},
    .slug = {"tea", 3},
    .about = {"Green\nand black", 15},
    .created_by = INT64_MAX,
    .created_us = 1772357400000000,
    .member_count = 12,
    .version = 345,
    .edition = 4,
    .group_id = 21,
    .topic_id = 22,
    .position = 23,
    .is_open_to_group = true,
    .deleted_us = 1772357400000001,
};
static const struct head silent = {.room_id = 7, .seq = 3, .activity_us = 1772357400000000};
static const struct head spoken = {
    .room_id = 7,
    .seq = 90,
    .message_no = 12,
    .room_mention_no = 5,
    .activity_us = 1772357400000001,
    .has_message = true,
    .sender_id = INT64_MAX,
    .message_bare = {"{\"room_id\":\"7\",\"text\":\"hello\"}", 30},
};
static const struct membership owner = {
    .room_id = 7,
    .user_id = 8,
    .role = ROLE_OWNER,
    .seq = 90,
    .message_no = 12,
    .changed_us = 1772357400000002,
    .notify = NOTIFY_MENTIONS,
    .muted_us = 1772357400000003,
    .archived_us = 0,
    .pinned_us = 1772357400000004,
    .mentions = 3,
    .room_mention_no = 4,
};
static const struct user ada = {
    .id = 8,
    .login = {"ada", 3},
    .name = {"Ada ☕", 7},
    .about = {"", 0},
    .is_bot = true,
    .version = 2,
};

static bool reads_room(struct text value)
{
    struct room room;
    return cache_read_room(value, 7, &room);
}

static bool reads_head(struct text value)
{
    struct head head;
    return cache_read_head(value, 7, &head);
}

static bool reads_activity(struct text value)
{
    struct activity activity;
    return cache_read_activity(value, &activity);
}

static bool reads_membership(struct text value)
{
    struct membership membership;
    return cache_read_membership(value, 7, 8, &membership);
}

static bool reads_user(struct text value)
{
    struct user user;
    return cache_read_user(value, 8, &user);
}

/* One good value of each sort, its reader, and how many numbers its first line ends in that are
 * lengths. */
struct sample {
    struct buf bytes;
    bool (*reads)(struct text value);
    size_t lengths;
};
enum { SAMPLES = 6 };

/* From memory of just that size, so that a byte read outside of it is seen. */
static bool reads(const struct sample *sample, struct text value)
{
    char *exact = xmalloc(value.len);
    if (value.len > 0)
        memcpy(exact, value.at, value.len);
    const bool good = sample->reads(text_of(exact, value.len));
    free(exact);
    return good;
}

static int setup(void **state)
{
    struct sample *samples = xcalloc(SAMPLES, sizeof(*samples));

    cache_write_room(&samples[0].bytes, &tea);
    cache_write_head(&samples[1].bytes, &silent);
    cache_write_head(&samples[2].bytes, &spoken);
    cache_write_membership(&samples[3].bytes, &owner);
    cache_write_user(&samples[4].bytes, &ada);
    cache_write_activity(&samples[5].bytes, &(struct activity){12, 1772357400000001});
    samples[0].reads = reads_room;
    samples[1].reads = samples[2].reads = reads_head;
    samples[3].reads = reads_membership;
    samples[4].reads = reads_user;
    samples[5].reads = reads_activity;
    samples[0].lengths = samples[4].lengths = 3;
    *state = samples;
    for (size_t i = 0; i < SAMPLES; i++)
        assert_true(reads(&samples[i], buf_text(&samples[i].bytes)));
    return 0;
}

static int teardown(void **state)
{
    struct sample *samples = *state;

    for (size_t i = 0; i < SAMPLES; i++)
        buf_fini(&samples[i].bytes);
    free(samples);
    return 0;
}

static bool reads_string(bool (*reader)(struct text), const char *value)
{
    const struct sample sample = {.reads = reader};
    return reads(&sample, text(value));
}

static void assert_text(struct text is, struct text expected)
{
    assert_int_equal(is.len, expected.len);
    if (is.len > 0)
        assert_memory_equal(is.at, expected.at, is.len);
}

/* ---- what was written is read ---- */

static void a_room_comes_back_as_it_was(void **state)
{
    const struct sample *sample = *state;
    struct room room;

    assert_true(cache_read_room(buf_text(&sample->bytes), 7, &room));
    assert_int_equal(room.id, 7);
    assert_int_equal(room.kind, ROOM_PUBLIC);
    assert_text(room.name, tea.name);
    assert_text(room.slug, tea.slug);
    assert_text(room.about, tea.about);
    assert_true(room.created_by == tea.created_by && room.created_us == tea.created_us);
    assert_int_equal(room.member_count, 12);
    assert_int_equal(room.version, 345);
    assert_int_equal(room.edition, tea.edition);
    assert_true(room.group_id == 21 && room.topic_id == 22 && room.position == 23 && room.is_open_to_group);
    assert_true(room.deleted_us == tea.deleted_us);
}

static void a_direct_room_keeps_its_two_people(void **state)
{
    const struct room direct = {.kind = ROOM_DIRECT, .peer_a = 3, .peer_b = 5, .version = 1};
    struct buf bytes = {0};
    struct room room;

    cache_write_room(&bytes, &direct);
    assert_true(cache_read_room(buf_text(&bytes), 9, &room));
    assert_int_equal(room.kind, ROOM_DIRECT);
    assert_int_equal(room.name.len, 0);
    assert_int_equal(room_peer_of(&room, 3), 5);
    buf_fini(&bytes);
}

static void a_head_comes_back_with_its_message_or_without(void **state)
{
    const struct sample *samples = *state;
    struct head head;

    assert_true(cache_read_head(buf_text(&samples[1].bytes), 7, &head));
    assert_false(head.has_message);
    assert_int_equal(head.seq, 3);
    assert_true(head.activity_us == silent.activity_us);

    assert_true(cache_read_head(buf_text(&samples[2].bytes), 7, &head));
    assert_true(head.has_message && head.sender_id == spoken.sender_id);
    assert_int_equal(head.room_id, 7);
    assert_int_equal(head.seq, 90);
    assert_int_equal(head.message_no, 12);
    assert_int_equal(head.room_mention_no, 5);
    assert_text(head.message_bare, spoken.message_bare);
}

static void a_membership_comes_back_but_for_what_the_cache_does_not_hold(void **state)
{
    const struct sample *samples = *state;
    struct membership m;

    assert_true(cache_read_membership(buf_text(&samples[3].bytes), 7, 8, &m));
    assert_memory_equal(&m, &owner, sizeof(m));
}

static void a_user_comes_back_as_it_was(void **state)
{
    const struct sample *samples = *state;
    struct user user;

    assert_true(cache_read_user(buf_text(&samples[4].bytes), 8, &user));
    assert_int_equal(user.id, 8);
    assert_text(user.login, ada.login);
    assert_text(user.name, ada.name);
    assert_text(user.about, ada.about);
    assert_true(user.is_bot);
    assert_int_equal(user.version, 2);
}

/* ---- what was not is refused ---- */

static void a_value_cut_short_anywhere_is_refused(void **state)
{
    const struct sample *samples = *state;

    for (size_t i = 0; i < SAMPLES; i++)
        for (size_t len = 0; len < samples[i].bytes.len; len++)
            if (reads(&samples[i], text_of(samples[i].bytes.at, len)))
                fail_msg("sample %zu was read although it ends at byte %zu", i, len);
}

static void a_value_with_something_behind_it_is_refused(void **state)
{
    static const char *const extra[] = {" ", "\n", "x", "0", "{}", "}"};
    struct sample *samples = *state;

    for (size_t i = 0; i < SAMPLES; i++)
        for (size_t k = 0; k < ARRAY_COUNT(extra); k++) {
            struct buf *bytes = &samples[i].bytes;
            const size_t len = bytes->len;
            buf_add_text(bytes, text(extra[k]));
            if (reads(&samples[i], buf_text(bytes)))
                fail_msg("sample %zu was read with '%s' behind it", i, extra[k]);
            bytes->len = len;
        }
}

/* The first line is digits and single spaces; anything else in the place of one of them is wrong.
 */
static void a_byte_that_is_no_digit_among_the_numbers_is_refused(void **state)
{
    struct sample *samples = *state;

    for (size_t i = 0; i < SAMPLES; i++) {
        char *bytes = samples[i].bytes.at;
        for (size_t at = 0; at == 0 || bytes[at - 1] != '\n'; at++) {
            const char was = bytes[at];
            for (int c = 0; c < 256; c++) {
                bytes[at] = (char)c;
                if (bytes[at] != was && (c < '0' || c > '9') &&
                    reads(&samples[i], buf_text(&samples[i].bytes)))
                    fail_msg("sample %zu was read with byte %d at %zu", i, c, at);
            }
            bytes[at] = was;
        }
    }
}

static void a_digit_in_the_place_of_a_space_is_refused(void **state)
{
    struct sample *samples = *state;

    for (size_t i = 0; i < SAMPLES; i++) {
        char *bytes = samples[i].bytes.at;
        for (size_t at = 0; bytes[at] != '\n'; at++) {
            if (bytes[at] != ' ')
                continue;
            bytes[at] = '1';
            assert_false(reads(&samples[i], buf_text(&samples[i].bytes)));
            bytes[at] = ' ';
        }
    }
}

/* The end of the first line's number that is `back` from its last. */
static size_t find_number(const struct buf *bytes, size_t back)
{
    size_t at = (size_t)((char *)memchr(bytes->at, '\n', bytes->len) - bytes->at);

    for (; back > 0; back--)
        while (bytes->at[--at] != ' ')
            ;
    return at;
}

static void a_length_with_another_digit_is_refused(void **state)
{
    struct sample *samples = *state;

    for (size_t i = 0; i < SAMPLES; i++)
        for (size_t back = 0; back < samples[i].lengths; back++) {
            char *bytes = samples[i].bytes.at;
            for (size_t at = find_number(&samples[i].bytes, back); at-- > 0 && bytes[at] != ' ';) {
                const char was = bytes[at];
                for (bytes[at] = '0'; bytes[at] <= '9'; bytes[at]++)
                    if (bytes[at] != was && reads(&samples[i], buf_text(&samples[i].bytes)))
                        fail_msg("sample %zu was read with a wrong length", i);
                bytes[at] = was;
            }
        }
}

static void numbers_beyond_63_bits_are_refused(void **state)
{
    assert_true(reads_string(reads_head, "1 0 0 9223372036854775807 0\n"));
    assert_false(reads_string(reads_head, "1 0 0 9223372036854775808 0\n"));
    assert_false(reads_string(reads_head, "1 0 0 18446744073709551617 0\n"));
    assert_false(reads_string(reads_head, "1 0 0 99999999999999999999999999999999999999 0\n"));
    assert_false(reads_string(reads_head, "1 0 0 -1 0\n"));
    assert_false(reads_string(reads_user, "1 0 9223372036854775807 9223372036854775807 2\nadaAda"));
}

static void words_that_do_not_exist_are_refused(void **state)
{
    assert_true(reads_string(reads_room, "1 2 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"));
    assert_false(reads_string(reads_room, "1 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"));
    assert_true(reads_string(reads_membership, "1 0 0 4 2 0 0 0 0 0\n"));
    assert_false(reads_string(reads_membership, "1 0 0 5 2 0 0 0 0 0\n"));
    assert_false(reads_string(reads_membership, "1 0 0 4 3 0 0 0 0 0\n"));
    assert_true(reads_string(reads_user, "1 1 0 0 0\n"));
    assert_false(reads_string(reads_user, "1 2 0 0 0\n"));
}

static void texts_that_are_no_utf8_without_nul_each_by_itself_are_refused(void **state)
{
    const struct sample user = {.reads = reads_user};

    assert_false(reads(&user, TEXT("1 0 2 0 0\na\0")));
    assert_true(reads_string(reads_user, "1 0 0 2 0\n\xc3\xa9"));
    assert_false(reads_string(reads_user, "1 0 0 2 0\n\xc3("));
    assert_false(reads_string(reads_user, "1 0 1 1 0\n\xc3\xa9")); /* cut within a character */
}

/* A message is put behind its sender as it stands: one object with members, and nothing around it.
 */
static void a_message_that_could_not_be_shown_is_refused(void **state)
{
    static const char *const wrong[] = {
        "{}",
        "{ }",
        "[1]",
        "\"text\"",
        "{\"a\":1",
        "{\"a\":1} ",
        "{\"a\":1}\n",
        " {\"a\":1}",
        "{ \"a\":1}",
        "{\"a\":1}{\"b\":2}",
        "{\"a\":\"\xff\"}",
        "{\"a\":01}",
    };
    char value[64];

    assert_true(reads_string(reads_head, "1 1 0 1 1\n{\"a\":1}"));
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        snprintf(value, sizeof(value), "1 1 0 1 1\n%s", wrong[i]);
        if (reads_string(reads_head, value))
            fail_msg("%s was taken for a message", wrong[i]);
    }
}

static void a_message_has_a_sender_and_a_sender_a_message(void **state)
{
    assert_false(reads_string(reads_head, "1 1 0 1 0\n{\"a\":1}"));
    assert_false(reads_string(reads_head, "1 1 0 1 5\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_room_comes_back_as_it_was, setup, teardown),
        cmocka_unit_test(a_direct_room_keeps_its_two_people),
        cmocka_unit_test_setup_teardown(a_head_comes_back_with_its_message_or_without, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_membership_comes_back_but_for_what_the_cache_does_not_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(a_user_comes_back_as_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(a_value_cut_short_anywhere_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_value_with_something_behind_it_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_byte_that_is_no_digit_among_the_numbers_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_digit_in_the_place_of_a_space_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_length_with_another_digit_is_refused, setup, teardown),
        cmocka_unit_test(numbers_beyond_63_bits_are_refused),
        cmocka_unit_test(words_that_do_not_exist_are_refused),
        cmocka_unit_test(texts_that_are_no_utf8_without_nul_each_by_itself_are_refused),
        cmocka_unit_test(a_message_that_could_not_be_shown_is_refused),
        cmocka_unit_test(a_message_has_a_sender_and_a_sender_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
