/*
 * group: people who belong together, and topics that order the rooms in the group: the row of `groups`, and its JSON.
 *
 * Groups are of no lane. What one may do in a group is what one may in a room of its visibility (rights.h): no table of its own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/model/membership.h"
#include "api/model/room.h"
#include "api/store/db.h"
#include "base/json.h"

/* Of table alias `g`; `me`: SQL of who asks. */
#define GROUP_COLUMNS(me)                                                                          \
    "g.id, g.name, g.slug, g.about, g.visibility::text, g.created_by, g.created_at, g.member_count, g.version, " \
    "(SELECT coalesce(json_agg(json_build_object('id', t.id::text, 'name', t.name, 'position', t.position) ORDER BY t.position, t.id)," \
    " '[]') FROM public.topics t WHERE t.group_id = g.id), " \
    "(SELECT m.role::text FROM public.group_members m WHERE m.group_id = g.id AND m.user_id = " me ")"
#define GROUP_COLUMN_COUNT 11

struct group {
    int64_t id;
    struct text name, slug, about; /* slug: empty = none */
    enum room_kind kind;           /* ROOM_PRIVATE or ROOM_PUBLIC: its visibility */
    int64_t created_by, created_us, member_count, version;
    struct text topics;            /* JSON list, in order */
    enum member_role role;         /* of who asked; ROLE_LEFT: no member */
};

void group_read(struct group *group, const struct db_rows *rows, int row, int column);
void group_write(struct json_out *out, const struct group *group);
