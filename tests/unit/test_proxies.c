#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/outside/proxies.h"
#include "http_target.h"

static const char *const http_headers[] = {"cookie", "X-Forwarded-For", "Authorization"};
static const char *const emulated_headers[] = {"authorization", "X-Device", "x-secret"};
static const struct http_field static_headers[] = {{TEXT("X-Secret"), TEXT("s3")}};
static const struct proxy_transform transforms[] = {
    {.status = 404, .code = 404, .message = "no such thing", .temporary = true},
    {.status = 403, .to_disconnect = true, .code = 4403, .message = "go away"},
};

struct office {
    uv_loop_t loop;
    struct mailbox *mailbox;
    struct fetcher *fetcher;
    struct target target;
    char endpoint[80];
    struct proxy_config config[2];
    struct proxies *proxies;
    struct proxy *proxy;
    struct proxy_answer *answer; /* the last one */
    size_t answers;
    struct buf said; /* what the target was asked last */
    int status;
    const char *reply;
};

static const struct proxy_question question = {
    .kind = PROXY_RPC,
    .client = TEXT("c"),
    .transport = TEXT("websocket"),
    .protocol = TEXT("json"),
    .user = TEXT("42"),
    .method = TEXT("add"),
    .data = TEXT("{\"a\":1}"),
    .meta = TEXT("{\"m\":1}"),
};

/* The target's threads; the test reads `said` only when an answer has come. */
static void on_request(void *context, const struct target_request *request,
                       struct target_reply *reply)
{
    struct office *office = context;

    if (strcmp(office->reply, "hold") == 0)
        target_hold(&office->target);
    pthread_mutex_lock(&office->target.lock);
    buf_reset(&office->said);
    buf_add(&office->said, request->head.at, request->head.len);
    buf_add(&office->said, request->body.at, request->body.len);
    pthread_mutex_unlock(&office->target.lock);
    reply->status = office->status;
    buf_printf(&reply->body, "%s", office->reply);
}

static void on_letter(void *context, void *item)
{
    fetch_deliver(item);
}

static void on_answer(void *context, struct proxy_answer *answer)
{
    struct office *office = context;

    proxy_answer_destroy(office->answer);
    office->answer = answer;
    office->answers++;
}

static int set_up(void **state)
{
    struct office *office = xcalloc(1, sizeof(*office));
    char why[PROXY_WHY_MAX];

    assert_int_equal(uv_loop_init(&office->loop), 0);
    office->mailbox = mailbox_open(&office->loop, 64, on_letter, office);
    office->fetcher = fetcher_create(&(struct fetcher_config){0});
    target_open(&office->target, on_request, office);
    snprintf(office->endpoint, sizeof(office->endpoint), "%s/rpc", office->target.url);
    office->config[0] = (struct proxy_config){
        .name = "shop",
        .endpoint = office->endpoint,
        .timeout_ms = 20000,
        .http_headers = http_headers,
        .http_header_count = ARRAY_COUNT(http_headers),
        .emulated_headers = emulated_headers,
        .emulated_header_count = ARRAY_COUNT(emulated_headers),
        .static_headers = static_headers,
        .static_header_count = ARRAY_COUNT(static_headers),
        .transforms = transforms,
        .transform_count = ARRAY_COUNT(transforms),
    };
    office->config[1] = (struct proxy_config){.name = "full",
                                              .endpoint = office->endpoint,
                                              .binary_encoding = true,
                                              .include_connection_meta = true};
    office->proxies =
        proxies_create(&(struct proxies_config){.at = office->config, .count = 2, .open_max = 3},
                       office->fetcher, why);
    assert_non_null(office->proxies);
    office->proxy = proxies_find(office->proxies, text("shop"));
    assert_non_null(office->proxy);
    assert_null(proxies_find(office->proxies, text("other")));
    office->status = 200;
    office->reply = "{\"result\":{\"data\":{\"sum\":3}}}";
    *state = office;
    return 0;
}

static int tear_down(void **state)
{
    struct office *office = *state;

    fetcher_destroy(office->fetcher);
    mailbox_close(office->mailbox);
    uv_run(&office->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&office->loop), 0);
    proxies_destroy(office->proxies);
    target_close(&office->target);
    proxy_answer_destroy(office->answer);
    buf_fini(&office->said);
    free(office);
    return 0;
}

static struct proxy_call *begin(struct office *office, const struct proxy_headers *headers)
{
    return proxy_ask(office->proxy, &question, headers, office->mailbox, on_answer, office);
}

static const struct proxy_answer *ask(struct office *office, const struct proxy_headers *headers)
{
    const size_t before = office->answers;

    assert_non_null(begin(office, headers));
    while (office->answers == before)
        uv_run(&office->loop, UV_RUN_ONCE);
    return office->answer;
}

