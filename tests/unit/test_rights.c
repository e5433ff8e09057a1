/* Who may do what: the table itself, and the document that shows it. `test_rights table` prints it for docs/rights.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/model/rights.h"

static void who_may_do_something_is_joined_by_all_above_them(void **state)
{
    for (int right = 0; right < RIGHT_COUNT; right++)
        for (int kind = ROOM_DIRECT; kind <= ROOM_PUBLIC; kind++)
            for (int role = ROLE_OWNER; role < ROLE_LEFT; role++)
                if (rights_allow(right, kind, role + 1))
                    assert_true(rights_allow(right, kind, role));
}

static void what_nobody_may_is_allowed_to_no_role(void **state)
{
    for (int right = 0; right < RIGHT_COUNT; right++)
        for (int kind = ROOM_DIRECT; kind <= ROOM_PUBLIC; kind++)
            assert_int_equal(rights_nobody(right, kind), !rights_allow(right, kind, ROLE_OWNER));
}

static void who_left_may_only_join_a_public_room(void **state)
{
    for (int right = 0; right < RIGHT_COUNT; right++)
        for (int kind = ROOM_DIRECT; kind <= ROOM_PUBLIC; kind++)
            assert_int_equal(rights_allow(right, kind, ROLE_LEFT), right == RIGHT_JOIN && kind == ROOM_PUBLIC);
}

static void two_people_of_a_direct_room_are_equal_in_it(void **state)
{
    static const enum right shared[] = {RIGHT_SEND, RIGHT_PIN, RIGHT_EDIT_OWN, RIGHT_DELETE_OWN};
    static const enum right none[] = {RIGHT_INVITE, RIGHT_KICK, RIGHT_BAN, RIGHT_EDIT_ROOM, RIGHT_DELETE_ROOM, RIGHT_LEAVE};

    for (size_t i = 0; i < ARRAY_COUNT(shared); i++)
        assert_int_equal(rights_check(shared[i], ROOM_DIRECT, ROLE_MEMBER), ERR_OK);
    for (size_t i = 0; i < ARRAY_COUNT(none); i++)
        assert_int_equal(rights_check(none[i], ROOM_DIRECT, ROLE_MEMBER), ERR_NOT_POSSIBLE);
}

static void one_acts_on_those_below_oneself_only(void **state)
{
    assert_true(rights_of_those_below(RIGHT_KICK));
    assert_true(rights_below(ROLE_MEMBER, ROLE_MODERATOR));
    assert_true(rights_below(ROLE_LEFT, ROLE_MODERATOR));
    assert_false(rights_below(ROLE_MODERATOR, ROLE_MODERATOR));
    assert_false(rights_below(ROLE_OWNER, ROLE_ADMIN));
}

static void the_document_shows_this_table(void **state)
{
    static char page[64 * 1024];
    struct buf table = {0};
    FILE *file = fopen(RIGHTS_PAGE, "r");

    assert_non_null(file);
    const size_t len = fread(page, 1, sizeof(page) - 1, file);
    fclose(file);
    page[len] = '\0';
    rights_write_table(&table);
    if (strstr(page, buf_cstring(&table)) == NULL)
        fail_msg("docs/rights.md must have this table:\n%s", buf_cstring(&table));
    buf_fini(&table);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_do_something_is_joined_by_all_above_them),
        cmocka_unit_test(what_nobody_may_is_allowed_to_no_role),
        cmocka_unit_test(who_left_may_only_join_a_public_room),
        cmocka_unit_test(two_people_of_a_direct_room_are_equal_in_it),
        cmocka_unit_test(one_acts_on_those_below_oneself_only),
        cmocka_unit_test(the_document_shows_this_table),
    };

    if (argc > 1 && strcmp(argv[1], "table") == 0) {
        struct buf table = {0};
        rights_write_table(&table);
        printf("%s", buf_cstring(&table));
        buf_fini(&table);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
