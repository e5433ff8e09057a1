#include "gateway/loop/loop.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/log.h"
#include "gateway/channel_name.h"
#include "gateway/loop/client.h"
#include "gateway/loop/connecting.h"
#include "gateway/loop/delivery.h"
#include "gateway/loop/keys.h"
#include "gateway/loop/subscribing.h"
#include "gateway/loop/surveying.h"
#include "gateway/outside/fetcher.h"

#define INTERNAL_CONNECTIONS_MAX 1024 /* of scrapers, back ends, people at the admin page */

static _Thread_local struct loop *current;

struct loop *loop_current(void)
{
    return current;
}

/* ---- whose channels, whose clients ---- */

bool loop_is_product(const struct loop *loop, struct text channel)
{
    return loop_is_on_bus(loop) && channel_name_kind(channel) != CHANNEL_NAME_UNKNOWN;
}

struct hub_channel *loop_find_user(const struct loop *loop, struct text user)
{
    char name[CLIENT_USER_MAX + 16];
    const struct text prefix = loop->user_prefix;

    if (user.len > CLIENT_USER_MAX)
        return NULL;
    memcpy(name, prefix.at, prefix.len);
    if (user.len > 0)
        memcpy(name + prefix.len, user.at, user.len);
    return hub_find(loop->hub, text_of(name, prefix.len + user.len));
}

/* ---- to the broker ---- */

void loop_return(struct loop *loop, const struct returned *returned)
{
    if (loop->returns == NULL)
        loop->returns = returns_create(loop->index);
    returns_add(loop->returns, returned);
}

/* When the broker's inbox is full they wait, and more are added. */
static void post_returns(struct loop *loop)
{
    if (loop->returns != NULL && mailbox_post(loop->broker, loop->returns))
        loop->returns = NULL;
}

/* What was left goes first: who leaves a channel and comes back must not be told the other way round.
 */
bool loop_ask(struct loop *loop, struct request *request)
{
    request->loop = loop->index;
    post_returns(loop);
    if (loop->asks_no_more || !mailbox_post(loop->broker, request))
        return false;
    loop->asked_count++;
    return true;
}

static void take_answer(struct loop *loop, struct request *request)
{
    loop->asked_count--;
    request->done(loop, request);
}

static void post_surveys(struct loop *loop)
{
    while (loop->surveys != NULL) {
        struct survey *survey = loop->surveys;
        struct survey *next = survey->next;
        if (!mailbox_post(loop->broker, survey))
            return;
        loop->surveys = next;
    }
}

static void take_survey(struct loop *loop, struct survey *survey)
{
    surveying_answer(loop, survey);
    LL_APPEND(loop->surveys, survey);
    post_surveys(loop);
}

/* ---- stopping ---- */

static void stop(struct loop *loop)
{
    if (loop->drain_until_ms != 0)
        return;
    loop->drain_until_ms = loop_now_ms(loop) + loop->settings->gateway.drain_ms;
    if (loop->listener != NULL)
        listener_drain(loop->listener);
}

/* An equal share of those who are left in each tick, so that they do not all come back at once
 * somewhere else. */
static void say_goodbye(struct loop *loop)
{
    const int64_t left_ms = loop->drain_until_ms - loop_now_ms(loop);
    const size_t ticks = left_ms > 0 ? (size_t)(left_ms / WHEEL_TICK_MS) + 1 : 1;
    size_t share = loop->client_count / ticks + 1;
    struct client *client, *next;

    for (client = loop->clients; client != NULL && share > 0; client = next) {
        next = client->next;
        if (client->state >= CLIENT_CLOSING)
            continue;
        client_close(client, DISCONNECT_SHUTDOWN);
        share--;
    }
}

static void report_stopped(struct loop *loop)
{
    struct returns *returns = loop->returns != NULL ? loop->returns : returns_create(loop->index);

    loop->returns = NULL;
    returns->last = true;
    loop->stopped = mailbox_post(loop->broker, returns);
    if (!loop->stopped) {
        returns->last = false; /* the next tick tries again */
        loop->returns = returns;
    }
}

