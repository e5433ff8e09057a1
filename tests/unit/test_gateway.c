/* A whole gateway on the test's own loop, between a fake API on a real bus and raw clients on real
 * sockets. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/jwt.h"
#include "base/log.h"
#include "gateway/broker/bus/bus_broker.h"
#include "gateway/loop/client.h"
#include "gateway/token/verifier.h"
#include "gateway/transport/front.h"
#include "tests/unit/bus_place.h"
#include "tests/unit/fake_api.h"
#include "tests/unit/raw_client.h"

#define ADA "41"
#define BOB "42"

static struct settings settings, defaults;

struct world {
    struct place *place;
    struct shared shared;
    struct fake_api api;
    struct loop loop;
    struct port *port;
    struct broker *broker;
    h2o_globalconf_t http;
    struct raw_client ada, bob;
};

static void read_clients(void *context)
{
    struct world *world = context;

    if (world->ada.fd > 0)
        raw_read(&world->ada);
    if (world->bob.fd > 0)
        raw_read(&world->bob);
}

/* Turns the world until `condition`. */
#define UNTIL(world, condition) TURN_UNTIL((world)->place, condition)
#define REST_MS                 60

/* Waits for a message with `part`, moves on behind it and gives it. */
static const char *expect(struct world *world, struct raw_client *client, const char *part)
{
    UNTIL(world, raw_has(client, part));
    return raw_find(client, part);
}

/* ---- the world ---- */

static bool is_free(int port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const bool free = bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;

    close(fd);
    return free;
}

/* Two ports side by side, below those that the kernel gives to clients. */
static int free_pair(void)
{
    int port;

    do
        port = 12000 + (int)(id_random() % 20000);
    while (!is_free(port) || !is_free(port + 1));
    return port;
}

static struct verifier *make_verifier(void)
{
    const struct verifier_config config = {
        .hmac_secret_key = settings.client.token.hmac_secret_key,
        .audience = settings.client.token.audience,
    };
    char why[VERIFIER_WHY_BYTES];

    return verifier_create(&config, why);
}

static int setup(void **state)
{
    struct world *world = xcalloc(1, sizeof(*world));
    void *place;
    static char apis[64];
    int port;

    CHECK(place_setup(&place) == 0);
    world->place = place;
    world->place->each_turn = read_clients;
    world->place->each_turn_context = world;
    world->ada.fd = world->bob.fd = -1;

    port = free_pair();
    snprintf(apis, sizeof(apis), "tcp://127.0.0.1:%d", port);
    settings.bus.apis = apis;
    settings.bus.deadline_ms = 500;
    settings.client.recovery_max_publications = 20;
    settings.heal.straggler_ms = 5;
    settings.heal.retry_ms = 20;
    settings.chats.window_ms = 100;
    settings.gateway.drain_ms = 50;
    settings.client.close_ms = 3000;
    settings.client.queue_max_bytes = 256 * 1024;
    fake_api_open(&world->api, &world->place->loop, port);

    world->shared = (struct shared){.settings = &settings, .verifier = make_verifier()};
    world->shared.sub_verifier = world->shared.verifier;
    loop_open(&world->loop, &world->place->loop, 0, &world->shared);
    world->port = &world->loop.port;
    CHECK(broker_open(&world->broker, &world->place->loop, &settings, &world->port, 1) == ERR_OK);
    world->loop.broker = world->broker->inbox;
    front_init(&(struct gateway_view){&settings, &world->loop, 1, world->broker});
    listener_conf_init(&world->http, 4096, 1000, front_on_request);
    CHECK(loop_listen(&world->loop, &world->http, 0) == ERR_OK);
    *state = world;
    UNTIL(world, atomic_load(&world->broker->is_ready));
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    void *place = world->place;

    fake_answer_kept(&world->api);
    broker_stop(world->broker);
    for (int i = 0; i < 1000 && world->loop.listener != NULL; i++)
        place_turn(world->place);
    CHECK(world->loop.listener == NULL);
    CHECK(hub_channel_count(world->loop.hub) == 0);
    world->place->each_turn = NULL;
    raw_close(&world->ada);
    raw_close(&world->bob);
    fake_api_close(&world->api);
    place_rest(world->place, 50);
    broker_free(world->broker);
    loop_free(&world->loop);
    verifier_destroy(world->shared.verifier);
    h2o_config_dispose(&world->http);
    free(world);
    return place_teardown(&place);
}

/* ---- words ---- */

static void add_connect(struct buf *out, const char *user, const char *session)
{
    struct buf claims = {0};

    buf_printf(&claims, "{\"sub\":\"%s\",\"sid\":\"%s\",\"aud\":\"parley\",\"exp\":%lld}", user,
               session, (long long)(clock_wall_us() / 1000000 + 600));
    buf_add_text(out, TEXT("{\"connect\":{\"token\":\""));
    jwt_sign(out, buf_text(&claims), text(settings.token.secret));
    buf_add_text(out, TEXT("\"},\"id\":1}"));
    buf_fini(&claims);
}

