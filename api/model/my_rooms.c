/*
 * Steps: memberships from the hash rooms:{user}, else from every lane; then room:{id} and head:{id} by one MGET, else from their
 * lanes by select_heads. Each fill takes its lease before it asks the primary.
 *
 * What the cache does not know is asked once, however many want it: within this loop by a flight for each user, among
 * processes by the leases. Who gets none waits for what their holders are about to fill in, and reads all anew from the cache.
 */
#include "api/model/my_rooms_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/flights.h"
#include "api/store/cache_seal.h"
#include "api/store/cache_value.h"
#include "api/store/coherence.h"
#include "api/settings.h"
#include "base/id.h"

/* Pauses of flights_pause() before somebody else's lease counts as forgotten: together longer than a read of the primary takes, as a rule. */
#define PATIENCE 20

static const struct db_statement select_my_rooms = {
    "select_my_rooms", "SELECT " MEMBERSHIP_COLUMNS("m") ", " ACTIVITY_COLUMNS " FROM {lane}.members m JOIN {lane}.rooms r ON r.id = m.room_id "
                       ACTIVITY_JOIN "WHERE m.user_id = $1::bigint AND m.role <> 'left'"};

void my_keys_init(struct my_keys *keys, size_t most)
{
    *keys = (struct my_keys){.list = xcalloc(most + 1, sizeof(*keys->list)), .ends = xcalloc(most + 1, sizeof(*keys->ends))};
}

void my_keys_add(struct my_keys *keys, const char *what, int64_t id)
{
    cache_key(&keys->bytes, what, id);
    keys->ends[keys->count++] = keys->bytes.len;
}

void my_keys_settle(struct my_keys *keys)
{
    for (size_t i = 0, start = 0; i < keys->count; start = keys->ends[i++])
        keys->list[i] = text_of(keys->bytes.at + start, keys->ends[i] - start);
}

void my_keys_fini(struct my_keys *keys)
{
    buf_fini(&keys->bytes);
    free(keys->list);
    free(keys->ends);
}

/* ---- memberships ---- */

static bool read_field(struct my_rooms *rooms, int64_t user_id, struct text key, struct text field, struct text value)
{
    struct chat *chat = &rooms->chats[rooms->count];
    int64_t room_id;

    if (text_equal(field, TEXT("complete")))
        return true;
    if (!id_parse(field, &room_id) || !cache_unseal(&value, key, field) ||
        !cache_read_membership(value, room_id, user_id, &chat->membership))
        return false;
    if (chat->membership.role != ROLE_LEFT)
        rooms->count++;
    return true;
}

/* True when the cache had the whole list; one bad field spoils all of it. */
static bool read_cached_memberships(struct worker *worker, int64_t user_id, struct text key, struct my_rooms *rooms)
{
    struct cache_command command = {.verb = "HGETALL", .keys = &key, .key_count = 1};
    bool is_good = cache_run(worker->cache, &command, 1) == ERR_OK && command.reply.kind == CACHE_ARRAY &&
                   command.reply.count > 0 && command.reply.count % 2 == 0;

    if (is_good)
        rooms->chats = xcalloc(command.reply.count / 2, sizeof(*rooms->chats));
    for (size_t i = 0; is_good && i < command.reply.count; i += 2)
        is_good = read_field(rooms, user_id, key, cache_item(&command.reply, i), cache_item(&command.reply, i + 1));
    if (!is_good) {
        free(rooms->chats);
        rooms->chats = NULL;
        rooms->count = 0;
    }
    cache_reply_fini(&command.reply);
    return is_good;
}

static void fill_memberships(struct worker *worker, struct text key, const struct lease *lease, const struct my_rooms *rooms)
{
    struct text *fields = xcalloc(rooms->count + 1, sizeof(*fields)), *values = xcalloc(rooms->count + 1, sizeof(*values));
    struct buf *bytes = xcalloc(2 * rooms->count + 1, sizeof(*bytes));

    for (size_t i = 0; i < rooms->count; i++) {
        buf_add_i64(&bytes[2 * i], rooms->chats[i].membership.room_id);
        cache_write_membership(&bytes[2 * i + 1], &rooms->chats[i].membership);
        fields[i] = buf_text(&bytes[2 * i]);
        values[i] = buf_text(&bytes[2 * i + 1]);
    }
    lease_fill_hash(worker->cache, key, lease, fields, values, rooms->count, worker->app->settings->redis.ttl_s * 1000);
    for (size_t i = 0; i < 2 * rooms->count; i++)
        buf_fini(&bytes[i]);
    free(bytes);
    free(values);
    free(fields);
}

