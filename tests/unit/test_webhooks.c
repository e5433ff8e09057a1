#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/hmac.h>

#include "base/id.h"
#include "base/json.h"
#include "gateway/outside/webhooks.h"
#include "http_target.h"

#define ALL_KINDS  ((1u << WEBHOOK_KIND_COUNT) - 1)
#define BODIES_MAX 600

struct office {
    uv_loop_t loop;
    struct fetcher *fetcher;
    struct target target;
    struct webhooks *webhooks;

    /* The target's, guarded by its lock. */
    struct buf channels; /* of accepted events: "c1 c2 " */
    struct buf last_body, last_head;
    int statuses[8]; /* given first, one a request; 0: none left; -1: hangs; -2: cuts */
    int asked;
    int batches[BODIES_MAX]; /* events in each accepted batch */
    int batch_count;
};

static void note_events(struct office *office, struct text body)
{
    struct json json;

    assert_int_equal(json_parse(&json, body), ERR_OK);
    const struct json_value events = json_get(json_root(&json), "events");
    for (struct json_iter it = json_iter(events); json_next(&it);) {
        json_to_text(json_get(it.value, "channel"), &office->channels);
        buf_add_byte(&office->channels, ' ');
    }
    office->batches[office->batch_count++] = (int)json_size(events);
    json_fini(&json);
}

static void on_request(void *context, const struct target_request *request,
                       struct target_reply *reply)
{
    struct office *office = context;

    pthread_mutex_lock(&office->target.lock);
    const int status = office->asked < 8 ? office->statuses[office->asked] : 0;
    office->asked++;
    reply->hang = status == -1;
    reply->cut = status == -2;
    reply->status = status > 0 ? status : 200;
    if (status == 0) {
        buf_reset(&office->last_head);
        buf_add(&office->last_head, request->head.at, request->head.len);
        buf_reset(&office->last_body);
        buf_add(&office->last_body, request->body.at, request->body.len);
        note_events(office, buf_text(&request->body));
    }
    pthread_mutex_unlock(&office->target.lock);
}

static int set_up(void **state)
{
    struct office *office = xcalloc(1, sizeof(*office));

    id_init();
    assert_int_equal(uv_loop_init(&office->loop), 0);
    office->fetcher = fetcher_create(&(struct fetcher_config){0});
    target_open(&office->target, on_request, office);
    *state = office;
    return 0;
}

static int tear_down(void **state)
{
    struct office *office = *state;

    webhooks_close(office->webhooks);
    fetcher_destroy(office->fetcher);
    uv_run(&office->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&office->loop), 0);
    target_close(&office->target);
    buf_fini(&office->channels);
    buf_fini(&office->last_body);
    buf_fini(&office->last_head);
    free(office);
    return 0;
}

static void open_hooks(struct office *office, struct webhook_config *config, size_t count)
{
    char why[WEBHOOKS_WHY_MAX];

    for (size_t i = 0; i < count; i++) {
        config[i].name = config[i].name != NULL ? config[i].name : "shop";
        config[i].url = config[i].url != NULL ? config[i].url : office->target.url;
        config[i].kinds = config[i].kinds != 0 ? config[i].kinds : ALL_KINDS;
        config[i].retry_max_ms = 2;
        config[i].timeout_ms = config[i].timeout_ms != 0 ? config[i].timeout_ms : 20000;
    }
    office->webhooks = webhooks_open(&office->loop, office->fetcher, config, count, "gw1", why);
    assert_non_null(office->webhooks);
}

static const struct webhook_counts *counts(const struct office *office, size_t index)
{
    const struct webhook_counts *found;
    const char *name;

    assert_true(webhooks_counts(office->webhooks, index, &name, &found));
    return found;
}

/* Events of the channels c1, c2 ... */
static void tell(struct office *office, int first, int last)
{
    for (int i = first; i <= last; i++) {
        char channel[16];
        snprintf(channel, sizeof(channel), "c%d", i);
        webhooks_tell(office->webhooks, &(struct webhook_event){.kind = WEBHOOK_SUBSCRIBE,
                                                                .user = TEXT("42"),
                                                                .client = TEXT("4f2a"),
                                                                .channel = text(channel)});
    }
}

static void run_until_idle(struct office *office)
{
    while (!webhooks_idle(office->webhooks))
        uv_run(&office->loop, UV_RUN_ONCE);
}

static void assert_channels(struct office *office, int first, int last)
{
    struct buf expected = {0};

    for (int i = first; i <= last; i++)
        buf_printf(&expected, "c%d ", i);
    assert_string_equal(buf_cstring(&office->channels), buf_cstring(&expected));
    buf_fini(&expected);
}