static void send_connect(struct world *world, struct raw_client *client, const char *user,
                         const char *session, const char *more)
{
    struct buf frame = {0};

    raw_open(client, listener_port(world->loop.listener));
    UNTIL(world, client->upgraded);
    add_connect(&frame, user, session);
    buf_add_text(&frame, text(more));
    raw_send(client, buf_cstring(&frame));
    buf_fini(&frame);
}

static void connect_as(struct world *world, struct raw_client *client, const char *user)
{
    send_connect(world, client, user, user, NULL);
    expect(world, client, "\"id\":1,\"connect\"");
}

static void send_subscribe(struct raw_client *client, int id, const char *channel, const char *more)
{
    char command[512];

    snprintf(command, sizeof(command), "{\"subscribe\":{\"channel\":\"%s\"%s},\"id\":%d}", channel,
             more, id);
    raw_send(client, command);
}

static void subscribe(struct world *world, struct raw_client *client, const char *channel)
{
    send_subscribe(client, 77, channel, "");
    expect(world, client, "{\"id\":77,\"subscribe\"");
}

static void publish(struct world *world, uint64_t offset)
{
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = offset});
}

/* The offsets of the pushes of room:7 so far, "6 7 8". */
static const char *offsets_of(const struct raw_client *client)
{
    static char out[1024];
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < client->count; i++) {
        const char *at = strstr(client->messages[i], "{\"push\":{\"channel\":\"room:7\",\"pub\"");
        const char *offset = at != NULL ? strstr(at, "\"offset\":") : NULL;
        if (offset != NULL)
            len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%d", len > 0 ? " " : "",
                                    atoi(offset + 9));
    }
    return out;
}

static void settle(struct world *world)
{
    place_rest(world->place, REST_MS);
}

/* ---- connect and subscribe ---- */

static void connect_and_subscriptions_in_one_frame_are_answered_in_order(void **state)
{
    struct world *world = *state;

    send_connect(world, &world->bob, BOB, "1",
                 "\n{\"subscribe\":{\"channel\":\"room:7\"},\"id\":2}"
                 "\n{\"subscribe\":{\"channel\":\"live:7\"},\"id\":3}"
                 "\n{\"subscribe\":{\"channel\":\"status:9\"},\"id\":4}");
    UNTIL(world, raw_has(&world->bob, "\"id\":4,"));
    assert_non_null(raw_find(&world->bob, "{\"id\":1,\"connect\":{\"client\":"));
    assert_string_equal(raw_find(&world->bob, "\"id\":2"),
                        "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"positioned\":true,"
                        "\"epoch\":\"e1\",\"offset\":5}}");
    assert_string_equal(raw_find(&world->bob, "\"id\":3"), "{\"id\":3,\"subscribe\":{}}");
    assert_non_null(raw_find(&world->bob, "\"code\":102"));
}

static void a_session_that_is_not_alive_is_closed_with_3500(void **state)
{
    struct world *world = *state;

    world->api.alive = false;
    send_connect(world, &world->bob, BOB, "1", NULL);
    UNTIL(world, world->bob.close_code != 0);
    assert_int_equal(world->bob.close_code, 3500);
    assert_string_equal(world->bob.close_reason, "session ended");
}

static void without_an_answer_a_connect_fails_for_now(void **state)
{
    struct world *world = *state;

    world->api.keeps = BUS__QUESTION__ASK_CONNECT;
    send_connect(world, &world->bob, BOB, "1", NULL);
    expect(world, &world->bob,
           "{\"id\":1,\"error\":{\"code\":100,\"message\":\"internal "
           "server error\",\"temporary\":true}}");
}

/* The sanitizer sees whether what was held back for it is given back. */
static void a_client_that_leaves_while_it_connects_leaves_nothing_behind(void **state)
{
    static const char ping[] = "\x89\x80\0\0\0"; /* with the NUL that ends it: masked, empty */
    struct world *world = *state;

    world->api.keeps = BUS__QUESTION__ASK_CONNECT;
    send_connect(world, &world->bob, BOB, "1", NULL);
    UNTIL(world, world->api.kept_count == 1);
    raw_write(&world->bob, ping, sizeof(ping));
    UNTIL(world, world->loop.clients->connection.held != NULL);
    raw_close(&world->bob);
    UNTIL(world, world->loop.client_count == 0);
    fake_answer_kept(&world->api);
    UNTIL(world, world->loop.unfree_count == 0);
}

static void without_an_answer_a_subscribe_fails_for_now_and_the_next_command_is_served(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    world->api.keeps = BUS__QUESTION__ASK_SUBSCRIBE;
    send_subscribe(&world->bob, 2, "room:7", "");
    raw_send(&world->bob,
             "{\"publish\":{\"channel\":\"room:7\",\"data\":{\"text\":\"tea\"}},\"id\":3}");
    expect(world, &world->bob, "{\"id\":2,\"error\":{\"code\":100");
    expect(world, &world->bob, "{\"id\":3,\"publish\":{}}");
    assert_string_equal(world->api.published, "{\"text\":\"tea\"}");
}

