#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "gateway/loop/banned.h"

#define NOW 1000

static struct banned banned;

static void take(struct order order)
{
    banned_take(&banned, &order, NOW);
}

static bool has_token(const char *user, const char *jti, int64_t issued_s)
{
    return banned_has_token(&banned, text(user), text(jti), issued_s, NOW);
}

static bool has_sub_token(const char *user, const char *channel, const char *jti, int64_t issued_s)
{
    return banned_has_sub_token(&banned, text(user), text(channel), text(jti), issued_s, NOW);
}

static int clear(void **state)
{
    banned_fini(&banned);
    return 0;
}

static void a_blocked_user_is_until_the_time_is_over_or_unblocked(void **state)
{
    take((struct order){.kind = ORDER_BLOCK_USER, .user = TEXT("ada"), .expires_s = NOW + 10});
    take((struct order){.kind = ORDER_BLOCK_USER, .user = TEXT("bob")});
    assert_true(banned_has_user(&banned, TEXT("ada"), NOW + 9));
    assert_false(banned_has_user(&banned, TEXT("ada"), NOW + 10));
    assert_true(banned_has_user(&banned, TEXT("bob"), NOW + 1000000));
    assert_false(banned_has_user(&banned, TEXT("bo"), NOW));
    take((struct order){.kind = ORDER_UNBLOCK_USER, .user = TEXT("bob")});
    assert_false(banned_has_user(&banned, TEXT("bob"), NOW));
    assert_false(has_token("bob", "bob", 0));
}

static void a_token_is_revoked_by_its_id(void **state)
{
    take((struct order){.kind = ORDER_REVOKE_TOKEN, .jti = TEXT("7")});
    assert_true(has_token("ada", "7", NOW));
    assert_true(has_sub_token("ada", "news", "7", NOW));
    assert_false(has_token("ada", "8", NOW));
    assert_false(has_token("ada", "", NOW));
    assert_false(banned_has_user(&banned, TEXT("7"), NOW));
}

static void a_users_tokens_are_revoked_by_the_time_of_issue(void **state)
{
    take((struct order){.kind = ORDER_REVOKE_USER, .user = TEXT("ada"), .issued_before_s = 500});
    assert_true(has_token("ada", "x", 499));
    assert_true(has_token("ada", "", 0));
    assert_true(has_sub_token("ada", "news", "", 499));
    assert_false(has_token("ada", "x", 500));
    assert_false(has_token("bob", "x", 0));
    take((struct order){.kind = ORDER_REVOKE_USER, .user = TEXT("ada")});
    assert_true(has_token("ada", "x", NOW - 1)); /* without a time: until now */
}

static void tokens_for_one_channel_are_revoked_alone(void **state)
{
    take((struct order){.kind = ORDER_REVOKE_USER,
                        .user = TEXT("ada"),
                        .channel = TEXT("news"),
                        .issued_before_s = 500});
    assert_true(has_sub_token("ada", "news", "", 499));
    assert_false(has_sub_token("ada", "news", "", 500));
    assert_false(has_sub_token("ada", "new", "", 0));
    assert_false(has_sub_token("sada", "new", "", 0));
    assert_false(has_sub_token("bob", "news", "", 0));
    assert_false(has_token("ada", "", 0));
}

static void of_too_many_the_oldest_is_forgotten(void **state)
{
    char name[32];

    for (int i = 0; i <= BANNED_MAX; i++) {
        snprintf(name, sizeof(name), "user %d", i);
        take((struct order){.kind = ORDER_BLOCK_USER, .user = text(name)});
    }
    assert_false(banned_has_user(&banned, TEXT("user 0"), NOW));
    assert_true(banned_has_user(&banned, TEXT("user 1"), NOW));
    assert_true(banned_has_user(&banned, text(name), NOW));
    assert_int_equal(banned.forgotten, 1);
}

static void what_is_over_is_forgotten_before_what_holds(void **state)
{
    char name[32];

    take((struct order){.kind = ORDER_BLOCK_USER, .user = TEXT("ada")}); /* the oldest, for good */
    for (int i = 0; i <= BANNED_MAX; i++) {
        snprintf(name, sizeof(name), "token %d", i);
        take((struct order){.kind = ORDER_REVOKE_TOKEN, .jti = text(name), .expires_s = NOW - 1});
    }
    assert_true(banned_has_user(&banned, TEXT("ada"), NOW));
}

static void of_two_words_about_one_user_that_with_the_later_number_holds(void **state)
{
    const struct order block = {.kind = ORDER_BLOCK_USER, .user = TEXT("ada"), .number = 5},
                       unblock = {.kind = ORDER_UNBLOCK_USER, .user = TEXT("ada"), .number = 6};

    assert_true(banned_take(&banned, &block, NOW));
    assert_false(banned_take(&banned, &block, NOW));
    assert_true(banned_has_user(&banned, TEXT("ada"), NOW));
    assert_true(banned_take(&banned, &unblock, NOW));
    assert_false(banned_take(&banned, &block, NOW)); /* a straggler */
    assert_false(banned_has_user(&banned, TEXT("ada"), NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_blocked_user_is_until_the_time_is_over_or_unblocked, clear),
        cmocka_unit_test_teardown(a_token_is_revoked_by_its_id, clear),
        cmocka_unit_test_teardown(a_users_tokens_are_revoked_by_the_time_of_issue, clear),
        cmocka_unit_test_teardown(tokens_for_one_channel_are_revoked_alone, clear),
        cmocka_unit_test_teardown(what_is_over_is_forgotten_before_what_holds, clear),
        cmocka_unit_test_teardown(of_two_words_about_one_user_that_with_the_later_number_holds,
                                  clear),
        cmocka_unit_test_teardown(of_too_many_the_oldest_is_forgotten, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
