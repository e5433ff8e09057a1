#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "gateway/outside/fetcher.h"
#include "http_target.h"

#define MANY 24

struct office {
    uv_loop_t loop;
    struct mailbox *mailbox;
    struct fetcher *fetcher;
    struct target target;
    struct fetch *back[MANY * 2]; /* in the order in which they came back */
    size_t count;
};

static void on_letter(void *context, void *item)
{
    const struct letter *letter = item;
    assert_int_equal(letter->kind, LETTER_FETCHED);
    fetch_deliver(item);
}

static void on_fetched(void *context, struct fetch *fetch)
{
    struct office *office = context;
    office->back[office->count++] = fetch;
}

static bool asks_for(const struct target_request *request, const char *path)
{
    const char *at = strchr(request->head.at, ' ') + 1;
    return strncmp(at, path, strlen(path)) == 0;
}

static void answer(void *context, const struct target_request *request, struct target_reply *reply)
{
    struct office *office = context;

    reply->hang = asks_for(request, "/hang");
    if (asks_for(request, "/held"))
        target_hold(&office->target);
    if (asks_for(request, "/missing"))
        reply->status = 404;
    if (asks_for(request, "/moved"))
        reply->status = 302;
    if (asks_for(request, "/cut-once"))
        reply->cut = office->target.request_count == 2;
    if (asks_for(request, "/large")) {
        memset(buf_reserve(&reply->body, 5000), 'x', 5000);
        reply->body.len = 5000;
    } else if (asks_for(request, "/head")) {
        buf_add(&reply->body, request->head.at, request->head.len);
    } else {
        buf_add(&reply->body, request->body.at, request->body.len);
    }
}

static void office_open(struct office *office, const struct fetcher_config *config, size_t mailbox)
{
    *office = (struct office){0};
    assert_int_equal(uv_loop_init(&office->loop), 0);
    office->mailbox = mailbox_open(&office->loop, mailbox, on_letter, office);
    office->fetcher = fetcher_create(config);
    target_open(&office->target, answer, office);
}

static int set_up(void **state)
{
    struct office *office = xcalloc(1, sizeof(*office));
    office_open(office, &(struct fetcher_config){.per_host_max = 4, .queue_max = MANY}, MANY * 2);
    *state = office;
    return 0;
}

static void forget_all(struct office *office)
{
    while (office->count > 0)
        fetch_destroy(office->back[--office->count]);
}

static int tear_down(void **state)
{
    struct office *office = *state;
    fetcher_destroy(office->fetcher);
    mailbox_close(office->mailbox);
    uv_run(&office->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&office->loop), 0);
    forget_all(office);
    target_close(&office->target);
    free(office);
    return 0;
}

static struct fetch *make(struct office *office, const char *path)
{
    char url[128];
    snprintf(url, sizeof(url), "%s%s", office->target.url, path);
    struct fetch *fetch = fetch_create(url, office->mailbox, on_fetched, office);
    fetch->timeout_ms = 20000;
    return fetch;
}

static void wait_for(struct office *office, size_t count)
{
    while (office->count < count)
        uv_run(&office->loop, UV_RUN_ONCE);
}

static struct fetch *run(struct office *office, struct fetch *fetch)
{
    const size_t before = office->count;
    assert_true(fetcher_start(office->fetcher, fetch));
    wait_for(office, before + 1);
    assert_ptr_equal(office->back[before], fetch);
    return fetch;
}

