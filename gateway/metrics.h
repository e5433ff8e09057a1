/*
 * metrics: counters of the gateway, one set per thread so that counting costs nothing, summed when
 * they are read.
 */
#pragma once

#include <stdatomic.h>

#include "base/buf.h"

/* Each with a sentence on what its rise means. */
#define METRICS_TABLE(X)                                                                           \
    X(CONNECTIONS_OPENED, "connections_opened",                                                    \
      "WebSockets opened; much above the number of people means that they come and go")            \
    X(CONNECTIONS_CLOSED, "connections_closed", "WebSockets ended, whoever ended them")            \
    X(HANDSHAKES_REFUSED, "handshakes_refused",                                                    \
      "Upgrades refused: wrong version, foreign Origin, token in the address")                     \
    X(CONNECTS, "connects", "Clients that were let in")                                            \
    X(CONNECTS_REFUSED, "connects_refused",                                                        \
      "Connect commands refused: bad or expired token, ended session")                             \
    X(COMMANDS, "commands", "Commands of clients")                                                 \
    X(BAD_COMMANDS, "bad_commands",                                                                \
      "Clients closed for what they sent: a broken or hostile client")                             \
    X(REPLIES_FAILED, "replies_failed",                                                            \
      "Error replies; a rise with temporary errors means that no API answers")                     \
    X(SUBSCRIBES, "subscribes", "Subscriptions granted")                                           \
    X(PUBLICATIONS, "publications", "Publications that reached a loop with listeners")             \
    X(DELIVERIES, "deliveries", "Frames queued for listeners")                                     \
    X(LINES, "lines", "Lines of chats queued for listeners")                                       \
    X(SLOW_CLIENTS, "slow_clients", "Clients closed because they read too slowly (3008)")          \
    X(LOST_CLIENTS, "lost_clients", "Clients closed because they did not answer a ping (3012)")    \
    X(OVERRUNS, "overruns",                                                                        \
      "A loop was too slow for what was published: its clients had to reconnect")                  \
    X(BUS_PUBLICATIONS, "bus_publications", "Publications heard from the APIs")                    \
    X(BUS_REPEATS, "bus_repeats",                                                                  \
      "Publications heard twice; normal after an API was started again")                           \
    X(BUS_EARLY, "bus_early",                                                                      \
      "Publications that came before an earlier one: two APIs raced, or one was lost")             \
    X(BUS_HOLES, "bus_holes", "Gaps in an API's running numbers: the bus lost something")          \
    X(BUS_REPLAYS_FAILED, "bus_replays_failed",                                                    \
      "Gaps that Replay could not fill: a sweep followed")                                         \
    X(QUESTIONS, "questions", "Questions asked of the APIs")                                       \
    X(QUESTIONS_FAILED, "questions_failed", "Questions that nobody answered in time")              \
    X(FETCHES, "fetches", "Rooms healed by asking for their history")                              \
    X(RESETS, "resets",                                                                            \
      "Rooms whose subscribers had to start anew: history had a gap, or a new epoch")              \
    X(SWEEPS, "sweeps", "Comparisons of all rooms with the APIs, after a loss")                    \
    X(RECOVERIES, "recoveries", "Subscribes that recovered what was missed")                       \
    X(RECOVERIES_FAILED, "recoveries_failed", "Subscribes that missed too much")                   \
    X(RING_EVICTIONS, "ring_evictions",                                                            \
      "Publications dropped from memory to make room: raise ring.max_bytes")

enum metric {
#define X(name, label, help) METRIC_##name,
    METRICS_TABLE(X)
#undef X
        METRIC_COUNT,
};

struct metrics {
    _Atomic uint64_t counts[METRIC_COUNT]; /* written by one thread */
};

static inline void metrics_add(struct metrics *metrics, enum metric metric, uint64_t count)
{
    /* One writer: no need for a locked instruction. */
    const uint64_t now = atomic_load_explicit(&metrics->counts[metric], memory_order_relaxed);
    atomic_store_explicit(&metrics->counts[metric], now + count, memory_order_relaxed);
}

/* Appends all, as Prometheus text: the sums over `sets`. */
void metrics_print(struct buf *out, struct metrics *const *sets, size_t count);
/* One more line with its help. `type`: "gauge" or "counter". */
void metrics_print_one(struct buf *out, const char *name, const char *type, const char *help,
                       uint64_t value);
