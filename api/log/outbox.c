#include "api/log/outbox.h"

#include "api/counters.h"
#include "api/log/lane_statements.h"
#include "api/model/membership.h"
#include "api/store/refresh_now.h"
#include "api/model/room.h"
#include "api/log/watch.h"

#define PAGE 200 /* outbox rows done at once */
#define PAGE_TEXT "200"

static const struct db_statement select_numbers = {
    "select_outbox", "SELECT number FROM {lane}.outbox WHERE incarnation = $1::bigint ORDER BY number LIMIT " PAGE_TEXT};

/* $1 incarnation, $2 numbers. An event with the row of members that it moved: its sender's or its subject's. */
static const struct db_statement select_owed_events = {
    "select_owed_events",
    "SELECT " EVENT_COLUMNS ", " MEMBERSHIP_COLUMNS("c") " FROM ("
    "  SELECT DISTINCT (x->>0)::bigint AS room_id, (x->>1)::bigint AS seq"
    "  FROM unnest($2::bigint[]) AS n (number) JOIN {lane}.outbox o ON o.incarnation = $1::bigint AND o.number = n.number"
    "  CROSS JOIN LATERAL json_array_elements(o.entries) AS x) owed "
    "JOIN {lane}.events e ON e.room_id = owed.room_id AND e.seq = owed.seq "
    "LEFT JOIN {lane}.members c ON c.room_id = e.room_id AND c.user_id = coalesce(e.subject_id, e.sender_id)"
    EVENT_JOINS "ORDER BY e.room_id, e.seq"};

static const struct db_statement select_owed_cursors = {
    "select_owed_cursors",
    "SELECT DISTINCT " MEMBERSHIP_COLUMNS("c") ", l.message_no, l.room_mention_no, r.deleted_at IS NOT NULL "
    "FROM unnest($2::bigint[]) AS n (number) JOIN {lane}.outbox o ON o.incarnation = $1::bigint AND o.number = n.number "
    "CROSS JOIN LATERAL json_array_elements(o.entries) AS x "
    "JOIN {lane}.members c ON c.room_id = (x->>0)::bigint AND c.user_id = (x->>2)::bigint "
    "JOIN {lane}.rooms r ON r.id = c.room_id "
    "CROSS JOIN LATERAL (SELECT message_no, room_mention_no FROM {lane}.events WHERE room_id = c.room_id ORDER BY seq DESC LIMIT 1) l"};

const struct db_statement select_dead_owners = {
    "select_dead_owners",
    "SELECT o.incarnation FROM (SELECT DISTINCT incarnation FROM {lane}.outbox) o WHERE NOT EXISTS ("
    "  SELECT 1 FROM pg_locks k WHERE k.locktype = 'advisory' AND k.granted AND k.objsubid = 1"
    "  AND k.classid::bigint = o.incarnation >> 32 AND k.objid::bigint = o.incarnation & 4294967295)"};

void outbox_build_mark(struct db_query *query, int lane, int64_t incarnation, const int64_t *numbers, size_t count)
{
    *query = (struct db_query){.statement = &mark_outbox, .lane = lane};
    db_add_i64(&query->params, incarnation);
    db_array_begin(&query->params, DB_I64_ARRAY);
    for (size_t i = 0; i < count; i++)
        db_array_i64(&query->params, numbers[i]);
    db_array_end(&query->params);
}

/* What a redo holds on to; one at a time per task. */
struct redo {
    struct worker *worker;
    int lane;
    int64_t incarnation;
    int64_t numbers[PAGE];
    size_t count;
    struct db_query events, cursors, heads;
    struct announcer *announcer;
    struct refresh *refresh;
    struct buf scratch;
};

static enum err read_numbers(struct redo *redo)
{
    struct db_query query = {.statement = &select_numbers, .lane = redo->lane};

    db_add_i64(&query.params, redo->incarnation);
    const enum err err = db_ask(redo->worker->db, &query);
    redo->count = 0;
    for (int i = 0; err == ERR_OK && i < db_count(&query.rows); i++)
        redo->numbers[redo->count++] = db_i64(&query.rows, i, 0);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

static void add_owner(struct redo *redo, struct db_query *query, const struct db_statement *statement)
{
    outbox_build_mark(query, redo->lane, redo->incarnation, redo->numbers, redo->count); /* the same parameters */
    query->statement = statement;
}

static enum err read_owed(struct redo *redo)
{
    struct db_query queries[2];

    add_owner(redo, &queries[0], &select_owed_events);
    add_owner(redo, &queries[1], &select_owed_cursors);
    enum err err = db_run(redo->worker->db, queries, 2);
    redo->events = queries[0];
    redo->cursors = queries[1];
    if (err != ERR_OK)
        return err;

