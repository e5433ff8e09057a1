/*
 * survey: a question that every loop of this gateway answers: which channels match a pattern and how
 * many listen, which connections a user has, which users are there, how many of all there are. It visits the loops one after
 * the other as a letter, each adds what it knows (gateway/loop/surveying.h), and the broker joins
 * that. On the bus each gateway makes one of the same question, and their answers are joined.
 *
 * Answers are records (a number, a name, a value; integers of 4 bytes, little-endian, with the
 * lengths before the texts), not JSON: they are joined twice and may be many. What does not fit is
 * left out, and the answer says that it is cut; channels can be asked for in parts that fit. Held by
 * one thread at a time.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"
#include "gateway/mail/letter.h"

#define SURVEY_BYTES_MAX       (1u << 20)  /* of records: one gateway's answer on the bus */
#define SURVEY_RESULT_MAX      (16u << 20) /* of records: all answers of all gateways */
#define SURVEY_PARTS_MAX       4096
#define SURVEY_CONNECTIONS_MAX 1000 /* of one gateway; where so many are told there may be more */
#define SURVEY_USERS_MAX       256

#define SURVEY_TOO_MANY_CHANNELS "too many channels: narrow the pattern"

struct broker;

enum survey_kind {
    /* {"channels":{"pattern"}}: glob, empty: all; "part", "parts", "seed": struct survey_part.
     * Records: how many, channel */
    SURVEY_CHANNELS,
    SURVEY_CONNECTIONS, /* {"connections":{"user","limit"}}: user absent: all. Records: client, JSON */
    SURVEY_STATUSES,    /* {"statuses":{"users":[…]}}. Records: connections, user, when it was last seen */
    SURVEY_NUMBERS,     /* for broker/bus/fleet.c */
};

/* A user with connections on several loops counts once for each. */
struct survey_numbers {
    uint64_t clients, users, subs, channels;
};

/* Names in as many parts as it takes: those of which some hash modulo `parts` (a power of two) is
 * `part`. So parts k and k + n of 2n are part k of n. */
struct survey_part {
    uint32_t part, parts; /* parts 0: all in one */
    uint32_t seed;        /* random: clients cannot choose names that are all in one part */
};

bool survey_part_has(const struct survey_part *part, struct text name);

struct survey {
    struct letter letter; /* LETTER_SURVEY */
    enum survey_kind kind;
    struct arena arena;
    struct text pattern, user;
    struct survey_part part; /* SURVEY_CHANNELS */
    bool has_user;
    struct text *users; /* `user_count`, each once */
    size_t user_count;
    size_t limit, left;            /* SURVEY_CONNECTIONS: at most, and how many more */
    size_t bytes_max;              /* of records of each loop */
    struct buf answer;             /* records of the loop that has it */
    struct survey_merge *merge;    /* those of the loops before */
    bool cut;                      /* some did not fit; not: the limit of connections was reached */
    struct survey_numbers numbers; /* SURVEY_NUMBERS */

    struct broker *broker;
    unsigned loop; /* that has it, or had it last */
    struct survey *next;
    void (*done)(struct survey *survey); /* on the broker's thread; takes it */
    void *context;
    uint64_t id;
};

/* NULL: no such question. */
struct survey *survey_create(struct text question);
struct survey *survey_create_numbers(void);
void survey_destroy(struct survey *survey);
/* The question for one part of the channels. */
void survey_write_channels(struct buf *question, struct text pattern,
                           const struct survey_part *part);

/* On the broker's thread, while it is not closing: to the first loop, and on; `done` follows, never
 * from inside. */
void survey_start(struct survey *survey, struct broker *broker, void (*done)(struct survey *survey),
                  void *context);
void survey_go_on(struct survey *survey); /* back from a loop */

/* A loop's. False: it is full, and cut. */
bool survey_add(struct survey *survey, uint32_t number, struct text name, struct text value);
/* The same of SURVEY_STATUSES: `seen_s` is Unix time, 0: not known. */
bool survey_add_status(struct survey *survey, uint32_t connections, struct text user, int64_t seen_s);

/* Answers to one question, one after the other: of one name the numbers are added. Foreign bytes are
 * read up to where they make no sense. */
struct survey_merge;
struct survey_merge *survey_merge_create(enum survey_kind kind);
void survey_merge_destroy(struct survey_merge *merge);
void survey_merge_add(struct survey_merge *merge, struct text records);
void survey_merge_each(const struct survey_merge *merge,
                       void (*each)(void *context, struct text name), void *context);
size_t survey_merge_bytes(const struct survey_merge *merge); /* as records */
/* As records again, up to SURVEY_BYTES_MAX; false: there are more. */
MUST_CHECK bool survey_merge_write(const struct survey_merge *merge, struct buf *records);
void survey_merge_write_json(const struct survey_merge *merge, struct buf *json);

/* One gateway of {"nodes":[…]}. */
struct survey_node {
    struct text uid, name, version;
    uint64_t uptime_s;
    struct survey_numbers numbers;
};
struct json_out;
void survey_write_node(struct json_out *out, const struct survey_node *node);

/* What this node is, but for its numbers. */
struct survey_node survey_this_node(const struct broker *broker);

/*
 * Fills in the answer of the REQUEST_SURVEY that asked `survey`: what was joined as the server API's
 * result. Error 106, with the way out: it is cut, or larger than SURVEY_RESULT_MAX.
 */
struct request;
void survey_tell(const struct survey *survey, const struct survey_merge *merge, bool cut,
                 struct request *request);

/* REQUEST_SURVEY and REQUEST_NODES of a gateway alone: answers them in time. */
void survey_ask_alone(struct broker *broker, struct request *request);
void survey_ask_node_alone(struct broker *broker, struct request *request);
