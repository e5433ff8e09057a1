/*
 * Connect: are these sessions alive, and which rooms have their users? One round trip for all of them: sessions, the numbers of the
 * newest ended session and ban, and each lane's memberships.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/log/watch.h"
#include "api/questions/question_rooms.h"
#include "base/id.h"

#define USERS_MAX     1000
#define POSITIONS_MAX 60000 /* of one answer, at 40 bytes at most: a user more would be too much for the bus, and is not told */
#define ID_TEXT_BYTES 24

enum { REFUSED_BAD_REQUEST = 107 };

static const struct db_statement select_alive = {
    "select_alive",
    "SELECT s.id IS NOT NULL FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS i (user_id, session_id, ord) "
    "LEFT JOIN public.sessions s ON s.id = i.session_id AND s.user_id = i.user_id AND s.ended_at IS NULL ORDER BY i.ord"};

static const struct db_statement select_last_numbers = {"select_last_numbers", "SELECT last_ended, last_ban FROM public.installation"};

/* Membership and the log's end in one snapshot: that is what as_of means. */
static const struct db_statement select_rooms_of = {
    "select_rooms_of",
    "SELECT m.user_id, m.room_id, l.seq FROM (SELECT DISTINCT id FROM unnest($1::bigint[]) AS i (id)) i "
    "JOIN {lane}.members m ON m.user_id = i.id AND m.role <> 'left' "
    "JOIN {lane}.rooms r ON r.id = m.room_id AND r.deleted_at IS NULL " /* memberships of a deleted room go piece by piece */
    "CROSS JOIN LATERAL (SELECT seq FROM {lane}.events WHERE room_id = m.room_id ORDER BY seq DESC LIMIT 1) l"};

enum { Q_ALIVE, Q_NUMBERS, Q_LANES }; /* then one query per lane */

/* A room of a user, as the answer tells it. */
struct place {
    int64_t user_id;
    Bus__RoomPosition position;
    char room[ID_TEXT_BYTES];
};

struct connecting {
    const Bus__Connect *ask;
    int64_t *users, *sessions;
    struct db_query *queries;
    size_t query_count;
    struct place *places; /* `place_count`, by user */
    Bus__RoomPosition **positions; /* the same */
    size_t place_count;
};

/* ---- the question ---- */

static void add_ids(struct db_query *query, const int64_t *ids, size_t count)
{
    db_array_begin(&query->params, DB_I64_ARRAY);
    for (size_t i = 0; i < count; i++)
        db_array_i64(&query->params, ids[i]);
    db_array_end(&query->params);
}

static void build(struct connecting *connecting)
{
    const size_t count = connecting->ask->n_users;
    struct db_query *queries = connecting->queries;

    queries[Q_ALIVE] = (struct db_query){.statement = &select_alive, .lane = DB_NO_LANE};
    add_ids(&queries[Q_ALIVE], connecting->users, count);
    add_ids(&queries[Q_ALIVE], connecting->sessions, count);
    queries[Q_NUMBERS] = (struct db_query){.statement = &select_last_numbers, .lane = DB_NO_LANE};
    for (size_t q = Q_LANES; q < connecting->query_count; q++) {
        queries[q] = (struct db_query){.statement = &select_rooms_of, .lane = (int)q - Q_LANES};
        add_ids(&queries[q], connecting->users, count);
    }
}

static void read_ids(struct connecting *connecting)
{
    for (size_t i = 0; i < connecting->ask->n_users; i++) {
        const Bus__ConnectUser *user = connecting->ask->users[i];
        int64_t user_id, session_id;
        if (!id_parse(wire_text(user->user), &user_id))
            continue; /* nobody: not alive */
        if (user->rooms_only || id_parse(wire_text(user->session), &session_id)) {
            connecting->users[i] = user_id;
            connecting->sessions[i] = user->rooms_only ? 0 : session_id;
        }
    }
}

/* ---- the rooms ---- */

static int by_user(const void *a, const void *b)
{
    const int64_t one = ((const struct place *)a)->user_id, other = ((const struct place *)b)->user_id;

    return (one > other) - (one < other);
}

static void take_lane(struct connecting *connecting, const struct db_rows *rows)
{
    for (int i = 0; i < db_count(rows); i++) {
        struct place *place = &connecting->places[connecting->place_count++];
        place->user_id = db_i64(rows, i, 0);
        snprintf(place->room, sizeof(place->room), "%" PRId64, db_i64(rows, i, 1));
        bus__room_position__init(&place->position);
        place->position.as_of = (uint64_t)db_i64(rows, i, 2);
    }
}