static void what_happens_between_question_and_answer_is_neither_lost_nor_told_twice(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    world->api.keeps = BUS__QUESTION__ASK_SUBSCRIBE;
    send_subscribe(&world->bob, 2, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":5");
    UNTIL(world, world->api.kept_count == 1);
    publish(world, 6); /* the API reads the log after this one … */
    publish(world, 7); /* … and before this one */
    settle(world);
    world->api.head = 6;
    fake_answer_kept(&world->api);
    const char *reply = expect(world, &world->bob, "\"id\":2");
    assert_non_null(strstr(reply, "\"offset\":5,\"was_recovering\":true,\"recovered\":true"));
    assert_non_null(strstr(reply, "{\"data\":{\"seq\":7},\"offset\":7}]}}"));
    publish(world, 8);
    expect(world, &world->bob, "\"offset\":8");
    assert_string_equal(offsets_of(&world->bob), "8");
}

/* A stream of the operator's that nobody here knows the place of. */
static void who_wants_no_position_loses_nothing_to_one_who_asks_for_it(void **state)
{
    struct world *world = *state;
    struct namespace *namespace = &settings.channel.without_namespace;
    const struct namespace before = *namespace;

    namespace->allow_subscribe_for_client = namespace->allow_positioning = true;
    namespace->history_size = 10;
    namespace->history_ttl_ms = namespace->history_meta_ttl_ms = 300000;
    connect_as(world, &world->ada, ADA);
    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->ada, "tea");
    world->api.keeps = BUS__QUESTION__ASK_STREAM_HEADS;
    send_subscribe(&world->bob, 2, "tea", ",\"positioned\":true");
    UNTIL(world, world->api.kept_count == 1);
    fake_publish(&world->api, &(struct fake_event){.channel = "tea", .offset = 6});
    settle(world);
    world->api.head = 6;
    fake_answer_kept(&world->api);
    assert_non_null(strstr(expect(world, &world->bob, "\"id\":2"), "\"offset\":6"));
    expect(world, &world->ada, "{\"push\":{\"channel\":\"tea\",\"pub\"");
    *namespace = before;
}

static void a_subscription_waits_for_what_the_answer_knows_of(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->ada, ADA);
    subscribe(world, &world->ada, "room:7");
    world->api.head = 9; /* 6 to 9 were lost on the bus */
    connect_as(world, &world->bob, BOB);
    send_subscribe(&world->bob, 2, "room:7", "");
    UNTIL(world, raw_has(&world->bob, "\"id\":2"));
    assert_non_null(strstr(raw_find(&world->bob, "\"id\":2"), "\"offset\":9"));
    assert_string_equal(offsets_of(&world->ada), "6 7 8 9");
    assert_string_equal(offsets_of(&world->bob), "");
}

/* ---- order and healing ---- */

static void publications_that_overtake_each_other_are_put_in_order(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->api.keeps = BUS__QUESTION__ASK_HISTORY;
    publish(world, 8);
    publish(world, 7);
    publish(world, 6);
    publish(world, 7);
    UNTIL(world, raw_has(&world->bob, "\"offset\":8"));
    assert_string_equal(offsets_of(&world->bob), "6 7 8");
}

static void what_the_bus_lost_is_fetched_and_delivered_in_its_place(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    publish(world, 6);
    publish(world, 9);
    UNTIL(world, raw_has(&world->bob, "\"offset\":9"));
    publish(world, 10);
    UNTIL(world, raw_has(&world->bob, "\"offset\":10"));
    assert_string_equal(offsets_of(&world->bob), "6 7 8 9 10");
    assert_int_equal(world->api.asked[BUS__QUESTION__ASK_HISTORY], 1);
}

static void a_fetch_that_nobody_answers_is_tried_again(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->api.keeps = BUS__QUESTION__ASK_HISTORY;
    publish(world, 8);
    UNTIL(world, world->api.kept_count >= 2); /* asked once more after the first deadline */
    assert_string_equal(offsets_of(&world->bob), "");
    fake_answer_kept(&world->api);
    UNTIL(world, raw_has(&world->bob, "\"offset\":8"));
    assert_string_equal(offsets_of(&world->bob), "6 7 8");
}

static void a_history_with_a_gap_makes_subscribers_start_anew(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->api.history_from = 8;
    publish(world, 9);
    expect(world, &world->bob,
           "{\"push\":{\"channel\":\"room:7\",\"unsubscribe\":{"
           "\"code\":2500,\"reason\":\"insufficient state\"}}}");
    send_subscribe(&world->bob, 3, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":5");
    UNTIL(world, raw_has(&world->bob, "\"id\":3"));
    assert_string_equal(raw_find(&world->bob, "\"id\":3"),
                        "{\"id\":3,\"subscribe\":{\"recoverable\":true,\"positioned\":true,"
                        "\"epoch\":\"e1\",\"offset\":9,\"was_recovering\":true}}");
}

