/*
 * libpq_loop: what PostgreSQL stores at all: the two statements of the API's batches from a bare
 * loop, without HTTP, tokens, cache or bus. The yardstick for sends through the API.
 *
 * Like the API it has one connection per lane and sends the next batch when the last one is
 * answered. Every sender has one message under way, and begins the next when that one is stored: so
 * a batch is what gathered meanwhile, 100 at most.
 */
#include <libpq-fe.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/log/lane_statements.h"
#include "base/base.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/options.h"
#include "bench/load.h"
#include "bench/senders.h"

#define LANES_MAX  64
#define BATCH_MAX  1000
#define STALL_MS   10000
#define TEXT_MAX   16384
#define HASH_BYTES 16

static struct {
    char *db_url, *senders_file;
    int64_t lanes, batch, seconds, warmup_ms, text_bytes, senders_max;
} config;

struct message {
    struct sender *sender;
    int64_t room_id, begun_ns;
};

struct lane {
    int number;
    PGconn *pg;
    struct message *queue; /* a ring with room for all senders */
    size_t queue_at, queue_len;
    struct message sent[BATCH_MAX]; /* the batch under way */
    size_t sent_count;
    int64_t batch_number;
    struct db_params lock, append;
};

static struct lane lanes[LANES_MAX];
static struct senders senders;
static struct load load;
static uint64_t under_way;
static int64_t incarnation;

static _Noreturn void give_up(const struct lane *lane, const char *what)
{
    log_error("lane %d: %s: %s", lane->number, what, PQerrorMessage(lane->pg));
    exit(1);
}

/* ---- messages ---- */

static struct lane *lane_of(int64_t room_id)
{
    const int64_t number = room_id >> 12 & 1023; /* schema/0001_people.sql, next_id() */

    CHECK(number < config.lanes);
    return &lanes[number];
}

static void begin_message(struct sender *sender, int64_t now_ns)
{
    const int64_t room_id = sender_pick_room(sender);
    struct lane *lane = lane_of(room_id);

    CHECK(lane->queue_len < senders.count);
    lane->queue[(lane->queue_at + lane->queue_len++) % senders.count] =
        (struct message){sender, room_id, now_ns};
    under_way++;
}

static void take_batch(struct lane *lane)
{
    lane->sent_count = 0;
    while (lane->queue_len > 0 && lane->sent_count < (size_t)config.batch) {
        lane->sent[lane->sent_count++] = lane->queue[lane->queue_at];
        lane->queue_at = (lane->queue_at + 1) % senders.count;
        lane->queue_len--;
    }
}

/* ---- statements ---- */

static void build_lock(struct lane *lane)
{
    int64_t last = 0;

    db_params_fini(&lane->lock);
    db_array_begin(&lane->lock, DB_I64_ARRAY);
    for (size_t i = 0; i < lane->sent_count; i++) {
        if (lane->sent[i].room_id != last)
            db_array_i64(&lane->lock, lane->sent[i].room_id);
        last = lane->sent[i].room_id;
    }
    db_array_end(&lane->lock);
}

/* As good as a hash for an index. */
static void add_random_hashes(struct lane *lane)
{
    uint64_t hash[HASH_BYTES / sizeof(uint64_t)];

    db_array_begin(&lane->append, DB_BYTES_ARRAY);
    for (size_t i = 0; i < lane->sent_count; i++) {
        hash[0] = sender_random(lane->sent[i].sender) ^ (uint64_t)incarnation;
        hash[1] = sender_random(lane->sent[i].sender);
        db_array_text(&lane->append, text_of(hash, HASH_BYTES));
    }
    db_array_end(&lane->append);
}

/* As long as what the API stores: {"nonce":"…","text":"…"} */
static void add_bodies(struct lane *lane)
{
    char body[TEXT_MAX + 64], filling[TEXT_MAX + 1];

    memset(filling, 'x', (size_t)config.text_bytes);
    filling[config.text_bytes] = '\0';
    db_array_begin(&lane->append, DB_TEXT_ARRAY);
    for (size_t i = 0; i < lane->sent_count; i++) {
        const int len = snprintf(body, sizeof(body), "{\"nonce\":\"%016llx\",\"text\":\"%s\"}",
                                 (unsigned long long)lane->sent[i].sender->sent++, filling);
        db_array_text(&lane->append, text_of(body, (size_t)len));
    }
    db_array_end(&lane->append);
}