static void an_event_arrives_as_told_and_signed(void **state)
{
    struct office *office = *state;
    struct webhook_config config = {.secret = "tea"};
    char expected[2 * 32 + 1];
    unsigned char mac[32];
    struct buf signed_bytes = {0};

    open_hooks(office, &config, 1);
    webhooks_tell(office->webhooks, &(struct webhook_event){.kind = WEBHOOK_DISCONNECT,
                                                            .user = TEXT("4\"2"),
                                                            .client = TEXT("4f2a"),
                                                            .code = 3503,
                                                            .reason = TEXT("force disconnect")});
    run_until_idle(office);
    const char *body = buf_cstring(&office->last_body), *head = buf_cstring(&office->last_head);
    assert_non_null(strstr(body, "{\"node\":\"gw1\",\"events\":[{\"id\":\""));
    assert_non_null(strstr(body, "-1\",\"type\":\"disconnect\",\"time_ms\":1"));
    assert_non_null(strstr(body, ",\"user\":\"4\\\"2\",\"client\":\"4f2a\",\"code\":3503,"
                                 "\"reason\":\"force disconnect\"}]}"));

    const char *signature = strstr(head, "\r\nX-Parley-Signature: t=");
    assert_non_null(signature);
    signature += strlen("\r\nX-Parley-Signature: t=");
    const size_t digits = strspn(signature, "0123456789");
    buf_printf(&signed_bytes, "%.*s.%s", (int)digits, signature, body);
    HMAC(EVP_sha256(), "tea", 3, (const unsigned char *)signed_bytes.at, signed_bytes.len, mac,
         NULL);
    for (size_t i = 0; i < sizeof(mac); i++)
        snprintf(expected + 2 * i, 3, "%02x", mac[i]);
    assert_memory_equal(signature + digits, ",v1=", 4);
    assert_memory_equal(signature + digits + 4, expected, 64);
    assert_memory_equal(signature + digits + 68, "\r\n", 2);
    buf_fini(&signed_bytes);
}

static void each_kind_has_its_members(void **state)
{
    static const struct {
        enum webhook_kind kind;
        const char *json;
    } rows[] = {
        {WEBHOOK_CONNECT, "\"type\":\"connect\",\"time_ms\":5,\"user\":\"u\",\"client\":\"c\","
                          "\"transport\":\"sse\""},
        {WEBHOOK_SUBSCRIBE, "\"type\":\"subscribe\",\"time_ms\":5,\"user\":\"u\",\"client\":\"c\","
                            "\"channel\":\"ch\",\"transport\":\"sse\""},
        {WEBHOOK_OCCUPIED,
         "\"type\":\"occupied\",\"time_ms\":5,\"channel\":\"ch\",\"transport\":\"sse\""},
    };
    enum webhook_kind kind;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out = {0};
        webhook_event_write(&out,
                            &(struct webhook_event){.kind = rows[i].kind,
                                                    .user = TEXT("u"),
                                                    .client = TEXT("c"),
                                                    .transport = TEXT("sse"),
                                                    .channel = TEXT("ch")},
                            5);
        assert_string_equal(buf_cstring(&out), rows[i].json);
        buf_fini(&out);
    }
    assert_true(webhook_kind_named(text("vacated"), &kind));
    assert_int_equal(kind, WEBHOOK_VACATED);
    assert_false(webhook_kind_named(text("vacate"), &kind));
}

static void events_come_in_batches_of_at_most_so_many(void **state)
{
    struct office *office = *state;
    struct webhook_config config = {.batch_max = 10, .delay_ms = 20};

    open_hooks(office, &config, 1);
    tell(office, 1, 25);
    run_until_idle(office);
    assert_channels(office, 1, 25);
    assert_int_equal(office->batch_count, 3);
    assert_int_equal(office->batches[0], 10);
    assert_int_equal(office->batches[1], 10);
    assert_int_equal(office->batches[2], 5);
    assert_int_equal(counts(office, 0)->delivered, 25);
}

static void a_batch_has_at_most_so_many_bytes_but_one_event(void **state)
{
    struct office *office = *state;
    struct webhook_config config = {.batch_max_bytes = 10};

    open_hooks(office, &config, 1);
    tell(office, 1, 3);
    run_until_idle(office);
    assert_channels(office, 1, 3);
    assert_int_equal(office->batch_count, 3);
}

static void order_survives_failures(void **state)
{
    struct office *office = *state;
    struct webhook_config config = {.batch_max = 3, .timeout_ms = 60};
    static const int statuses[8] = {500, 429, -2, -1, 503};

    memcpy(office->statuses, statuses, sizeof(statuses));
    open_hooks(office, &config, 1);
    tell(office, 1, 50);
    run_until_idle(office);
    assert_channels(office, 1, 50);
    /* libcurl itself tries the cut one again; more: this machine was slower than 60 ms. */
    assert_in_range(counts(office, 0)->retries, 4, 50);
    assert_int_equal(counts(office, 0)->dropped, 0);
}

