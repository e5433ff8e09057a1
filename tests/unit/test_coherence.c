#include "fake_cache.h"

#include "api/store/cache_seal.h"
#include "api/store/coherence.h"
#include "base/id.h"

struct outcome {
    int calls;
    enum err err;
};

static void on_stored(void *context, enum err err)
{
    struct outcome *outcome = context;

    outcome->calls++;
    outcome->err = err;
}

static int setup(void **state)
{
    id_init();
    return fake_cache_setup(state);
}

static const struct room tea = {.id = 7, .kind = ROOM_PUBLIC, .name = {"Tea", 3}, .version = 3};
static const struct head spoken = {.room_id = 7,
                                   .seq = 9,
                                   .message_no = 4,
                                   .activity_us = 77,
                                   .has_message = true,
                                   .sender_id = 8,
                                   .message_bare = {"{\"seq\":9}", 9}};
static const struct membership joined = {
    .room_id = 7, .user_id = 8, .role = ROLE_MEMBER, .seq = 9, .message_no = 4, .changed_us = 55};

/* ---- writers ---- */

static void nothing_gathered_is_stored_at_once(void **state)
{
    struct cache *cache = *state;
    struct refresh *refresh = refresh_create();
    struct outcome outcome = {.err = ERR_INTERNAL};

    refresh_send(refresh, cache, 1000, on_stored, &outcome);
    assert_int_equal(outcome.calls, 1);
    assert_int_equal(outcome.err, ERR_OK);
    assert_int_equal(cache->eval_count, 0);
    refresh_destroy(refresh);
}

/* An argument of a script: as it is, or sealed for the place of a key. */
struct arg {
    const char *is, *key, *field;
};

static void assert_args(const struct fake_eval *eval, const struct arg *args, size_t count)
{
    struct buf expected = {0};

    for (size_t i = 0; i < count; i++) {
        const size_t from = expected.len;
        buf_add_text(&expected, text(args[i].is));
        if (args[i].key != NULL)
            cache_seal(&expected, from, text(args[i].key), text(args[i].field));
        buf_add_byte(&expected, '|');
    }
    assert_string_equal(eval->args.at, buf_cstring(&expected));
    buf_fini(&expected);
}

static void values_go_with_their_versions_behind_the_time_to_live(void **state)
{
    struct cache *cache = *state;
    struct refresh *refresh = refresh_create();
    struct outcome outcome = {0};

    refresh_room(refresh, &tea);
    refresh_head(refresh, &spoken);
    refresh_user(refresh, &(struct user){.id = 8, .login = TEXT("ada"), .version = 2});
    refresh_send(refresh, cache, 1000, on_stored, &outcome);
    assert_int_equal(cache->eval_count, 1);
    assert_string_equal(cache->evals[0].keys.at, "room:7|head:7|activity:7|user:8|");
    assert_args(&cache->evals[0],
                (struct arg[]){{"1000"},
                               {"3"}, {"3 2 0 0 0 0 0 0 0 0 0 0 0 3 0 0\nTea", "room:7"},
                               {"9"}, {"9 4 0 77 8\n{\"seq\":9}", "head:7"},
                               {"4"}, {"4 77\n", "activity:7"},
                               {"2"}, {"2 0 3 0 0\nada", "user:8"}},
                9);
    assert_int_equal(outcome.calls, 0);
    cache->evals[0].done(cache->evals[0].context, ERR_OK);
    assert_int_equal(outcome.calls, 1);
    assert_int_equal(outcome.err, ERR_OK);
    refresh_destroy(refresh);
}

static void memberships_go_into_the_hash_of_their_person(void **state)
{
    struct cache *cache = *state;
    struct refresh *refresh = refresh_create();
    struct outcome outcome = {0};

    refresh_membership(refresh, &joined);
    refresh_send(refresh, cache, 1000, on_stored, &outcome);
    assert_int_equal(cache->eval_count, 1);
    assert_string_equal(cache->evals[0].keys.at, "rooms:8|");
    assert_args(&cache->evals[0], (struct arg[]){{"7"}, {"55"}, {"55 9 4 3 0 0 0 0 0 0\n", "rooms:8", "7"}}, 3);
    cache->evals[0].done(cache->evals[0].context, ERR_OK);
    assert_int_equal(outcome.calls, 1);
    refresh_destroy(refresh);
}

/* Values and memberships are two scripts; `first` and `second` are how they end. */
static void assert_outcome(struct cache *cache, enum err first, enum err second, enum err expected)
{
    struct refresh *refresh = refresh_create();
    struct outcome outcome = {0};
    const size_t at = cache->eval_count;

    refresh_room(refresh, &tea);
    refresh_membership(refresh, &joined);
    refresh_send(refresh, cache, 1000, on_stored, &outcome);
    assert_int_equal(cache->eval_count, at + 2);
    cache->evals[at + 1].done(cache->evals[at + 1].context, first);
    assert_int_equal(outcome.calls, 0);
    cache->evals[at].done(cache->evals[at].context, second);
    assert_int_equal(outcome.calls, 1);
    assert_int_equal(outcome.err, expected);
    refresh_destroy(refresh);
}