static void a_body_is_posted_as_json_and_the_answer_comes_back(void **state)
{
    struct office *office = *state;
    struct fetch *fetch = make(office, "/head");

    buf_printf(&fetch->body, "{\"a\":1}");
    assert_true(fetch_add_header(fetch, text("X-Tea"), text("green, \tin a pot")));
    assert_true(fetch_add_header(fetch, text("X-Empty"), text("")));
    run(office, fetch);
    assert_int_equal(fetch->status, 200);
    assert_true(fetch->took_us > 0);
    const char *head = buf_cstring(&fetch->answer);
    assert_non_null(strstr(head, "POST /head HTTP/1.1\r\n"));
    assert_non_null(strstr(head, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(head, "X-Tea: green, \tin a pot\r\n"));
    assert_non_null(strstr(head, "X-Empty:\r\n"));
    assert_null(strstr(head, "Expect"));

    fetch = make(office, "/echo");
    buf_printf(&fetch->body, "{\"a\":1}");
    assert_string_equal(buf_cstring(&run(office, fetch)->answer), "{\"a\":1}");
}

static void without_a_body_it_is_a_get(void **state)
{
    struct office *office = *state;
    struct fetch *fetch = run(office, make(office, "/head?x=1"));
    assert_non_null(strstr(buf_cstring(&fetch->answer), "GET /head?x=1 HTTP/1.1\r\n"));
}

static void a_header_cannot_bring_another_one(void **state)
{
    struct office *office = *state;
    struct fetch *fetch = make(office, "/head");

    assert_false(fetch_add_header(fetch, text("a"), text("b\r\nc: d")));
    assert_false(fetch_add_header(fetch, text("a"), text("b\nc: d")));
    assert_false(fetch_add_header(fetch, text("a"), text_of("b\0c", 3)));
    assert_false(fetch_add_header(fetch, text("a b"), text("c")));
    assert_false(fetch_add_header(fetch, text("a:"), text("c")));
    assert_false(fetch_add_header(fetch, text(""), text("c")));
    assert_int_equal(fetch->headers.len, 0);
    fetch_destroy(fetch);
}

static void any_status_is_an_answer_and_redirects_are_not_followed(void **state)
{
    struct office *office = *state;
    assert_int_equal(run(office, make(office, "/missing"))->status, 404);
    assert_int_equal(run(office, make(office, "/moved"))->status, 302);
    assert_int_equal(office->target.request_count, 2);
}

static void connections_are_used_again(void **state)
{
    struct office *office = *state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(run(office, make(office, "/"))->status, 200);
    assert_int_equal(office->target.request_count, 10);
    assert_int_equal(office->target.connection_count, 1);
}

static void a_kept_connection_that_has_died_is_replaced(void **state)
{
    struct office *office = *state;
    struct fetch *fetch;

    assert_int_equal(run(office, make(office, "/cut-once"))->status, 200);
    fetch = make(office, "/cut-once");
    buf_printf(&fetch->body, "again");
    assert_string_equal(buf_cstring(&run(office, fetch)->answer), "again");
    assert_int_equal(office->target.connection_count, 2);
}

static void a_slow_answer_ends_at_the_timeout(void **state)
{
    struct office *office = *state;
    struct fetch *fetch = make(office, "/hang");

    fetch->timeout_ms = 50;
    run(office, fetch);
    assert_int_equal(fetch->status, 0);
    assert_string_equal(fetch->why, "no answer within 50 ms");
    assert_in_range(fetch->took_us, 49000, 5000000);
}

static void an_answer_may_be_as_large_as_told_and_no_larger(void **state)
{
    struct office *office = *state;
    struct fetch *fetch = make(office, "/large");

    fetch->answer_max = 5000;
    assert_int_equal(run(office, fetch)->answer.len, 5000);
    fetch = make(office, "/large");
    fetch->answer_max = 4999;
    run(office, fetch);
    assert_int_equal(fetch->status, 0);
    assert_int_equal(fetch->answer.len, 0);
    assert_string_equal(fetch->why, "the answer is too large");
}

static void no_server_and_no_http_are_no_answer(void **state)
{
    struct office *office = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    const int bound = socket(AF_INET, SOCK_STREAM, 0); /* not listening: refuses */
    char url[64];
    const char *const urls[] = {url, "ftp://127.0.0.1/", "file:///etc/passwd", "http://", ""};

    assert_int_equal(bind(bound, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(bound, (struct sockaddr *)&address, &len), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        struct fetch *fetch = fetch_create(urls[i], office->mailbox, on_fetched, office);
        run(office, fetch);
        assert_int_equal(fetch->status, 0);
        assert_true(fetch->why[0] != '\0');
    }
    close(bound);
}

static void no_more_than_allowed_are_under_way_at_one_host(void **state)
{
    struct office *office = *state;
    for (int i = 0; i < MANY; i++)
        assert_true(fetcher_start(office->fetcher, make(office, "/held")));
    target_wait_held(&office->target, 4);
    target_release(&office->target);
    wait_for(office, MANY);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(office->back[i]->status, 200);
    assert_int_equal(office->target.at_once_max, 4);
    assert_int_equal(office->target.connection_count, 4);
}

static void a_host_that_hangs_delays_no_other_one(void **state)
{
    struct office *office = *state;
    struct target other;
    size_t started = 0;
    char url[80];

    target_open(&other, answer, office);
    for (;;) { /* until its line is full */
        struct fetch *fetch = make(office, "/held");
        if (!fetcher_start(office->fetcher, fetch)) {
            fetch_destroy(fetch);
            break;
        }
        started++;
    }
    assert_in_range(started, MANY, MANY + 4);
    snprintf(url, sizeof(url), "%s/echo", other.url);
    assert_int_equal(run(office, fetch_create(url, office->mailbox, on_fetched, office))->status,
                     200);
    target_release(&office->target);
    wait_for(office, started + 1);
    target_close(&other);
}

static void who_waits_too_long_for_its_turn_is_told_in_time(void **state)
{
    struct office *office = *state;
    struct fetch *last = make(office, "/held");

    for (int i = 0; i < 4; i++)
        assert_true(fetcher_start(office->fetcher, make(office, "/held")));
    target_wait_held(&office->target, 4);
    last->timeout_ms = 30;
    run(office, last);
    assert_int_equal(last->status, 0);
    assert_non_null(strstr(last->why, "queue"));
}

static void the_end_gives_back_what_is_under_way(void **state)
{
    struct office *office = *state;

    for (int i = 0; i < 10; i++)
        assert_true(fetcher_start(office->fetcher, make(office, "/held")));
    target_wait_held(&office->target, 4);
    fetcher_destroy(office->fetcher);
    office->fetcher = NULL;
    wait_for(office, 10);
    for (int i = 0; i < 10; i++)
        assert_string_equal(office->back[i]->why, "the gateway stops");
}

static void in_a_hurry_only_those_that_stay_are_waited_for(void **state)
{
    struct office *office = *state;
    struct fetch *stays = make(office, "/held");

    stays->stays = true;
    assert_true(fetcher_start(office->fetcher, stays));
    for (int i = 0; i < 9; i++)
        assert_true(fetcher_start(office->fetcher, make(office, "/held")));
    target_wait_held(&office->target, 4);
    fetcher_hurry(office->fetcher);
    wait_for(office, 9);
    for (int i = 0; i < 9; i++)
        assert_string_equal(office->back[i]->why, "the gateway stops");
    target_release(&office->target);
    wait_for(office, 10);
    assert_ptr_equal(office->back[9], stays);
    assert_int_equal(stays->status, 200);
}

static void a_full_mailbox_delays_an_answer_and_loses_none(void **state)
{
    struct office office;

    office_open(&office, &(struct fetcher_config){0}, 1);
    for (int i = 0; i < 8; i++)
        assert_true(fetcher_start(office.fetcher, make(&office, "/echo")));
    while (mailbox_dropped(office.mailbox) == 0) /* it is full by now */
        sched_yield();
    wait_for(&office, 8);
    fetcher_destroy(office.fetcher);
    mailbox_close(office.mailbox);
    uv_run(&office.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&office.loop), 0);
    forget_all(&office);
    target_close(&office.target);
}

#define with_office(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_office(a_body_is_posted_as_json_and_the_answer_comes_back),
        with_office(without_a_body_it_is_a_get),
        with_office(a_header_cannot_bring_another_one),
        with_office(any_status_is_an_answer_and_redirects_are_not_followed),
        with_office(connections_are_used_again),
        with_office(a_kept_connection_that_has_died_is_replaced),
        with_office(a_slow_answer_ends_at_the_timeout),
        with_office(an_answer_may_be_as_large_as_told_and_no_larger),
        with_office(no_server_and_no_http_are_no_answer),
        with_office(no_more_than_allowed_are_under_way_at_one_host),
        with_office(a_host_that_hangs_delays_no_other_one),
        with_office(who_waits_too_long_for_its_turn_is_told_in_time),
        with_office(the_end_gives_back_what_is_under_way),
        with_office(in_a_hurry_only_those_that_stay_are_waited_for),
        cmocka_unit_test(a_full_mailbox_delays_an_answer_and_loses_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