static void build_append(struct lane *lane)
{
    struct db_params *params = &lane->append;

    db_params_fini(params);
    db_array_begin(params, DB_I64_ARRAY);
    for (size_t i = 0; i < lane->sent_count; i++)
        db_array_i64(params, lane->sent[i].room_id);
    db_array_end(params);
    db_array_begin(params, DB_I64_ARRAY);
    for (size_t i = 0; i < lane->sent_count; i++)
        db_array_i64(params, lane->sent[i].sender->user_id);
    db_array_end(params);
    add_random_hashes(lane); /* nonces */
    add_random_hashes(lane); /* digests */
    db_array_begin(params, DB_I64_ARRAY);
    for (size_t i = 0; i < lane->sent_count; i++)
        db_array_null(params); /* no reply */
    db_array_end(params);
    add_bodies(lane);
    db_add_i64(params, incarnation);
    db_add_i64(params, ++lane->batch_number);
    db_array_begin(params, DB_BOOL_ARRAY); /* nobody is mentioned */
    for (size_t i = 0; i < lane->sent_count; i++)
        db_array_bool(params, false);
    db_array_end(params);
    for (int i = 0; i < 2; i++) {
        db_array_begin(params, DB_I64_ARRAY);
        db_array_end(params);
    }
    db_array_begin(params, DB_TEXT_ARRAY); /* who may mention the room, in each kind of it: nobody does */
    for (int kind = 0; kind < 3; kind++)
        db_array_null(params);
    db_array_end(params);
}

static void send_statement(struct lane *lane, const struct db_statement *statement,
                           const struct db_params *params)
{
    const char *values[DB_PARAMS_MAX];
    int lengths[DB_PARAMS_MAX], formats[DB_PARAMS_MAX];

    for (int i = 0; i < params->count; i++) {
        values[i] = params->bytes.at + params->values[i].at;
        lengths[i] = params->values[i].len;
        formats[i] = 1;
    }
    if (PQsendQueryPrepared(lane->pg, statement->name, params->count, values, lengths, formats,
                            1) != 1)
        give_up(lane, statement->name);
}

static void send_batch(struct lane *lane)
{
    take_batch(lane);
    build_lock(lane);
    build_append(lane);
    send_statement(lane, &lock_rooms, &lane->lock);
    send_statement(lane, &append_messages, &lane->append);
    if (PQpipelineSync(lane->pg) != 1)
        give_up(lane, "sync");
}

/* ---- answers ---- */

static void read_row(struct lane *lane, const PGresult *result, int row, int64_t now_ns)
{
    const struct message *message = &lane->sent[row];
    const struct text outcome = text_of(PQgetvalue(result, row, APPEND_OUTCOME),
                                        (size_t)PQgetlength(result, row, APPEND_OUTCOME));

    under_way--;
    if (text_equal(outcome, text("stored")))
        load_acknowledge(&load, message->begun_ns, now_ns);
    else
        load.refused++;
    load_tick(&load, now_ns);
    if (!load.is_over)
        begin_message(message->sender, now_ns);
}

/* Returns true at the Sync: the batch is committed. The answers are read then, and not before. */
static bool drain(struct lane *lane, PGresult **answers)
{
    while (!PQisBusy(lane->pg)) {
        PGresult *result = PQgetResult(lane->pg);
        if (result == NULL)
            continue; /* between two statements */
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            return true;
        }
        if (PQresultStatus(result) != PGRES_TUPLES_OK)
            give_up(lane, "a batch failed");
        if (PQnfields(result) > 1) /* append_messages; lock_rooms has one column */
            *answers = result;
        else
            PQclear(result);
    }
    return false;
}

static void on_readable(struct lane *lane)
{
    static PGresult *answers[LANES_MAX];
    PGresult **answer = &answers[lane->number];

    if (PQconsumeInput(lane->pg) != 1)
        give_up(lane, "connection");
    if (lane->sent_count == 0 || !drain(lane, answer))
        return;
    CHECK(*answer != NULL && PQntuples(*answer) == (int)lane->sent_count);
    const int64_t now_ns = clock_mono_ns();
    const int count = (int)lane->sent_count;
    lane->sent_count = 0;
    for (int i = 0; i < count; i++)
        read_row(lane, *answer, i, now_ns);
    PQclear(*answer);
    *answer = NULL;
}

/* ---- life ---- */

static void must(struct lane *lane, PGresult *result)
{
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        give_up(lane, "setup");
    PQclear(result);
}

/* {lane} becomes the schema's name. */
static void prepare(struct lane *lane, const struct db_statement *statement)
{
    struct buf sql = {0};
    const char *at = statement->sql, *mark;

    for (; (mark = strstr(at, "{lane}")) != NULL; at = mark + strlen("{lane}")) {
        buf_add(&sql, at, (size_t)(mark - at));
        buf_printf(&sql, "lane_%03d", lane->number);
    }
    buf_add_text(&sql, text(at));
    must(lane, PQprepare(lane->pg, statement->name, buf_cstring(&sql), 0, NULL));
    buf_fini(&sql);
}