static void read_stored(struct chat *chat, const struct db_rows *rows, int row)
{
    membership_read(&chat->membership, rows, row, 0);
    chat_set_place(chat, db_time(rows, row, MEMBERSHIP_COLUMN_COUNT + ACTIVITY_AT));
}

static enum err read_stored_memberships(struct worker *worker, int64_t user_id, struct my_rooms *rooms)
{
    const int lanes = worker->app->lane_count;
    struct db_query *queries = xcalloc((size_t)lanes + 1, sizeof(*queries));
    size_t total = 0;

    for (int lane = 0; lane < lanes; lane++) {
        queries[lane] = (struct db_query){.statement = &select_my_rooms, .lane = lane};
        db_add_i64(&queries[lane].params, user_id);
    }
    const enum err err = lanes == 0 ? ERR_UNAVAILABLE : db_run(worker->db, queries, (size_t)lanes);
    for (int lane = 0; err == ERR_OK && lane < lanes; lane++)
        total += (size_t)db_count(&queries[lane].rows);
    rooms->chats = xcalloc(total + 1, sizeof(*rooms->chats));
    for (int lane = 0; lane < lanes; lane++) {
        for (int i = 0; err == ERR_OK && i < db_count(&queries[lane].rows); i++)
            read_stored(&rooms->chats[rooms->count++], &queries[lane].rows, i);
        db_params_fini(&queries[lane].params);
        db_rows_fini(&queries[lane].rows);
    }
    free(queries);
    return err;
}

/* The lease for the list; false: somebody else has it, and is left to fill the list. */
static bool may_fill(struct worker *worker, enum haste haste, const struct text *key, struct lease *lease)
{
    const bool is_told = lease_take(worker->cache, key, lease, 1, haste == AT_ONCE) == ERR_OK;

    return !is_told || lease->token[0] != '\0';
}

static enum err read_memberships(struct worker *worker, int64_t user_id, enum haste haste, struct my_rooms *rooms, bool *is_whole)
{
    struct lease lease = {""};
    struct my_keys keys;
    enum err err = ERR_OK;

    my_keys_init(&keys, 1);
    my_keys_add(&keys, "rooms", user_id);
    my_keys_settle(&keys);
    const struct text key = keys.list[0];
    if (!read_cached_memberships(worker, user_id, key, rooms)) {
        *is_whole = haste != FROM_CACHE && may_fill(worker, haste, &key, &lease);
        /* the lease may be free since its last holder has just filled the list */
        if (*is_whole && !(lease.token[0] != '\0' && read_cached_memberships(worker, user_id, key, rooms)) &&
            (err = read_stored_memberships(worker, user_id, rooms)) == ERR_OK)
            fill_memberships(worker, key, &lease, rooms);
    }
    my_keys_fini(&keys);
    return err;
}

/* ---- rooms and heads ---- */

static void read_cached_values(struct worker *worker, struct my_rooms *rooms, const struct my_keys *keys)
{
    struct held *held = rooms->held;
    struct cache_reply *reply = &held->values.reply;

    held->values = (struct cache_command){.verb = "MGET", .keys = keys->list, .key_count = keys->count};
    if (cache_run(worker->cache, &held->values, 1) != ERR_OK || reply->count != keys->count)
        return;
    for (size_t i = 0; i < rooms->count; i++) {
        struct chat *chat = &rooms->chats[i];
        const int64_t id = chat->membership.room_id;
        struct text room = cache_item(reply, 2 * i), head = cache_item(reply, 2 * i + 1);
        chat->has_room = cache_unseal(&room, keys->list[2 * i], text(NULL)) && cache_read_room(room, id, &chat->room);
        chat->has_head = cache_unseal(&head, keys->list[2 * i + 1], text(NULL)) && cache_read_head(head, id, &chat->head);
    }
}

static bool is_missing(const struct chat *chat)
{
    return !chat->has_room || !chat->has_head;
}