static void another_epoch_makes_subscribers_start_anew(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->api.epoch = "e2";
    publish(world, 6);
    expect(world, &world->bob, "\"unsubscribe\":{\"code\":2500");
    send_subscribe(&world->bob, 3, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":6");
    UNTIL(world, raw_has(&world->bob, "\"id\":3"));
    assert_non_null(strstr(raw_find(&world->bob, "\"id\":3"),
                           "\"epoch\":\"e2\",\"offset\":6,\"was_recovering\":true}}"));
}

/* ---- recovery ---- */

static void who_waits_for_the_old_epoch_is_answered_in_the_new_one(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->ada, ADA);
    subscribe(world, &world->ada, "room:7");
    connect_as(world, &world->bob, BOB);
    world->api.keeps = BUS__QUESTION__ASK_HISTORY;
    world->api.head = 90;
    send_subscribe(&world->bob, 2, "room:7", "");
    UNTIL(world, world->api.kept_count == 1); /* 6 to 90 are asked for */
    world->api.head = 5;
    world->api.epoch = "e2";
    publish(world, 6);
    UNTIL(world, raw_has(&world->bob, "\"id\":2"));
    assert_non_null(strstr(raw_find(&world->bob, "\"id\":2"), "\"epoch\":\"e2\",\"offset\":6"));
}

static void what_was_held_of_the_old_epoch_is_not_told_in_the_new_one(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->api.keeps = BUS__QUESTION__ASK_HISTORY;
    fake_publish(&world->api,
                 &(struct fake_event){.channel = "room:7", .offset = 8, .data = "{\"old\":1}"});
    UNTIL(world, world->api.kept_count == 1);
    world->api.head = 5;
    world->api.epoch = "e2";
    publish(world, 6);
    expect(world, &world->bob, "\"unsubscribe\":{\"code\":2500");
    subscribe(world, &world->bob, "room:7");
    publish(world, 7);
    publish(world, 8);
    publish(world, 9);
    expect(world, &world->bob, "\"offset\":9");
    assert_false(raw_has(&world->bob, "old"));
}

static void what_was_missed_is_recovered_from_memory(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->ada, ADA);
    subscribe(world, &world->ada, "room:7");
    for (uint64_t offset = 6; offset <= 9; offset++)
        publish(world, offset);
    UNTIL(world, raw_has(&world->ada, "\"offset\":9"));
    connect_as(world, &world->bob, BOB);
    send_subscribe(&world->bob, 2, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":7");
    UNTIL(world, raw_has(&world->bob, "\"id\":2"));
    assert_string_equal(raw_find(&world->bob, "\"id\":2"),
                        "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"positioned\":true,"
                        "\"epoch\":\"e1\",\"offset\":7,\"was_recovering\":true,\"recovered\":true,"
                        "\"publications\":[{\"data\":{\"seq\":8},\"offset\":8},"
                        "{\"data\":{\"seq\":9},\"offset\":9}]}}");
    assert_int_equal(world->api.asked[BUS__QUESTION__ASK_HISTORY], 0);
}

static void what_is_not_in_memory_is_recovered_from_history_and_what_came_meanwhile(void **state)
{
    struct world *world = *state;

    world->api.head = 7;
    connect_as(world, &world->bob, BOB);
    world->api.keeps = BUS__QUESTION__ASK_HISTORY;
    send_subscribe(&world->bob, 2, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":5");
    UNTIL(world, world->api.kept_count == 1);
    publish(world, 8);
    settle(world);
    world->api.head = 7; /* read before */
    fake_answer_kept(&world->api);
    UNTIL(world, raw_has(&world->bob, "\"id\":2"));
    assert_non_null(strstr(raw_find(&world->bob, "\"id\":2"),
                           "\"offset\":5,\"was_recovering\":true,\"recovered\":true,"
                           "\"publications\":[{\"data\":{\"seq\":6},\"offset\":6},{\"data\":{"
                           "\"seq\":7},\"offset\":7},{\"data\":{\"seq\":8},\"offset\":8}]}}"));
    publish(world, 9);
    UNTIL(world, raw_has(&world->bob, "\"offset\":9"));
    assert_string_equal(offsets_of(&world->bob), "9");
}

static void an_epoch_that_ends_while_history_is_asked_is_not_recovered_from(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    world->api.keeps = BUS__QUESTION__ASK_HISTORY;
    send_subscribe(&world->bob, 2, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":2");
    UNTIL(world, world->api.kept_count == 1);
    world->api.epoch = "e2";
    publish(world, 6);
    settle(world);
    fake_answer_kept(&world->api);
    UNTIL(world, raw_has(&world->bob, "\"id\":2"));
    assert_string_equal(raw_find(&world->bob, "\"id\":2"),
                        "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"positioned\":true,"
                        "\"epoch\":\"e2\",\"offset\":6,\"was_recovering\":true}}");
}

