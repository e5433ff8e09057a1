/*
 * fanout: how fast a server carries one channel to many subscribers, one message at a time: the
 * next is published when all have the last one. The server is the gateway, to which this program is
 * the API behind the bus, or the ceiling.
 *
 * Prints one line of JSON. What counts is deliveries per second of the server's processor time: the
 * wall's second also holds this program's work, and both sides' waking up.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "bench/cpu_time.h"
#include "bench/target.h"

#define BOUND_MS 60000 /* for connecting, and for one message to reach everybody */

static struct {
    int64_t subscribers, seconds, warmup_ms, messages_max, data_bytes;
} config;

static struct target target;

/* Where messages go in: the bus, or the ceiling's second port. */
struct source {
    struct publication_shape shape;
    struct fake_api *api; /* gateway */
    int feed;             /* ceiling */
    uint64_t last;
};

struct sample {
    int64_t wall_ns, cpu_us;
    uint64_t messages;
    struct subscribers_counts counts;
};

/* ---- messages in ---- */

static enum err open_feed(struct source *source)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)(target.port + 1)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;

    source->feed = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(source->feed, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        log_error("ceiling: %s", strerror(errno));
        return ERR_UNAVAILABLE;
    }
    setsockopt(source->feed, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return ERR_OK;
}

static enum err open_source(struct source *source)
{
    source->feed = -1;
    if (target.kind == TARGET_CEILING)
        return open_feed(source);
    return target_open_api(&target, &source->shape, &source->api);
}

static bool feed(struct source *source)
{
    struct buf frame = {0};

    publication_frame(&frame, &source->shape, ++source->last);
    const uint32_t len = htonl((uint32_t)frame.len);
    const bool sent =
        send(source->feed, &len, sizeof(len), MSG_MORE | MSG_NOSIGNAL) == sizeof(len) &&
        send(source->feed, frame.at, frame.len, MSG_NOSIGNAL) == (ssize_t)frame.len;
    buf_fini(&frame);
    return sent;
}

static bool publish(struct source *source)
{
    if (source->api == NULL)
        return feed(source);
    source->last = fake_api_publish(source->api);
    return true;
}

/* ---- measuring ---- */

static bool is_broken(const struct subscribers_counts *counts)
{
    return counts->repeated + counts->skipped + counts->lost > 0;
}

/* One message to all. */
static bool deliver_one(struct source *source, struct subscribers *subscribers)
{
    const struct subscribers_counts *counts = subscribers_count(subscribers);
    const uint64_t wanted = counts->delivered + (uint64_t)config.subscribers;
    const int64_t end_ms = clock_mono_ms() + BOUND_MS;

    if (!publish(source))
        return false;
    while (counts->delivered < wanted) {
        subscribers_read(subscribers, 100);
        if (is_broken(counts) || clock_mono_ms() > end_ms)
            return false;
    }
    return true;
}

static struct subscribers_counts difference(struct subscribers_counts after,
                                            struct subscribers_counts before)
{
    after.delivered -= before.delivered;
    after.bytes -= before.bytes;
    after.pings -= before.pings;
    after.others -= before.others;
    return after; /* of what must be zero, all of it */
}

static bool measure(struct source *source, struct subscribers *subscribers, int64_t duration_ns,
                    struct sample *sample)
{
    const struct subscribers_counts before = *subscribers_count(subscribers);
    const int64_t cpu_start_us = cpu_time_us((pid_t)target.pid), start_ns = clock_mono_ns();
    bool all_came = true;

    *sample = (struct sample){0};
    while (all_came && clock_mono_ns() - start_ns < duration_ns &&
           sample->messages < (uint64_t)config.messages_max) {
        all_came = deliver_one(source, subscribers);
        sample->messages++;
    }
    sample->wall_ns = clock_mono_ns() - start_ns;
    sample->cpu_us = cpu_time_us((pid_t)target.pid) - cpu_start_us;
    sample->counts = difference(*subscribers_count(subscribers), before);
    return all_came;
}

