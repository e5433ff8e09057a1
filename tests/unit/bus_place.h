/*
 * bus_place: where the bus's tests meet: a loop, a few free addresses, and waiting for something to
 * become true.
 */
#pragma once

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/base.h"
#include "base/clock.h"

#define PLACE_URLS    3
#define PLACE_WAIT_MS 5000
#define PLACE_TURN_MS 5

struct place {
    uv_loop_t loop;
    uv_timer_t turn; /* so that no wait sleeps for ever */
    char url[PLACE_URLS][64];
    void (*each_turn)(void *context); /* NULL: nothing */
    void *each_turn_context;
};

#define PLACE_TEST(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

/* Turns the loop until `condition`; the test fails when that takes too long. */
#define TURN_UNTIL(place, condition)                                                               \
    do {                                                                                           \
        const int64_t until_ms_ = clock_mono_ms() + PLACE_WAIT_MS;                                 \
        while (!(condition) && clock_mono_ms() < until_ms_)                                        \
            place_turn(place);                                                                     \
        assert_true(condition);                                                                    \
    } while (0)

static inline void place_turn(struct place *place)
{
    if (place->each_turn != NULL)
        place->each_turn(place->each_turn_context);
    uv_run(&place->loop, UV_RUN_ONCE);
}

/* Turns the loop for some time, to see that nothing happens. */
static inline void place_rest(struct place *place, int ms)
{
    for (const int64_t until_ms = clock_mono_ms() + ms; clock_mono_ms() < until_ms;)
        place_turn(place);
}

static inline void place_on_turn(uv_timer_t *timer)
{
}

/* A port that was free a moment ago. */
static inline int place_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 &&
          getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    close(fd);
    return ntohs(address.sin_port);
}

static inline int place_setup(void **state)
{
    struct place *place = xcalloc(1, sizeof(*place));

    CHECK(uv_loop_init(&place->loop) == 0);
    CHECK(uv_timer_init(&place->loop, &place->turn) == 0);
    CHECK(uv_timer_start(&place->turn, place_on_turn, PLACE_TURN_MS, PLACE_TURN_MS) == 0);
    for (size_t i = 0; i < PLACE_URLS; i++)
        snprintf(place->url[i], sizeof(place->url[i]), "tcp://127.0.0.1:%d", place_free_port());
    *state = place;
    return 0;
}

/* Fails when the test left something open on the loop. */
static inline int place_teardown(void **state)
{
    struct place *place = *state;

    place_rest(place, 20);
    uv_close((uv_handle_t *)&place->turn, NULL);
    uv_run(&place->loop, UV_RUN_NOWAIT);
    const int rv = uv_loop_close(&place->loop);
    if (rv == 0) /* else a failed test left handles behind that still point there */
        free(place);
    return rv;
}