static int compare_ids(const void *a, const void *b)
{
    const int64_t x = (*(struct chat *const *)a)->membership.room_id, y = (*(struct chat *const *)b)->membership.room_id;

    return x < y ? -1 : x > y;
}

/* The chats by room; the caller frees. */
static struct chat **sort_by_id(struct my_rooms *rooms)
{
    struct chat **by_id = xcalloc(rooms->count + 1, sizeof(struct chat *));

    for (size_t i = 0; i < rooms->count; i++)
        by_id[i] = &rooms->chats[i];
    qsort(by_id, rooms->count, sizeof(struct chat *), compare_ids);
    return by_id;
}

static struct chat *find_chat(struct chat **by_id, size_t count, int64_t room_id)
{
    struct chat wanted = {.membership.room_id = room_id}, *key = &wanted;
    struct chat **found = bsearch(&key, by_id, count, sizeof(struct chat *), compare_ids);

    return found != NULL ? *found : NULL;
}

static bool is_wanted(const struct chat *chat)
{
    return is_missing(chat) && !chat->is_awaited;
}

/* Asks the lanes for the rooms that are wanted. */
static enum err ask_lanes(struct worker *worker, struct my_rooms *rooms)
{
    struct held *held = rooms->held;
    const int lanes = worker->app->lane_count;

    held->lanes = xcalloc((size_t)lanes + 1, sizeof(*held->lanes));
    for (int lane = 0; lane < lanes; lane++) {
        struct db_query *query = &held->lanes[held->lane_count];
        size_t wanted = 0;
        *query = (struct db_query){.statement = &select_heads, .lane = lane};
        db_array_begin(&query->params, DB_I64_ARRAY);
        for (size_t i = 0; i < rooms->count; i++)
            if (is_wanted(&rooms->chats[i]) && room_lane(rooms->chats[i].membership.room_id) == lane) {
                db_array_i64(&query->params, rooms->chats[i].membership.room_id);
                wanted++;
            }
        db_array_end(&query->params);
        if (wanted > 0)
            held->lane_count++;
        else
            db_params_fini(&query->params);
    }
    return db_run(worker->db, held->lanes, held->lane_count);
}

/* Bare messages go into one buffer, which may move while it grows: their places are resolved at the end. */
static void read_lanes(struct my_rooms *rooms)
{
    struct held *held = rooms->held;
    struct chat **by_id = sort_by_id(rooms);

    for (size_t lane = 0; lane < held->lane_count; lane++)
        for (int i = 0; i < db_count(&held->lanes[lane].rows); i++) {
            struct chat *chat = find_chat(by_id, rooms->count, db_i64(&held->lanes[lane].rows, i, 0));
            if (chat == NULL)
                continue;
            head_read(&chat->room, &chat->head, &held->lanes[lane].rows, i, &held->bytes);
            chat->bare_at = held->bytes.len - chat->head.message_bare.len;
            chat->has_room = chat->has_head = chat->is_fresh = true;
        }
    for (size_t i = 0; i < rooms->count; i++)
        if (rooms->chats[i].is_fresh)
            rooms->chats[i].head.message_bare.at = held->bytes.at + rooms->chats[i].bare_at;
    free(by_id);
}

static void fill_values(struct worker *worker, struct my_rooms *rooms, const struct my_keys *keys, const struct lease *leases)
{
    struct text *values = xcalloc(keys->count + 1, sizeof(*values));
    struct buf *bytes = xcalloc(keys->count + 1, sizeof(*bytes));

    for (size_t i = 0; i < rooms->count; i++) {
        if (!rooms->chats[i].is_fresh)
            continue;
        cache_write_room(&bytes[2 * i], &rooms->chats[i].room);
        cache_write_head(&bytes[2 * i + 1], &rooms->chats[i].head);
        values[2 * i] = buf_text(&bytes[2 * i]);
        values[2 * i + 1] = buf_text(&bytes[2 * i + 1]);
    }
    lease_fill(worker->cache, keys->list, leases, values, keys->count, worker->app->settings->redis.ttl_s * 1000);
    for (size_t i = 0; i < keys->count; i++)
        buf_fini(&bytes[i]);
    free(bytes);
    free(values);
}

