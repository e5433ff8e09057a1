#include "gateway/admin/state.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/version.h"
#include "gateway/node.h"

static int64_t began_ms;

void state_init(void)
{
    began_ms = clock_mono_ms();
}

static void write_node(struct json_out *out, const struct gateway_view *view)
{
    json_key(out, "node");
    json_open(out, '{');
    json_key_text(out, "id", node_id());
    json_key_text(out, "name", text(view->settings->gateway.node));
    json_key_text(out, "version", TEXT(PARLEY_VERSION));
    json_key_text(out, "broker",
                  view->settings->gateway.broker == BROKER_BUS ? TEXT("bus") : TEXT("memory"));
    json_key_u64(out, "threads", view->loop_count);
    json_key_i64(out, "uptime_s", (clock_mono_ms() - began_ms) / 1000);
    json_key_bool(out, "ready", atomic_load(&view->broker->is_ready));
    json_close(out, '}');
}

static void write_gauges(struct json_out *out, const struct gateway_view *view,
                         struct metrics *const *sets, size_t count)
{
    json_key_u64(out, "connections", front_client_count());
    json_key_u64(out, "subscriptions",
                 metrics_left(sets, count, METRIC_SUBSCRIBES, METRIC_SUBSCRIPTIONS_ENDED));
    json_key_u64(out, "channels",
                 atomic_load_explicit(&view->broker->channel_count, memory_order_relaxed));
    json_key_u64(out, "waiting_bytes", metrics_sum_waiting(sets, count));
}

static void write_counters(struct json_out *out, struct metrics *const *sets, size_t count)
{
    static const struct {
        const char *name;
        enum traffic traffic;
    } traffic[] = {
        {"messages_received", TRAFFIC_MESSAGES_RECEIVED},
        {"messages_sent", TRAFFIC_MESSAGES_SENT},
        {"bytes_received", TRAFFIC_BYTES_RECEIVED},
        {"bytes_sent", TRAFFIC_BYTES_SENT},
    };
    static const struct {
        const char *name;
        enum metric metric;
    } metrics[] = {
        {"connects", METRIC_CONNECTS},
        {"commands", METRIC_COMMANDS},
        {"publications", METRIC_PUBLICATIONS},
        {"errors", METRIC_REPLIES_FAILED},
    };

    json_key(out, "counters");
    json_open(out, '{');
    for (size_t i = 0; i < ARRAY_COUNT(traffic); i++)
        json_key_u64(out, traffic[i].name, metrics_sum_traffic(sets, count, traffic[i].traffic));
    for (size_t i = 0; i < ARRAY_COUNT(metrics); i++)
        json_key_u64(out, metrics[i].name, metrics_sum(sets, count, metrics[i].metric));
    json_key_u64(out, "dropped", metrics_sum_drops(sets, count));
    json_close(out, '}');
}

void state_write(struct buf *buf, const struct gateway_view *view)
{
    struct json_out out = {.buf = buf};
    struct metrics *sets[view->loop_count + 1];
    const size_t count = front_metrics(sets);

    json_open(&out, '{');
    json_key_i64(&out, "time_ms", clock_mono_ms());
    write_node(&out, view);
    write_gauges(&out, view, sets, count);
    write_counters(&out, sets, count);
    json_close(&out, '}');
}