static const struct proxy_counts *counts(const struct office *office)
{
    const struct proxy_counts *found;
    const char *name;

    assert_true(proxies_counts(office->proxies, 0, &name, &found));
    assert_string_equal(name, "shop");
    assert_false(proxies_counts(office->proxies, 2, &name, &found));
    return found;
}

static void a_question_gets_its_answer(void **state)
{
    struct office *office = *state;
    const struct proxy_answer *answer = ask(office, &(struct proxy_headers){0});

    assert_int_equal(answer->outcome, PROXY_RESULT);
    assert_memory_equal(answer->data.bytes.at, "{\"sum\":3}", 9);
    const char *said = buf_cstring(&office->said);
    assert_non_null(strstr(said, "POST /rpc HTTP/1.1\r\n"));
    assert_non_null(strstr(said, "\"method\":\"add\",\"data\":{\"a\":1}}"));
    assert_int_equal(counts(office)->outcomes[PROXY_RESULT], 1);
    assert_int_equal(counts(office)->open, 0);
    assert_true(counts(office)->took_us > 0);
}

static void a_proxy_says_how_data_travels_and_whether_meta_does(void **state)
{
    struct office *office = *state;

    office->proxy = proxies_find(office->proxies, text("full"));
    ask(office, &(struct proxy_headers){0});
    assert_non_null(strstr(buf_cstring(&office->said), "\"encoding\":\"binary\""));
    assert_non_null(
        strstr(buf_cstring(&office->said), "\"b64data\":\"eyJhIjoxfQ==\",\"meta\":{\"m\":1}"));
}

static void headers_go_along_as_listed_and_clients_override_none(void **state)
{
    struct office *office = *state;
    const struct http_field http[] = {{TEXT("Cookie"), TEXT("a=b")},
                                      {TEXT("x-forwarded-for"), TEXT("1.2.3.4")},
                                      {TEXT("x-forwarded-for"), TEXT("5.6.7.8")},
                                      {TEXT("x-private"), TEXT("no")},
                                      {TEXT("authorization"), TEXT("Browser")}};
    const struct http_field emulated[] = {
        {TEXT("X-Device"), TEXT("phone")},       {TEXT("x-device"), TEXT("again")},
        {TEXT("Cookie"), TEXT("forged")},        {TEXT("X-SECRET"), TEXT("forged")},
        {TEXT("Authorization"), TEXT("forged")}, {TEXT("Content-Length"), TEXT("0")}};
    ask(office, &(struct proxy_headers){http, ARRAY_COUNT(http), emulated, ARRAY_COUNT(emulated)});

    const char *said = buf_cstring(&office->said);
    static const char *const there[] = {"\r\nCookie: a=b\r\n",
                                        "\r\nx-forwarded-for: 1.2.3.4\r\n",
                                        "\r\nx-forwarded-for: 5.6.7.8\r\n",
                                        "\r\nauthorization: Browser\r\n",
                                        "\r\nX-Device: phone\r\n",
                                        "\r\nX-Secret: s3\r\n"};
    for (size_t i = 0; i < ARRAY_COUNT(there); i++)
        assert_non_null(strstr(said, there[i]));
    assert_null(strstr(said, "forged"));
    assert_null(strstr(said, "again"));
    assert_null(strstr(said, "private"));

    const struct http_field split = {TEXT("X-Device"), TEXT("a\r\nX-Admin: 1")};
    ask(office, &(struct proxy_headers){.emulated = &split, .emulated_count = 1});
    assert_null(strstr(buf_cstring(&office->said), "X-Admin"));
    const struct http_field wish = {TEXT("authorization"), TEXT("Bearer x")};
    ask(office, &(struct proxy_headers){.emulated = &wish, .emulated_count = 1});
    assert_non_null(strstr(buf_cstring(&office->said), "\r\nauthorization: Bearer x\r\n"));
}

static void a_status_other_than_200_fails_unless_it_was_given_a_meaning(void **state)
{
    struct office *office = *state;
    const struct proxy_answer *answer;

    office->status = 404;
    answer = ask(office, &(struct proxy_headers){0});
    assert_int_equal(answer->outcome, PROXY_ERROR);
    assert_int_equal(answer->code, 404);
    assert_true(answer->temporary);
    assert_true(text_equal(answer->message, TEXT("no such thing")));
    office->status = 403;
    answer = ask(office, &(struct proxy_headers){0});
    assert_int_equal(answer->outcome, PROXY_DISCONNECT);
    assert_int_equal(answer->code, 4403);
    office->status = 201;
    answer = ask(office, &(struct proxy_headers){0});
    assert_int_equal(answer->outcome, PROXY_FAILED);
    assert_string_equal(answer->why, "HTTP status 201");
    office->status = 200;
    office->reply = "tea";
    answer = ask(office, &(struct proxy_headers){0});
    assert_int_equal(answer->outcome, PROXY_FAILED);
    assert_int_equal(counts(office)->outcomes[PROXY_FAILED], 2);
    assert_int_equal(counts(office)->outcomes[PROXY_ERROR], 1);
}

