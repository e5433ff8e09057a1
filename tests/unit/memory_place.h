/*
 * memory_place: where the tests of the memory broker meet: the broker on a real loop, between two
 * fake ones. Requests go in, letters come out. Included by one file of a program.
 */
#pragma once

#include "base/id.h"
#include "gateway/broker/broker.h"
#include "gateway/node.h"
#include "tests/unit/bus_place.h"

#define LOOPS       2
#define LETTERS_MAX 256
#define ALL         (-1) /* history: no limit */

/* There is no other broker in these programs. */
enum err bus_broker_open(struct broker **out, uv_loop_t *loop, const struct settings *settings,
                         struct port *const *ports, unsigned port_count)
{
    return ERR_UNAVAILABLE;
}

struct fake_loop {
    struct port port;
    struct letter *letters[LETTERS_MAX]; /* in the order they came, and who takes one leaves NULL */
    size_t count, next;
    bool closed;
};

struct gateway {
    struct place *place;
    struct settings settings;
    struct namespace news, plain,
        other; /* with history, presence ...; with nothing; wildcards too */
    struct fake_loop loops[LOOPS];
    struct port *ports[LOOPS];
    struct broker *broker;
    char client; /* its address is that of some client */
};

static inline void destroy(struct letter *letter)
{
    if (letter == NULL)
        return;
    switch (letter->kind) {
    case LETTER_PARCEL:
        parcel_unref((struct parcel *)letter);
        break;
    case LETTER_ANSWER:
        request_destroy((struct request *)letter);
        break;
    default:
        notice_destroy((struct notice *)letter);
    }
}

static inline bool counts_as_waiting(const struct letter *letter)
{
    if (letter->kind == LETTER_NOTICE) {
        const struct notice *notice = (const struct notice *)letter;
        return notice->kind == NOTICE_JOIN || notice->kind == NOTICE_LEAVE;
    }
    return letter->kind == LETTER_PARCEL;
}

static inline void on_letter(void *context, void *item)
{
    struct fake_loop *loop = context;
    struct letter *letter = item;

    assert_true(loop->count < LETTERS_MAX);
    if (counts_as_waiting(letter))
        port_publication_read(&loop->port);
    if (letter->kind == LETTER_NOTICE && ((struct notice *)letter)->kind == NOTICE_CLOSE)
        loop->closed = true;
    loop->letters[loop->count++] = letter;
}

static inline void set_options(struct gateway *gateway)
{
    struct settings *settings = &gateway->settings;

    settings->gateway.broker = BROKER_MEMORY;
    settings->http.connection_limit = 16;
    settings->client.recovery_max_publications = 300;
    settings->client.recovery_max_bytes = 1 << 20;
    settings->client.history_max_publications = 3;
    settings->channel.patterns_max = 2;
    settings->presence.channel_list_max = 3;
    settings->channel.private_prefix = "$";
    settings->channel.user_boundary = "#";
    settings->memory.max_channels = 100;
    settings->memory.max_bytes = 1 << 20;
    settings->memory.idempotency_ttl_ms = 300000;
    gateway->news = (struct namespace){
        .name = "news",
        .presence = true,
        .join_leave = true,
        .history_size = 5,
        .history_ttl_ms = 60000,
        .history_meta_ttl_ms = 600000,
        .allow_fossil_delta = true,
        .allow_wildcard_subscribe = true,
    };
    gateway->plain = (struct namespace){.name = "plain", .history_meta_ttl_ms = 600000};
    gateway->other = gateway->plain;
    gateway->other.allow_wildcard_subscribe = true;
    gateway->other.allow_user_limited_channels = true;
}

static inline int setup(void **state)
{
    struct gateway *gateway = xcalloc(1, sizeof(*gateway));
    void *place;

    id_init();
    node_init();
    place_setup(&place);
    gateway->place = place;
    set_options(gateway);
    for (size_t i = 0; i < LOOPS; i++) {
        struct fake_loop *loop = &gateway->loops[i];
        loop->port.mailbox = mailbox_open(&gateway->place->loop, LETTERS_MAX, on_letter, loop);
        loop->port.limit = LETTERS_MAX;
        gateway->ports[i] = &loop->port;
    }
    CHECK(broker_open(&gateway->broker, &gateway->place->loop, &gateway->settings, gateway->ports,
                      LOOPS) == ERR_OK);
    *state = gateway;
    return 0;
}

/* Both loops stop, as when the process ends. */
static inline int teardown(void **state)
{
    struct gateway *gateway = *state;
    void *place = gateway->place;

    for (unsigned i = 0; i < LOOPS; i++) {
        struct returns *returns = returns_create(i);
        returns->last = true;
        CHECK(mailbox_post(gateway->broker->inbox, returns));
    }
    for (size_t i = 0; i < LOOPS; i++) {
        TURN_UNTIL(gateway->place, gateway->loops[i].closed);
        mailbox_close(gateway->loops[i].port.mailbox);
        for (size_t k = 0; k < gateway->loops[i].count; k++)
            destroy(gateway->loops[i].letters[k]);
    }
    place_turn(gateway->place);
    broker_free(gateway->broker);
    free(gateway);
    return place_teardown(&place);
}

#define GATEWAY_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* ---- letters ---- */

