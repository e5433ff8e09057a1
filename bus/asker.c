#include "bus/asker.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "bus/link.h"
#include "bus/peer.h"

#define TICK_MS   20
#define PEERS_MAX 64  /* bits of `tried` */
#define PACKED_MAX (WIRE_MESSAGE_MAX - SEAL_OVERHEAD - 64) /* of a question: whom it is for is added */
#define TRIES_MAX 100 /* of one question: connections that break one after the other */

/*
 * One open question.
 *
 * asker_ask()     packs it, sends it to the API that answered last
 * on_tick()       after `try_ms` sends it to one more, which the first may still beat
 * on_answer()     the first right answer ends it; one that is no answer, or says "elsewhere", sends
 *                 it on
 *
 * Every API gets it once, and once more when the connection to it broke. The deadline ends it: with
 * the last "elsewhere", which also ends it as soon as no connected API is left that could say
 * something else; without one with ERR_TIMEOUT.
 */
struct ask {
    struct asker *asker;
    struct ask *prev, *next; /* in `open` or `refused` */
    uint64_t id;
    struct buf packed; /* the question, as every API gets it */
    size_t only;    /* an API, or ASKER_ANY */
    uint64_t tried; /* APIs that have it, or had and said nothing right */
    int tries;
    int64_t try_until_ms, deadline_ms; /* clock_mono_ms() */
    enum err refused_with;
    Bus__Answer *elsewhere; /* the last such answer; NULL: none */
    asker_done_fn done;
    void *context;
    struct slot *slots[]; /* per API: where it is under way, or NULL */
};

struct ask_list {
    struct ask *first, *last;
};

struct asker {
    struct seal_keys keys;
    struct buf opened; /* the message at hand */
    void (*on_connected)(void *context, size_t api, const struct publisher_place *publisher);
    void *context;
    int try_ms;
    size_t open_limit, open_count;
    struct ask_list open;
    struct ask_list refused; /* told so in the next turn of the loop */
    uv_timer_t tick;         /* runs while anything is in a list */
    int64_t scanned_ms;
    size_t preferred; /* answered last */
    uint64_t foreign, busy;
    struct link_alarm alarm;
    size_t peer_count;
    struct peer *peers[];
};

static void list_add(struct ask_list *list, struct ask *ask)
{
    ask->prev = list->last;
    ask->next = NULL;
    *(list->last != NULL ? &list->last->next : &list->first) = ask;
    list->last = ask;
}

static void list_remove(struct ask_list *list, struct ask *ask)
{
    *(ask->prev != NULL ? &ask->prev->next : &list->first) = ask->next;
    *(ask->next != NULL ? &ask->next->prev : &list->last) = ask->prev;
}

static void ask_free(struct ask *ask)
{
    buf_fini(&ask->packed);
    wire_free_answer(ask->elsewhere);
    free(ask);
}

/* The question leaves all lists and APIs before `done` is called, which may ask anew. `answer` may
 * be the question's `elsewhere`. */
static void finish(struct ask *ask, enum err err, const Bus__Answer *answer)
{
    struct asker *asker = ask->asker;
    const asker_done_fn done = ask->done;
    void *context = ask->context;
    Bus__Answer *elsewhere = ask->elsewhere;

    list_remove(&asker->open, ask);
    asker->open_count--;
    for (size_t i = 0; i < asker->peer_count; i++)
        if (ask->slots[i] != NULL)
            slot_abandon(ask->slots[i]);
    ask->elsewhere = NULL;
    ask_free(ask);
    done(context, err, answer);
    wire_free_answer(elsewhere);
}

/* Nothing better came. */
static void give_up(struct ask *ask)
{
    finish(ask, ask->elsewhere != NULL ? ERR_OK : ERR_TIMEOUT, ask->elsewhere);
}

/* ---- where to ask ---- */

static bool may_try(const struct ask *ask, size_t api)
{
    return (ask->tried & 1ull << api) == 0 && (ask->only == ASKER_ANY || ask->only == api);
}

/* The next API that is connected, from the one that answered last on. One that comes up in time is
 * found by on_connection(). */
static size_t choose_peer(const struct ask *ask)
{
    const struct asker *asker = ask->asker;

    for (size_t i = 0; i < asker->peer_count; i++) {
        const size_t api = (asker->preferred + i) % asker->peer_count;
        if (may_try(ask, api) && peer_is_up(asker->peers[api]))
            return api;
    }
    return ASKER_ANY;
}

