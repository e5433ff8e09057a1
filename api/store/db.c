#include "api/store/db.h"

#include <stdlib.h>

#include "api/counters.h"
#include "api/task.h"

struct db {
    size_t open;
    size_t open_limit;
    int count;
    struct link {
        struct db *db;
        struct db_conn *conn;
        size_t open; /* queries under way on this connection */
    } links[];
};

/* One question of a task; lives on its stack. */
struct wait {
    struct task *task;
    size_t left;
};

struct asked {
    struct wait *wait;
    struct link *link;
};

struct db *db_open(uv_loop_t *loop, const struct db_conn_config *config, int connections,
                   size_t open_limit)
{
    struct db *db = xcalloc(1, sizeof(*db) + (size_t)connections * sizeof(db->links[0]));
    const struct db_conn_events no_events = {0};

    db->open_limit = open_limit;
    db->count = connections;
    for (int i = 0; i < connections; i++) {
        db->links[i].db = db;
        db->links[i].conn = db_conn_open(loop, config, &no_events, NULL);
    }
    return db;
}

void db_close(struct db *db)
{
    if (db == NULL)
        return;
    for (int i = 0; i < db->count; i++)
        db_conn_close(db->links[i].conn); /* their open queries are answered before it returns */
    free(db);
}

/* The connection with the least to do; NULL: none is there. */
static struct link *choose(struct db *db)
{
    struct link *best = NULL;
    for (int i = 0; i < db->count; i++) {
        struct link *link = &db->links[i];
        if (db_conn_is_ready(link->conn) && (best == NULL || link->open < best->open))
            best = link;
    }
    return best;
}

bool db_is_ready(const struct db *db)
{
    return choose((struct db *)db) != NULL;
}

static void on_answer(void *context)
{
    struct asked *asked = context;
    asked->link->open--;
    asked->link->db->open--;
    if (--asked->wait->left == 0)
        task_resume(asked->wait->task);
}

static enum err refuse_all(struct db_query *queries, size_t count, enum err err)
{
    for (size_t i = 0; i < count; i++) {
        queries[i].rows = (struct db_rows){0};
        queries[i].err = err;
    }
    return err;
}

/* In order: all on one connection, so that each has a younger snapshot than the one before. */
static enum err run(struct db *db, struct db_query *queries, size_t count, bool in_order)
{
    struct wait wait = {.task = task_self(), .left = count};

    CHECK(wait.task != NULL);
    if (count == 0)
        return ERR_OK;
    if (db->open + count > db->open_limit) {
        counter_add(COUNTER_DB_BUSY, count);
        return refuse_all(queries, count, ERR_BUSY);
    }
    if (!db_is_ready(db))
        return refuse_all(queries, count, ERR_UNAVAILABLE);

    struct asked *asked = xcalloc(count, sizeof(*asked)); /* `count` may be one per lane */
    struct link *link = NULL;
    for (size_t i = 0; i < count; i++) {
        if (link == NULL || !in_order)
            link = choose(db);
        if (link == NULL)
            link = &db->links[0]; /* lost just now: it answers ERR_UNAVAILABLE */
        asked[i] = (struct asked){&wait, link};
        link->open++;
        db->open++;
        db_conn_send(link->conn, &queries[i], 1, on_answer, &asked[i]);
    }
    task_wait();
    free(asked);

    for (size_t i = 0; i < count; i++)
        if (queries[i].err != ERR_OK)
            return queries[i].err;
    return ERR_OK;
}

enum err db_run(struct db *db, struct db_query *queries, size_t count)
{
    return run(db, queries, count, false);
}

enum err db_run_in_order(struct db *db, struct db_query *queries, size_t count)
{
    return run(db, queries, count, true);
}

enum err db_ask(struct db *db, struct db_query *query)
{
    return db_run(db, query, 1);
}
