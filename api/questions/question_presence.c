#include "api/questions/question_presence.h"

#include <stdlib.h>
#include <uthash.h>

#include "api/log/announce.h"
#include "api/questions/presence.h"
#include "api/questions/question_rooms.h"
#include "api/questions/statuses.h"

/* A page ends behind so many bytes, or looks into the hash: those who left long ago may fill it. */
#define PAGE_BYTES  (512u << 10)
#define PAGE_LOOKS  500
#define COUNT_LOOKS 5000   /* of a hundred entries each: a second at most */
#define COUNTED_MAX 250000 /* clients */
#define COUNTS_MAX  4      /* at once: each may take 50 MB */

static int counts; /* under way; all questions are of one loop */

enum { REFUSED_INTERNAL = 100, REFUSED_LIMIT = 106, REFUSED_BAD_REQUEST = 107 };

/* ---- changes ---- */

static void tell(struct worker *worker, const Bus__PresenceChange *change)
{
    struct announcer *announcer = announcer_create();

    for (size_t i = 0; i < change->n_steps; i++) {
        const Bus__PresenceStep *step = change->steps[i];
        const Bus__Presence *entry = step->entry;
        if (!step->again && !step->silent)
            announce_presence(announcer, step->joined, wire_text(entry->channel), wire_text(entry->user), wire_text(entry->client),
                              wire_text(entry->info), wire_text(entry->chan_info));
    }
    announce_send(announcer, worker->app->publisher);
    announcer_destroy(announcer);
}

void question_presence_change(struct worker *worker, struct inquiry *inquiry, const Bus__PresenceChange *change)
{

    for (size_t i = 0; i < change->n_steps; i++)
        if (change->steps[i]->entry == NULL) {
            inquiry_refuse(inquiry, REFUSED_BAD_REQUEST, "bad request", false);
            return;
        }
    tell(worker, change);
    const enum err err = statuses_take(worker, change);
    if (presence_store(worker, change) != ERR_OK || err != ERR_OK) {
        /* Not elsewhere: who came and went was told, and would be told again. */
        inquiry_refuse(inquiry, REFUSED_INTERNAL, "internal server error", true);
        return;
    }
    inquiry_confirm(inquiry);
}

/* ---- a page ---- */

/* The announcer lends its way of keeping texts until they are sent. */
struct page {
    struct announcer *announcer;
    size_t bytes;
};

static void add_present(void *context, const struct present *present)
{
    struct page *page = context;

    announce_presence(page->announcer, true, text(NULL), present->user, present->client, present->conn_info, present->chan_info);
    page->bytes += present->user.len + present->client.len + present->conn_info.len + present->chan_info.len;
}

static void answer_page(struct inquiry *inquiry, struct announcer *announcer, uint64_t cursor)
{
    Bus__PresenceEntries entries = BUS__PRESENCE_ENTRIES__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;
    size_t count;
    Bus__Item **items = announce_items(announcer, &count);

    entries.entries = xcalloc(count + 1, sizeof(*entries.entries));
    for (size_t i = 0; i < count; i++)
        entries.entries[entries.n_entries++] = items[i]->join;
    entries.cursor = cursor;
    answer.told_case = BUS__ANSWER__TOLD_PRESENCE;
    answer.presence = &entries;
    inquiry_answer(inquiry, &answer);
    free(entries.entries);
}

static void tell_page(struct worker *worker, struct inquiry *inquiry, const Bus__PresenceList *ask)
{
    struct page page = {.announcer = announcer_create()};
    uint64_t cursor = ask->cursor;
    int looks = 0;
    enum err err;

    do
        err = presence_some(worker, wire_text(ask->channel), &cursor, add_present, &page);
    while (err == ERR_OK && cursor != 0 && page.bytes < PAGE_BYTES && ++looks < PAGE_LOOKS);
    if (err == ERR_OK)
        answer_page(inquiry, page.announcer, cursor);
    else
        question_refuse(inquiry, err);
    announcer_destroy(page.announcer);
}

/* ---- how many ---- */

struct name {
    UT_hash_handle hh;
    char bytes[];
};

struct names {
    struct name *map;
};

struct count {
    struct names clients, users;
};

static void note(struct names *names, struct text text)
{
    struct name *name;

    HASH_FIND(hh, names->map, text.at, text.len, name);
    if (name != NULL)
        return;
    name = xcalloc(1, sizeof(*name) + text.len + 1);
    if (text.len > 0)
        memcpy(name->bytes, text.at, text.len);
    HASH_ADD_KEYPTR(hh, names->map, name->bytes, text.len, name);
}

static void names_fini(struct names *names)
{
    struct name *name, *next;

    HASH_ITER(hh, names->map, name, next)
    {
        HASH_DEL(names->map, name);
        free(name);
    }
}

static void count_present(void *context, const struct present *present)
{
    struct count *count = context;

    note(&count->clients, present->client);
    note(&count->users, present->user);
}

static void answer_count(struct inquiry *inquiry, const struct count *count)
{
    Bus__PresenceEntries entries = BUS__PRESENCE_ENTRIES__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    entries.num_clients = HASH_COUNT(count->clients.map);
    entries.num_users = HASH_COUNT(count->users.map);
    answer.told_case = BUS__ANSWER__TOLD_PRESENCE;
    answer.presence = &entries;
    inquiry_answer(inquiry, &answer);
}

static void tell_count(struct worker *worker, struct inquiry *inquiry, const Bus__PresenceList *ask)
{
    struct count count = {0};
    uint64_t cursor = 0;
    int looks = 0;
    enum err err;

    if (counts >= COUNTS_MAX) {
        question_refuse(inquiry, ERR_BUSY);
        return;
    }
    counts++;
    do
        err = presence_some(worker, wire_text(ask->channel), &cursor, count_present, &count);
    while (err == ERR_OK && cursor != 0 && ++looks < COUNT_LOOKS &&
           HASH_COUNT(count.clients.map) <= COUNTED_MAX);
    counts--;
    if (err != ERR_OK)
        question_refuse(inquiry, err);
    else if (cursor != 0)
        inquiry_refuse(inquiry, REFUSED_LIMIT, "limit exceeded", false);
    else
        answer_count(inquiry, &count);
    names_fini(&count.clients);
    names_fini(&count.users);
}

void question_presence(struct worker *worker, struct inquiry *inquiry, const Bus__PresenceList *ask)
{
    if (ask->count)
        tell_count(worker, inquiry, ask);
    else
        tell_page(worker, inquiry, ask);
}