/* Leases for both keys of the missing rooms. Who gets neither of a room's awaits it, if he is to. */
static void take_leases(struct worker *worker, enum haste haste, struct my_rooms *rooms, const struct my_keys *keys, struct lease *leases)
{
    struct text *wanted = xcalloc(keys->count + 1, sizeof(*wanted));
    struct lease *taken = xcalloc(keys->count + 1, sizeof(*taken));
    size_t count = 0;

    for (size_t i = 0; i < rooms->count; i++)
        if (is_missing(&rooms->chats[i])) {
            wanted[count++] = keys->list[2 * i];
            wanted[count++] = keys->list[2 * i + 1];
        }
    const bool is_told = lease_take(worker->cache, wanted, taken, count, haste == AT_ONCE) == ERR_OK;
    const bool awaits = haste == PATIENTLY && is_told;
    count = 0;
    for (size_t i = 0; i < rooms->count; i++)
        if (is_missing(&rooms->chats[i])) {
            leases[2 * i] = taken[count++];
            leases[2 * i + 1] = taken[count++];
            rooms->chats[i].is_awaited = awaits && leases[2 * i].token[0] == '\0' && leases[2 * i + 1].token[0] == '\0';
        }
    free(taken);
    free(wanted);
}

static enum err read_missing(struct worker *worker, enum haste haste, struct my_rooms *rooms, const struct my_keys *keys)
{
    struct lease *leases = xcalloc(keys->count + 1, sizeof(*leases));

    take_leases(worker, haste, rooms, keys, leases);
    const enum err err = ask_lanes(worker, rooms);
    if (err == ERR_OK) {
        read_lanes(rooms);
        fill_values(worker, rooms, keys, leases);
    }
    free(leases);
    return err;
}

static enum err read_rooms(struct worker *worker, enum haste haste, struct my_rooms *rooms, bool *is_whole)
{
    struct my_keys keys;
    size_t missing = 0;
    enum err err = ERR_OK;

    my_keys_init(&keys, 2 * rooms->count);
    for (size_t i = 0; i < rooms->count; i++) {
        my_keys_add(&keys, "room", rooms->chats[i].membership.room_id);
        my_keys_add(&keys, "head", rooms->chats[i].membership.room_id);
    }
    my_keys_settle(&keys);
    read_cached_values(worker, rooms, &keys);
    for (size_t i = 0; i < rooms->count; i++)
        missing += is_missing(&rooms->chats[i]);
    if (missing > 0 && haste == FROM_CACHE)
        *is_whole = false;
    else if (missing > 0)
        err = read_missing(worker, haste, rooms, &keys);
    for (size_t i = 0; i < rooms->count; i++)
        *is_whole = *is_whole && !rooms->chats[i].is_awaited;
    my_keys_fini(&keys);
    return err;
}

/* ---- the page ---- */

int chat_place_compare(struct chat_place a, struct chat_place b)
{
    if (a.is_pinned != b.is_pinned)
        return a.is_pinned ? -1 : 1;
    if (a.activity_us != b.activity_us)
        return a.activity_us > b.activity_us ? -1 : 1;
    return a.room_id > b.room_id ? -1 : a.room_id < b.room_id;
}

void chat_set_place(struct chat *chat, int64_t activity_us)
{
    chat->place = (struct chat_place){chat->membership.pinned_us != 0, activity_us, chat->membership.room_id};
    chat->is_placed = true;
}

static int compare_places(const void *a, const void *b)
{
    return chat_place_compare(((const struct chat *)a)->place, ((const struct chat *)b)->place);
}

static bool is_on_page(const struct chat *chat, const struct chat_page *page)
{
    return !is_missing(chat) && chat->room.deleted_us == 0 && (!page->has_after || chat_place_compare(page->after, chat->place) < 0);
}

/*
 * Chats that were chosen by their activity keep the places of when they were; of those some may have gone since, and how many more
 * there are is not known beyond one.
 */
