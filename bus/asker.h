/*
 * asker: a gateway's questions to the APIs: one req0 socket per API, so that a silent one is
 * skipped.
 *
 * A question goes to the API that answered last; after `try_ms` without an answer it is asked once
 * more elsewhere (questions are harmless when asked twice), until `deadline_ms`. An API that says
 * that another one may know better (Answer.elsewhere) is believed: the next gets the question at
 * once, and that answer counts only when no other comes. All on one loop's thread.
 */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "base/text.h"
#include "bus/publisher.h"
#include "bus/wire.h"

struct asker;

#define ASKER_ANY SIZE_MAX

struct asker_config {
    const char *const *urls; /* questions addresses, same order as the feed's */
    size_t url_count;
    struct text secret, other_secret; /* see seal.h */
    int try_ms;        /* e.g. 1000 */
    size_t open_limit; /* questions open at once, e.g. 4096; more are answered ERR_BUSY at once
                          (next loop turn) */
    /* There is a connection to the API, perhaps a new one, and it has just said that `publisher` is its
     * own; from the loop. NULL: nobody wants to know. */
    void (*on_connected)(void *context, size_t api, const struct publisher_place *publisher);
    void *context;
};

/*
 * `err` ERR_OK: `answer` is there (it may carry an error of its own: error_code), borrowed for the
 * call. ERR_TIMEOUT: nobody answered in time. ERR_BUSY: too many open. ERR_TOO_LARGE: over
 * WIRE_MESSAGE_MAX. ERR_UNAVAILABLE: no API has that index. Called exactly once, never from inside
 * asker_ask(); after asker_close() not at all.
 */
typedef void (*asker_done_fn)(void *context, enum err err, const Bus__Answer *answer);

MUST_CHECK enum err asker_open(struct asker **out, uv_loop_t *loop,
                               const struct asker_config *config);
void asker_close(struct asker *asker); /* not from inside a done function; NULL does nothing */

/* Asks `api` (an index) alone, or ASKER_ANY. Serialises before it returns: `question` stays the
 * caller's; its id and deadline are set here. */
void asker_ask(struct asker *asker, size_t api, Bus__Question *question, int deadline_ms,
               asker_done_fn done, void *context);

struct asker_counters {
    uint64_t foreign; /* answers not sealed with our key, or to no question of ours: dropped */
    uint64_t refused; /* questions: ERR_BUSY */
    uint64_t ended;   /* connections: an API went, or it sent what NNG refuses (a frame over
                         WIRE_MESSAGE_MAX) */
};
void asker_count(const struct asker *asker, struct asker_counters *out);
