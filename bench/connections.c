/*
 * connections: what connections cost a server as long as nobody says anything: processor time for
 * making one, for each ping and for its end, and its memory. The server is the gateway, to which
 * this program is the API behind the bus, or the ceiling, where making is accepting and shaking
 * hands.
 *
 * A few are there first, so that what the server needs once (code, its bus, buffers that are used
 * again) is not counted; then the others come. Each follows one channel. Prints one line of JSON.
 */
#include <poll.h>
#include <stdio.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "bench/cpu_time.h"
#include "bench/process.h"
#include "bench/target.h"

#define BOUND_MS     60000 /* for connecting all, and for closing all */
#define AFTERMATH_MS 200   /* work that the server puts off for so long still counts as making */

static struct {
    int64_t connections, first, seconds, settle_ms;
} config;

static struct target target;

struct reading {
    int64_t at_ns, cpu_us, rss_bytes;
    uint64_t pings;
};

/* In the order in which they are taken. */
struct sample {
    struct reading first;   /* the first ones are connected and have settled */
    struct reading watched; /* they were watched for a while */
    struct reading made;    /* all are connected */
    struct reading settled;
    struct reading kept; /* all were watched */
    int64_t closing_cpu_us;
};

/* ---- measuring ---- */

static struct reading take_reading(const struct subscribers *subscribers)
{
    return (struct reading){.at_ns = clock_mono_ns(),
                            .cpu_us = cpu_time_us((pid_t)target.pid),
                            .rss_bytes = process_rss_bytes((pid_t)target.pid),
                            .pings = subscribers_count(subscribers)->pings};
}

static bool is_complete(const struct reading *reading)
{
    return reading->cpu_us >= 0 && reading->rss_bytes >= 0;
}

/* Answers pings; false when a connection was lost meanwhile. */
static bool idle(struct subscribers *subscribers, int64_t duration_ms)
{
    const int64_t end_ms = clock_mono_ms() + duration_ms;

    for (int64_t left_ms; (left_ms = end_ms - clock_mono_ms()) > 0;)
        subscribers_read(subscribers, (int)left_ms);
    return subscribers_count(subscribers)->lost == 0;
}

static bool connect_to(struct subscribers *subscribers, int64_t count)
{
    return subscribers_connect(subscribers, (size_t)count, BOUND_MS) == ERR_OK;
}

static bool measure(struct subscribers *subscribers, struct sample *sample)
{
    if (!connect_to(subscribers, config.first) || !idle(subscribers, config.settle_ms))
        return false;
    sample->first = take_reading(subscribers);
    if (!idle(subscribers, config.seconds * 1000))
        return false;
    sample->watched = take_reading(subscribers);
    if (!connect_to(subscribers, config.connections) || !idle(subscribers, AFTERMATH_MS))
        return false;
    sample->made = take_reading(subscribers);
    if (!idle(subscribers, config.settle_ms))
        return false;
    sample->settled = take_reading(subscribers);
    if (!idle(subscribers, config.seconds * 1000))
        return false;
    sample->kept = take_reading(subscribers);
    return is_complete(&sample->first) && is_complete(&sample->kept);
}

/* Ends them, and waits until the server has closed them too: nobody else tells. */
static bool measure_closing(struct subscribers *subscribers, struct sample *sample)
{
    const int64_t start_us = cpu_time_us((pid_t)target.pid);
    const int64_t end_ms = clock_mono_ms() + BOUND_MS;
    const int64_t others = process_descriptors((pid_t)target.pid) - config.connections;

    subscribers_destroy(subscribers);
    while (process_descriptors((pid_t)target.pid) > others) {
        if (clock_mono_ms() > end_ms) {
            log_error("the server keeps connections that have ended");
            return false;
        }
        poll(NULL, 0, 10);
    }
    sample->closing_cpu_us = cpu_time_us((pid_t)target.pid) - start_us;
    return true;
}

/* ---- telling ---- */

