#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gateway/mail/parcel.h"
#include "gateway/loop/hub.h"

#define LISTENERS 200

struct fake_client {
    struct follower follower;
    int frames;
};

struct fixture {
    struct hub *hub;
    struct parcel *parcel;
    uint32_t full, member; /* given back */
    int dead;              /* channels */
};

static void on_send(struct follower *follower, struct subscription *sub, struct parcel *parcel)
{
    container_of(follower, struct fake_client, follower)->frames++;
}

static void on_forget(struct sub_extra *extra)
{
    free(extra);
}

static void on_release(void *context, struct text name, uint32_t full, uint32_t member)
{
    struct fixture *fixture = context;

    fixture->full += full;
    fixture->member += member;
}

static void on_dying(void *context, struct hub_channel *channel)
{
    ((struct fixture *)context)->dead++;
}

static int setup(void **state)
{
    const struct hub_events events = {on_send, on_forget, on_release, on_dying};
    struct fixture *fixture = xcalloc(1, sizeof(*fixture));

    fixture->hub = hub_create(&events, fixture);
    fixture->parcel = parcel_create(
        &(struct parcel_content){.channel = TEXT("room:1"), .data = TEXT("1"), .is_json = true});
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    hub_destroy(fixture->hub); /* everybody has left, or it aborts */
    parcel_unref(fixture->parcel);
    free(fixture);
    return 0;
}

static struct hub_channel *follow(struct fixture *fixture, struct fake_client *client,
                                  const char *name, unsigned flags)
{
    struct hub_channel *channel =
        hub_given(fixture->hub, text(name), (flags & HUB_FULL) != 0, (flags & HUB_MEMBER) != 0);
    hub_follow(&client->follower, channel, flags);
    return channel;
}

static void a_frame_reaches_listeners_only(void **state)
{
    struct fixture *fixture = *state;
    struct fake_client ada = {0}, bob = {0};
    struct hub_channel *tea = follow(fixture, &ada, "room:1", HUB_FULL);

    follow(fixture, &bob, "room:2", HUB_FULL);
    assert_int_equal(hub_deliver(fixture->hub, tea, fixture->parcel), 1);
    assert_int_equal(ada.frames, 1);
    assert_int_equal(bob.frames, 0);
    hub_leave_all(fixture->hub, &ada.follower);
    hub_leave_all(fixture->hub, &bob.follower);
}

static void following_twice_is_the_same_as_once(void **state)
{
    struct fixture *fixture = *state;
    struct fake_client ada = {0};
    struct hub_channel *tea = follow(fixture, &ada, "room:1", HUB_FULL);

    follow(fixture, &ada, "room:1", HUB_FULL);
    assert_int_equal(hub_deliver(fixture->hub, tea, fixture->parcel), 1);
    assert_int_equal(ada.follower.count, 1);
    hub_leave_all(fixture->hub, &ada.follower);
    assert_int_equal(fixture->full, 2); /* both references go back */
}

static void a_member_who_subscribes_gets_frames_instead_of_lines_and_back(void **state)
{
    struct fixture *fixture = *state;
    struct fake_client ada = {0};
    struct hub_channel *tea = follow(fixture, &ada, "room:1", HUB_MEMBER);

    assert_int_equal(hub_deliver(fixture->hub, tea, fixture->parcel), 0);
    assert_int_equal(hub_deliver_summary(fixture->hub, tea, fixture->parcel), 1);
    follow(fixture, &ada, "room:1", HUB_FULL);
    assert_int_equal(hub_deliver(fixture->hub, tea, fixture->parcel), 1);
    assert_int_equal(hub_deliver_summary(fixture->hub, tea, fixture->parcel), 0);
    hub_unfollow(fixture->hub, &ada.follower, tea, HUB_FULL);
    assert_int_equal(hub_deliver(fixture->hub, tea, fixture->parcel), 0);
    assert_int_equal(hub_deliver_summary(fixture->hub, tea, fixture->parcel), 1);
    assert_int_equal(fixture->full, 1);
    assert_int_equal(fixture->member, 0);
    hub_leave_all(fixture->hub, &ada.follower);
    assert_int_equal(fixture->member, 1);
}

