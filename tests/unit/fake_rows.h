/*
 * fake_rows: what PostgreSQL would have answered, in its binary format, made by hand.
 * Values go into the cells from left to right; fake_row() begins the next row, whose cells are NULL
 * at first.
 */
#pragma once

#include <endian.h>
#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/store/db.h"

#define FAKE_PG_EPOCH_US INT64_C(946684800000000)

struct fake_rows {
    struct db_rows rows;
    int row, column;
};

static struct fake_rows fake_rows(int columns)
{
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc *cells = xcalloc((size_t)columns, sizeof(*cells));

    for (int i = 0; i < columns; i++)
        cells[i] = (PGresAttDesc){.name = (char *)"cell", .format = 1};
    assert_true(PQsetResultAttrs(result, columns, cells));
    free(cells);
    return (struct fake_rows){{result}, -1, 0};
}

static inline void fake_bytes(struct fake_rows *fake, const void *bytes, int len)
{
    assert_true(PQsetvalue(fake->rows.result, fake->row, fake->column++, (char *)bytes, len));
}

static inline void fake_null(struct fake_rows *fake)
{
    fake_bytes(fake, NULL, -1);
}

static inline void fake_row(struct fake_rows *fake)
{
    fake->row++;
    fake->column = 0;
    fake_null(fake);
    fake->column = 0;
}

static inline void fake_text(struct fake_rows *fake, const char *value)
{
    fake_bytes(fake, value, (int)strlen(value));
}

static inline void fake_i64(struct fake_rows *fake, int64_t value)
{
    const uint64_t bytes = htobe64((uint64_t)value);
    fake_bytes(fake, &bytes, sizeof(bytes));
}

static inline void fake_bool(struct fake_rows *fake, bool value)
{
    fake_bytes(fake, &(char){value}, 1);
}

/* 0: NULL */
static inline void fake_time(struct fake_rows *fake, int64_t wall_us)
{
    if (wall_us != 0)
        fake_i64(fake, wall_us - FAKE_PG_EPOCH_US);
    else
        fake_null(fake);
}

/* ---- whole runs of columns, as the macros of that name select them ---- */

/* USER_COLUMNS; id 0: nobody. */
static inline void fake_user_columns(struct fake_rows *fake, int64_t id, const char *login)
{
    if (id == 0) {
        for (int i = 0; i < 6; i++)
            fake_null(fake);
        return;
    }
    fake_i64(fake, id);
    fake_text(fake, login);
    fake_text(fake, login); /* name */
    fake_text(fake, "");
    fake_bool(fake, false);
    fake_i64(fake, 1);
}

struct fake_event {
    int64_t room_id, seq;
    const char *kind;
    int64_t sender_id;
    const char *sender_name;
    int64_t message_no;
    const char *body;
    int64_t created_us, edited_us, deleted_us;
    int64_t subject_id;
    const char *subject_login;
};

/* EVENT_COLUMNS */
static inline void fake_event_columns(struct fake_rows *fake, const struct fake_event *event)
{
    fake_i64(fake, event->room_id);
    fake_i64(fake, event->seq);
    fake_text(fake, event->kind);
    fake_i64(fake, event->sender_id);
    fake_text(fake, event->sender_name);
    fake_null(fake); /* target_seq */
    fake_i64(fake, event->message_no);
    fake_text(fake, event->body);
    fake_time(fake, event->created_us);
    fake_time(fake, event->edited_us);
    fake_time(fake, event->deleted_us);
    fake_i64(fake, 1);
    fake_user_columns(fake, event->subject_id, event->subject_login);
    for (int i = 0; i < 14; i++)
        fake_null(fake); /* reactions; what it replies to; what it is about */
}

/* MEMBERSHIP_COLUMNS */
static inline void fake_membership_columns(struct fake_rows *fake, int64_t room_id, int64_t user_id,
                                           const char *role, int64_t seq, int64_t message_no,
                                           int64_t changed_us)
{
    fake_i64(fake, room_id);
    fake_i64(fake, user_id);
    fake_text(fake, role);
    fake_i64(fake, seq);
    fake_i64(fake, message_no);
    fake_time(fake, changed_us);
    fake_text(fake, "all");
    for (int i = 0; i < 4; i++)
        fake_null(fake);         /* muted_until, archived_at, pinned_at, silent_until */
    fake_time(fake, changed_us); /* joined_at */
    fake_i64(fake, 0);           /* mentions */
    fake_i64(fake, 0);           /* room_mention_no */
}

/* ROOM_COLUMNS, of a room that 1 created */
static inline void fake_room_columns(struct fake_rows *fake, int64_t id, const char *kind,
                                     const char *name, int64_t created_us)
{
    fake_i64(fake, id);
    fake_text(fake, kind);
    fake_text(fake, name);
    fake_null(fake); /* slug */
    fake_text(fake, "");
    fake_i64(fake, 1);
    fake_time(fake, created_us);
    fake_i64(fake, 2); /* member_count */
    fake_null(fake);
    fake_null(fake);
    fake_i64(fake, 3); /* version */
    fake_i64(fake, 2); /* edition */
    fake_null(fake);   /* deleted_at */
    for (int i = 0; i < 3; i++)
        fake_null(fake);   /* group_id, topic_id, position */
    fake_bool(fake, false);
}