static void print(const struct sample *sample)
{
    const struct subscribers_counts *counts = &sample->counts;
    const double wall_s = (double)sample->wall_ns / 1e9, cpu_s = (double)sample->cpu_us / 1e6;
    const uint64_t expected = sample->messages * (uint64_t)config.subscribers;

    printf(
        "{\"target\":\"%s\",\"subscribers\":%lld,\"messages\":%llu,\"deliveries\":%llu,\"bytes_each\":%.1f,"
        "\"wall_s\":%.3f,\"cpu_s\":%.2f,\"per_cpu_s\":%.0f,\"per_wall_s\":%.0f,\"missing\":%llu,\"skipped\":%llu,"
        "\"repeated\":%llu,\"connections_lost\":%llu,\"pings\":%llu,\"others\":%llu}\n",
        target.name, (long long)config.subscribers, (unsigned long long)sample->messages,
        (unsigned long long)counts->delivered,
        (double)counts->bytes / (double)(counts->delivered + !counts->delivered), wall_s, cpu_s,
        cpu_s > 0 ? (double)counts->delivered / cpu_s : 0, (double)counts->delivered / wall_s,
        (unsigned long long)(expected - counts->delivered), (unsigned long long)counts->skipped,
        (unsigned long long)counts->repeated, (unsigned long long)counts->lost,
        (unsigned long long)counts->pings, (unsigned long long)counts->others);
}

static bool run(struct source *source, struct subscribers *subscribers)
{
    struct sample sample;

    /* The first message also waits until the gateway hears our bus. */
    if (!measure(source, subscribers, config.warmup_ms * 1000000, &sample)) {
        log_error("the warm-up broke off");
        print(&sample);
        return false;
    }
    const bool all_came = measure(source, subscribers, config.seconds * 1000000000, &sample);
    print(&sample);
    return all_came;
}

/* ---- life ---- */

/* clang-format off: a table reads best with a row a line */
static void read_options(int argc, char **argv)
{
    struct option table[] = {
        {.name = "subscribers",
         .type = OPTION_NUMBER,
         .value = &config.subscribers,
         .fallback = "1000",
         .unit = "connections",
         .min = 1,
         .max = 100000,
         .help = "How many follow the channel."},
        {.name = "seconds",
         .type = OPTION_NUMBER,
         .value = &config.seconds,
         .fallback = "3",
         .unit = "s",
         .min = 1,
         .max = 600,
         .help = "Length of the measurement."},
        {.name = "warmup-ms",
         .type = OPTION_NUMBER,
         .value = &config.warmup_ms,
         .fallback = "500",
         .unit = "ms",
         .min = 1,
         .max = 60000,
         .help = "Unmeasured start; at least one message."},
        {.name = "messages-max",
         .type = OPTION_NUMBER,
         .value = &config.messages_max,
         .fallback = "1000000",
         .unit = "messages",
         .min = 1,
         .max = 100000000,
         .help = "It ends after so many at the latest."},
        {.name = "data-bytes",
         .type = OPTION_NUMBER,
         .value = &config.data_bytes,
         .fallback = "128",
         .unit = "bytes",
         .min = 64,
         .max = 16384,
         .help = "Size of a publication's data."},
    };
    const struct options own = {.program = "fanout",
                                .summary = "Fan-out of one channel, one message at a time.",
                                .table = table,
                                .count = ARRAY_COUNT(table)};

    target_load(&target, &own, argc, argv);
}
/* clang-format on */

int main(int argc, char **argv)
{
    struct source source = {0};
    bool all_came = false;

    read_options(argc, argv);
    log_init("fanout", LOG_INFO, LOG_TEXT);
    id_init();
    source.shape = target_shape(&target, (size_t)config.data_bytes);
    struct subscribers *subscribers = target_subscribers(&target, (size_t)config.subscribers);
    if (open_source(&source) == ERR_OK &&
        subscribers_connect(subscribers, (size_t)config.subscribers, BOUND_MS) == ERR_OK)
        all_came = run(&source, subscribers);
    subscribers_destroy(subscribers);
    if (source.feed >= 0)
        close(source.feed);
    fake_api_close(source.api);
    return all_came ? 0 : 1;
}