static double seconds_between(const struct reading *from, const struct reading *to)
{
    return (double)(to->at_ns - from->at_ns) / 1e9;
}

static double cpu_us_between(const struct reading *from, const struct reading *to)
{
    return (double)(to->cpu_us - from->cpu_us);
}

/* 0 where nothing was to be counted. */
static double per(double amount, double count)
{
    return count > 0 ? amount / count : 0;
}

static void print(const struct sample *sample)
{
    const struct reading *first = &sample->first, *watched = &sample->watched;
    const struct reading *settled = &sample->settled, *kept = &sample->kept;
    const double made = (double)(config.connections - config.first);
    const double pings = (double)(kept->pings - settled->pings);
    const double watched_s = config.seconds > 0 ? seconds_between(first, watched) : 0;

    printf(
        "{\"target\":\"%s\",\"connections\":%lld,\"first\":%lld,\"bytes_each\":%.1f,\"rss_bytes\":%lld,"
        "\"connect_wall_s\":%.3f,\"connect_cpu_us\":%.3f,\"close_cpu_us\":%.3f,\"pings\":%.0f,"
        "\"pings_per_s\":%.1f,\"ping_cpu_us\":%.3f,\"first_cpu_ms_per_s\":%.3f}\n",
        target.name, (long long)config.connections, (long long)config.first,
        (double)(settled->rss_bytes - first->rss_bytes) / made, (long long)settled->rss_bytes,
        seconds_between(watched, &sample->made), cpu_us_between(watched, &sample->made) / made,
        (double)sample->closing_cpu_us / (double)config.connections, pings,
        per(pings, seconds_between(settled, kept)), per(cpu_us_between(settled, kept), pings),
        per(cpu_us_between(first, watched) / 1e3, watched_s));
}

/* ---- life ---- */

/* clang-format off: a table reads best with a row a line */
static void read_options(int argc, char **argv)
{
    struct option table[] = {
        {.name = "connections",
         .type = OPTION_NUMBER,
         .value = &config.connections,
         .fallback = "8000",
         .unit = "connections",
         .min = 2,
         .max = 100000,
         .help = "How many there are in the end."},
        {.name = "first",
         .type = OPTION_NUMBER,
         .value = &config.first,
         .fallback = "500",
         .unit = "connections",
         .min = 1,
         .max = 99999,
         .help = "How many of them are there before anything is measured."},
        {.name = "seconds",
         .type = OPTION_NUMBER,
         .value = &config.seconds,
         .fallback = "0",
         .unit = "s",
         .min = 0,
         .max = 600,
         .help = "How long the first ones, and later all, are watched while they idle."},
        {.name = "settle-ms",
         .type = OPTION_NUMBER,
         .value = &config.settle_ms,
         .fallback = "200",
         .unit = "ms",
         .min = 0,
         .max = 600000,
         .help = "Unmeasured time after connecting."},
    };
    const struct options own = {.program = "connections",
                                .summary = "Memory and processor time of connections that idle.",
                                .table = table,
                                .count = ARRAY_COUNT(table)};

    target_load(&target, &own, argc, argv);
}
/* clang-format on */

static bool run(void)
{
    struct sample sample = {0};
    struct subscribers *subscribers = target_subscribers(&target, (size_t)config.connections);

    if (!measure(subscribers, &sample)) {
        subscribers_destroy(subscribers);
        return false;
    }
    if (!measure_closing(subscribers, &sample))
        return false;
    print(&sample);
    return true;
}

int main(int argc, char **argv)
{
    struct fake_api *api = NULL;
    bool is_measured = false;

    read_options(argc, argv);
    log_init("connections", LOG_INFO, LOG_TEXT);
    id_init();
    if (config.first >= config.connections) {
        log_error("--first must be less than --connections");
        return 2;
    }
    const struct publication_shape shape = target_shape(&target, 0);
    if (target_open_api(&target, &shape, &api) == ERR_OK)
        is_measured = run();
    fake_api_close(api);
    return is_measured ? 0 : 1;
}