static void on_closed(uv_handle_t *handle)
{
}

static void close_handles(struct loop *loop)
{
    listener_close(loop->listener);
    listener_close(loop->internal);
    loop->listener = loop->internal = NULL;
    chats_close(loop->chats);
    mailbox_close(loop->port.mailbox);
    uv_close((uv_handle_t *)&loop->ticker, on_closed);
    uv_close((uv_handle_t *)&loop->before_poll, on_closed);
    uv_close((uv_handle_t *)&loop->after_poll, on_closed);
}

void loop_free(struct loop *loop)
{
    hub_destroy(loop->hub);
    banned_fini(&loop->banned);
    seen_fini(&loop->seen);
    for (int i = 0; i < FORMAT_COUNT; i++)
        frame_unref(loop->pings[i]);
    frame_unref(loop->native_ping);
    parcel_unref(loop->stale);
    returns_destroy(loop->returns);
}

/* ---- turns ---- */

static void reap(struct loop *loop)
{
    while (loop->dead != NULL) {
        struct client *client = loop->dead;
        LL_DELETE(loop->dead, client);
        loop->unfree_count--;
        free(client);
    }
}

/* What this turn has brought leaves now: before the loop sleeps, and before new work is taken up.
 */
static void end_turn(struct loop *loop)
{
    connection_group_flush(&loop->connections);
    post_returns(loop);
    post_surveys(loop);
    reap(loop);
}

static void before_poll(uv_prepare_t *handle)
{
    end_turn(container_of(handle, struct loop, before_poll));
}

static void after_poll(uv_check_t *handle)
{
    end_turn(container_of(handle, struct loop, after_poll));
}

/* What there was no room for since the last tick. */
static void count_overflows(struct loop *loop)
{
    const uint64_t refused = loop->listener != NULL ? listener_refused(loop->listener) : loop->refused;

    metrics_add(&loop->metrics, METRIC_CONNECTIONS_REFUSED, refused - loop->refused);
    metrics_add(&loop->metrics, METRIC_BANS_FORGOTTEN, loop->banned.forgotten);
    loop->refused = refused;
    loop->banned.forgotten = 0;
}

static void on_tick(uv_timer_t *timer)
{
    struct loop *loop = container_of(timer, struct loop, ticker);

    wheel_turn(&loop->wheel, loop_now_ms(loop), client_on_deadline, loop);
    metrics_turn(&loop->metrics, loop_now_ms(loop));
    count_overflows(loop);
    keys_fetch(loop);
    if (loop->waiting_for_keys != NULL)
        connecting_retry(loop);
    if (loop->drain_until_ms == 0 || loop->stopped)
        return;
    say_goodbye(loop);
    if (loop->unfree_count > 0 || loop->fetch_count > 0) {
        if (loop_now_ms(loop) > loop->drain_until_ms)
            fetcher_hurry(loop->shared->fetcher); /* back ends may take longer than the gateway */
        return;
    }
    /* The server API has questions without a client, and asks as long as it gets answers. */
    loop->asks_no_more = true;
    if (loop->asked_count == 0)
        report_stopped(loop);
}

static void take_notice(struct loop *loop, struct notice *notice)
{
    const enum notice_kind kind = notice->kind;

    delivery_notice(loop, notice);
    if (kind == NOTICE_STOP)
        stop(loop);
    if (kind == NOTICE_CLOSE)
        close_handles(loop);
}

static void on_letter(void *context, void *item)
{
    struct loop *loop = context;
    const struct letter *letter = item;

    switch (letter->kind) {
    case LETTER_PARCEL:
        delivery_parcel(loop, item);
        break;
    case LETTER_ANSWER:
        take_answer(loop, item);
        break;
    case LETTER_NOTICE:
        take_notice(loop, item);
        break;
    case LETTER_FETCHED:
        fetch_deliver(item);
        break;
    case LETTER_SURVEY:
        take_survey(loop, item);
        break;
    default:
        CHECK(!"a letter to a loop");
    }
}