static void try_at(struct ask *ask, size_t api)
{
    const int64_t now_ms = clock_mono_ms();
    const int left_ms = ask->deadline_ms > now_ms ? (int)(ask->deadline_ms - now_ms) : 1;

    ask->tried |= 1ull << api;
    ask->tries++;
    ask->try_until_ms = now_ms + ask->asker->try_ms;
    /* NULL: it is full of questions, as good as silent */
    ask->slots[api] = peer_send(ask->asker->peers[api], buf_text(&ask->packed), left_ms, ask);
}

/* Is it under way at an API that is connected? */
static bool is_heard(const struct ask *ask)
{
    for (size_t i = 0; i < ask->asker->peer_count; i++)
        if (ask->slots[i] != NULL && peer_is_up(ask->asker->peers[i]))
            return true;
    return false;
}

/* One API more, unless all were asked: then an "elsewhere" is all that there is to tell, or the
 * deadline decides. `ask` may be gone after it, but not a new one. */
static void try_next(struct ask *ask)
{
    const size_t api = choose_peer(ask);

    if (api != ASKER_ANY)
        try_at(ask, api);
    else if (ask->elsewhere != NULL && !is_heard(ask))
        give_up(ask);
    else
        ask->try_until_ms = INT64_MAX;
}

/* ---- what comes back ---- */

static Bus__Answer *read_answer(struct asker *asker, const struct ask *ask, nng_msg *message)
{
    Bus__Answer *answer;

    if (!seal_open(&asker->keys, SEAL_ANSWER, link_bytes(message), &asker->opened))
        return NULL;
    answer = wire_read_answer(buf_text(&asker->opened));
    if (answer != NULL && answer->id == ask->id)
        return answer;
    wire_free_answer(answer);
    return NULL;
}

/* Nothing right came from `api`. When its connection broke it will do as well once it is back; but
 * at the deadline it was only silent. */
static void pass_over(struct ask *ask, size_t api, bool broke)
{
    if (clock_mono_ms() >= ask->deadline_ms) {
        give_up(ask);
        return;
    }
    if (broke && ask->tries < TRIES_MAX)
        ask->tried &= ~(1ull << api);
    try_next(ask);
}

/* Whoever says so is not preferred. */
static void keep_elsewhere(struct ask *ask, Bus__Answer *answer)
{
    wire_free_answer(ask->elsewhere);
    ask->elsewhere = answer;
    try_next(ask);
}

static void on_answer(void *context, struct slot *slot, nng_msg *message)
{
    struct asker *asker = context;
    struct ask *ask = slot_owner(slot);
    const size_t api = peer_index(slot_peer(slot));
    const bool broke = message == NULL;
    Bus__Answer *answer = NULL;

    ask->slots[api] = NULL;
    if (!broke) {
        answer = read_answer(asker, ask, message);
        nng_msg_free(message);
        if (answer == NULL) {
            asker->foreign++;
            link_alarm(&asker->alarm, "asker", "an API answers without our bus key");
        }
    }
    if (answer == NULL) {
        pass_over(ask, api, broke);
        return;
    }
    if (answer->stranger) { /* the API was started again: asked once more when it has said who it is */
        wire_free_answer(answer);
        peer_is_another(asker->peers[api]);
        pass_over(ask, api, true);
        return;
    }
    if (answer->elsewhere) {
        keep_elsewhere(ask, answer);
        return;
    }
    asker->preferred = api;
    finish(ask, ERR_OK, answer);
    wire_free_answer(answer);
}

/* A connection came or went: questions that nobody hears look for another API at once. */
static void on_connection(void *context, struct peer *peer)
{
    struct asker *asker = context;

    for (struct ask *ask = asker->open.first, *next; ask != NULL; ask = next) {
        next = ask->next;
        if (!is_heard(ask))
            try_next(ask);
    }
    if (asker->on_connected != NULL && peer_is_up(peer)) {
        const struct publisher_place publisher = peer_publisher(peer);
        asker->on_connected(asker->context, peer_index(peer), &publisher);
    }
}

/* ---- the clock ---- */

static void tell_refused(struct asker *asker)
{
    struct ask_list refused = asker->refused;

    asker->refused =
        (struct ask_list){NULL, NULL}; /* whoever asks again in `done` waits for the next turn */
    while (refused.first != NULL) {
        struct ask *ask = refused.first;
        list_remove(&refused, ask);
        ask->done(ask->context, ask->refused_with, NULL);
        ask_free(ask);
    }
}

/*
 * `done` may open questions, at the end of the list, but finish none but its own: so `next` stays.
 * (An ask that asker_close() frees would not: that must not be called from inside `done`.)
 */