    redo->heads = (struct db_query){.statement = &select_heads, .lane = redo->lane};
    db_array_begin(&redo->heads.params, DB_I64_ARRAY);
    int64_t last = 0;
    for (int i = 0; i < db_count(&redo->events.rows); i++) {
        const int64_t room_id = db_i64(&redo->events.rows, i, 0);
        if (room_id != last) /* ordered by room */
            db_array_i64(&redo->heads.params, room_id);
        last = room_id;
    }
    db_array_end(&redo->heads.params);
    return db_ask(redo->worker->db, &redo->heads);
}

/* With its room's head as it is now: the lines of chats show that. */
static void announce_owed_event(struct redo *redo, const struct event *event, struct text epoch)
{
    const struct db_rows *heads = &redo->heads.rows;
    struct room room;
    struct head head;

    for (int i = 0; i < db_count(heads); i++) {
        if (db_i64(heads, i, 0) != event->room_id)
            continue;
        buf_reset(&redo->scratch);
        head_read(&room, &head, heads, i, &redo->scratch);
        announce_event(redo->announcer, event, epoch, &head, db_text(heads, i, HEAD_SENDER_NAME));
        return;
    }
    announce_event(redo->announcer, event, epoch, NULL, text(NULL));
}

static void announce_owed(struct redo *redo, struct text epoch)
{
    const struct db_rows *events = &redo->events.rows, *cursors = &redo->cursors.rows, *heads = &redo->heads.rows;
    struct membership membership;
    struct event event;
    struct room room;
    struct head head;

    for (int i = 0; i < db_count(events); i++) {
        event_read(&event, events, i, 0);
        announce_owed_event(redo, &event, epoch);
        if (db_is_null(events, i, EVENT_COLUMN_COUNT))
            continue;
        membership_read(&membership, events, i, EVENT_COLUMN_COUNT);
        if (event_adds(event.kind) || event_removes(event.kind))
            announce_membership(redo->announcer, &event, membership.changed_us);
        refresh_membership(redo->refresh, &membership);
    }
    for (int i = 0; i < db_count(cursors); i++) {
        membership_read(&membership, cursors, i, 0);
        if (membership.role != ROLE_LEFT) { /* whichever of the two it was */
            announce_cursor(redo->announcer, &membership, db_i64(cursors, i, MEMBERSHIP_COLUMN_COUNT),
                            db_i64(cursors, i, MEMBERSHIP_COLUMN_COUNT + 1));
            announce_view(redo->announcer, &membership);
        } else if (db_bool(cursors, i, MEMBERSHIP_COLUMN_COUNT + 2))
            announce_room_gone(redo->announcer, &membership);
        refresh_membership(redo->refresh, &membership);
    }
    for (int i = 0; i < db_count(heads); i++) {
        buf_reset(&redo->scratch);
        head_read(&room, &head, heads, i, &redo->scratch);
        refresh_room(redo->refresh, &room);
        refresh_head(redo->refresh, &head);
    }
}

static enum err mark(struct redo *redo)
{
    struct db_query query;

    outbox_build_mark(&query, redo->lane, redo->incarnation, redo->numbers, redo->count);
    const enum err err = db_ask(redo->worker->db, &query);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

static enum err redo_page(struct redo *redo, struct text epoch)
{
    enum err err;

    if ((err = read_owed(redo)) == ERR_OK) {
        announce_owed(redo, epoch);
        announce_send(redo->announcer, redo->worker->app->publisher);
        if ((err = refresh_now(redo->worker, redo->refresh)) == ERR_OK)
            err = mark(redo);
    }
    struct db_query *queries[] = {&redo->events, &redo->cursors, &redo->heads};
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++) {
        db_params_fini(&queries[i]->params);
        db_rows_fini(&queries[i]->rows);
    }
    return err;
}

enum err outbox_redo(struct worker *worker, int lane, int64_t incarnation, size_t *done)
{
    struct redo redo = {.worker = worker, .lane = lane, .incarnation = incarnation};
    char epoch[64];
    enum err err = ERR_UNAVAILABLE;

    *done = 0;
    if (!watch_epoch(worker->app->watch, epoch))
        return ERR_UNAVAILABLE;
    redo.announcer = announcer_create();
    redo.refresh = refresh_create();
    while ((err = read_numbers(&redo)) == ERR_OK && redo.count > 0) {
        if ((err = redo_page(&redo, text(epoch))) != ERR_OK)
            break;
        *done += redo.count;
        counter_add(COUNTER_OUTBOX_REDONE, redo.count);
        if (redo.count < PAGE)
            break; /* a living writer goes on meanwhile: there would always be some */
    }
    buf_fini(&redo.scratch);
    refresh_destroy(redo.refresh);
    announcer_destroy(redo.announcer);
    return err;
}