static void take_page(struct my_rooms *rooms, const struct chat_page *page)
{
    const bool is_cut = rooms->is_narrow && rooms->count > page->limit;
    size_t kept = 0, seen = 0;

    for (size_t i = 0; !rooms->is_narrow && i < rooms->count; i++)
        chat_set_place(&rooms->chats[i], rooms->chats[i].head.activity_us);
    qsort(rooms->chats, rooms->count, sizeof(*rooms->chats), compare_places);
    for (; seen < rooms->count && kept < page->limit; seen++) {
        rooms->last = rooms->chats[seen].place;
        if (is_on_page(&rooms->chats[seen], page))
            rooms->chats[kept++] = rooms->chats[seen];
    }
    rooms->has_more = is_cut;
    for (; !rooms->has_more && seen < rooms->count; seen++)
        rooms->has_more = is_on_page(&rooms->chats[seen], page);
    rooms->count = kept;
}

/* ---- all of it ---- */

/* `*is_whole`: nothing is left to others, or to a later try. */
static enum err read_all(struct worker *worker, int64_t user_id, enum haste haste, const struct chat_page *page, struct my_rooms *rooms,
                         bool *is_whole)
{
    struct held *held = xcalloc(1, sizeof(*held));

    held->refs = 1;
    *rooms = (struct my_rooms){.held = held};
    *is_whole = true;
    enum err err = read_memberships(worker, user_id, haste, rooms, is_whole);
    if (err == ERR_OK && *is_whole)
        err = my_rooms_narrow(worker, haste, page, rooms, is_whole);
    if (err == ERR_OK && *is_whole && rooms->count > 0)
        err = read_rooms(worker, haste, rooms, is_whole);
    if (err == ERR_OK && *is_whole)
        take_page(rooms, page);
    return err;
}

static enum err read_patiently(struct worker *worker, int64_t user_id, const struct chat_page *page, struct my_rooms *rooms)
{
    for (int left = PATIENCE;; left--) {
        bool is_whole;
        const enum err err = read_all(worker, user_id, left > 0 ? PATIENTLY : AT_ONCE, page, rooms, &is_whole);
        if (err != ERR_OK || is_whole)
            return err;
        my_rooms_fini(rooms);
        flights_pause(worker->flights);
    }
}

static void free_shared(void *arg)
{
    my_rooms_fini(arg);
    free(arg);
}

static void copy(struct my_rooms *to, const struct my_rooms *from)
{
    struct held *held = from->held;

    *to = *from;
    to->chats = xcalloc(from->count + 1, sizeof(*to->chats));
    memcpy(to->chats, from->chats, from->count * sizeof(*to->chats));
    held->refs++;
}

static enum err read_together(struct worker *worker, int64_t user_id, const struct chat_page *page, struct my_rooms *rooms)
{
    char key[128];
    void *answer;
    bool is_pilot;

    snprintf(key, sizeof(key), "rooms:%" PRId64 ":%d:%d:%d:%" PRId64 ":%" PRId64 ":%zu", user_id, page->archived, page->has_after,
             page->after.is_pinned, page->after.activity_us, page->after.room_id, page->limit);
    struct flight *flight = flights_board(worker->flights, text(key), user_id, &is_pilot);
    if (is_pilot) {
        struct my_rooms *shared = xcalloc(1, sizeof(*shared));
        const enum err err = read_patiently(worker, user_id, page, shared);
        flight_land(flight, err, shared, free_shared);
    }
    const enum err err = flight_answer(flight, &answer);
    if (err == ERR_OK)
        copy(rooms, answer);
    flight_leave(flight);
    return err;
}

enum err my_rooms_read(struct worker *worker, int64_t user_id, const struct chat_page *page, struct my_rooms *rooms)
{
    bool is_whole;
    const enum err err = read_all(worker, user_id, FROM_CACHE, page, rooms, &is_whole);

    if (err != ERR_OK || is_whole)
        return err;
    my_rooms_fini(rooms);
    return read_together(worker, user_id, page, rooms);
}

void my_rooms_fini(struct my_rooms *rooms)
{
    struct held *held = rooms->held;

    free(rooms->chats);
    *rooms = (struct my_rooms){0};
    if (held == NULL || --held->refs > 0)
        return;
    cache_reply_fini(&held->values.reply);
    for (size_t lane = 0; lane < held->lane_count; lane++) {
        db_params_fini(&held->lanes[lane].params);
        db_rows_fini(&held->lanes[lane].rows);
    }
    free(held->lanes);
    buf_fini(&held->bytes);
    free(held);
}