/* The next letter of a loop, which stays its own. */
static inline struct letter *next_letter(struct gateway *gateway, unsigned index)
{
    struct fake_loop *loop = &gateway->loops[index];

    TURN_UNTIL(gateway->place, loop->next < loop->count);
    return loop->letters[loop->next++];
}

static inline struct request *next_answer(struct gateway *gateway, unsigned index)
{
    struct letter *letter = next_letter(gateway, index);

    assert_int_equal(letter->kind, LETTER_ANSWER);
    return (struct request *)letter;
}

static inline struct parcel *next_parcel(struct gateway *gateway, unsigned index)
{
    struct letter *letter = next_letter(gateway, index);

    assert_int_equal(letter->kind, LETTER_PARCEL);
    return (struct parcel *)letter;
}

static inline struct notice *next_notice(struct gateway *gateway, unsigned index,
                                         enum notice_kind kind)
{
    struct letter *letter = next_letter(gateway, index);
    struct notice *notice = (struct notice *)letter;

    assert_int_equal(letter->kind, LETTER_NOTICE);
    assert_int_equal(notice->kind, kind);
    return notice;
}

/* What was asked before has been answered: what is not there now does not come. */
static inline void assert_no_letter(const struct gateway *gateway, unsigned index)
{
    assert_int_equal(gateway->loops[index].next, gateway->loops[index].count);
}

#define assert_text(actual, expected) assert_true(text_equal(actual, text(expected)))

/* ---- questions ---- */

static inline const struct namespace *namespace_of(const struct gateway *gateway,
                                                   const char *channel)
{
    if (strncmp(channel, "news:", 5) == 0 || strncmp(channel, "$news:", 6) == 0)
        return &gateway->news;
    return strncmp(channel, "plain:", 6) == 0 ? &gateway->plain : &gateway->other;
}

static inline struct request *question(struct gateway *gateway, enum request_kind kind,
                                       const char *channel)
{
    struct request *request = request_create(kind, NULL);

    request->channel = request_keep(request, text(channel));
    request->namespace = namespace_of(gateway, channel);
    request->bytes_max = 1 << 20;
    request->client = (struct client *)&gateway->client;
    return request;
}

/* Sends it; the answer is the next letter of its loop. */
static inline struct request *ask(struct gateway *gateway, struct request *request)
{
    const unsigned loop = request->loop;

    CHECK(mailbox_post(gateway->broker->inbox, request));
    return next_answer(gateway, loop);
}

static inline void post(struct gateway *gateway, struct request *request)
{
    CHECK(mailbox_post(gateway->broker->inbox, request));
}

static inline struct request *subscribing(struct gateway *gateway, const char *channel,
                                          const char *client)
{
    struct request *request = question(gateway, REQUEST_SUBSCRIBE, channel);
    const struct client_info info = {TEXT("ada"), text(client), .chan_info = TEXT("{\"x\":1}")};

    request_keep_info(request, &info);
    return request;
}

static inline struct request *subscribe(struct gateway *gateway, unsigned loop, const char *channel)
{
    struct request *request = subscribing(gateway, channel, "c1");

    request->loop = loop;
    return ask(gateway, request);
}

static inline struct request *recovering(struct gateway *gateway, const char *channel,
                                         uint64_t offset, struct text epoch)
{
    struct request *request = subscribing(gateway, channel, "c1");

    request->wants_position = request->wants_recovery = request->recover = true;
    request->offset = offset;
    request->epoch = request_keep(request, epoch);
    return request;
}

static inline struct request *publishing(struct gateway *gateway, const char *channel,
                                         const char *data)
{
    struct request *request = question(gateway, REQUEST_PUBLISH, channel);

    request->loop = 1; /* so that loop 0 sees what is delivered, and nothing else */
    request->data = request_keep(request, text(data));
    return request;
}

static inline struct request *publish(struct gateway *gateway, const char *channel,
                                      const char *data)
{
    return ask(gateway, publishing(gateway, channel, data));
}

static inline struct request *history(struct gateway *gateway, const char *channel, int32_t limit)
{
    struct request *request = question(gateway, REQUEST_HISTORY, channel);

    request->limit = limit;
    request->loop = 1;
    return request;
}

static inline struct request *enter(struct gateway *gateway, const char *client,
                                    bool tells_presence, bool tells_join_leave)
{
    struct request *request = subscribing(gateway, "news:a", client);

    request->tells_presence = tells_presence;
    request->tells_join_leave = tells_join_leave;
    return ask(gateway, request);
}

static inline void give_back(struct gateway *gateway, unsigned loop, const char *channel,
                             uint32_t full, const char *client)
{
    struct returns *returns = returns_create(loop);

    returns_add(returns, &(struct returned){.full = full,
                                            .channel = text(channel),
                                            .user = TEXT("ada"),
                                            .client = text(client)});
    CHECK(mailbox_post(gateway->broker->inbox, returns));
}

static inline void assert_failed(const struct request *answer, int error)
{
    assert_int_equal(answer->outcome, REQUEST_FAILED);
    assert_int_equal(answer->error, error);
    assert_false(answer->temporary);
}

static inline void assert_done(const struct request *answer)
{
    assert_int_equal(answer->outcome, REQUEST_DONE);
}
