#include "gateway/broker/survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/version.h"
#include "gateway/broker/broker.h"
#include "gateway/node.h"

#define RECORD_HEAD_BYTES 12

/* ---- the question ---- */

static struct survey *create(enum survey_kind kind)
{
    struct survey *survey = xcalloc(1, sizeof(*survey));

    survey->letter.kind = LETTER_SURVEY;
    survey->kind = kind;
    survey->limit = SURVEY_CONNECTIONS_MAX;
    survey->bytes_max = SURVEY_BYTES_MAX;
    survey->merge = survey_merge_create(kind);
    return survey;
}

struct survey *survey_create_numbers(void)
{
    return create(SURVEY_NUMBERS);
}

static bool keep_text(struct survey *survey, struct json_value value, struct text *out)
{
    struct buf bytes = {0};
    const bool is_text = json_to_text(value, &bytes);

    if (is_text)
        *out = arena_text(&survey->arena, buf_text(&bytes));
    buf_fini(&bytes);
    return is_text;
}

static bool is_asked(const struct survey *survey, struct text user)
{
    for (size_t i = 0; i < survey->user_count; i++)
        if (text_equal(survey->users[i], user))
            return true;
    return false;
}

/* Who is asked about twice must not be counted twice. False: no list of names. */
static bool keep_users(struct survey *survey, struct json_value list)
{
    if (json_kind(list) != JSON_ARRAY || json_size(list) > SURVEY_USERS_MAX)
        return false;
    survey->users = arena_alloc(&survey->arena, json_size(list) * sizeof(struct text));
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct text user;
        if (!keep_text(survey, it.value, &user))
            return false;
        if (!is_asked(survey, user))
            survey->users[survey->user_count++] = user;
    }
    return true;
}

static struct survey *read_statuses(struct json_value statuses)
{
    struct survey *survey = create(SURVEY_STATUSES);

    if (keep_users(survey, json_get(statuses, "users")))
        return survey;
    survey_destroy(survey);
    return NULL;
}

/* False: it is there and not in range. */
static bool read_number(struct json_value object, const char *name, int64_t max, uint32_t *out)
{
    const struct json_value value = json_get(object, name);
    int64_t number = 0;

    if (json_is_given(value) && (!json_to_i64(value, &number) || number < 0 || number > max))
        return false;
    *out = (uint32_t)number;
    return true;
}

static struct survey *read_channels(struct json_value channels)
{
    struct survey *survey = create(SURVEY_CHANNELS);
    struct survey_part *part = &survey->part;

    keep_text(survey, json_get(channels, "pattern"), &survey->pattern);
    if (read_number(channels, "parts", SURVEY_PARTS_MAX, &part->parts) &&
        read_number(channels, "part", part->parts > 0 ? part->parts - 1 : 0, &part->part) &&
        read_number(channels, "seed", UINT32_MAX, &part->seed))
        return survey;
    survey_destroy(survey);
    return NULL;
}

static struct survey *read_question(struct json_value root)
{
    const struct json_value channels = json_get(root, "channels");
    const struct json_value connections = json_get(root, "connections");
    struct survey *survey;
    int64_t limit;

    if (json_kind(channels) == JSON_OBJECT)
        return read_channels(channels);
    if (json_kind(json_get(root, "statuses")) == JSON_OBJECT)
        return read_statuses(json_get(root, "statuses"));
    if (json_kind(connections) != JSON_OBJECT)
        return NULL;
    survey = create(SURVEY_CONNECTIONS);
    survey->has_user = keep_text(survey, json_get(connections, "user"), &survey->user);
    if (json_to_i64(json_get(connections, "limit"), &limit) && limit > 0 &&
        limit < SURVEY_CONNECTIONS_MAX)
        survey->limit = (size_t)limit;
    survey->left = survey->limit;
    return survey;
}

struct survey *survey_create(struct text question)
{
    struct survey *survey = NULL;
    struct json json;

    if (json_parse(&json, question) == ERR_OK)
        survey = read_question(json_root(&json));
    json_fini(&json);
    return survey;
}

void survey_destroy(struct survey *survey)
{
    if (survey == NULL)
        return;
    arena_fini(&survey->arena);
    buf_fini(&survey->answer);
    survey_merge_destroy(survey->merge);
    free(survey);
}