static void the_outcome_is_told_once_and_is_the_worst(void **state)
{
    assert_outcome(*state, ERR_OK, ERR_OK, ERR_OK);
    assert_outcome(*state, ERR_UNAVAILABLE, ERR_OK, ERR_UNAVAILABLE);
    assert_outcome(*state, ERR_OK, ERR_UNAVAILABLE, ERR_UNAVAILABLE);
}

static void what_was_sent_is_not_sent_again(void **state)
{
    struct cache *cache = *state;
    struct refresh *refresh = refresh_create();
    struct outcome outcome = {0};

    refresh_room(refresh, &tea);
    refresh_send(refresh, cache, 1000, on_stored, &outcome);
    cache->evals[0].done(cache->evals[0].context, ERR_OK);
    refresh_membership(refresh, &joined);
    refresh_send(refresh, cache, 1000, on_stored, &outcome);
    assert_int_equal(cache->eval_count, 2);
    assert_string_equal(cache->evals[1].keys.at, "rooms:8|");
    cache->evals[1].done(cache->evals[1].context, ERR_OK);
    assert_int_equal(outcome.calls, 2);
    refresh_destroy(refresh);
}

/* ---- readers ---- */

static bool grants_rooms(struct text key)
{
    return text_starts(key, TEXT("room:"));
}

static bool grants_all(struct text key)
{
    return true;
}

static void a_lease_that_somebody_holds_is_not_given(void **state)
{
    struct cache *cache = *state;
    const struct text keys[] = {TEXT("room:7"), TEXT("head:7"), TEXT("room:8")};
    struct lease leases[3];

    cache->grants = grants_rooms;
    assert_int_equal(lease_take(cache, keys, leases, 3, false), ERR_OK);
    assert_string_equal(cache->run_keys.at, "room:7:lease|head:7:lease|room:8:lease|");
    assert_int_equal(strlen(leases[0].token), LEASE_BYTES - 1);
    assert_string_equal(leases[1].token, "");
    assert_int_equal(strlen(leases[2].token), LEASE_BYTES - 1);
    assert_string_not_equal(leases[0].token, leases[2].token);
}

static void without_redis_there_are_no_leases(void **state)
{
    struct cache *cache = *state;
    const struct text keys[] = {TEXT("room:7"), TEXT("room:8")};
    struct lease leases[2];

    cache->grants = grants_all;
    cache->run_err = ERR_UNAVAILABLE;
    assert_int_equal(lease_take(cache, keys, leases, 2, false), ERR_UNAVAILABLE);
    assert_string_equal(leases[0].token, "");
    assert_string_equal(leases[1].token, "");
}

static void only_leased_keys_with_a_value_are_filled(void **state)
{
    struct cache *cache = *state;
    const struct text keys[] = {TEXT("room:1"), TEXT("room:2"), TEXT("room:3")};
    const struct text values[] = {TEXT("one"), TEXT("two"), {0}};
    const struct lease leases[] = {{""}, {"lease-2"}, {"lease-3"}};

    lease_fill(cache, keys, leases, values, 3, 500);
    assert_int_equal(cache->eval_count, 1);
    assert_string_equal(cache->evals[0].keys.at, "room:2|");
    assert_args(&cache->evals[0], (struct arg[]){{"500"}, {"lease-2"}, {"two", "room:2"}}, 3);
    lease_fill(cache, keys, leases, values, 1, 500);
    assert_int_equal(cache->eval_count, 1);
}

static void a_hash_is_filled_under_its_lease_alone(void **state)
{
    struct cache *cache = *state;
    const struct text fields[] = {TEXT("7"), TEXT("8")}, values[] = {TEXT("seven"), TEXT("eight")};
    const struct lease none = {""}, held = {"lease"};

    lease_fill_hash(cache, TEXT("rooms:1"), &none, fields, values, 2, 500);
    assert_int_equal(cache->eval_count, 0);
    lease_fill_hash(cache, TEXT("rooms:1"), &held, fields, values, 2, 500);
    assert_string_equal(cache->evals[0].keys.at, "rooms:1|");
    assert_args(&cache->evals[0],
                (struct arg[]){{"500"}, {"lease"}, {"7"}, {"seven", "rooms:1", "7"}, {"8"}, {"eight", "rooms:1", "8"}}, 6);
    lease_fill_hash(cache, TEXT("rooms:2"), &held, NULL, NULL, 0,
                    500); /* nobody's rooms are known too */
    assert_string_equal(cache->evals[1].args.at, "500|lease|");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fake_cache_teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing_gathered_is_stored_at_once),
        TEST(values_go_with_their_versions_behind_the_time_to_live),
        TEST(memberships_go_into_the_hash_of_their_person),
        TEST(the_outcome_is_told_once_and_is_the_worst),
        TEST(what_was_sent_is_not_sent_again),
        TEST(a_lease_that_somebody_holds_is_not_given),
        TEST(without_redis_there_are_no_leases),
        TEST(only_leased_keys_with_a_value_are_filled),
        TEST(a_hash_is_filled_under_its_lease_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
