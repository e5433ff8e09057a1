/*
 * metrics: counters of the gateway, one set per thread so that counting costs nothing, summed when
 * they are read.
 */
#pragma once

#include <stdatomic.h>

#include "base/buf.h"
#include "gateway/format.h"
#include "gateway/metrics_histogram.h"
#include "gateway/protocol/command.h"

/* Each with a sentence on what its rise means. */
#define METRICS_TABLE(X)                                                                           \
    X(CONNECTIONS_OPENED, "connections_opened",                                                    \
      "Connections opened; much above the number of people means that they come and go")           \
    X(CONNECTIONS_CLOSED, "connections_closed", "Connections ended, whoever ended them")           \
    X(CONNECTIONS_REFUSED, "connections_refused",                                                  \
      "Connections refused (503) since http.connection_limit of their thread were open")          \
    X(HANDSHAKES_REFUSED, "handshakes_refused",                                                    \
      "Upgrades refused: wrong version, foreign Origin, token in the address")                     \
    X(CONNECTS, "connects", "Clients that were let in")                                            \
    X(CONNECTS_REFUSED, "connects_refused",                                                        \
      "Connect commands refused: bad or expired token, ended session")                             \
    X(CONNECTS_BUSY, "connects_busy",                                                              \
      "Clients told to come back (111) since bus.connect_max of them waited already: APIs are "     \
      "slow, or all came at once")                                                                  \
    X(COMMANDS, "commands", "Commands of clients")                                                 \
    X(BAD_COMMANDS, "bad_commands",                                                                \
      "Clients closed for what they sent: a broken or hostile client")                             \
    X(REPLIES_FAILED, "replies_failed",                                                            \
      "Error replies; a rise with temporary errors means that no API answers")                     \
    X(SUBSCRIBES, "subscribes", "Subscriptions granted")                                           \
    X(SUBSCRIPTIONS_ENDED, "subscriptions_ended", "Subscriptions ended, whoever ended them")       \
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
    X(BUS_NOT_HELD, "bus_not_held",                                                                \
      "Publications that heal.hold_max or hold_max_bytes left no room for: they are fetched")          \
    X(BUS_HEARD, "bus_heard",                                                                      \
      "Times that an API was heard which was not heard before, or lost: all is compared with it")  \
    X(BUS_LOST, "bus_lost",                                                                        \
      "Times that an API said nothing for bus.silence_ms: it ended, hangs, or is cut off")         \
    X(BUS_HOLES, "bus_holes", "Gaps in an API's running numbers: the bus lost something")          \
    X(BUS_HOLES_SWEPT, "bus_holes_swept",                                                          \
      "Of those, gaps that were not asked for since heal.hole_max were: a sweep followed")          \
    X(BUS_REPLAYS_FAILED, "bus_replays_failed",                                                    \
      "Gaps that Replay could not fill: a sweep followed")                                         \
    X(BUS_FOREIGN, "bus_foreign",                                                                  \
      "Messages of the bus dropped since they are not sealed with its key: an API has another "     \
      "bus.key, or a stranger is on the bus")                                                       \
    X(BUS_UNTRUSTED, "bus_untrusted",                                                              \
      "Batches dropped of a publisher that the API does not call its own: a few when an API "       \
      "starts; more are a recording that somebody plays")                                           \
    X(BUS_RECORDED, "bus_recorded",                                                                \
      "Batches dropped since they were heard before: somebody plays a recording")                   \
    X(BUS_DROPPED, "bus_dropped",                                                                  \
      "Messages of the bus that found the broker's inbox full: it is too slow for what is "         \
      "published, and asks for them again")                                                         \
    X(BUS_ENDED, "bus_ended",                                                                      \
      "Connections to APIs that ended (two for each API): an API stopped, the network broke, or "   \
      "a frame was too large")                                                                      \
    X(SESSIONS_FORGOTTEN, "sessions_forgotten",                                                    \
      "Ended sessions forgotten before their time: raise session.remember_max")                     \
    X(BANS_FORGOTTEN, "bans_forgotten",                                                            \
      "Users and tokens that are let in again since a thread can keep out no more")                 \
    X(QUESTIONS, "questions", "Questions asked of the APIs")                                       \
    X(QUESTIONS_FAILED, "questions_failed", "Questions that nobody answered in time")              \
    X(QUESTIONS_REFUSED, "questions_refused",                                                      \
      "Questions that were not even asked, since bus.open_max were open")                 \
    X(DOUBTS, "doubts",                                                                            \
      "Memberships asked about since the log spoke of them before its room was followed here")     \
    X(DOUBTS_CLOSED, "doubts_closed",                                                              \
      "Memberships that there was no room to ask about: the person's connections were closed and "  \
      "come back")                                                                                  \
    X(FACTS_VOID, "facts_void",                                                                    \
      "Changes of one person's memberships that were too many to be noted while a question about "  \
      "them was open: it is asked again")                                                           \
    X(FETCHES, "fetches", "Rooms healed by asking for their history")                              \
    X(RESETS, "resets",                                                                            \
      "Rooms whose subscribers had to start anew: history had a gap, or a new epoch")              \
    X(SWEEPS, "sweeps", "Comparisons of all rooms with the APIs, after a loss")                    \
    X(SWEEP_PAGES, "sweep_pages", "Questions of those")                                            \
    X(SUBSCRIBES_FAILED, "subscribes_failed",                                                      \
      "Subscribes that waited in vain for their room to be healed: they try again")                 \
    X(RECOVERIES, "recoveries", "Subscribes that recovered what was missed")                       \
    X(RECOVERIES_FAILED, "recoveries_failed", "Subscribes that missed too much")                   \
    X(API_CALLS, "api_calls", "Calls of the server API that had its key")                         \
    X(API_ERRORS, "api_errors",                                                                    \
      "Commands of the server API answered by an error; api_commands tells which")                 \
    X(API_REFUSED, "api_refused",                                                                  \
      "Calls of the server API without its key (401): a misconfigured or hostile back end")        \
    X(RING_EVICTIONS, "ring_evictions",                                                            \
      "Publications dropped from memory to make room: raise ring.max_bytes")