static void a_page_backwards_that_is_cut_by_its_bytes_begins_where_it_was_asked_to(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->api.history_fits = 2;
    raw_send(&world->bob,
             "{\"history\":{\"channel\":\"room:7\",\"limit\":5,\"reverse\":true},\"id\":9}");
    UNTIL(world, raw_has(&world->bob, "\"id\":9"));
    assert_string_equal(raw_find(&world->bob, "\"id\":9"),
                        "{\"id\":9,\"history\":{\"publications\":["
                        "{\"data\":{\"seq\":5},\"offset\":5},{\"data\":{\"seq\":4},\"offset\":4}],"
                        "\"epoch\":\"e1\",\"offset\":5}}");
}

static void who_missed_more_than_the_bound_is_told_so(void **state)
{
    struct world *world = *state;

    world->api.head = 50;
    connect_as(world, &world->bob, BOB);
    send_subscribe(&world->bob, 2, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":5");
    UNTIL(world, raw_has(&world->bob, "\"id\":2"));
    assert_non_null(
        strstr(raw_find(&world->bob, "\"id\":2"), "\"offset\":50,\"was_recovering\":true}}"));
}

static void who_would_rather_have_an_error_than_a_gap_gets_it(void **state)
{
    struct world *world = *state;

    world->api.head = 50;
    connect_as(world, &world->bob, BOB);
    send_subscribe(&world->bob, 2, "room:7",
                   ",\"recover\":true,\"epoch\":\"e1\",\"offset\":5,\"flag\":3");
    expect(world, &world->bob, "{\"id\":2,\"error\":{\"code\":112");
    subscribe(world, &world->bob, "room:7");
}

/* ---- membership ---- */

static void a_kick_that_overtook_the_answer_of_a_subscribe_grants_nothing(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    world->api.keeps = BUS__QUESTION__ASK_SUBSCRIBE;
    send_subscribe(&world->bob, 2, "room:7", "");
    UNTIL(world, world->api.kept_count == 1);
    fake_publish(&world->api,
                 &(struct fake_event){.channel = "room:7", .offset = 6, .removes = BOB});
    settle(world);
    world->api.head = 5; /* read before the kick */
    fake_answer_kept(&world->api);
    expect(world, &world->bob, "{\"id\":2,\"error\":{\"code\":103");
    publish(world, 7);
    settle(world);
    assert_string_equal(offsets_of(&world->bob), "");
}

static void a_kick_that_overtook_the_answer_of_a_history_tells_nothing_after_it(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->api.keeps = BUS__QUESTION__ASK_HISTORY;
    raw_send(&world->bob, "{\"history\":{\"channel\":\"room:7\",\"limit\":9},\"id\":9}");
    UNTIL(world, world->api.kept_count == 1);
    fake_publish(&world->api,
                 &(struct fake_event){.channel = "room:7", .offset = 6, .removes = BOB});
    publish(world, 7);
    expect(world, &world->bob, "\"unsubscribe\":{\"code\":2000");
    fake_answer_kept(&world->api);
    UNTIL(world, raw_has(&world->bob, "\"id\":9"));
    assert_non_null(strstr(raw_find(&world->bob, "\"id\":9"), "\"code\":103"));
}

static void a_return_beats_the_kick_before_it(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    world->api.keeps = BUS__QUESTION__ASK_SUBSCRIBE;
    send_subscribe(&world->bob, 2, "room:7", "");
    UNTIL(world, world->api.kept_count == 1);
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = 7, .adds = BOB});
    fake_publish(&world->api,
                 &(struct fake_event){.channel = "room:7", .offset = 6, .removes = BOB});
    settle(world);
    fake_answer_kept(&world->api); /* read after both */
    UNTIL(world, raw_has(&world->bob, "{\"id\":2,\"subscribe\""));
    assert_non_null(strstr(raw_find(&world->bob, "\"id\":2"), "\"offset\":7"));
}

static void a_kick_that_overtook_the_answer_of_a_connect_grants_no_lines(void **state)
{
    struct world *world = *state;

    world->api.rooms[0] = 7;
    world->api.as_of[0] = 5;
    world->api.room_count = 1;
    connect_as(world, &world->ada, ADA);
    world->api.keeps = BUS__QUESTION__ASK_CONNECT;
    send_connect(world, &world->bob, BOB, "1", NULL);
    UNTIL(world, world->api.kept_count == 1);
    fake_publish(&world->api,
                 &(struct fake_event){.channel = "room:7", .offset = 6, .removes = BOB});
    settle(world);
    fake_answer_kept(&world->api);
    expect(world, &world->bob, "\"connect\"");
    fake_publish(
        &world->api,
        &(struct fake_event){.channel = "room:7", .offset = 7, .summary = "{\"room_id\":\"7\"}"});
    UNTIL(world, raw_has(&world->ada, "\"channel\":\"chats\""));
    settle(world);
    assert_false(raw_has(&world->bob, "chats"));
}

