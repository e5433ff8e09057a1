#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/listener.h"

#include <h2o/http1.h> /* after h2o.h, which it needs */

#define WAIT_MS 5000
#define REFUSED 300 /* more than are kept */

struct house {
    uv_loop_t loop;
    uv_timer_t turn;
    h2o_globalconf_t conf;
    struct listener *listener;
};

/* The handler has no argument of ours: what the test wants of it. */
static struct {
    struct listener *listener;
    h2o_req_t *pending; /* with /later: to be answered by the test */
    h2o_socket_t *upgraded;
    size_t body_len;
} handler;

static void answer(h2o_req_t *req, const char *body)
{
    if (listener_is_draining(handler.listener))
        req->http1_is_persistent = 0;
    req->res.status = 200;
    req->res.reason = "OK";
    req->res.content_length = strlen(body);
    h2o_send_inline(req, body, strlen(body));
}

static void on_upgraded(void *data, h2o_socket_t *socket, size_t taken)
{
    handler.upgraded = socket;
    if (socket != NULL)
        listener_upgraded(socket);
}

static int on_req(h2o_handler_t *self, h2o_req_t *req)
{
    handler.body_len = req->entity.len;
    if (h2o_memis(req->path.base, req->path.len, H2O_STRLIT("/later"))) {
        handler.pending = req;
        return 0;
    }
    if (h2o_memis(req->path.base, req->path.len, H2O_STRLIT("/upgrade"))) {
        req->res.status = 101;
        req->res.reason = "Switching Protocols";
        h2o_http1_upgrade(req, NULL, 0, on_upgraded, NULL);
        return 0;
    }
    answer(req, "tea");
    return 0;
}

static void on_turn(uv_timer_t *timer)
{
}

static void open_house(struct house *house, size_t connection_limit)
{
    const struct listener_config config = {
        .host = "127.0.0.1", .port = 0, .connection_limit = connection_limit, .http = &house->conf};

    assert_int_equal(uv_loop_init(&house->loop), 0);
    assert_int_equal(uv_timer_init(&house->loop, &house->turn), 0);
    uv_timer_start(&house->turn, on_turn, 5, 5);
    listener_conf_init(&house->conf, 4096, 2000, on_req);
    assert_int_equal(listener_open(&house->listener, &house->loop, &config), ERR_OK);
    memset(&handler, 0, sizeof(handler));
    handler.listener = house->listener;
}

static void close_house(struct house *house)
{
    listener_close(house->listener);
    listener_close(NULL);
    uv_close((uv_handle_t *)&house->turn, NULL);
    uv_run(&house->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&house->loop), 0);
    h2o_config_dispose(&house->conf);
}

/* Turns the loop until `condition`. */
#define TURN_UNTIL(house, condition)                                                               \
    do {                                                                                           \
        const int64_t until_ms_ = clock_mono_ms() + WAIT_MS;                                       \
        while (!(condition) && clock_mono_ms() < until_ms_)                                        \
            uv_run(&(house)->loop, UV_RUN_ONCE);                                                   \
        assert_true(condition);                                                                    \
    } while (0)

static int call(struct house *house)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                        .sin_port = htons(listener_port(house->listener))};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void say(int fd, const char *request)
{
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
}

struct heard {
    char bytes[16384];
    size_t len;
    bool ended; /* end of file, or reset */
};

static bool hear(struct heard *heard, int fd)
{
    const ssize_t len =
        recv(fd, heard->bytes + heard->len, sizeof(heard->bytes) - 1 - heard->len, 0);

    if (len > 0)
        heard->len += (size_t)len;
    heard->ended = heard->ended || len == 0 || (len < 0 && errno != EAGAIN);
    heard->bytes[heard->len] = '\0';
    return heard->len > 0;
}

static bool hears(struct heard *heard, int fd, const char *words)
{
    hear(heard, fd);
    return strstr(heard->bytes, words) != NULL;
}

static bool hears_end(struct heard *heard, int fd)
{
    hear(heard, fd);
    return heard->ended;
}

static int open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void requests_on_one_connection_are_answered(void **state)
{
    struct house house;
    struct heard heard = {0};

    open_house(&house, 10);
    const int fd = call(&house);
    say(fd, "GET /1 HTTP/1.1\r\nhost: a\r\n\r\n");
    TURN_UNTIL(&house, hears(&heard, fd, "\r\n\r\ntea"));
    assert_non_null(strstr(heard.bytes, "HTTP/1.1 200 OK"));
    assert_int_equal(listener_connections(house.listener), 1);
    say(fd, "POST /2 HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nkettl");
    TURN_UNTIL(&house, handler.body_len == 5);
    close(fd);
    TURN_UNTIL(&house, listener_connections(house.listener) == 0);
    close_house(&house);
}