/* ---- for the hub ---- */

static void on_hub_release(void *context, struct text name, uint32_t full, uint32_t member)
{
    loop_return(context, &(struct returned){.channel = name, .full = full, .member = member});
}

static void on_hub_dying(void *context, struct hub_channel *channel)
{
    const struct loop *loop = context;

    chats_forget(loop->chats, channel);
}

/* ---- opening ---- */

static void make_frames(struct loop *loop)
{
    for (int i = 0; i < FORMAT_COUNT; i++)
        loop->pings[i] = frame_create((enum format)i, FORMATS[i].codec->ping);
    loop->native_ping = frame_control(WEBSOCKET_PING, (struct text){0});
    loop->stale = chats_stale();
}

void loop_open(struct loop *loop, uv_loop_t *uv, unsigned index, const struct shared *shared)
{
    const struct settings *settings = shared->settings;
    const struct hub_events hub_events = {delivery_send, sub_extra_destroy, on_hub_release,
                                          on_hub_dying};
    /* Answers: one per client; notices: far fewer than that. */
    const size_t letters =
        (size_t)(settings->gateway.inbox_limit + 2 * settings->http.connection_limit) + (1 << 20);

    *loop = (struct loop){
        .uv = uv,
        .index = index,
        .shared = shared,
        .settings = settings,
    };
    /* No client can name a channel that is no UTF-8. */
    loop->user_prefix = loop_is_on_bus(loop) ? TEXT("user:") : TEXT("\xff");
    loop->port.mailbox = mailbox_open(uv, letters, on_letter, loop);
    loop->port.limit = (size_t)settings->gateway.inbox_limit;
    loop->hub = hub_create(&hub_events, loop);
    loop->chats = chats_open(uv, loop->hub, settings->chats.window_ms, &loop->metrics);
    loop->connections = (struct connection_group){
        .events = {client_on_message, client_on_pong, client_on_blocked, client_on_slow,
                   client_on_ending, client_on_unfit, client_on_gone},
        .queue_max = (size_t)settings->client.queue_max_bytes,
        .metrics = &loop->metrics,
    };
    make_frames(loop);
    wheel_init(&loop->wheel, loop_now_ms(loop));
    CHECK(uv_timer_init(uv, &loop->ticker) == 0);
    CHECK(uv_timer_start(&loop->ticker, on_tick, WHEEL_TICK_MS, WHEEL_TICK_MS) == 0);
    CHECK(uv_prepare_init(uv, &loop->before_poll) == 0);
    CHECK(uv_prepare_start(&loop->before_poll, before_poll) == 0);
    CHECK(uv_check_init(uv, &loop->after_poll) == 0);
    CHECK(uv_check_start(&loop->after_poll, after_poll) == 0);
}

enum err loop_listen(struct loop *loop, h2o_globalconf_t *http, int port)
{
    const struct listener_config config = {
        .host = loop->settings->http.host,
        .port = port,
        .connection_limit = (size_t)loop->settings->http.connection_limit,
        .http = http,
        .joins = loop->index > 0,
    };

    current = loop;
    return listener_open(&loop->listener, loop->uv, &config);
}

enum err loop_listen_internal(struct loop *loop, h2o_globalconf_t *http)
{
    const struct settings *settings = loop->settings;
    const char *host = settings->http.internal_host;
    const struct listener_config config = {
        .host = host[0] != '\0' ? host : settings->http.host,
        .port = (int)settings->http.internal_port,
        .connection_limit = INTERNAL_CONNECTIONS_MAX,
        .http = http,
    };

    return listener_open(&loop->internal, loop->uv, &config);
}
