/*
 * Values as PostgreSQL sends and receives them in binary: big-endian, see its
 * src/backend/utils/adt/ *send() and *recv().
 */
#include "api/store/db.h"

#include <arpa/inet.h>
#include <endian.h>

#define PG_EPOCH_US INT64_C(946684800000000) /* 2000-01-01, where timestamps start */

/* pg_type.h */
enum { OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25 };

/* array_recv(): dimensions, has nulls, type; then for each dimension size and lower bound */
struct array_head {
    uint32_t dimensions, has_nulls, type, size, lower_bound;
};

void db_params_fini(struct db_params *params)
{
    buf_fini(&params->bytes);
    *params = (struct db_params){0};
}

static void add_value(struct db_params *params, const void *bytes, size_t len)
{
    CHECK(params->count < DB_PARAMS_MAX);
    params->values[params->count].at = params->bytes.len;
    params->values[params->count].len = (int)len;
    params->count++;
    buf_add(&params->bytes, bytes, len);
}

void db_add_i64(struct db_params *params, int64_t value)
{
    const uint64_t wire = htobe64((uint64_t)value);
    add_value(params, &wire, sizeof(wire));
}

void db_add_i32(struct db_params *params, int32_t value)
{
    const uint32_t wire = htonl((uint32_t)value);
    add_value(params, &wire, sizeof(wire));
}

void db_add_bool(struct db_params *params, bool value)
{
    add_value(params, value ? "\1" : "\0", 1);
}

void db_add_text(struct db_params *params, struct text value)
{
    add_value(params, value.at, value.len);
}

void db_add_bytes(struct db_params *params, struct text value)
{
    add_value(params, value.at, value.len);
}

void db_add_time(struct db_params *params, int64_t wall_us)
{
    db_add_i64(params, wall_us - PG_EPOCH_US);
}

void db_add_null(struct db_params *params)
{
    add_value(params, NULL, 0);
    params->values[params->count - 1].len = -1;
}

void db_array_begin(struct db_params *params, enum db_array type)
{
    static const uint32_t types[] = {[DB_I64_ARRAY] = OID_INT8,
                                     [DB_TEXT_ARRAY] = OID_TEXT,
                                     [DB_BYTES_ARRAY] = OID_BYTEA,
                                     [DB_BOOL_ARRAY] = OID_BOOL};
    const struct array_head head = {
        .dimensions = htonl(1), .type = htonl(types[type]), .lower_bound = htonl(1)};

    /* counted at the end; until then values[count].at says where the array begins */
    CHECK(params->count < DB_PARAMS_MAX);
    params->values[params->count].at = params->bytes.len;
    buf_add(&params->bytes, &head, sizeof(head));
}

static void change_head(struct db_params *params, void (*change)(struct array_head *head))
{
    char *at = params->bytes.at + params->values[params->count].at;
    struct array_head head;
    memcpy(&head, at, sizeof(head)); /* the place may be unaligned */
    change(&head);
    memcpy(at, &head, sizeof(head));
}

static void one_more(struct array_head *head)
{
    head->size = htonl(ntohl(head->size) + 1);
}

static void one_more_null(struct array_head *head)
{
    one_more(head);
    head->has_nulls = htonl(1);
}

static void add_item(struct db_params *params, const void *bytes, size_t len)
{
    const uint32_t wire_len = htonl((uint32_t)len);
    change_head(params, one_more);
    buf_add(&params->bytes, &wire_len, sizeof(wire_len));
    buf_add(&params->bytes, bytes, len);
}

void db_array_i64(struct db_params *params, int64_t value)
{
    const uint64_t wire = htobe64((uint64_t)value);
    add_item(params, &wire, sizeof(wire));
}

void db_array_text(struct db_params *params, struct text value)
{
    add_item(params, value.at, value.len);
}

void db_array_bool(struct db_params *params, bool value)
{
    add_item(params, value ? "\1" : "\0", 1);
}

void db_array_null(struct db_params *params)
{
    const uint32_t no_value = htonl(UINT32_MAX);
    change_head(params, one_more_null);
    buf_add(&params->bytes, &no_value, sizeof(no_value));
}

static void no_dimensions(struct array_head *head)
{
    head->dimensions = 0;
}

void db_array_end(struct db_params *params)
{
    const size_t at = params->values[params->count].at;

    if (params->bytes.len == at + sizeof(struct array_head)) {
        change_head(params, no_dimensions); /* an empty array has none, and so no size either */
        params->bytes.len = at + offsetof(struct array_head, size);
    }
    params->values[params->count].len = (int)(params->bytes.len - at);
    params->count++;
}