/* ---- parts ---- */

bool survey_part_has(const struct survey_part *part, struct text name)
{
    return part->parts <= 1 || hash_text(part->seed, name) % part->parts == part->part;
}

void survey_write_channels(struct buf *question, struct text pattern,
                           const struct survey_part *part)
{
    struct json_out out = {.buf = question};

    json_open(&out, '{');
    json_key(&out, "channels");
    json_open(&out, '{');
    json_key_text(&out, "pattern", pattern);
    if (part->parts > 1) {
        json_key_i64(&out, "part", part->part);
        json_key_i64(&out, "parts", part->parts);
        json_key_i64(&out, "seed", part->seed);
    }
    json_close(&out, '}');
    json_close(&out, '}');
}

/* ---- its way ---- */

void survey_start(struct survey *survey, struct broker *broker, void (*done)(struct survey *survey),
                  void *context)
{
    survey->broker = broker;
    survey->done = done;
    survey->context = context;
    survey->loop = 0;
    broker_begin_survey(broker);
    port_post_survey(broker->ports[0], survey);
}

void survey_go_on(struct survey *survey)
{
    struct broker *broker = survey->broker;

    survey_merge_add(survey->merge, buf_text(&survey->answer));
    buf_reset(&survey->answer);
    if (++survey->loop < broker->port_count) {
        port_post_survey(broker->ports[survey->loop], survey);
        return;
    }
    if (survey->kind == SURVEY_NUMBERS)
        survey->numbers.channels = broker->kind->count_channels(broker);
    survey->done(survey);
    broker_end_survey(broker);
}

/* ---- records ---- */

static void add_u32(struct buf *out, uint32_t number)
{
    const unsigned char bytes[] = {(unsigned char)number, (unsigned char)(number >> 8),
                                   (unsigned char)(number >> 16), (unsigned char)(number >> 24)};

    buf_add(out, bytes, sizeof(bytes));
}