enum metric {
#define X(name, label, help) METRIC_##name,
    METRICS_TABLE(X)
#undef X
        METRIC_COUNT,
};

/* By what a connection speaks: each with a sentence. */
#define METRICS_TRAFFIC_TABLE(X)                                                                   \
    X(MESSAGES_RECEIVED, "messages_received", "Messages of clients, each of one or more commands") \
    X(MESSAGES_SENT, "messages_sent", "Messages that the kernel took: replies, pushes, pings")     \
    X(BYTES_RECEIVED, "bytes_received", "Bytes of clients after the handshake")                    \
    X(BYTES_SENT, "bytes_sent", "Bytes that the kernel took, for clients")                         \
    X(OPENED, "transport_connections_opened", "Connections opened")                                \
    X(CLOSED, "transport_connections_closed", "Connections ended, whoever ended them")

enum traffic {
#define X(name, label, help) TRAFFIC_##name,
    METRICS_TRAFFIC_TABLE(X)
#undef X
        TRAFFIC_COUNT,
};

/* Why what was queued for clients never reached them. */
enum drop {
    DROP_SLOW,    /* its client was closed because it read too slowly (3008) */
    DROP_GONE,    /* its client was gone before it was out */
    DROP_OVERRUN, /* a loop's inbox was full: its clients reconnect and recover */
    DROP_COUNT,
};

#define METRICS_ERROR_COUNT      15 /* known codes, and one for all others */
#define METRICS_DISCONNECT_COUNT 26

#define METRICS_PEAK_MS 15000 /* a peak is seen for so long at least */

/* What waits for clients that read slowly. */
struct metrics_waiting {
    _Atomic uint64_t bytes;          /* at present, of all */
    _Atomic uint64_t peak, old_peak; /* the most of one client, in this span and the one before */
    int64_t turned_ms;               /* when this span began */
};

/* Written by one thread. */
struct metrics {
    _Atomic uint64_t counts[METRIC_COUNT];
    _Atomic uint64_t traffic[FORMAT_COUNT][TRAFFIC_COUNT];
    _Atomic uint64_t drops[DROP_COUNT];
    _Atomic uint64_t errors[METRICS_ERROR_COUNT];
    _Atomic uint64_t disconnects[METRICS_DISCONNECT_COUNT];
    struct metrics_histogram commands[COMMAND_KIND_COUNT];
    struct metrics_waiting waiting;
};

static inline void metrics_add(struct metrics *metrics, enum metric metric, uint64_t count)
{
    metrics_count(&metrics->counts[metric], count);
}

static inline void metrics_traffic(struct metrics *metrics, uint8_t format, enum traffic traffic,
                                   uint64_t count)
{
    metrics_count(&metrics->traffic[format][traffic], count);
}

static inline void metrics_drop(struct metrics *metrics, enum drop reason, uint64_t count)
{
    metrics_count(&metrics->drops[reason], count);
}

/* An error in a reply, a goodbye of ours. */
void metrics_error(struct metrics *metrics, int code);
void metrics_disconnect(struct metrics *metrics, int code);

/* A command was answered. */
void metrics_command(struct metrics *metrics, enum command_kind kind, int64_t took_us);

/* What waits for one client was `before` bytes and is `now`. */
void metrics_waits(struct metrics *metrics, size_t before, size_t now);
/* Now and then: forgets old peaks. */
void metrics_turn(struct metrics *metrics, int64_t now_ms);

/* The sum over `sets`. */
uint64_t metrics_sum(struct metrics *const *sets, size_t count, enum metric metric);
/* What has begun and not ended; never below 0, since the end is read first. */
uint64_t metrics_left(struct metrics *const *sets, size_t count, enum metric begun,
                      enum metric ended);
uint64_t metrics_sum_traffic(struct metrics *const *sets, size_t count, enum traffic traffic);
uint64_t metrics_sum_drops(struct metrics *const *sets, size_t count);
uint64_t metrics_sum_waiting(struct metrics *const *sets, size_t count);

/* Appends all, as Prometheus text: the sums over `sets`. */
void metrics_print(struct buf *out, struct metrics *const *sets, size_t count);
/* One more line with its help. `type`: "gauge" or "counter". */
void metrics_print_one(struct buf *out, const char *name, const char *type, const char *help,
                       uint64_t value);
