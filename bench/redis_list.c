/*
 * redis_list: what Redis answers at all: the questions of a chat list from a bare hiredis client, without
 * HTTP, tokens, checks or JSON. The yardstick for chat lists through the API.
 *
 * Everybody has one list under way, as the API's load has: the questions of all go in one pipeline, step by
 * step: memberships, then rooms and heads, then the people in them. The keys are those that an API has filled.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/options.h"
#include "bench/load.h"
#include "bench/senders.h"

static struct {
    char *senders_file, *password, *prefix;
    int64_t port, seconds, warmup_ms, senders_max, people;
} config;

static struct load load;
static redisContext *redis;

/* What one person's list asks, ready to send. */
struct questions {
    struct buf memberships, values, people;
};

static void add_word(struct buf *out, struct text word)
{
    buf_printf(out, "$%zu\r\n%.*s\r\n", word.len, TEXT_ARGS(word));
}

static void add_key(struct buf *out, const char *what, int64_t id)
{
    char key[128];
    const int len = snprintf(key, sizeof(key), "%s%s:%lld", config.prefix, what, (long long)id);

    add_word(out, text_of(key, (size_t)len));
}

/* `others`: whose names stand in the list, as many as the API finds in it. */
static void make_questions(struct questions *questions, const struct sender *sender, const struct senders *others)
{
    const size_t people = (size_t)config.people < others->count ? (size_t)config.people : others->count;

    buf_add_text(&questions->memberships, text("*2\r\n$7\r\nHGETALL\r\n"));
    add_key(&questions->memberships, "rooms", sender->user_id);
    buf_printf(&questions->values, "*%zu\r\n$4\r\nMGET\r\n", 1 + 2 * sender->room_count);
    for (size_t i = 0; i < sender->room_count; i++) {
        add_key(&questions->values, "room", sender->rooms[i]);
        add_key(&questions->values, "head", sender->rooms[i]);
    }
    buf_printf(&questions->people, "*%zu\r\n$4\r\nMGET\r\n", 1 + people);
    for (size_t i = 0; i < people; i++)
        add_key(&questions->people, "user", others->all[i].user_id);
}

static void send_all(const struct buf *question)
{
    CHECK(redisAppendFormattedCommand(redis, question->at, question->len) == REDIS_OK);
}

static void read_all(size_t count, bool is_last, int64_t begun_ns)
{
    for (size_t i = 0; i < count; i++) {
        void *answer;
        if (redisGetReply(redis, &answer) != REDIS_OK) {
            log_error("redis: %s", redis->errstr);
            exit(1);
        }
        const redisReply *reply = answer;
        const bool is_known = reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
                              reply->element[0]->type == REDIS_REPLY_STRING;
        load.refused += !is_known && !is_last; /* not all of the people have said something */
        if (is_last)
            load_acknowledge(&load, begun_ns, clock_mono_ns());
        freeReplyObject(answer);
    }
}

/* clang-format off: a table reads best with a row a line */
static void read_options(int argc, char **argv)
{
    struct option table[] = {
        {.name = "port", .type = OPTION_NUMBER, .value = &config.port, .fallback = "6379", .unit = "port",
         .min = 1, .max = 65535, .help = "Redis's, on 127.0.0.1."},
        {.name = "redis.password", .type = OPTION_SECRET, .value = &config.password, .help = "Its password."},
        {.name = "prefix", .type = OPTION_TEXT, .value = &config.prefix, .help = "What stands before every key."},
        {.name = "senders", .type = OPTION_TEXT, .value = &config.senders_file,
         .help = "File of people: user, session, rooms; a line each."},
        {.name = "senders-max", .type = OPTION_NUMBER, .value = &config.senders_max, .fallback = "64", .unit = "people",
         .min = 1, .max = 10000, .help = "More lines are not read; a list under way each."},
        {.name = "people", .type = OPTION_NUMBER, .value = &config.people, .fallback = "16", .unit = "people",
         .min = 1, .max = 10000, .help = "Whose names stand in a list."},
        {.name = "seconds", .type = OPTION_NUMBER, .value = &config.seconds, .fallback = "3", .unit = "s",
         .min = 1, .max = 600, .help = "Length of the measurement."},
        {.name = "warmup-ms", .type = OPTION_NUMBER, .value = &config.warmup_ms, .fallback = "500", .unit = "ms",
         .min = 1, .max = 60000, .help = "Unmeasured start."},
    };
    options_load(&(struct options){.program = "redis_list",
                                   .summary = "The questions of a chat list from a bare client.",
                                   .table = table,
                                   .count = ARRAY_COUNT(table)},
                 argc, argv);
}
/* clang-format on */

int main(int argc, char **argv)
{
    struct senders senders;

    read_options(argc, argv);
    log_init("redis_list", LOG_INFO, LOG_TEXT);
    if (senders_read(&senders, config.senders_file, (size_t)config.senders_max) != ERR_OK)
        return 1;
    redis = redisConnect("127.0.0.1", (int)config.port);
    redisReply *hello = redis->err == 0 ? redisCommand(redis, "AUTH %s", config.password) : NULL;
    if (hello == NULL || hello->type == REDIS_REPLY_ERROR) {
        log_error("redis: %s", hello != NULL ? hello->str : redis->errstr);
        return 1;
    }
    freeReplyObject(hello);
    struct questions *questions = xcalloc(senders.count, sizeof(*questions));
    for (size_t i = 0; i < senders.count; i++)
        make_questions(&questions[i], &senders.all[i], &senders);

    load = (struct load){.warmup_ns = config.warmup_ms * 1000000,
                         .measure_ns = config.seconds * 1000000000,
                         .pid = getpid()};
    load_start(&load);
    while (!load.is_over) {
        const int64_t begun_ns = clock_mono_ns();
        for (size_t i = 0; i < senders.count; i++)
            send_all(&questions[i].memberships);
        read_all(senders.count, false, begun_ns);
        for (size_t i = 0; i < senders.count; i++)
            send_all(&questions[i].values);
        read_all(senders.count, false, begun_ns);
        for (size_t i = 0; i < senders.count; i++)
            send_all(&questions[i].people);
        read_all(senders.count, true, begun_ns);
    }
    load_print(&load, "redis");
    return load.refused > 0;
}