static uint32_t read_u32(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;

    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

struct record {
    uint32_t number;
    struct text name, value;
};

static size_t record_bytes(const struct record *record)
{
    return RECORD_HEAD_BYTES + record->name.len + record->value.len;
}

static bool add_record(struct buf *out, size_t bytes_max, const struct record *record)
{
    if (out->len + record_bytes(record) > bytes_max)
        return false;
    add_u32(out, record->number);
    add_u32(out, (uint32_t)record->name.len);
    add_u32(out, (uint32_t)record->value.len);
    buf_add_text(out, record->name);
    buf_add_text(out, record->value);
    return true;
}

static bool take_record(struct text *rest, struct record *record)
{
    uint32_t name_len, value_len;

    if (rest->len < RECORD_HEAD_BYTES)
        return false;
    record->number = read_u32(rest->at);
    name_len = read_u32(rest->at + 4);
    value_len = read_u32(rest->at + 8);
    *rest = text_after(*rest, RECORD_HEAD_BYTES);
    if ((uint64_t)name_len + value_len > rest->len)
        return false;
    record->name = text_of(rest->at, name_len);
    record->value = text_of(rest->at + name_len, value_len);
    *rest = text_after(*rest, (size_t)name_len + value_len);
    return true;
}

bool survey_add(struct survey *survey, uint32_t number, struct text name, struct text value)
{
    const struct record record = {number, name, value};

    if (add_record(&survey->answer, survey->bytes_max, &record))
        return true;
    survey->cut = true;
    return false;
}

/* Of one width: the greater text is the later time. */
#define SEEN_DIGITS 12

bool survey_add_status(struct survey *survey, uint32_t connections, struct text user, int64_t seen_s)
{
    char seen[32];

    snprintf(seen, sizeof(seen), "%0*lld", SEEN_DIGITS, (long long)seen_s);
    return survey_add(survey, connections, user, text(seen));
}

/* ---- joining answers ---- */

struct merged {
    struct record record; /* its texts are in `bytes` */
    UT_hash_handle hh;
    char bytes[];
};

struct survey_merge {
    enum survey_kind kind;
    struct merged *map;
    size_t bytes; /* as records */
};

struct survey_merge *survey_merge_create(enum survey_kind kind)
{
    struct survey_merge *merge = xcalloc(1, sizeof(*merge));

    merge->kind = kind;
    return merge;
}

void survey_merge_destroy(struct survey_merge *merge)
{
    struct merged *merged, *next;

    HASH_ITER(hh, merge->map, merged, next)
    {
        HASH_DEL(merge->map, merged);
        free(merged);
    }
    free(merge);
}

static void keep_later(struct merged *merged, struct text seen)
{
    struct text *own = &merged->record.value;

    if (seen.len == own->len && memcmp(seen.at, own->at, seen.len) > 0)
        memcpy(merged->bytes + merged->record.name.len, seen.at, seen.len);
}

static void merge_record(struct survey_merge *merge, const struct record *record)
{
    struct merged *merged;

    HASH_FIND(hh, merge->map, record->name.at, record->name.len, merged);
    if (merged != NULL) {
        merged->record.number += record->number;
        if (merge->kind == SURVEY_STATUSES)
            keep_later(merged, record->value);
        return;
    }
    merged = xcalloc(1, sizeof(*merged) + record->name.len + record->value.len);
    memcpy(merged->bytes, record->name.at, record->name.len);
    memcpy(merged->bytes + record->name.len, record->value.at, record->value.len);
    merged->record = (struct record){
        record->number,
        text_of(merged->bytes, record->name.len),
        text_of(merged->bytes + record->name.len, record->value.len),
    };
    HASH_ADD_KEYPTR(hh, merge->map, merged->record.name.at, merged->record.name.len, merged);
    merge->bytes += record_bytes(record);
}

void survey_merge_add(struct survey_merge *merge, struct text records)
{
    struct record record;

    while (take_record(&records, &record))
        merge_record(merge, &record);
}

void survey_merge_each(const struct survey_merge *merge,
                       void (*each)(void *context, struct text name), void *context)
{
    for (const struct merged *merged = merge->map; merged != NULL; merged = merged->hh.next)
        each(context, merged->record.name);
}

size_t survey_merge_bytes(const struct survey_merge *merge)
{
    return merge->bytes;
}

bool survey_merge_write(const struct survey_merge *merge, struct buf *records)
{
    for (const struct merged *merged = merge->map; merged != NULL; merged = merged->hh.next)
        if (!add_record(records, SURVEY_BYTES_MAX, &merged->record))
            return false;
    return true;
}

/* A key that may need escaping. */
static void write_key(struct json_out *out, struct text key)
{
    json_text(out, key);
    buf_add_byte(out->buf, ':');
    out->comma = false;
}

static void write_value(struct json_out *out, enum survey_kind kind, const struct record *record)
{
    if (kind == SURVEY_CONNECTIONS) {
        json_raw_value(out, record->value);
        return;
    }
    json_open(out, '{');
    json_key_i64(out, "num_clients", record->number);
    json_close(out, '}');
}

/* 0: not known, or no number. */
static int64_t read_seen(struct text digits)
{
    int64_t seen_s = 0;

    for (size_t i = 0; i < digits.len && i < SEEN_DIGITS; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return 0;
        seen_s = seen_s * 10 + (digits.at[i] - '0');
    }
    return seen_s;
}

static void write_status(struct json_out *out, const struct record *record)
{
    const int64_t seen_s = read_seen(record->value);

    json_open(out, '{');
    json_key_text(out, "user", record->name);
    json_key_bool(out, "online", record->number > 0);
    json_key_i64(out, "connections", record->number);
    if (record->number == 0 && seen_s > 0)
        json_key_i64(out, "last_seen_s", seen_s);
    json_close(out, '}');
}

/* In the order in which they were asked for: each loop answers in it. */
static void write_statuses(struct json_out *out, const struct survey_merge *merge)
{
    json_open(out, '{');
    json_key(out, "statuses");
    json_open(out, '[');
    for (const struct merged *merged = merge->map; merged != NULL; merged = merged->hh.next)
        write_status(out, &merged->record);
    json_close(out, ']');
    json_close(out, '}');
}

void survey_merge_write_json(const struct survey_merge *merge, struct buf *json)
{
    struct json_out out = {.buf = json};

    if (merge->kind == SURVEY_STATUSES) {
        write_statuses(&out, merge);
        return;
    }
    json_open(&out, '{');
    json_key(&out, merge->kind == SURVEY_CHANNELS ? "channels" : "connections");
    json_open(&out, '{');
    for (const struct merged *merged = merge->map; merged != NULL; merged = merged->hh.next) {
        write_key(&out, merged->record.name);
        write_value(&out, merge->kind, &merged->record);
    }
    json_close(&out, '}');
    json_close(&out, '}');
}

/* ---- nodes ---- */

void survey_write_node(struct json_out *out, const struct survey_node *node)
{
    json_open(out, '{');
    json_key_text(out, "uid", node->uid);
    json_key_text(out, "name", node->name);
    json_key_text(out, "version", node->version);
    json_key_i64(out, "num_clients", (int64_t)node->numbers.clients);
    json_key_i64(out, "num_users", (int64_t)node->numbers.users);
    json_key_i64(out, "num_channels", (int64_t)node->numbers.channels);
    json_key_i64(out, "num_subs", (int64_t)node->numbers.subs);
    json_key_i64(out, "uptime", (int64_t)node->uptime_s);
    json_close(out, '}');
}

struct survey_node survey_this_node(const struct broker *broker)
{
    const char *name = broker->settings->gateway.node;

    return (struct survey_node){
        .uid = node_id(),
        .name = name != NULL && name[0] != '\0' ? text(name) : node_id(),
        .version = TEXT(PARLEY_VERSION),
        .uptime_s = node_uptime_s(),
    };
}

/* ---- the answer ---- */

static const char *const too_large[] = {
    [SURVEY_CHANNELS] = SURVEY_TOO_MANY_CHANNELS,
    [SURVEY_CONNECTIONS] = "too much to tell: ask for the connections of one user",
    [SURVEY_STATUSES] = "too much to tell: ask for fewer users",
};

void survey_tell(const struct survey *survey, const struct survey_merge *merge, bool cut,
                 struct request *request)
{
    struct buf told = {0};

    if (survey->kind == SURVEY_CONNECTIONS && HASH_COUNT(merge->map) >= survey->limit)
        cut = false; /* as many as were asked for */
    if (cut || merge->bytes > SURVEY_RESULT_MAX) {
        request_fail(request, PROTOCOL_LIMIT_EXCEEDED, text(too_large[survey->kind]), false);
        return;
    }
    survey_merge_write_json(merge, &told);
    request->told = request_keep(request, buf_text(&told));
    request->outcome = REQUEST_DONE;
    buf_fini(&told);
}

/* ---- a gateway alone ---- */

static void on_surveyed(struct survey *survey)
{
    struct broker *broker = survey->broker;
    struct request *request = survey->context;

    survey_tell(survey, survey->merge, survey->cut, request);
    survey_destroy(survey);
    port_post_answer(broker->ports[request->loop], request);
}

void survey_ask_alone(struct broker *broker, struct request *request)
{
    struct survey *survey = survey_create(request->data);

    if (survey != NULL) {
        survey->bytes_max = SURVEY_RESULT_MAX; /* it does not travel */
        survey_start(survey, broker, on_surveyed, request);
        return;
    }
    request_fail(request, PROTOCOL_BAD_REQUEST, (struct text){0}, false);
    port_post_answer(broker->ports[request->loop], request);
}

static void on_numbers(struct survey *survey)
{
    struct survey_node node = survey_this_node(survey->broker);
    struct broker *broker = survey->broker;
    struct request *request = survey->context;
    struct buf told = {0};
    struct json_out out = {.buf = &told};

    node.numbers = survey->numbers;
    json_open(&out, '{');
    json_key(&out, "nodes");
    json_open(&out, '[');
    survey_write_node(&out, &node);
    json_close(&out, ']');
    json_close(&out, '}');
    request->told = request_keep(request, buf_text(&told));
    request->outcome = REQUEST_DONE;
    buf_fini(&told);
    survey_destroy(survey);
    port_post_answer(broker->ports[request->loop], request);
}

void survey_ask_node_alone(struct broker *broker, struct request *request)
{
    survey_start(survey_create_numbers(), broker, on_numbers, request);
}