static void gather_rooms(struct connecting *connecting)
{
    size_t total = 0;

    for (size_t q = Q_LANES; q < connecting->query_count; q++)
        total += (size_t)db_count(&connecting->queries[q].rows);
    connecting->places = xcalloc(total + 1, sizeof(*connecting->places));
    connecting->positions = xcalloc(total + 1, sizeof(*connecting->positions));
    for (size_t q = Q_LANES; q < connecting->query_count; q++)
        take_lane(connecting, &connecting->queries[q].rows);
    qsort(connecting->places, total, sizeof(*connecting->places), by_user);
    for (size_t i = 0; i < total; i++) {
        connecting->places[i].position.room = wire_bytes(text(connecting->places[i].room));
        connecting->positions[i] = &connecting->places[i].position;
    }
}

/* Two sessions of one user share them. */
static void give_rooms(const struct connecting *connecting, int64_t user_id, Bus__ConnectedUser *user)
{
    size_t low = 0, high = connecting->place_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (connecting->places[middle].user_id < user_id)
            low = middle + 1;
        else
            high = middle;
    }
    user->rooms = connecting->positions + low;
    while (low + user->n_rooms < connecting->place_count && connecting->places[low + user->n_rooms].user_id == user_id)
        user->n_rooms++;
}

/* ---- the answer ---- */

static void answer_all(const struct connecting *connecting, struct inquiry *inquiry, const char *epoch)
{
    const size_t count = connecting->ask->n_users;
    const struct db_rows *numbers = &connecting->queries[Q_NUMBERS].rows;
    Bus__ConnectedUser *users = xcalloc(count + 1, sizeof(*users)), **list = xcalloc(count + 1, sizeof(*list));
    Bus__Connected connected = BUS__CONNECTED__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;
    size_t told = 0;

    for (size_t i = 0; i < count; i++) {
        bus__connected_user__init(list[i] = &users[i]);
        users[i].alive = connecting->ask->users[i]->rooms_only || db_bool(&connecting->queries[Q_ALIVE].rows, (int)i, 0);
        if (users[i].alive)
            give_rooms(connecting, connecting->users[i], &users[i]);
        told += users[i].n_rooms;
        if (i > 0 && told > POSITIONS_MAX)
            break;
        connected.n_users++;
    }
    connected.users = list;
    connected.epoch = wire_bytes(text(epoch));
    connected.ended_number = (uint64_t)db_i64(numbers, 0, 0);
    connected.ban_number = (uint64_t)db_i64(numbers, 0, 1);
    answer.told_case = BUS__ANSWER__TOLD_CONNECTED;
    answer.connected = &connected;
    inquiry_answer(inquiry, &answer);
    free(list);
    free(users);
}

static void free_all(struct connecting *connecting)
{
    question_finish(connecting->queries, connecting->query_count);
    free(connecting->positions);
    free(connecting->places);
    free(connecting->queries);
    free(connecting->sessions);
    free(connecting->users);
}

void question_connect(struct worker *worker, struct inquiry *inquiry, const Bus__Connect *ask)
{
    struct connecting connecting = {.ask = ask, .query_count = Q_LANES + (size_t)worker->app->lane_count};
    enum err err = worker->app->lane_count > 0 ? ERR_OK : ERR_UNAVAILABLE;
    char epoch[64];

    if (ask->n_users > USERS_MAX) {
        inquiry_refuse(inquiry, REFUSED_BAD_REQUEST, "bad request", false);
        return;
    }
    connecting.users = xcalloc(ask->n_users + 1, sizeof(int64_t));
    connecting.sessions = xcalloc(ask->n_users + 1, sizeof(int64_t));
    connecting.queries = xcalloc(connecting.query_count, sizeof(struct db_query));
    read_ids(&connecting);
    build(&connecting);
    if (err == ERR_OK && (err = db_run(worker->db, connecting.queries, connecting.query_count)) == ERR_OK &&
        !watch_epoch(worker->app->watch, epoch))
        err = ERR_UNAVAILABLE;
    if (err == ERR_OK) {
        gather_rooms(&connecting);
        answer_all(&connecting, inquiry, epoch);
    } else {
        question_refuse(inquiry, err);
    }
    free_all(&connecting);
}
