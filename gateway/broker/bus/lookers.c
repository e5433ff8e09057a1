#include "gateway/broker/bus/lookers.h"

#include <stdlib.h>
#include <uthash.h>

#include "base/id.h"
#include "gateway/broker/bus/bus_broker.h"
#include "gateway/channel_name.h"

#define STEPS_MAX 500 /* in one question */
/* All are told again in so many parts: what comes at once makes the others wait in Redis, where an answer has 45 ms. */
#define REFRESH_PARTS 128
#define BYTES_MAX (WIRE_MESSAGE_MAX / 4) /* the same; one looker may be beyond it, many are not */

/* One connection at one channel. */
struct looker {
    uint32_t count; /* subscriptions; 0: it left, and goes when that was told */
    bool listed, told;
    bool known;   /* the APIs were told that it is there */
    bool changed; /* to be told in this turn */
    struct looker *next_changed;
    UT_hash_handle hh;
    char *about;             /* memory of `info`, but for its client */
    struct client_info info; /* client: into `bytes` */
    struct text channel;     /* into `bytes`: channel and client side by side are the key */
    char bytes[];
};

struct lookers {
    struct bus_broker *broker;
    struct looker *map;
    struct looker *changed;
    struct looker *cursor; /* who is told again next; NULL: the first */
    unsigned part;         /* of REFRESH_PARTS */
    uint64_t number; /* orders what this process says */
    char node[ID_UUID_BYTES];
    uv_timer_t refresh;
};

/* ---- telling ---- */

struct telling {
    struct lookers *lookers;
    size_t count, bytes;
    Bus__PresenceStep steps[STEPS_MAX], *step_list[STEPS_MAX];
    Bus__Presence entries[STEPS_MAX];
};

/* Nothing to do: what was not heard is told again at the next refresh, or forgotten there by its
 * age. */
static void on_told(void *context, enum err err, const Bus__Answer *answer)
{
}

static void send_steps(struct telling *telling)
{
    struct lookers *lookers = telling->lookers;
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__PresenceChange change = BUS__PRESENCE_CHANGE__INIT;

    if (telling->count == 0)
        return;
    change.node = wire_bytes(text(lookers->node));
    change.number = ++lookers->number;
    change.n_steps = telling->count;
    change.steps = telling->step_list;
    question.ask_case = BUS__QUESTION__ASK_PRESENCE_CHANGE;
    question.presence_change = &change;
    bus_ask(lookers->broker, ASKER_ANY, &question, on_told, NULL);
    telling->count = telling->bytes = 0;
}

/* `again`: said before, so that others need not hear of it. */
static void tell(struct telling *telling, const struct looker *looker, bool again)
{
    const size_t i = telling->count++;
    Bus__Presence *entry = &telling->entries[i];
    Bus__PresenceStep *step = &telling->steps[i];

    bus__presence__init(entry);
    entry->channel = wire_bytes(looker->channel);
    entry->user = wire_bytes(looker->info.user);
    entry->client = wire_bytes(looker->info.client);
    entry->info = wire_bytes(looker->info.conn_info);
    entry->chan_info = wire_bytes(looker->info.chan_info);
    bus__presence_step__init(step);
    step->joined = looker->count > 0;
    step->again = again;
    step->silent = !looker->told;
    step->unlisted = !looker->listed;
    step->entry = entry;
    telling->step_list[i] = step;
    telling->bytes += looker->channel.len + looker->info.client.len + looker->info.user.len +
                      looker->info.conn_info.len + looker->info.chan_info.len;
    if (telling->count == STEPS_MAX || telling->bytes > BYTES_MAX)
        send_steps(telling);
}

static void forget(struct lookers *lookers, struct looker *looker)
{
    if (lookers->cursor == looker)
        lookers->cursor = looker->hh.next;
    HASH_DEL(lookers->map, looker);
    free(looker->about);
    free(looker);
}

void lookers_flush(struct lookers *lookers)
{
    struct telling *telling;
    struct looker *left = NULL;

    if (lookers->changed == NULL)
        return;
    telling = xmalloc(sizeof(*telling));
    telling->lookers = lookers;
    telling->count = telling->bytes = 0;
    while (lookers->changed != NULL) {
        struct looker *looker = lookers->changed;
        lookers->changed = looker->next_changed;
        looker->changed = false;
        /* Who is known already came and went in one turn: presence alone may have changed. */
        if (looker->known || looker->count > 0)
            tell(telling, looker, looker->known && looker->count > 0);
        looker->known = true;
        if (looker->count == 0) {
            looker->next_changed = left;
            left = looker;
        }
    }
    send_steps(telling); /* it points at those who left */
    while (left != NULL) {
        struct looker *next = left->next_changed;
        forget(lookers, left);
        left = next;
    }
    free(telling);
}

