/*
 * select_json: what PostgreSQL answers at all: pages of a room's history as JSON, made by the database, from
 * bare connections, without HTTP or tokens. The yardstick for history through the API.
 *
 * A connection has one question under way and asks the next when that is answered.
 */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/options.h"
#include "bench/load.h"
#include "bench/senders.h"

#define CONNECTIONS_MAX 64
#define STALL_MS        10000

static const char page[] =
    "SELECT json_agg(json_build_object('room_id', e.room_id::text, 'seq', e.seq, 'message_no', e.message_no, 'sender',"
    " json_build_object('id', e.sender_id::text, 'name', u.name), 'text', e.body->>'text', 'nonce', e.body->>'nonce',"
    " 'created_at', e.created_at, 'version', e.version) ORDER BY e.seq)"
    " FROM (SELECT * FROM lane_000.events WHERE room_id = $1::bigint AND kind = 'message' AND seq < $2::bigint"
    "       ORDER BY seq DESC LIMIT 50) e LEFT JOIN public.users u ON u.id = e.sender_id";

static struct {
    char *db_url, *senders_file;
    int64_t connections, seconds, warmup_ms, last_seq;
} config;

struct connection {
    PGconn *pg;
    struct sender *sender;
    int64_t begun_ns;
};

static struct load load;
static size_t under_way;

static _Noreturn void give_up(const struct connection *connection, const char *what)
{
    log_error("%s: %s", what, PQerrorMessage(connection->pg));
    exit(1);
}

static void ask(struct connection *connection, int64_t now_ns)
{
    char room[24], before[24];
    const char *const values[] = {room, before};

    snprintf(room, sizeof(room), "%lld", (long long)connection->sender->rooms[0]);
    snprintf(before, sizeof(before), "%llu",
             (unsigned long long)(sender_random(connection->sender) % (uint64_t)config.last_seq));
    if (PQsendQueryPrepared(connection->pg, "page", 2, values, NULL, NULL, 0) != 1 || PQflush(connection->pg) != 0)
        give_up(connection, "asking");
    connection->begun_ns = now_ns;
    under_way++;
}

static void on_readable(struct connection *connection)
{
    if (PQconsumeInput(connection->pg) != 1)
        give_up(connection, "connection");
    while (!PQisBusy(connection->pg)) {
        PGresult *result = PQgetResult(connection->pg);
        const int64_t now_ns = clock_mono_ns();
        if (result == NULL) {
            under_way--;
            load_tick(&load, now_ns);
            if (!load.is_over)
                ask(connection, now_ns);
            return;
        }
        if (PQresultStatus(result) != PGRES_TUPLES_OK)
            give_up(connection, "a page failed");
        load_acknowledge(&load, connection->begun_ns, now_ns);
        PQclear(result);
    }
}

static void open_connection(struct connection *connection, struct sender *sender)
{
    connection->sender = sender;
    connection->pg = PQconnectdb(config.db_url);
    if (PQstatus(connection->pg) != CONNECTION_OK)
        give_up(connection, "connecting");
    PGresult *result = PQprepare(connection->pg, "page", page, 0, NULL);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        give_up(connection, "preparing");
    PQclear(result);
    CHECK(PQsetnonblocking(connection->pg, 1) == 0);
}

static void turn(struct connection *connections, size_t count)
{
    struct pollfd polls[CONNECTIONS_MAX];

    for (size_t i = 0; i < count; i++)
        polls[i] = (struct pollfd){PQsocket(connections[i].pg), POLLIN, 0};
    if (poll(polls, count, STALL_MS) == 0) {
        log_error("no answer for %d ms", STALL_MS);
        exit(1);
    }
    for (size_t i = 0; i < count; i++)
        if (polls[i].revents != 0)
            on_readable(&connections[i]);
}

/* clang-format off: a table reads best with a row a line */
static void read_options(int argc, char **argv)
{
    struct option table[] = {
        {.name = "db.url", .type = OPTION_SECRET, .value = &config.db_url, .help = "PostgreSQL with the room."},
        {.name = "senders", .type = OPTION_TEXT, .value = &config.senders_file,
         .help = "File of people: user, session, the room; a line each."},
        {.name = "connections", .type = OPTION_NUMBER, .value = &config.connections, .fallback = "4", .unit = "connections",
         .min = 1, .max = CONNECTIONS_MAX, .help = "A question under way each."},
        {.name = "last-seq", .type = OPTION_NUMBER, .value = &config.last_seq, .fallback = "1000000", .unit = "events",
         .min = 1, .max = INT32_MAX, .help = "How long the room's log is."},
        {.name = "seconds", .type = OPTION_NUMBER, .value = &config.seconds, .fallback = "3", .unit = "s",
         .min = 1, .max = 600, .help = "Length of the measurement."},
        {.name = "warmup-ms", .type = OPTION_NUMBER, .value = &config.warmup_ms, .fallback = "1000", .unit = "ms",
         .min = 1, .max = 60000, .help = "Unmeasured start."},
    };
    options_load(&(struct options){.program = "select_json",
                                   .summary = "Pages of history as JSON, from bare connections.",
                                   .table = table,
                                   .count = ARRAY_COUNT(table)},
                 argc, argv);
}
/* clang-format on */

int main(int argc, char **argv)
{
    struct connection connections[CONNECTIONS_MAX];
    struct senders senders;

    read_options(argc, argv);
    log_init("select_json", LOG_INFO, LOG_TEXT);
    if (senders_read(&senders, config.senders_file, (size_t)config.connections) != ERR_OK)
        return 1;
    const size_t count = senders.count;
    for (size_t i = 0; i < count; i++)
        open_connection(&connections[i], &senders.all[i]);

    load = (struct load){.warmup_ns = config.warmup_ms * 1000000,
                         .measure_ns = config.seconds * 1000000000,
                         .pid = getpid()};
    load_start(&load);
    for (size_t i = 0; i < count; i++)
        ask(&connections[i], clock_mono_ns());
    while (under_way > 0)
        turn(connections, count);
    load_print(&load, "postgresql");
    return load.refused > 0;
}