static void open_lane(int number)
{
    static const char *const setup[] = {/* those of api/log/lane_writer.c */
                                        "SET enable_hashjoin = off", "SET enable_mergejoin = off",
                                        "SET enable_seqscan = off",
                                        "SET plan_cache_mode = force_generic_plan"};
    struct lane *lane = &lanes[number];

    lane->number = number;
    lane->queue = xcalloc(senders.count, sizeof(*lane->queue));
    lane->pg = PQconnectdb(config.db_url);
    if (PQstatus(lane->pg) != CONNECTION_OK)
        give_up(lane, "connecting");
    for (size_t i = 0; i < ARRAY_COUNT(setup); i++)
        must(lane, PQexec(lane->pg, setup[i]));
    prepare(lane, &lock_rooms);
    prepare(lane, &append_messages);
    CHECK(PQsetnonblocking(lane->pg, 1) == 0 && PQenterPipelineMode(lane->pg) == 1);
}

/* One turn: send what can be sent, wait, read. */
static void turn(void)
{
    struct pollfd polls[LANES_MAX];

    for (int i = 0; i < config.lanes; i++) {
        struct lane *lane = &lanes[i];
        if (lane->sent_count == 0 && lane->queue_len > 0)
            send_batch(lane);
        const int left = PQflush(lane->pg);
        if (left < 0)
            give_up(lane, "flush");
        polls[i] =
            (struct pollfd){PQsocket(lane->pg), (short)(POLLIN | (left > 0 ? POLLOUT : 0)), 0};
    }
    if (poll(polls, (nfds_t)config.lanes, STALL_MS) == 0) {
        log_error("no answer for %d ms", STALL_MS);
        exit(1);
    }
    for (int i = 0; i < config.lanes; i++)
        if (polls[i].revents & ~POLLOUT)
            on_readable(&lanes[i]);
}

/* clang-format off: a table reads best with a row a line */
static void read_options(int argc, char **argv)
{
    struct option table[] = {
        {.name = "db.url",
         .type = OPTION_SECRET,
         .value = &config.db_url,
         .help = "PostgreSQL with the rooms."},
        {.name = "senders",
         .type = OPTION_TEXT,
         .value = &config.senders_file,
         .help = "File of senders: user, session, rooms; a line each."},
        {.name = "senders-max",
         .type = OPTION_NUMBER,
         .value = &config.senders_max,
         .fallback = "256",
         .unit = "senders",
         .min = 1,
         .max = 100000,
         .help = "More lines are not read."},
        {.name = "lanes",
         .type = OPTION_NUMBER,
         .value = &config.lanes,
         .fallback = "4",
         .unit = "lanes",
         .min = 1,
         .max = LANES_MAX,
         .help = "A connection each."},
        {.name = "batch",
         .type = OPTION_NUMBER,
         .value = &config.batch,
         .fallback = "100",
         .unit = "messages",
         .min = 1,
         .max = BATCH_MAX,
         .help = "Most messages of one transaction."},
        {.name = "text-bytes",
         .type = OPTION_NUMBER,
         .value = &config.text_bytes,
         .fallback = "128",
         .unit = "bytes",
         .min = 1,
         .max = TEXT_MAX,
         .help = "Length of a message."},
        {.name = "seconds",
         .type = OPTION_NUMBER,
         .value = &config.seconds,
         .fallback = "3",
         .unit = "s",
         .min = 1,
         .max = 600,
         .help = "Length of the measurement."},
        {.name = "warmup-ms",
         .type = OPTION_NUMBER,
         .value = &config.warmup_ms,
         .fallback = "500",
         .unit = "ms",
         .min = 1,
         .max = 60000,
         .help = "Unmeasured start."},
    };
    options_load(&(struct options){.program = "libpq_loop",
                                   .summary = "The two statements of a batch, from a bare loop.",
                                   .table = table,
                                   .count = ARRAY_COUNT(table)},
                 argc, argv);
}
/* clang-format on */

int main(int argc, char **argv)
{
    read_options(argc, argv);
    log_init("libpq_loop", LOG_INFO, LOG_TEXT);
    id_init();
    incarnation = (int64_t)(id_random() >> 1);
    if (senders_read(&senders, config.senders_file, (size_t)config.senders_max) != ERR_OK)
        return 1;
    for (int i = 0; i < config.lanes; i++)
        open_lane(i);

    load = (struct load){.warmup_ns = config.warmup_ms * 1000000,
                         .measure_ns = config.seconds * 1000000000,
                         .pid = getpid()};
    load_start(&load);
    for (size_t i = 0; i < senders.count; i++)
        begin_message(&senders.all[i], load.start_ns);
    while (under_way > 0)
        turn();
    load_print(&load, "libpq");
    return load.refused > 0;
}