static void references_go_back_when_the_last_listener_of_their_kind_leaves(void **state)
{
    struct fixture *fixture = *state;
    struct fake_client ada = {0}, bob = {0};
    struct hub_channel *tea = follow(fixture, &ada, "room:1", HUB_FULL);

    follow(fixture, &bob, "room:1", HUB_FULL);
    hub_unfollow(fixture->hub, &ada.follower, tea, HUB_FULL);
    assert_int_equal(fixture->full, 0);
    hub_unfollow(fixture->hub, &bob.follower, tea, HUB_FULL);
    assert_int_equal(fixture->full, 2);
    assert_int_equal(fixture->dead, 1);
    assert_null(hub_find(fixture->hub, TEXT("room:1")));
    hub_leave_all(fixture->hub, &ada.follower);
    hub_leave_all(fixture->hub, &bob.follower);
}

static void references_that_nobody_needs_go_back_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct hub_channel *tea = hub_given(fixture->hub, TEXT("room:1"), 0, 3);

    hub_settle(fixture->hub, tea);
    assert_int_equal(fixture->member, 3);
    assert_int_equal(hub_channel_count(fixture->hub), 0);
}

static void all_that_is_of_a_full_listener_ends_with_it(void **state)
{
    struct fixture *fixture = *state;
    struct fake_client ada = {0};
    struct hub_channel *tea =
        follow(fixture, &ada, "room:1", HUB_FULL | HUB_JOIN_LEAVE | HUB_DELTA | HUB_SERVER);

    hub_given(fixture->hub, TEXT("room:1"), 0, 1);
    hub_follow(&ada.follower, tea, HUB_MEMBER);
    hub_subscription(&ada.follower, tea)->extra = xcalloc(1, 1); /* freed, or the leak is told */
    hub_unfollow(fixture->hub, &ada.follower, tea, HUB_FULL);
    assert_int_equal(hub_flags(&ada.follower, tea), HUB_MEMBER);
    assert_null(hub_subscription(&ada.follower, tea)->extra);
    hub_leave_all(fixture->hub, &ada.follower);
}

/* Whatever comes and goes, in whatever order: each listener gets each frame exactly once. */
static void everybody_hears_once_whoever_leaves_and_joins(void **state)
{
    struct fixture *fixture = *state;
    static struct fake_client clients[LISTENERS];
    static bool follows[LISTENERS][3];
    const char *names[3] = {"room:1", "room:2", "room:3"};

    srandom(7);
    for (int step = 0; step < 20000; step++) {
        const long i = random() % LISTENERS, k = random() % 3;
        struct hub_channel *channel = hub_find(fixture->hub, text(names[k]));
        if (random() % 50 == 0) {
            hub_leave_all(fixture->hub, &clients[i].follower);
            memset(follows[i], 0, sizeof(follows[i]));
        } else if (follows[i][k]) {
            hub_unfollow(fixture->hub, &clients[i].follower, channel, HUB_FULL);
            follows[i][k] = false;
        } else {
            follow(fixture, &clients[i], names[k], HUB_FULL);
            follows[i][k] = true;
        }
    }
    for (int k = 0; k < 3; k++) {
        struct hub_channel *channel = hub_find(fixture->hub, text(names[k]));
        for (int i = 0; i < LISTENERS; i++)
            clients[i].frames = 0;
        if (channel != NULL)
            hub_deliver(fixture->hub, channel, fixture->parcel);
        for (int i = 0; i < LISTENERS; i++)
            assert_int_equal(clients[i].frames, follows[i][k]);
    }
    for (int i = 0; i < LISTENERS; i++)
        hub_leave_all(fixture->hub, &clients[i].follower);
}

#define HUB_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(a_frame_reaches_listeners_only),
        HUB_TEST(following_twice_is_the_same_as_once),
        HUB_TEST(a_member_who_subscribes_gets_frames_instead_of_lines_and_back),
        HUB_TEST(references_go_back_when_the_last_listener_of_their_kind_leaves),
        HUB_TEST(references_that_nobody_needs_go_back_at_once),
        HUB_TEST(all_that_is_of_a_full_listener_ends_with_it),
        HUB_TEST(everybody_hears_once_whoever_leaves_and_joins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