static void only_so_many_calls_are_open_at_once(void **state)
{
    struct office *office = *state;

    office->reply = "hold";
    for (int i = 0; i < 3; i++)
        assert_non_null(begin(office, &(struct proxy_headers){0}));
    assert_null(begin(office, &(struct proxy_headers){0}));
    assert_int_equal(counts(office)->refused, 1);
    assert_int_equal(counts(office)->open, 3);
    target_release(&office->target);
    while (office->answers < 3)
        uv_run(&office->loop, UV_RUN_ONCE);
    ask(office, &(struct proxy_headers){0});
}

static void who_is_gone_hears_no_answer(void **state)
{
    struct office *office = *state;

    office->reply = "hold";
    struct proxy_call *call = begin(office, &(struct proxy_headers){0});
    assert_non_null(call);
    proxy_forget(call);
    target_release(&office->target);
    while (counts(office)->open > 0)
        uv_run(&office->loop, UV_RUN_ONCE);
    assert_int_equal(office->answers, 0);
}

static void data_that_is_no_json_is_not_asked_about(void **state)
{
    struct office *office = *state;
    struct proxy_question bytes = question;

    bytes.data = text("\1\2");
    assert_null(proxy_ask(office->proxy, &bytes, &(struct proxy_headers){0}, office->mailbox,
                          on_answer, office));
    assert_int_equal(counts(office)->unfit, 1);
    assert_int_equal(counts(office)->open, 0);
}

static void what_cannot_be_is_refused_at_the_start(void **state)
{
    static const char *const bad_names[] = {"Content-Length"}, *const no_names[] = {"a b"};
    static const struct http_field bad_value = {TEXT("x"), TEXT("a\nb")};
    static const struct proxy_transform bad_status = {.status = 200, .code = 400},
                                        bad_code = {.status = 404,
                                                    .to_disconnect = true,
                                                    .code = 1},
                                        no_code = {.status = 404};
    static const struct {
        struct proxy_config config;
        const char *why;
    } rows[] = {
        {{.endpoint = "grpc://shop:1"}, "grpc:// is not supported"},
        {{.endpoint = "shop"}, "neither http"},
        {{.endpoint = "unix:///tmp/x"}, "neither http"},
        {{.endpoint = "http://"}, "no host"},
        {{.endpoint = "https:///path"}, "no host"},
        {{.endpoint = "http://a b/"}, "space"},
        {{.endpoint = "http://a", .http_headers = bad_names, .http_header_count = 1}, "own"},
        {{.endpoint = "http://a", .emulated_headers = no_names, .emulated_header_count = 1},
         "emulated_headers: a b is no header"},
        {{.endpoint = "http://a", .static_headers = &bad_value, .static_header_count = 1},
         "static_headers: x is no header"},
        {{.endpoint = "http://a", .transforms = &bad_status, .transform_count = 1}, "200"},
        {{.endpoint = "http://a", .transforms = &bad_code, .transform_count = 1}, "may not use"},
        {{.endpoint = "http://a", .transforms = &no_code, .transform_count = 1}, "without a code"},
    };
    char why[PROXY_WHY_MAX];

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct proxy_config config = rows[i].config;
        config.name = "shop";
        assert_null(proxies_create(&(struct proxies_config){.at = &config, .count = 1}, NULL, why));
        assert_non_null(strstr(why, "proxy shop: "));
        if (strstr(why, rows[i].why) == NULL)
            fail_msg("%s", why);
    }
    const struct proxy_config twins[] = {{.name = "a", .endpoint = "http://a"},
                                         {.name = "a", .endpoint = "https://b"}};
    assert_null(proxies_create(&(struct proxies_config){.at = twins, .count = 2}, NULL, why));
    assert_non_null(strstr(why, "two of that name"));
}

#define with_office(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_office(a_question_gets_its_answer),
        with_office(a_proxy_says_how_data_travels_and_whether_meta_does),
        with_office(headers_go_along_as_listed_and_clients_override_none),
        with_office(a_status_other_than_200_fails_unless_it_was_given_a_meaning),
        with_office(only_so_many_calls_are_open_at_once),
        with_office(who_is_gone_hears_no_answer),
        with_office(data_that_is_no_json_is_not_asked_about),
        cmocka_unit_test(what_cannot_be_is_refused_at_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
