/*
 * Which of very many rooms stand on the page: memberships -> activity:{id} of each by one MGET -> what the cache does not know from
 * its lane, under leases -> the places, of which the first of the page remain.
 */
#include "api/model/my_rooms_parts.h"

#include <stdlib.h>

#include "api/settings.h"
#include "api/store/cache_seal.h"
#include "api/store/cache_value.h"

/* Up to so many pages are read whole: that is one question less. */
#define WHOLE_PAGES 4

static const struct db_statement select_activities = {
    "select_activities", "SELECT r.id, " ACTIVITY_COLUMNS " FROM unnest($1::bigint[]) AS i (id) "
                         "JOIN {lane}.rooms r ON r.id = i.id " ACTIVITY_JOIN};

static void keep_archived(struct my_rooms *rooms, bool archived)
{
    size_t kept = 0;

    for (size_t i = 0; i < rooms->count; i++)
        if ((rooms->chats[i].membership.archived_us != 0) == archived)
            rooms->chats[kept++] = rooms->chats[i];
    rooms->count = kept;
}

/* Puts `chat` where it belongs among the first ones; the last of more than `most` goes. */
static size_t insert(const struct chat **first, size_t count, size_t most, const struct chat *chat)
{
    size_t at = count;

    while (at > 0 && chat_place_compare(chat->place, first[at - 1]->place) < 0)
        at--;
    if (at == most)
        return count;
    if (count < most)
        count++;
    memmove(&first[at + 1], &first[at], (count - at - 1) * sizeof(const struct chat *));
    first[at] = chat;
    return count;
}

/* The page's, and one more: it tells whether there are more. What has no place is gone: a room without a row. */
static void keep_page(struct my_rooms *rooms, const struct chat_page *page)
{
    const size_t most = page->limit + 1;
    const struct chat **first = xcalloc(most, sizeof(*first));
    struct chat *kept = xcalloc(most, sizeof(*kept));
    size_t count = 0;

    for (size_t i = 0; i < rooms->count; i++) {
        const struct chat *chat = &rooms->chats[i];
        if (chat->is_placed && (!page->has_after || chat_place_compare(page->after, chat->place) < 0))
            count = insert(first, count, most, chat);
    }
    for (size_t i = 0; i < count; i++)
        kept[i] = *first[i];
    free(first);
    free(rooms->chats);
    rooms->chats = kept;
    rooms->count = count;
}

/* ---- what the cache does not know ---- */

/* A chat without a place. */
struct unplaced {
    struct chat *chat;
    struct text key;
    struct buf value; /* what the lane said, for the cache */
};

static int compare_ids(const void *a, const void *b)
{
    const int64_t x = ((const struct unplaced *)a)->chat->membership.room_id, y = ((const struct unplaced *)b)->chat->membership.room_id;

    return x < y ? -1 : x > y;
}

static void ask_lane(struct db_query *query, int lane, const struct unplaced *list, size_t count)
{
    *query = (struct db_query){.statement = &select_activities, .lane = lane};
    db_array_begin(&query->params, DB_I64_ARRAY);
    for (size_t i = 0; i < count; i++)
        if (room_lane(list[i].chat->membership.room_id) == lane)
            db_array_i64(&query->params, list[i].chat->membership.room_id);
    db_array_end(&query->params);
}

static void take_rows(struct unplaced *list, size_t count, const struct db_rows *rows)
{
    for (int i = 0; i < db_count(rows); i++) {
        struct chat wanted = {.membership.room_id = db_i64(rows, i, 0)};
        struct unplaced *found = bsearch(&(struct unplaced){.chat = &wanted}, list, count, sizeof(*list), compare_ids);
        if (found == NULL)
            continue;
        const struct activity activity = {.message_no = db_i64(rows, i, 1), .at_us = db_time(rows, i, 2)};
        chat_set_place(found->chat, activity.at_us);
        cache_write_activity(&found->value, &activity);
    }
}

static enum err ask_lanes(struct worker *worker, struct unplaced *list, size_t count)
{
    const int lanes = worker->app->lane_count;
    struct db_query *queries = xcalloc((size_t)lanes + 1, sizeof(*queries));