static void http2_is_not_spoken(void **state)
{
    struct house house;
    struct heard preface = {0}, upgrade = {0};

    open_house(&house, 10);
    const int first = call(&house), second = call(&house);
    say(first, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    TURN_UNTIL(&house, hears_end(&preface, first));
    assert_true(preface.len == 0 || preface.bytes[0] == 'H'); /* no SETTINGS frame */
    say(second,
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\n"
        "http2-settings: AAMAAABkAAQAAP__\r\n\r\n");
    TURN_UNTIL(&house, hears(&upgrade, second, "tea"));
    assert_null(strstr(upgrade.bytes, "101"));
    close(first);
    close(second);
    close_house(&house);
}

static void a_body_over_the_limit_is_refused(void **state)
{
    struct house house;
    struct heard heard = {0};

    open_house(&house, 10);
    const int fd = call(&house);
    say(fd, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5000\r\n\r\n");
    TURN_UNTIL(&house, hears(&heard, fd, " 413 "));
    close(fd);
    close_house(&house);
}

static void connections_over_the_limit_are_told_when_to_come_again(void **state)
{
    struct house house;
    struct heard heard = {0}, later = {0};

    open_house(&house, 2);
    const int first = call(&house), second = call(&house);
    TURN_UNTIL(&house, listener_connections(house.listener) == 2);
    const int third = call(&house);
    TURN_UNTIL(&house, hears_end(&heard, third));
    assert_non_null(strstr(heard.bytes, "HTTP/1.1 503 "));
    assert_non_null(strstr(heard.bytes, "\r\nretry-after: 1\r\n"));
    assert_non_null(strstr(heard.bytes, "\r\n\r\ntoo many connections\n"));
    assert_int_equal(listener_refused(house.listener), 1);
    assert_int_equal(listener_connections(house.listener), 2);
    close(first);
    TURN_UNTIL(&house, listener_connections(house.listener) == 1);
    const int fourth = call(&house);
    say(fourth, "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    TURN_UNTIL(&house, hears(&later, fourth, "tea"));
    close(second);
    close(third);
    close(fourth);
    close_house(&house);
}

/* A close before the request is there would answer it with a reset, which drops what was not read. */
static void who_asks_after_being_refused_is_not_reset(void **state)
{
    struct house house;
    struct heard heard = {0};

    open_house(&house, 1);
    const int first = call(&house);
    TURN_UNTIL(&house, listener_connections(house.listener) == 1);
    const int second = call(&house);
    TURN_UNTIL(&house, listener_refused(house.listener) == 1);
    say(second, "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    for (int i = 0; i < 5; i++)
        uv_run(&house.loop, UV_RUN_ONCE);
    say(second, "GET / HTTP/1.1\r\nhost: a\r\n\r\n"); /* behind a reset there is no saying anything */
    TURN_UNTIL(&house, hears_end(&heard, second));
    assert_non_null(strstr(heard.bytes, " 503 "));
    TURN_UNTIL(&house, send(second, "x", 1, MSG_NOSIGNAL) < 0); /* it is not kept for ever */
    close(first);
    close(second);
    close_house(&house);
}

static void of_many_refused_some_are_kept(void **state)
{
    struct house house;
    int fds[REFUSED];

    open_house(&house, 1);
    const int first = call(&house);
    TURN_UNTIL(&house, listener_connections(house.listener) == 1);
    const int before = open_descriptors();
    for (int i = 0; i < REFUSED; i++) {
        fds[i] = call(&house);
        TURN_UNTIL(&house, listener_refused(house.listener) == (uint64_t)i + 1);
    }
    assert_in_range(open_descriptors() - before - REFUSED, 0, 256);
    TURN_UNTIL(&house, open_descriptors() - before == REFUSED);
    for (int i = 0; i < REFUSED; i++)
        close(fds[i]);
    close(first);
    close_house(&house);
}

static void draining_ends_idle_connections_and_answers_pending_ones(void **state)
{
    struct house house;
    struct heard idle = {0}, pending = {0};

    open_house(&house, 10);
    const int quiet = call(&house), busy = call(&house);
    say(busy, "GET /later HTTP/1.1\r\nhost: a\r\n\r\n");
    TURN_UNTIL(&house, handler.pending != NULL && listener_connections(house.listener) == 2);
    listener_drain(house.listener);
    TURN_UNTIL(&house, hears_end(&idle, quiet));
    assert_int_equal(idle.len, 0);
    assert_int_equal(listener_connections(house.listener), 1);
    answer(handler.pending, "late tea");
    TURN_UNTIL(&house, hears_end(&pending, busy));
    assert_non_null(strstr(pending.bytes, "late tea"));
    TURN_UNTIL(&house, listener_connections(house.listener) == 0);
    close(quiet);
    close(busy);
    close_house(&house);
}

static void who_waits_to_be_accepted_is_still_served_when_draining(void **state)
{
    struct house house;
    struct heard heard = {0};

    open_house(&house, 10);
    const int fd = call(&house);
    say(fd, "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    listener_drain(house.listener); /* before the loop turned once */
    TURN_UNTIL(&house, hears_end(&heard, fd));
    assert_non_null(strstr(heard.bytes, "tea"));
    close(fd);
    close_house(&house);
}

static void an_upgraded_connection_is_left_alone_until_the_end(void **state)
{
    struct house house;
    struct heard heard = {0};

    open_house(&house, 10);
    const int fd = call(&house);
    say(fd,
        "GET /upgrade HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    TURN_UNTIL(&house, handler.upgraded != NULL);
    TURN_UNTIL(&house, hears(&heard, fd, "101"));
    listener_drain(house.listener);
    for (int i = 0; i < 10; i++)
        uv_run(&house.loop, UV_RUN_ONCE);
    assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
    assert_false(hears_end(&heard, fd));
    assert_int_equal(listener_connections(house.listener), 1);
    h2o_socket_close(handler.upgraded);
    TURN_UNTIL(&house, hears_end(&heard, fd));
    assert_int_equal(listener_connections(house.listener), 0);
    close(fd);
    close_house(&house);
}

/* CPU time of this thread. */
static int64_t cpu_ms(void)
{
    struct rusage usage;

    getrusage(RUSAGE_THREAD, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

static void without_descriptors_the_loop_rests_and_recovers(void **state)
{
    struct house house;
    struct heard heard = {0};
    struct rlimit old, few;

    open_house(&house, 10);
    const int fd = call(&house);
    say(fd, "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = (struct rlimit){.rlim_cur = 3, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    const int64_t start_cpu_ms = cpu_ms(), start_ms = clock_mono_ms();
    while (clock_mono_ms() - start_ms < 300)
        uv_run(&house.loop, UV_RUN_ONCE);
    const int64_t used_ms = cpu_ms() - start_cpu_ms;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_in_range(used_ms, 0, 100);
    TURN_UNTIL(&house, hears(&heard, fd, "tea"));
    close(fd);
    close_house(&house);
}

static void closing_cuts_what_is_left(void **state)
{
    struct house house;
    struct heard heard = {0};

    open_house(&house, 10);
    const int fd = call(&house);
    say(fd, "GET /later HTTP/1.1\r\nhost: a\r\n\r\n");
    TURN_UNTIL(&house, handler.pending != NULL);
    listener_close(house.listener);
    for (int i = 0; i < 5; i++)
        uv_run(&house.loop, UV_RUN_ONCE);
    answer(handler.pending, "too late"); /* the program's own deadline does that */
    close_house(&house);
    hear(&heard, fd);
    assert_true(heard.ended || heard.len == 0);
    close(fd);
}

static void two_loops_share_a_port_only_when_they_mean_to(void **state)
{
    struct house house;
    struct listener *second;

    open_house(&house, 10);
    struct listener_config config = {.host = "127.0.0.1",
                                     .port = listener_port(house.listener),
                                     .connection_limit = 1,
                                     .http = &house.conf};
    assert_int_equal(listener_open(&second, &house.loop, &config), ERR_UNAVAILABLE);
    config.joins = true;
    assert_int_equal(listener_open(&second, &house.loop, &config), ERR_OK);
    assert_int_equal(listener_port(second), listener_port(house.listener));
    const struct listener_config nowhere = {
        .host = "192.0.2.1", .port = 1, .connection_limit = 1, .http = &house.conf};
    struct listener *none;
    assert_int_equal(listener_open(&none, &house.loop, &nowhere), ERR_UNAVAILABLE);
    listener_close(second);
    close_house(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_on_one_connection_are_answered),
        cmocka_unit_test(http2_is_not_spoken),
        cmocka_unit_test(a_body_over_the_limit_is_refused),
        cmocka_unit_test(connections_over_the_limit_are_told_when_to_come_again),
        cmocka_unit_test(who_asks_after_being_refused_is_not_reset),
        cmocka_unit_test(of_many_refused_some_are_kept),
        cmocka_unit_test(draining_ends_idle_connections_and_answers_pending_ones),
        cmocka_unit_test(who_waits_to_be_accepted_is_still_served_when_draining),
        cmocka_unit_test(an_upgraded_connection_is_left_alone_until_the_end),
        cmocka_unit_test(without_descriptors_the_loop_rests_and_recovers),
        cmocka_unit_test(closing_cuts_what_is_left),
        cmocka_unit_test(two_loops_share_a_port_only_when_they_mean_to),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
