/*
 * A whole gateway on the test's own loop, between a fake API on a real bus and raw clients on real
 * sockets.
 */
#pragma once

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
#define CY  "43"

static struct settings settings, defaults;

struct world {
    struct place *place;
    struct shared shared;
    struct fake_api api;
    struct loop loop;
    struct port *port;
    struct broker *broker;
    h2o_globalconf_t http;
    struct raw_client ada, bob, cy;
};

static inline void read_clients(void *context)
{
    struct world *world = context;

    if (world->ada.fd > 0)
        raw_read(&world->ada);
    if (world->bob.fd > 0)
        raw_read(&world->bob);
    if (world->cy.fd > 0)
        raw_read(&world->cy);
}

/* Turns the world until `condition`. */
#define UNTIL(world, condition) TURN_UNTIL((world)->place, condition)
#define REST_MS                 60

/* Waits for a message with `part`, moves on behind it and gives it. */
static inline const char *expect(struct world *world, struct raw_client *client, const char *part)
{
    UNTIL(world, raw_has(client, part));
    return raw_find(client, part);
}

/* ---- the world ---- */

static inline bool is_free(int port)
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
static inline int free_pair(void)
{
    int port;

    do
        port = 12000 + (int)(id_random() % 20000);
    while (!is_free(port) || !is_free(port + 1));
    return port;
}

static inline struct verifier *make_verifier(void)
{
    const struct verifier_config config = {
        .hmac_secret_key = settings.client.token.hmac_secret_key,
        .audience = settings.client.token.audience,
    };
    char why[VERIFIER_WHY_BYTES];

    return verifier_create(&config, why);
}

static inline int setup(void **state)
{
    struct world *world = xcalloc(1, sizeof(*world));
    void *place;
    static char apis[64];
    int port;

    CHECK(place_setup(&place) == 0);
    world->place = place;
    world->place->each_turn = read_clients;
    world->place->each_turn_context = world;
    world->ada.fd = world->bob.fd = world->cy.fd = -1;

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

static inline int teardown(void **state)
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
    raw_close(&world->cy);
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

/* Of room 7, whose log stands at 5, as the API tells those who connect from now on. */
static inline void everybody_is_a_member(struct world *world)
{
    world->api.rooms[0] = 7;
    world->api.as_of[0] = 5;
    world->api.room_count = 1;
}

static inline void add_connect(struct buf *out, const char *user, const char *session)
{
    struct buf claims = {0};

    buf_printf(&claims, "{\"sub\":\"%s\",\"sid\":\"%s\",\"aud\":\"parley\",\"exp\":%lld}", user,
               session, (long long)(clock_wall_us() / 1000000 + 600));
    buf_add_text(out, TEXT("{\"connect\":{\"token\":\""));
    jwt_sign(out, buf_text(&claims), text(settings.token.secret));
    buf_add_text(out, TEXT("\"},\"id\":1}"));
    buf_fini(&claims);
}

static inline void send_connect(struct world *world, struct raw_client *client, const char *user,
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

static inline void connect_as(struct world *world, struct raw_client *client, const char *user)
{
    send_connect(world, client, user, user, NULL);
    expect(world, client, "\"id\":1,\"connect\"");
}

static inline void send_subscribe(struct raw_client *client, int id, const char *channel,
                                  const char *more)
{
    char command[512];

    snprintf(command, sizeof(command), "{\"subscribe\":{\"channel\":\"%s\"%s},\"id\":%d}", channel,
             more, id);
    raw_send(client, command);
}

static inline void subscribe(struct world *world, struct raw_client *client, const char *channel)
{
    send_subscribe(client, 77, channel, "");
    expect(world, client, "{\"id\":77,\"subscribe\"");
}

static inline void publish(struct world *world, uint64_t offset)
{
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = offset});
}

/* The offsets of the pushes of room:7 so far, "6 7 8". */
static inline const char *offsets_of(const struct raw_client *client)
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

static inline struct bus_broker *bus_of_world(struct world *world)
{
    return container_of(world->broker, struct bus_broker, base);
}

static inline uint64_t counted(struct world *world, enum metric metric)
{
    return metrics_sum(&(struct metrics *){&world->broker->metrics}, 1, metric);
}

static inline void settle(struct world *world)
{
    place_rest(world->place, REST_MS);
}

/* ---- running ---- */

#define GATEWAY_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static inline void world_begin(const char *program)
{
    signal(SIGPIPE, SIG_IGN);
    id_init();
    log_init(program, getenv("TEST_LOG") != NULL ? LOG_DEBUG : LOG_ERROR, LOG_TEXT);
    if (getenv("TEST_ONLY") != NULL)
        cmocka_set_test_filter(getenv("TEST_ONLY"));
    settings_default(&defaults);
    settings = defaults;
}