    for (int lane = 0; lane < lanes; lane++)
        ask_lane(&queries[lane], lane, list, count);
    const enum err err = db_run(worker->db, queries, (size_t)lanes);
    for (int lane = 0; lane < lanes; lane++) {
        if (err == ERR_OK)
            take_rows(list, count, &queries[lane].rows);
        db_params_fini(&queries[lane].params);
        db_rows_fini(&queries[lane].rows);
    }
    free(queries);
    return err;
}

/* Under leases, as far as they go. So many rooms are asked for that waiting for other askers would not spare a question. */
static enum err place_missing(struct worker *worker, struct unplaced *list, size_t count)
{
    const size_t leased = count < FILL_MAX ? count : FILL_MAX;
    struct lease *leases = xcalloc(leased + 1, sizeof(*leases));
    struct text *keys = xcalloc(leased + 1, sizeof(*keys)), *values = xcalloc(leased + 1, sizeof(*values));

    qsort(list, count, sizeof(*list), compare_ids);
    for (size_t i = 0; i < leased; i++)
        keys[i] = list[i].key;
    (void)lease_take(worker->cache, keys, leases, leased, false);
    const enum err err = ask_lanes(worker, list, count);
    for (size_t i = 0; i < leased; i++)
        values[i] = buf_text(&list[i].value);
    if (err == ERR_OK)
        lease_fill(worker->cache, keys, leases, values, leased, worker->app->settings->redis.ttl_s * 1000);
    for (size_t i = 0; i < count; i++)
        buf_fini(&list[i].value);
    free(values);
    free(keys);
    free(leases);
    return err;
}

/* ---- what it knows ---- */

/* Those that the cache does not know go to `unplaced`; returns how many. */
static size_t place_cached(struct worker *worker, struct my_rooms *rooms, const struct my_keys *keys, struct unplaced *unplaced)
{
    struct cache_command command = {.verb = "MGET", .keys = keys->list, .key_count = keys->count};
    const bool is_told = cache_run(worker->cache, &command, 1) == ERR_OK && command.reply.count == keys->count;
    size_t count = 0;

    for (size_t i = 0; i < rooms->count; i++) {
        struct text value = is_told ? cache_item(&command.reply, i) : text(NULL);
        struct activity activity;
        if (cache_unseal(&value, keys->list[i], text(NULL)) && cache_read_activity(value, &activity))
            chat_set_place(&rooms->chats[i], activity.at_us);
        else
            unplaced[count++] = (struct unplaced){.chat = &rooms->chats[i], .key = keys->list[i]};
    }
    cache_reply_fini(&command.reply);
    return count;
}

static enum err place_all(struct worker *worker, enum haste haste, struct my_rooms *rooms, bool *is_whole)
{
    struct unplaced *unplaced = xcalloc(rooms->count + 1, sizeof(*unplaced));
    struct my_keys keys;
    enum err err = ERR_OK;

    my_keys_init(&keys, rooms->count);
    for (size_t i = 0; i < rooms->count; i++)
        my_keys_add(&keys, "activity", rooms->chats[i].membership.room_id);
    my_keys_settle(&keys);
    const size_t count = place_cached(worker, rooms, &keys, unplaced);
    if (count > 0 && haste == FROM_CACHE)
        *is_whole = false;
    else if (count > 0)
        err = place_missing(worker, unplaced, count);
    my_keys_fini(&keys);
    free(unplaced);
    return err;
}

enum err my_rooms_narrow(struct worker *worker, enum haste haste, const struct chat_page *page, struct my_rooms *rooms, bool *is_whole)
{
    enum err err = ERR_OK;

    keep_archived(rooms, page->archived);
    if (rooms->count <= WHOLE_PAGES * page->limit)
        return ERR_OK;
    if (!rooms->chats[0].is_placed) /* else all are, by the lanes */
        err = place_all(worker, haste, rooms, is_whole);
    rooms->is_narrow = true;
    if (err == ERR_OK && *is_whole)
        keep_page(rooms, page);
    return err;
}