static void an_answer_to_one_device_takes_no_room_from_the_other(void **state)
{
    struct world *world = *state;

    world->api.keeps = BUS__QUESTION__ASK_CONNECT;
    send_connect(world, &world->ada, BOB, "1", NULL);
    UNTIL(world, world->api.kept_count == 1);
    send_connect(world, &world->bob, BOB, "2", NULL);
    UNTIL(world, world->api.kept_count == 2);
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = 6, .adds = BOB});
    settle(world);
    world->api.rooms[0] = 7; /* the first answer knows of the room, the second is older */
    world->api.as_of[0] = 6;
    world->api.room_count = 1;
    fake_say(&world->api, world->api.kept[0].inquiry, world->api.kept[0].question);
    expect(world, &world->ada, "\"connect\"");
    world->api.room_count = 0;
    fake_say(&world->api, world->api.kept[1].inquiry, world->api.kept[1].question);
    expect(world, &world->bob, "\"connect\"");
    world->api.kept_count = 0;
    fake_publish(
        &world->api,
        &(struct fake_event){.channel = "room:7", .offset = 7, .summary = "{\"room_id\":\"7\"}"});
    expect(world, &world->ada, "\"channel\":\"chats\"");
    expect(world, &world->bob, "\"channel\":\"chats\"");
}

static void the_removed_get_the_event_that_removes_them_and_nothing_after_it(void **state)
{
    struct world *world = *state;

    world->api.rooms[0] = 7;
    world->api.as_of[0] = 5;
    world->api.room_count = 1;
    connect_as(world, &world->ada, ADA);
    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->ada, "room:7");
    subscribe(world, &world->bob, "room:7");
    subscribe(world, &world->bob, "live:7");
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7",
                                                   .offset = 6,
                                                   .removes = BOB,
                                                   .summary = "{\"room_id\":\"7\"}"});
    publish(world, 7);
    fake_publish(&world->api,
                 &(struct fake_event){.channel = "live:7", .data = "{\"type\":\"typing\"}"});
    UNTIL(world, raw_has(&world->ada, "\"offset\":7"));
    settle(world);
    assert_string_equal(offsets_of(&world->bob), "6");
    assert_non_null(raw_find(&world->bob, "\"offset\":6"));
    assert_non_null(raw_find(&world->bob, "{\"push\":{\"channel\":\"room:7\",\"unsubscribe\":{"
                                          "\"code\":2000"));
    assert_non_null(raw_find(&world->bob, "{\"push\":{\"channel\":\"live:7\",\"unsubscribe\":{"
                                          "\"code\":2000"));
    assert_false(raw_has(&world->bob, "typing"));
    assert_false(raw_has(&world->bob, "chats"));
}

static void the_added_hear_lines_of_a_room_that_nobody_here_knew(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    fake_publish(&world->api, &(struct fake_event){.channel = "room:8", .offset = 3, .adds = BOB});
    fake_publish(
        &world->api,
        &(struct fake_event){.channel = "room:8", .offset = 4, .summary = "{\"room_id\":\"8\"}"});
    expect(world, &world->bob,
           "{\"push\":{\"channel\":\"chats\",\"pub\":{\"data\":{"
           "\"room_id\":\"8\"}}}}");
}

/* ---- lines ---- */

static void say(struct world *world, uint64_t offset, const char *mention)
{
    char summary[64];

    snprintf(summary, sizeof(summary), "{\"last_seq\":%d}", (int)offset);
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7",
                                                   .offset = offset,
                                                   .summary = summary,
                                                   .mention = mention});
}

static void lines_are_folded_into_the_newest_and_name_all_who_are_mentioned(void **state)
{
    struct world *world = *state;

    world->api.rooms[0] = 7;
    world->api.as_of[0] = 5;
    world->api.room_count = 1;
    connect_as(world, &world->bob, BOB);
    say(world, 6, NULL);
    say(world, 7, ADA);
    say(world, 8, BOB);
    say(world, 9, ADA);
    expect(world, &world->bob, "{\"data\":{\"last_seq\":6}}");
    expect(world, &world->bob, "chats");
    assert_non_null(strstr(world->bob.messages[world->bob.seen - 1],
                           "{\"last_seq\":9,\"mentions\":[\"41\",\"42\"]}"));
    settle(world);
    assert_false(raw_has(&world->bob, "chats"));
}

static void who_subscribes_to_a_room_hears_no_lines_of_it_until_unsubscribing(void **state)
{
    struct world *world = *state;

    world->api.rooms[0] = 7;
    world->api.as_of[0] = 5;
    world->api.room_count = 1;
    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    say(world, 6, NULL);
    expect(world, &world->bob, "\"offset\":6");
    raw_send(&world->bob, "{\"unsubscribe\":{\"channel\":\"room:7\"},\"id\":9}");
    expect(world, &world->bob, "{\"id\":9,\"unsubscribe\":{}}");
    say(world, 7, NULL);
    expect(world, &world->bob, "\"chats\"");
    assert_string_equal(offsets_of(&world->bob), "6");
}

/* ---- ends ---- */

