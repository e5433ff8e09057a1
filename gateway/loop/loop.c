#include "gateway/loop/loop.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/log.h"
#include "gateway/loop/client.h"
#include "gateway/loop/handshake.h"

static _Thread_local struct loop *current;

struct loop *loop_current(void)
{
    return current;
}

/* ---- to the broker ---- */

bool loop_ask(struct loop *loop, struct request *request)
{
    request->loop = loop->index;
    return mailbox_post(loop->broker, request);
}

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
    loop->listener = NULL;
    chats_close(loop->chats);
    mailbox_close(loop->port.mailbox);
    uv_close((uv_handle_t *)&loop->ticker, on_closed);
    uv_close((uv_handle_t *)&loop->before_poll, on_closed);
    uv_close((uv_handle_t *)&loop->after_poll, on_closed);
}

void loop_free(struct loop *loop)
{
    hub_destroy(loop->hub);
    frame_unref(loop->ping);
    frame_unref(loop->stale);
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

static void on_tick(uv_timer_t *timer)
{
    struct loop *loop = container_of(timer, struct loop, ticker);

    wheel_turn(&loop->wheel, loop_now_ms(loop), client_on_deadline, loop);
    if (loop->drain_until_ms == 0 || loop->stopped)
        return;
    say_goodbye(loop);
    if (loop->unfree_count == 0)
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
        client_take_answer(loop, item);
        break;
    case LETTER_NOTICE:
        take_notice(loop, item);
        break;
    default:
        CHECK(!"a letter to a loop");
    }
}

/* ---- for the hub ---- */

static void on_hub_send(struct follower *follower, struct frame *frame)
{
    connection_send(&client_of(follower)->connection, frame);
}

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

void loop_open(struct loop *loop, uv_loop_t *uv, unsigned index, const struct settings *settings)
{
    const struct hub_events hub_events = {on_hub_send, on_hub_release, on_hub_dying};
    /* Answers: one per client; notices: far fewer than that. */
    const size_t letters =
        (size_t)(settings->gateway.inbox_limit + 2 * settings->http.connection_limit) + (1 << 20);

    *loop = (struct loop){.uv = uv, .index = index, .settings = settings};
    loop->port.mailbox = mailbox_open(uv, letters, on_letter, loop);
    loop->port.limit = (size_t)settings->gateway.inbox_limit;
    loop->hub = hub_create(&hub_events, loop);
    loop->chats = chats_open(uv, loop->hub, settings->chats.window_ms, &loop->metrics);
    loop->connections = (struct connection_group){
        .events = {client_on_message, client_on_slow, client_on_ending, client_on_gone},
        .queue_max = (size_t)settings->client.queue_max_bytes,
        .message_max = (size_t)settings->client.message_max_bytes,
        .metrics = &loop->metrics,
    };
    loop->ping = frame_create(WEBSOCKET_TEXT, TEXT("{}"));
    loop->stale = chats_stale_frame();
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