/* One part of them: from the cursor on, and in the last one all that are left. */
static void on_refresh(uv_timer_t *timer)
{
    struct lookers *lookers = container_of(timer, struct lookers, refresh);
    const bool is_last = ++lookers->part >= REFRESH_PARTS;
    size_t left = is_last ? SIZE_MAX : HASH_COUNT(lookers->map) / REFRESH_PARTS;
    struct telling *telling;

    lookers_flush(lookers);
    if (lookers->part == 1)
        lookers->cursor = lookers->map;
    if (is_last)
        lookers->part = 0;
    if (lookers->cursor == NULL || left == 0)
        return;
    telling = xmalloc(sizeof(*telling));
    telling->lookers = lookers;
    telling->count = telling->bytes = 0;
    for (; lookers->cursor != NULL && left > 0; left--, lookers->cursor = lookers->cursor->hh.next)
        if (lookers->cursor->listed)
            tell(telling, lookers->cursor, true);
    send_steps(telling);
    free(telling);
}

/* ---- changes ---- */

static struct looker *find(struct lookers *lookers, struct text channel, struct text client)
{
    struct buf key = {0};
    struct looker *looker;

    buf_add_text(&key, channel);
    buf_add_text(&key, client);
    HASH_FIND(hh, lookers->map, key.at, key.len, looker);
    buf_fini(&key);
    return looker;
}

static struct text keep(struct text from, char **bytes)
{
    char *at = *bytes;

    if (from.len > 0)
        memcpy(at, from.at, from.len);
    *bytes += from.len;
    return text_of(at, from.len);
}

static struct looker *add(struct lookers *lookers, struct text channel, struct text client)
{
    struct looker *looker = xcalloc(1, sizeof(*looker) + channel.len + client.len);
    char *bytes = looker->bytes;

    looker->channel = keep(channel, &bytes);
    looker->info.client = keep(client, &bytes);
    HASH_ADD_KEYPTR(hh, lookers->map, looker->bytes, channel.len + client.len, looker);
    return looker;
}

static void describe(struct looker *looker, const struct client_info *info)
{
    char *bytes =
        xmalloc(info->user.len + info->conn_info.len + info->chan_info.len + 1);

    free(looker->about);
    looker->about = bytes;
    looker->info.user = keep(info->user, &bytes);
    looker->info.conn_info = keep(info->conn_info, &bytes);
    looker->info.chan_info = keep(info->chan_info, &bytes);
}

static void mark(struct lookers *lookers, struct looker *looker)
{
    if (looker->changed)
        return;
    looker->changed = true;
    looker->next_changed = lookers->changed;
    lookers->changed = looker;
}

void lookers_joined(struct lookers *lookers, struct text channel, const struct client_info *info,
                    bool listed, bool told)
{
    struct looker *looker = find(lookers, channel, info->client);

    if (looker == NULL)
        looker = add(lookers, channel, info->client);
    describe(looker, info);
    looker->listed = listed;
    looker->told = told;
    looker->count++;
    mark(lookers, looker);
}

void lookers_left(struct lookers *lookers, struct text channel, struct text client)
{
    struct looker *looker = find(lookers, channel, client);

    if (looker == NULL || looker->count == 0 || --looker->count > 0)
        return;
    mark(lookers, looker);
}

void lookers_online(struct lookers *lookers, struct text user, bool here)
{
    const struct client_info info = {.user = user, .client = text(lookers->node)};
    char name[CHANNEL_NAME_MAX + 1];

    if (user.len > CHANNEL_NAME_MAX - sizeof("status:"))
        return;
    const struct text channel = channel_name_make(name, "status:", user);
    if (here)
        lookers_joined(lookers, channel, &info, true, false);
    else
        lookers_left(lookers, channel, info.client);
}

/* ---- life ---- */

struct lookers *lookers_open(struct bus_broker *broker)
{
    struct lookers *lookers = xcalloc(1, sizeof(*lookers));
    const uint64_t part_ms = (uint64_t)broker->base.settings->presence.refresh_ms / REFRESH_PARTS;
    const uint64_t every_ms = part_ms > 0 ? part_ms : 1;

    lookers->broker = broker;
    id_uuid(lookers->node);
    CHECK(uv_timer_init(broker->base.loop, &lookers->refresh) == 0);
    CHECK(uv_timer_start(&lookers->refresh, on_refresh, every_ms, every_ms) == 0);
    return lookers;
}

static void on_closed(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct lookers, refresh));
}

void lookers_close(struct lookers *lookers)
{
    while (lookers->map != NULL)
        forget(lookers, lookers->map);
    uv_close((uv_handle_t *)&lookers->refresh, on_closed);
}