static void an_ended_session_is_closed_and_no_other(void **state)
{
    struct world *world = *state;

    send_connect(world, &world->ada, BOB, "100", NULL);
    send_connect(world, &world->bob, BOB, "200", NULL);
    expect(world, &world->ada, "connect");
    expect(world, &world->bob, "connect");
    fake_disconnect(&world->api, BOB, "200");
    UNTIL(world, world->bob.close_code == 3500);
    settle(world);
    assert_int_equal(world->ada.close_code, 0);
}

static void an_end_that_overtook_the_answer_of_a_connect_grants_nothing(void **state)
{
    struct world *world = *state;

    world->api.keeps = BUS__QUESTION__ASK_CONNECT;
    send_connect(world, &world->bob, BOB, "200", NULL);
    UNTIL(world, world->api.kept_count == 1);
    fake_disconnect(&world->api, BOB, "200");
    settle(world);
    fake_answer_kept(&world->api);
    UNTIL(world, world->bob.close_code == 3500);
    assert_string_equal(world->bob.close_reason, "session ended");
}

static void a_client_that_does_not_read_is_closed_as_slow_and_hurts_nobody(void **state)
{
    struct world *world = *state;
    char data[32768];

    memset(data, 'x', sizeof(data));
    memcpy(data, "{\"a\":\"", 6);
    memcpy(data + sizeof(data) - 3, "\"}", 3);
    connect_as(world, &world->ada, ADA);
    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->ada, "room:7");
    subscribe(world, &world->bob, "room:7");
    const int sleeper = world->bob.fd;
    world->bob.fd = -1; /* not read any more */
    uint64_t offset = 6;
    const uint64_t *slow = (const uint64_t *)&world->loop.metrics.counts[METRIC_SLOW_CLIENTS];
    for (; *slow == 0 && offset < 1000; offset++) {
        char part[32];
        snprintf(part, sizeof(part), "\"offset\":%d}", (int)offset);
        fake_publish(&world->api,
                     &(struct fake_event){.channel = "room:7", .offset = offset, .data = data});
        expect(world, &world->ada, part);
    }
    assert_int_equal(*slow, 1);
    world->bob.fd = sleeper;
    UNTIL(world, world->bob.close_code == 3008);
    assert_int_equal(world->ada.close_code, 0);
}

static void who_breaks_the_rules_leaves_at_once_and_need_not_hang_up(void **state)
{
    struct world *world = *state;

    settings.client.close_ms = 50;
    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    raw_write(&world->bob, "\x83\x80\0\0\0\0", 6); /* an opcode that means nothing */
    UNTIL(world, world->bob.close_code == 1002);
    assert_int_equal(hub_channel_count(world->loop.hub), 0);
    UNTIL(world, world->loop.client_count == 0);
}

static void a_loop_that_cannot_keep_up_has_its_clients_come_again(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->loop.port.limit = 3;
    for (uint64_t offset = 6; offset < 30; offset++)
        publish(world, offset);
    UNTIL(world, world->bob.close_code == 3010);
    connect_as(world, &world->ada, ADA);
    subscribe(world, &world->ada, "room:7");
    publish(world, 30);
    expect(world, &world->ada, "\"offset\":30");
}

static void who_looks_is_told_to_the_api_and_so_is_who_stops(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->ada, ADA);
    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->ada, "live:7");
    subscribe(world, &world->bob, "live:7");
    UNTIL(world, world->api.looking == 2);
    raw_send(&world->ada, "{\"unsubscribe\":{\"channel\":\"live:7\"},\"id\":9}");
    UNTIL(world, world->api.looking == 1);
    raw_close(&world->bob);
    UNTIL(world, world->api.looking == 0);
}

static void a_room_that_too_many_look_at_tells_only_how_many(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "live:7");
    world->api.watchers = 1;
    raw_send(&world->bob, "{\"presence\":{\"channel\":\"live:7\"},\"id\":2}");
    expect(world, &world->bob,
           "{\"id\":2,\"presence\":{\"presence\":{\"c0\":{\"user\":\"42\",\"client\":\"c0\"}}}}");
    world->api.watchers = (size_t)settings.presence.list_max + 1;
    raw_send(&world->bob, "{\"presence\":{\"channel\":\"live:7\"},\"id\":3}");
    expect(world, &world->bob, "{\"id\":3,\"error\":{\"code\":106");
    raw_send(&world->bob, "{\"presence_stats\":{\"channel\":\"live:7\"},\"id\":4}");
    expect(world, &world->bob,
           "{\"id\":4,\"presence_stats\":{\"num_clients\":201,\"num_users\":1}}");
}

static void a_stop_says_goodbye_with_3001(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    broker_stop(world->broker);
    UNTIL(world, world->bob.close_code == 3001);
}

/* ---- a lost bus ---- */