static void a_refused_batch_is_dropped_and_counted(void **state)
{
    struct office *office = *state;
    struct webhook_config config = {.batch_max = 3};
    static const int statuses[8] = {400, 0, 302};

    memcpy(office->statuses, statuses, sizeof(statuses));
    open_hooks(office, &config, 1);
    tell(office, 1, 9);
    run_until_idle(office);
    assert_channels(office, 4, 6);
    assert_int_equal(counts(office, 0)->refused, 6);
    assert_int_equal(counts(office, 0)->retries, 0);
}

static void a_full_queue_loses_its_oldest_and_counts_them(void **state)
{
    struct office *office = *state;
    struct webhook_config config = {.queue_max = 5, .delay_ms = 60000};

    open_hooks(office, &config, 1);
    tell(office, 1, 12);
    assert_int_equal(counts(office, 0)->dropped, 7);
    assert_int_equal(counts(office, 0)->waiting, 5);
    run_until_idle(office);
    assert_channels(office, 8, 12);
}

static void hang(void *context, const struct target_request *request, struct target_reply *reply)
{
    reply->hang = true;
}

static void a_receiver_that_hangs_costs_the_others_nothing(void **state)
{
    struct office *office = *state;
    struct target other;
    struct webhook_config config[2] = {{.name = "hangs", .url = other.url}, {.name = "other"}};

    target_open(&other, hang, NULL);
    open_hooks(office, config, 2);
    tell(office, 1, 1);
    while (other.request_count == 0 || counts(office, 1)->delivered < 1)
        uv_run(&office->loop, UV_RUN_NOWAIT);
    tell(office, 2, 40);
    while (counts(office, 1)->delivered < 40)
        uv_run(&office->loop, UV_RUN_ONCE);
    assert_channels(office, 1, 40);
    assert_int_equal(counts(office, 0)->waiting, 39);
    assert_int_equal(counts(office, 0)->delivered + counts(office, 0)->retries, 0);
    target_close(&other);
}

static void only_kinds_that_were_asked_for_are_told(void **state)
{
    struct office *office = *state;
    struct webhook_config config = {.kinds = 1u << WEBHOOK_OCCUPIED | 1u << WEBHOOK_VACATED};

    open_hooks(office, &config, 1);
    assert_true(webhooks_want(office->webhooks, WEBHOOK_VACATED));
    assert_false(webhooks_want(office->webhooks, WEBHOOK_SUBSCRIBE));
    assert_false(webhooks_want(NULL, WEBHOOK_SUBSCRIBE));
    tell(office, 1, 3);
    assert_true(webhooks_idle(office->webhooks));
    webhooks_tell(office->webhooks,
                  &(struct webhook_event){.kind = WEBHOOK_OCCUPIED, .channel = TEXT("c4")});
    run_until_idle(office);
    assert_channels(office, 4, 4);
    assert_null(strstr(buf_cstring(&office->last_head), "X-Parley-Signature"));
}

static void *tell_many(void *arg)
{
    tell(arg, 1, 200);
    return NULL;
}

static void many_threads_may_tell_at_once(void **state)
{
    struct office *office = *state;
    struct webhook_config config = {.delay_ms = 1};
    pthread_t threads[4];

    open_hooks(office, &config, 1);
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, tell_many, office), 0);
    while (counts(office, 0)->delivered < 800)
        uv_run(&office->loop, UV_RUN_ONCE);
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    assert_true(webhooks_idle(office->webhooks));
}

static void at_the_end_nothing_waits_for_others(void **state)
{
    struct office *office = *state;
    struct webhook_config config = {.delay_ms = 60000, .batch_max = 2};

    open_hooks(office, &config, 1);
    tell(office, 1, 5);
    webhooks_finish(office->webhooks);
    run_until_idle(office);
    assert_channels(office, 1, 5);
}

static void an_address_that_cannot_be_is_refused(void **state)
{
    struct office *office = *state;
    const struct webhook_config config = {.name = "shop", .url = "ftp://secret@shop/"};
    char why[WEBHOOKS_WHY_MAX];

    assert_null(webhooks_open(&office->loop, office->fetcher, &config, 1, "", why));
    assert_string_equal(why, "webhook shop: url: begins with neither http:// nor https://");
}

#define with_office(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_office(an_event_arrives_as_told_and_signed),
        cmocka_unit_test(each_kind_has_its_members),
        with_office(events_come_in_batches_of_at_most_so_many),
        with_office(a_batch_has_at_most_so_many_bytes_but_one_event),
        with_office(order_survives_failures),
        with_office(a_refused_batch_is_dropped_and_counted),
        with_office(a_full_queue_loses_its_oldest_and_counts_them),
        with_office(a_receiver_that_hangs_costs_the_others_nothing),
        with_office(only_kinds_that_were_asked_for_are_told),
        with_office(many_threads_may_tell_at_once),
        with_office(at_the_end_nothing_waits_for_others),
        with_office(an_address_that_cannot_be_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