static void scan(struct asker *asker, int64_t now_ms)
{
    asker->scanned_ms = now_ms;
    for (struct ask *ask = asker->open.first, *next; ask != NULL; ask = next) {
        next = ask->next;
        if (now_ms >= ask->deadline_ms)
            give_up(ask);
        else if (now_ms >= ask->try_until_ms)
            try_next(ask);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct asker *asker = container_of(timer, struct asker, tick);
    const int64_t now_ms = clock_mono_ms();

    tell_refused(asker);
    if (now_ms - asker->scanned_ms >= TICK_MS / 2)
        scan(asker, now_ms);
    if (asker->open.first == NULL && asker->refused.first == NULL)
        uv_timer_stop(timer);
}

/* ---- asking ---- */

static struct ask *make_ask(struct asker *asker, asker_done_fn done, void *context)
{
    struct ask *ask = xcalloc(1, sizeof(*ask) + asker->peer_count * sizeof(ask->slots[0]));

    ask->asker = asker;
    ask->done = done;
    ask->context = context;
    return ask;
}

static void refuse(struct asker *asker, struct ask *ask, enum err err)
{
    ask->refused_with = err;
    list_add(&asker->refused, ask);
    CHECK(uv_timer_start(&asker->tick, on_tick, 0, TICK_MS) == 0);
}

void asker_ask(struct asker *asker, size_t api, Bus__Question *question, int deadline_ms,
               asker_done_fn done, void *context)
{
    struct ask *ask = make_ask(asker, done, context);

    if (asker->open_count >= asker->open_limit) {
        asker->busy++;
        refuse(asker, ask, ERR_BUSY);
        return;
    }
    question->id = ask->id = id_random(); /* not to be guessed: it proves that the answer is new */
    question->deadline_ms = (uint32_t)deadline_ms;
    wire_pack(&ask->packed, &question->base);
    if (ask->packed.len > PACKED_MAX || (api != ASKER_ANY && api >= asker->peer_count)) {
        refuse(asker, ask, ask->packed.len > PACKED_MAX ? ERR_TOO_LARGE : ERR_UNAVAILABLE);
        return;
    }
    ask->only = api;
    ask->deadline_ms = clock_mono_ms() + deadline_ms;
    list_add(&asker->open, ask);
    asker->open_count++;
    try_next(ask);
    if (!uv_is_active((uv_handle_t *)&asker->tick))
        CHECK(uv_timer_start(&asker->tick, on_tick, TICK_MS, TICK_MS) == 0);
}

/* ---- opening and closing ---- */

enum err asker_open(struct asker **out, uv_loop_t *loop, const struct asker_config *config)
{
    static const struct peer_events events = {on_answer, on_connection};

    if (config->url_count > PEERS_MAX) {
        log_error("asker: %zu APIs, at most %d are supported", config->url_count, PEERS_MAX);
        return ERR_INVALID;
    }
    struct asker *asker = xcalloc(1, sizeof(*asker) + config->url_count * sizeof(asker->peers[0]));
    seal_keys_init(&asker->keys, config->secret, config->other_secret);
    const uint64_t id = id_random();
    asker->on_connected = config->on_connected;
    asker->context = config->context;
    asker->try_ms = config->try_ms;
    asker->open_limit = config->open_limit;
    CHECK(uv_timer_init(loop, &asker->tick) == 0);
    for (size_t i = 0; i < config->url_count; i++) {
        const struct peer_config peer = {config->urls[i], i, config->open_limit,
                                         &asker->keys, id};
        const enum err err = peer_open(&asker->peers[i], loop, &peer, &events, asker);
        if (err != ERR_OK) {
            asker_close(asker);
            return err;
        }
        asker->peer_count++;
    }
    *out = asker;
    return ERR_OK;
}

static void free_list(struct ask_list *list)
{
    while (list->first != NULL) {
        struct ask *ask = list->first;
        list_remove(list, ask);
        ask_free(ask);
    }
}

static void on_tick_closed(uv_handle_t *handle)
{
    struct asker *asker = container_of((uv_timer_t *)handle, struct asker, tick);

    buf_fini(&asker->opened);
    free(asker);
}

void asker_close(struct asker *asker)
{
    if (asker == NULL)
        return;
    for (size_t i = 0; i < asker->peer_count; i++)
        peer_close(asker->peers[i]);
    free_list(&asker->open);
    free_list(&asker->refused);
    uv_close((uv_handle_t *)&asker->tick, on_tick_closed);
}

void asker_count(const struct asker *asker, struct asker_counters *out)
{
    *out = (struct asker_counters){.foreign = asker->foreign, .refused = asker->busy};
    for (size_t i = 0; i < asker->peer_count; i++) {
        out->foreign += peer_foreign(asker->peers[i]);
        out->ended += peer_ended(asker->peers[i]);
    }
}