static void a_sweep_brings_what_nobody_told_and_says_that_lines_may_be_missing(void **state)
{
    struct world *world = *state;

    send_connect(world, &world->ada, BOB, "4711", NULL);
    expect(world, &world->ada, "connect");
    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->api.head = 8; /* nobody heard of these, */
    world->api.ended[0] = TEXT("4710");
    world->api.ended[1] = TEXT("4711"); /* nor of these, told in two pages */
    world->api.ended_count = 2;
    sweep_start(container_of(world->broker, struct bus_broker, base), true);
    expect(world, &world->bob, "{\"type\":\"stale\"}");
    UNTIL(world, raw_has(&world->bob, "\"offset\":8"));
    assert_string_equal(offsets_of(&world->bob), "6 7 8");
    UNTIL(world, world->ada.close_code == 3500);
    assert_int_equal(world->bob.close_code, 0);
}

#define GATEWAY_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(connect_and_subscriptions_in_one_frame_are_answered_in_order),
        GATEWAY_TEST(a_session_that_is_not_alive_is_closed_with_3500),
        GATEWAY_TEST(without_an_answer_a_connect_fails_for_now),
        GATEWAY_TEST(a_client_that_leaves_while_it_connects_leaves_nothing_behind),
        GATEWAY_TEST(without_an_answer_a_subscribe_fails_for_now_and_the_next_command_is_served),
        GATEWAY_TEST(what_happens_between_question_and_answer_is_neither_lost_nor_told_twice),
        GATEWAY_TEST(who_wants_no_position_loses_nothing_to_one_who_asks_for_it),
        GATEWAY_TEST(a_subscription_waits_for_what_the_answer_knows_of),
        GATEWAY_TEST(publications_that_overtake_each_other_are_put_in_order),
        GATEWAY_TEST(what_the_bus_lost_is_fetched_and_delivered_in_its_place),
        GATEWAY_TEST(a_fetch_that_nobody_answers_is_tried_again),
        GATEWAY_TEST(a_history_with_a_gap_makes_subscribers_start_anew),
        GATEWAY_TEST(another_epoch_makes_subscribers_start_anew),
        GATEWAY_TEST(who_waits_for_the_old_epoch_is_answered_in_the_new_one),
        GATEWAY_TEST(what_was_held_of_the_old_epoch_is_not_told_in_the_new_one),
        GATEWAY_TEST(what_was_missed_is_recovered_from_memory),
        GATEWAY_TEST(what_is_not_in_memory_is_recovered_from_history_and_what_came_meanwhile),
        GATEWAY_TEST(an_epoch_that_ends_while_history_is_asked_is_not_recovered_from),
        GATEWAY_TEST(a_page_backwards_that_is_cut_by_its_bytes_begins_where_it_was_asked_to),
        GATEWAY_TEST(who_missed_more_than_the_bound_is_told_so),
        GATEWAY_TEST(who_would_rather_have_an_error_than_a_gap_gets_it),
        GATEWAY_TEST(a_kick_that_overtook_the_answer_of_a_subscribe_grants_nothing),
        GATEWAY_TEST(a_kick_that_overtook_the_answer_of_a_history_tells_nothing_after_it),
        GATEWAY_TEST(a_return_beats_the_kick_before_it),
        GATEWAY_TEST(a_kick_that_overtook_the_answer_of_a_connect_grants_no_lines),
        GATEWAY_TEST(an_answer_to_one_device_takes_no_room_from_the_other),
        GATEWAY_TEST(the_removed_get_the_event_that_removes_them_and_nothing_after_it),
        GATEWAY_TEST(the_added_hear_lines_of_a_room_that_nobody_here_knew),
        GATEWAY_TEST(lines_are_folded_into_the_newest_and_name_all_who_are_mentioned),
        GATEWAY_TEST(who_subscribes_to_a_room_hears_no_lines_of_it_until_unsubscribing),
        GATEWAY_TEST(an_ended_session_is_closed_and_no_other),
        GATEWAY_TEST(an_end_that_overtook_the_answer_of_a_connect_grants_nothing),
        GATEWAY_TEST(a_client_that_does_not_read_is_closed_as_slow_and_hurts_nobody),
        GATEWAY_TEST(who_breaks_the_rules_leaves_at_once_and_need_not_hang_up),
        GATEWAY_TEST(a_loop_that_cannot_keep_up_has_its_clients_come_again),
        GATEWAY_TEST(who_looks_is_told_to_the_api_and_so_is_who_stops),
        GATEWAY_TEST(a_room_that_too_many_look_at_tells_only_how_many),
        GATEWAY_TEST(a_stop_says_goodbye_with_3001),
        GATEWAY_TEST(a_sweep_brings_what_nobody_told_and_says_that_lines_may_be_missing),
    };

    signal(SIGPIPE, SIG_IGN);
    id_init();
    log_init("test_gateway", getenv("TEST_LOG") != NULL ? LOG_DEBUG : LOG_ERROR, LOG_TEXT);
    if (getenv("TEST_ONLY") != NULL)
        cmocka_set_test_filter(getenv("TEST_ONLY"));
    settings_default(&defaults);
    settings = defaults;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
