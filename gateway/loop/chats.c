#include "gateway/loop/chats.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/json.h"

/* From a line until a window's time later. All windows are equally long, so the oldest ends first.
 */
struct chats_window {
    struct hub_channel *room;
    struct parcel *newest; /* waits for the end; NULL: nothing happened since the line */
    struct buf mentions;   /* JSON strings with commas between */
    size_t mention_count;
    bool mentions_room;
    int64_t ends_ms;
    struct chats_window *prev, *next;
};

struct chats {
    uv_timer_t timer;
    struct hub *hub;
    int64_t window_ms;
    struct metrics *metrics;
    struct chats_window *windows; /* the next to end first */
};

/* ---- what a line says ---- */

static bool has_mention(const struct buf *mentions, struct text quoted)
{
    return mentions->len > 0 && memmem(mentions->at, mentions->len, quoted.at, quoted.len) != NULL;
}

static void add_mention(struct chats_window *window, struct text user)
{
    struct buf quoted = {0};
    struct json_out json = {.buf = &quoted};

    json_text(&json, user);
    if (!has_mention(&window->mentions, buf_text(&quoted))) {
        if (window->mentions.len > 0)
            buf_add_byte(&window->mentions, ',');
        buf_add_text(&window->mentions, buf_text(&quoted));
        window->mention_count++;
    }
    buf_fini(&quoted);
}

static void add_mentions(struct chats_window *window, const struct parcel *parcel)
{
    for (size_t i = 0; i < parcel->mentions.count; i++) {
        if (window->mention_count >= CHATS_MENTIONS_MAX)
            window->mentions_room = true;
        else
            add_mention(window, parcel->mentions.at[i]);
    }
    window->mentions_room = window->mentions_room || parcel->mentions_room;
}

/* The summary is an object: what belongs to the line alone goes before its closing brace. */
static void add_line(struct buf *out, const struct chats_window *window, struct text summary)
{
    while (summary.len > 0 && summary.at[summary.len - 1] != '}')
        summary.len--;
    if (summary.len < 2) {
        buf_add_text(out, TEXT("{}"));
        return;
    }
    buf_add(out, summary.at, summary.len - 1);
    const char *comma = out->at[out->len - 1] == '{' ? "" : ",";
    if (window->mentions.len > 0) {
        buf_printf(out, "%s\"mentions\":[", comma);
        buf_add_text(out, buf_text(&window->mentions));
        buf_add_byte(out, ']');
        comma = ",";
    }
    if (window->mentions_room)
        buf_printf(out, "%s\"mentions_room\":true", comma);
    buf_add_byte(out, '}');
}

static struct parcel *line_parcel(struct text data)
{
    return parcel_create(
        &(struct parcel_content){.channel = TEXT("chats"), .data = data, .is_json = true});
}

struct parcel *chats_newest(const struct hub_channel *room)
{
    struct chats_window alone = {0};
    struct parcel *told;
    struct buf line = {0};

    if (room->newest == NULL)
        return NULL;
    add_mentions(&alone, room->newest);
    add_line(&line, &alone, room->newest->summary);
    told = line_parcel(buf_text(&line));
    buf_fini(&line);
    buf_fini(&alone.mentions);
    return told;
}

static void keep_newest(struct hub_channel *room, struct parcel *parcel)
{
    parcel_unref(room->newest);
    room->newest = parcel != NULL ? parcel_ref(parcel) : NULL;
}

struct parcel *chats_stale(void)
{
    return line_parcel(TEXT("{\"type\":\"stale\"}"));
}

static void send_line(struct chats *chats, struct chats_window *window, const struct parcel *parcel)
{
    struct buf line = {0};

    if (window->room->summary.count > 0) {
        add_line(&line, window, parcel->summary);
        struct parcel *told = line_parcel(buf_text(&line));
        metrics_add(chats->metrics, METRIC_LINES,
                    hub_deliver_summary(chats->hub, window->room, told));
        parcel_unref(told);
        buf_fini(&line);
    }
    buf_fini(&window->mentions);
    window->mention_count = 0;
    window->mentions_room = false;
}

/* ---- windows ---- */

static void on_timer(uv_timer_t *timer);

static void arm(struct chats *chats)
{
    const int64_t now_ms = (int64_t)uv_now(chats->timer.loop);

    if (chats->windows == NULL || uv_is_active((uv_handle_t *)&chats->timer))
        return;
    const int64_t wait_ms = chats->windows->ends_ms - now_ms;
    uv_timer_start(&chats->timer, on_timer, wait_ms > 0 ? (uint64_t)wait_ms : 0, 0);
}

static void begin_window(struct chats *chats, struct chats_window *window)
{
    window->ends_ms = (int64_t)uv_now(chats->timer.loop) + chats->window_ms;
    DL_APPEND(chats->windows, window);
    arm(chats);
}

static void forget_window(struct chats *chats, struct chats_window *window)
{
    DL_DELETE(chats->windows, window);
    window->room->window = NULL;
    parcel_unref(window->newest);
    buf_fini(&window->mentions);
    free(window);
}

void chats_forget(struct chats *chats, struct hub_channel *room)
{
    if (room->window != NULL)
        forget_window(chats, room->window);
    keep_newest(room, NULL);
}

static void end_window(struct chats *chats, struct chats_window *window)
{
    struct parcel *newest = window->newest;

    if (newest == NULL) {
        forget_window(chats, window);
        return;
    }
    DL_DELETE(chats->windows, window);
    window->newest = NULL;
    send_line(chats, window, newest);
    parcel_unref(newest);
    begin_window(chats, window);
}

static void on_timer(uv_timer_t *timer)
{
    struct chats *chats = container_of(timer, struct chats, timer);
    const int64_t now_ms = (int64_t)uv_now(timer->loop);

    while (chats->windows != NULL && chats->windows->ends_ms <= now_ms)
        end_window(chats, chats->windows);
    arm(chats);
}

void chats_tell(struct chats *chats, struct hub_channel *room, struct parcel *parcel)
{
    struct chats_window *window = room->window;

    keep_newest(room, room->full.count > 0 ? parcel : NULL);
    if (window != NULL) {
        add_mentions(window, parcel);
        parcel_unref(window->newest);
        window->newest = parcel_ref(parcel);
        return;
    }
    if (room->summary.count == 0)
        return;
    window = xcalloc(1, sizeof(*window));
    window->room = room;
    room->window = window;
    add_mentions(window, parcel);
    send_line(chats, window, parcel);
    begin_window(chats, window);
}

void chats_tell_now(struct chats *chats, struct hub_channel *room, struct parcel *parcel)
{
    struct chats_window *window = room->window;

    chats_tell(chats, room, parcel);
    if (window != NULL)
        end_window(chats, window);
}

/* ---- life ---- */

struct chats *chats_open(uv_loop_t *loop, struct hub *hub, int64_t window_ms,
                         struct metrics *metrics)
{
    struct chats *chats = xcalloc(1, sizeof(*chats));

    CHECK(uv_timer_init(loop, &chats->timer) == 0);
    chats->hub = hub;
    chats->window_ms = window_ms;
    chats->metrics = metrics;
    return chats;
}

static void on_closed(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct chats, timer));
}

void chats_close(struct chats *chats)
{
    while (chats->windows != NULL)
        forget_window(chats, chats->windows);
    uv_close((uv_handle_t *)&chats->timer, on_closed);
}
