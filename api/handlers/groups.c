#include "api/handlers/groups.h"

#include <stdlib.h>

#include "api/handlers/page.h"
#include "api/handlers/room_names.h"
#include "api/log/announce.h"
#include "api/model/like.h"
#include "api/model/rights.h"
#include "api/request/version.h"
#include "api/settings.h"
#include "api/worker.h"

#define FIND_MAX_CHARS 100
#define NAME_MAX_CHARS 100
#define ABOUT_MAX_CHARS 500
#define POSITION_MAX 1000000
#define LIST_DEFAULT 50
#define LIST_MAX 200

/* No row: the slug is taken. */
static const struct db_statement create_group = {
    "create_group",
    "WITH made AS ("
    "  INSERT INTO public.groups (id, name, slug, about, visibility, created_by, member_count)"
    "  VALUES (public.next_id(0), $2::text, $3::text, $4::text, $5::text::public.group_visibility, $1::bigint, 1)"
    "  ON CONFLICT (slug) DO NOTHING RETURNING id"
    "), owner AS ("
    "  INSERT INTO public.group_members (group_id, user_id, role) SELECT id, $1::bigint, 'owner' FROM made"
    ") SELECT id FROM made"};

/* To be seen by $2: those of one's own, and public ones. */
static const struct db_statement select_group = {
    "select_group", "SELECT " GROUP_COLUMNS("$2::bigint") " FROM public.groups g WHERE g.id = $1::bigint AND (g.visibility = 'public' OR "
                    "EXISTS (SELECT FROM public.group_members s WHERE s.group_id = g.id AND s.user_id = $2::bigint))"};

static const struct db_statement select_my_groups = {
    "select_my_groups", "SELECT " GROUP_COLUMNS("$1::bigint") " FROM public.group_members s JOIN public.groups g ON g.id = s.group_id "
                        "WHERE s.user_id = $1::bigint AND s.group_id > $2::bigint ORDER BY s.group_id LIMIT $3::bigint"};

/* Newest first. $4 what is looked for, $5 the same as a pattern of LIKE. */
static const struct db_statement select_public_groups = {
    "select_public_groups",
    "SELECT " GROUP_COLUMNS("$1::bigint") " FROM public.groups g WHERE g.visibility = 'public' AND g.id < $2::bigint "
    "AND ($4::text = '' OR lower(g.name) LIKE lower($5::text) OR lower($4::text) OPERATOR(public.<%) lower(g.name)) "
    "ORDER BY g.id DESC LIMIT $3::bigint"};

/* Changes are of one version ($2; 0: any), by somebody ($3) who is still of $4 or above. No row: that is not so any more. */
#define CHANGES_GROUP                                                                              \
    " WHERE g.id = $1::bigint AND ($2::bigint = 0 OR g.version = $2::bigint)"                      \
    " AND EXISTS (SELECT FROM public.group_members s WHERE s.group_id = g.id AND s.user_id = $3::bigint"    \
    "             AND s.role <= $4::text::public.member_role) "

static const struct db_statement edit_group = {
    "edit_group", "UPDATE public.groups g SET name = coalesce($5::text, name), about = coalesce($6::text, about),"
                  " slug = nullif(coalesce($7::text, slug), ''), version = version + 1" CHANGES_GROUP "RETURNING g.id"};

static const struct db_statement delete_group = {
    "delete_group", "DELETE FROM public.groups g" CHANGES_GROUP "RETURNING " GROUP_COLUMNS("$3::bigint")};

/* A group's topics are bounded ($7): the row of the group is the lock. */
static const struct db_statement add_topic = {
    "add_topic", "WITH changed AS (UPDATE public.groups g SET version = version + 1" CHANGES_GROUP
                 "  AND (SELECT count(*) FROM public.topics t WHERE t.group_id = $1::bigint) < $7::bigint RETURNING g.id) "
                 "INSERT INTO public.topics (id, group_id, name, position) SELECT public.next_id(0), id, $5::text,"
                 " coalesce($6::integer, (SELECT max(position) + 1 FROM public.topics WHERE group_id = $1::bigint), 1) FROM changed RETURNING id"};

static const struct db_statement edit_topic = {
    "edit_topic", "WITH changed AS (UPDATE public.groups g SET version = version + 1" CHANGES_GROUP
                  "  AND EXISTS (SELECT FROM public.topics t WHERE t.id = $7::bigint AND t.group_id = g.id) RETURNING g.id) "
                  "UPDATE public.topics t SET name = coalesce($5::text, name), position = coalesce($6::integer, position) FROM changed c "
                  "WHERE t.id = $7::bigint AND t.group_id = c.id RETURNING t.id"};

static const struct db_statement delete_topic = {
    "delete_topic", "WITH changed AS (UPDATE public.groups g SET version = version + 1" CHANGES_GROUP
                    "  AND EXISTS (SELECT FROM public.topics t WHERE t.id = $5::bigint AND t.group_id = g.id) RETURNING g.id) "
                    "DELETE FROM public.topics t USING changed c WHERE t.id = $5::bigint AND t.group_id = c.id RETURNING t.id"};

static const struct db_statement select_any_room = {
    "select_any_room", "SELECT 1 FROM {lane}.rooms WHERE group_id = $1::bigint AND deleted_at IS NULL LIMIT 1"};

/* ---- telling ---- */

static void tell(struct call *call, const struct group *group, const char *word)
{
    struct worker *worker = call_worker(call);
    struct announcer *announcer = announcer_create();
    struct group as_seen = *group;

    as_seen.role = ROLE_LEFT; /* for everybody */
    announce_public_group(announcer, text(word), &as_seen);
    announce_send(announcer, worker->app->publisher);
    announcer_destroy(announcer);
}

static void ask_one(struct db_query *query, int64_t group_id, int64_t user_id)
{
    *query = (struct db_query){.statement = &select_group, .lane = DB_NO_LANE};
    db_add_i64(&query->params, group_id);
    db_add_i64(&query->params, user_id);
}

static void finish(struct db_query *query)
{
    db_params_fini(&query->params);
    db_rows_fini(&query->rows);
}

enum err groups_reply(struct call *call, int64_t group_id, int status, const char *word)
{
    struct db_query query;

    ask_one(&query, group_id, call_user_id(call));
    enum err err = db_ask(call_worker(call)->db, &query);
    if (err == ERR_OK && db_count(&query.rows) == 0)
        err = ERR_NOT_FOUND; /* gone again meanwhile */
    if (err == ERR_OK) {
        struct json_out out = {.buf = call_out(call)};
        struct group group;
        group_read(&group, &query.rows, 0, 0);
        if (word != NULL && group.kind == ROOM_PUBLIC)
            tell(call, &group, word);
        group_write(&out, &group);
        call_set_version(call, group.version);
        err = call_reply(call, status);
    }
    finish(&query);
    return err;
}

/* ---- making and finding ---- */

static void add_optional(struct db_params *params, struct text value)
{
    if (value.at != NULL)
        db_add_text(params, value);
    else
        db_add_null(params);
}

static enum err read_kind(struct call *call, enum room_kind *kind)
{
    struct text name;
    const enum err err = call_body_text(call, "visibility", 1, 16, &name);

    if (err == ERR_OK && (!room_kind_from(name, kind) || *kind == ROOM_DIRECT))
        return call_fail_field(call, ERR_OUT_OF_RANGE, "visibility", "private or public");
    return err;
}

/* `name`, `about` and `slug`, as far as they are given. */
static enum err read_settings(struct call *call, struct group *group)
{
    enum err err = ERR_OK;

    if (call_body_has(call, "name"))
        err = call_body_chars(call, "name", 1, NAME_MAX_CHARS, &group->name);
    if (err == ERR_OK && call_body_has(call, "about"))
        err = call_body_chars(call, "about", 0, ABOUT_MAX_CHARS, &group->about);
    if (err == ERR_OK && call_body_has(call, "slug") && (err = call_body_text(call, "slug", 0, 1024, &group->slug)) == ERR_OK &&
        group->slug.len > 0)
        err = room_slug_check(call, group->slug);
    return err;
}

/* POST /v1/groups {"name", "visibility", "about"?, "slug"?} -> 201 Group */
enum err groups_post(struct call *call)
{
    struct db_query query = {.statement = &create_group, .lane = DB_NO_LANE};
    struct group group = {0};
    enum err err;

    if ((err = call_body_chars(call, "name", 1, NAME_MAX_CHARS, &group.name)) != ERR_OK ||
        (err = read_kind(call, &group.kind)) != ERR_OK || (err = read_settings(call, &group)) != ERR_OK)
        return err;
    db_add_i64(&query.params, call_user_id(call));
    db_add_text(&query.params, group.name);
    add_optional(&query.params, group.slug.len > 0 ? group.slug : (struct text){0});
    db_add_text(&query.params, group.about.at != NULL ? group.about : text(""));
    db_add_text(&query.params, text(room_kind_name(group.kind)));
    err = db_ask(call_worker(call)->db, &query);
    if (err == ERR_OK && db_count(&query.rows) == 0)
        err = ERR_SLUG_TAKEN;
    const int64_t id = err == ERR_OK ? db_i64(&query.rows, 0, 0) : 0;
    finish(&query);
    return err != ERR_OK ? err : groups_reply(call, id, 201, "group_created");
}

static void write_row(struct json_out *out, const struct db_rows *rows, int row)
{
    struct group group;

    group_read(&group, rows, row, 0);
    group_write(out, &group);
}

static enum err list(struct call *call, struct db_query *query, int64_t limit)
{
    enum err err = db_ask(call_worker(call)->db, query);

    if (err == ERR_OK)
        err = page_reply(call, &query->rows, limit, 0, write_row);
    finish(query);
    return err;
}

/* GET /v1/groups ? after, limit -> Page of Group: one's own, by id */
enum err groups_get(struct call *call)
{
    struct db_query query = {.statement = &select_my_groups, .lane = DB_NO_LANE};
    int64_t after = 0, limit = LIST_DEFAULT;
    enum err err;

    if ((err = call_query_i64(call, "after", 0, INT64_MAX - 1, &after)) != ERR_OK ||
        (err = call_query_i64(call, "limit", 1, LIST_MAX, &limit)) != ERR_OK)
        return err;
    db_add_i64(&query.params, call_user_id(call));
    db_add_i64(&query.params, after);
    db_add_i64(&query.params, limit + 1);
    return list(call, &query, limit);
}

/* GET /v1/groups/public ? q, after, limit -> Page of Group, newest first */
enum err groups_get_public(struct call *call)
{
    struct db_query query = {.statement = &select_public_groups, .lane = DB_NO_LANE};
    int64_t after = INT64_MAX - 1, limit = LIST_DEFAULT;
    struct text words = text("");
    struct buf pattern = {0};
    enum err err;

    if ((err = call_query_i64(call, "after", 1, INT64_MAX - 1, &after)) != ERR_OK ||
        (err = call_query_i64(call, "limit", 1, LIST_MAX, &limit)) != ERR_OK ||
        (err = call_query_chars(call, "q", FIND_MAX_CHARS, &words)) != ERR_OK)
        return err;
    like_anywhere(&pattern, words);
    db_add_i64(&query.params, call_user_id(call));
    db_add_i64(&query.params, after);
    db_add_i64(&query.params, limit + 1);
    db_add_text(&query.params, words);
    db_add_text(&query.params, buf_text(&pattern));
    buf_fini(&pattern);
    return list(call, &query, limit);
}

/* GET /v1/groups/{group} -> Group */
enum err groups_get_one(struct call *call)
{
    int64_t group_id;
    const enum err err = call_path_id(call, "group", &group_id);

    return err != ERR_OK ? err : groups_reply(call, group_id, 200, NULL);
}

/* ---- changing ---- */

/* A change under way: visible, then allowed, then for which version. */
struct change {
    struct db_query query;
    int64_t group_id, version;
};

static enum err begin(struct call *call, enum right right, const struct db_statement *statement, struct change *change)
{
    struct db_query query;
    struct group group;
    enum err err;

    *change = (struct change){.query = {.statement = statement, .lane = DB_NO_LANE}};
    if ((err = call_path_id(call, "group", &change->group_id)) != ERR_OK)
        return err;
    ask_one(&query, change->group_id, call_user_id(call));
    if ((err = db_ask(call_worker(call)->db, &query)) == ERR_OK && db_count(&query.rows) == 0)
        err = ERR_NOT_FOUND;
    if (err == ERR_OK) {
        group_read(&group, &query.rows, 0, 0);
        err = group.role == ROLE_LEFT ? ERR_MEMBER_REQUIRED : rights_check(right, group.kind, group.role);
    }
    if (err == ERR_OK && (err = call_if_match(call, &change->version)) == ERR_OK)
        err = call_check_version(call, change->version, group.version);
    finish(&query);
    if (err != ERR_OK)
        return err;
    db_add_i64(&change->query.params, change->group_id);
    db_add_i64(&change->query.params, change->version);
    db_add_i64(&change->query.params, call_user_id(call));
    db_add_text(&change->query.params, text(member_role_name(right == RIGHT_DELETE_ROOM ? ROLE_OWNER : ROLE_ADMIN)));
    return ERR_OK;
}

/* What is not so any more is another version; `none`: what it means that nothing was changed otherwise. */
static enum err end(struct call *call, struct change *change, enum err none)
{
    enum err err = db_ask(call_worker(call)->db, &change->query);

    if (err == ERR_CONFLICT)
        err = ERR_SLUG_TAKEN; /* the one constraint that may say no */
    else if (err == ERR_OK && db_count(&change->query.rows) == 0)
        err = change->version != VERSION_ANY && none == ERR_OK ? ERR_VERSION_CHANGED : none == ERR_OK ? ERR_CONFLICT : none;
    return err;
}

/* PATCH /v1/groups/{group} {"name"?, "about"?, "slug"?}, If-Match -> 200 Group */
enum err groups_patch(struct call *call)
{
    struct group group = {0};
    struct change change;
    enum err err;

    if ((err = begin(call, RIGHT_EDIT_ROOM, &edit_group, &change)) == ERR_OK && (err = read_settings(call, &group)) == ERR_OK) {
        add_optional(&change.query.params, group.name);
        add_optional(&change.query.params, group.about);
        add_optional(&change.query.params, group.slug);
        err = end(call, &change, ERR_OK);
    }
    finish(&change.query);
    return err != ERR_OK ? err : groups_reply(call, change.group_id, 200, "group_changed");
}

/* Rooms in it would be left in no group: whoever deletes it decides about each. One that is put there just now is in none. */
static enum err check_empty(struct call *call, int64_t group_id)
{
    struct worker *worker = call_worker(call);
    const int lanes = worker->app->lane_count;
    struct db_query *queries = xcalloc((size_t)lanes + 1, sizeof(*queries));

    for (int lane = 0; lane < lanes; lane++) {
        queries[lane] = (struct db_query){.statement = &select_any_room, .lane = lane};
        db_add_i64(&queries[lane].params, group_id);
    }
    enum err err = lanes == 0 ? ERR_UNAVAILABLE : db_run(worker->db, queries, (size_t)lanes);
    for (int lane = 0; lane < lanes; lane++) {
        if (err == ERR_OK && db_count(&queries[lane].rows) > 0)
            err = call_fail(call, ERR_NOT_POSSIBLE, "there are rooms in it: move or delete them first");
        finish(&queries[lane]);
    }
    free(queries);
    return err;
}

/* DELETE /v1/groups/{group}, If-Match -> 204 */
enum err groups_delete(struct call *call)
{
    struct change change;
    enum err err = begin(call, RIGHT_DELETE_ROOM, &delete_group, &change);

    if (err == ERR_OK && (err = check_empty(call, change.group_id)) == ERR_OK && (err = end(call, &change, ERR_OK)) == ERR_OK) {
        struct group group;
        group_read(&group, &change.query.rows, 0, 0);
        if (group.kind == ROOM_PUBLIC)
            tell(call, &group, "group_deleted");
    }
    finish(&change.query);
    return err != ERR_OK ? err : call_reply_empty(call, 204);
}

/* ---- topics ---- */

static enum err add_topic_members(struct call *call, bool is_new, struct db_params *params)
{
    struct text name = {0};
    int64_t position = 0;
    enum err err = ERR_OK;

    if (is_new || call_body_has(call, "name"))
        err = call_body_chars(call, "name", 1, NAME_MAX_CHARS, &name);
    if (err == ERR_OK && call_body_has(call, "position"))
        err = call_body_i64(call, "position", 1, POSITION_MAX, &position);
    if (err != ERR_OK)
        return err;
    add_optional(params, name);
    if (position != 0)
        db_add_i32(params, (int32_t)position);
    else
        db_add_null(params);
    return ERR_OK;
}

/* POST /v1/groups/{group}/topics {"name", "position"?}, If-Match -> 201 Group */
enum err topics_post(struct call *call)
{
    struct change change;
    enum err err;

    if ((err = begin(call, RIGHT_EDIT_ROOM, &add_topic, &change)) == ERR_OK &&
        (err = add_topic_members(call, true, &change.query.params)) == ERR_OK) {
        db_add_i64(&change.query.params, call_worker(call)->app->settings->limits.topics_per_group);
        err = end(call, &change, ERR_TOO_MANY);
    }
    finish(&change.query);
    return err != ERR_OK ? err : groups_reply(call, change.group_id, 201, "group_changed");
}

/* PATCH /v1/groups/{group}/topics/{topic} {"name"?, "position"?}, If-Match -> 200 Group */
enum err topics_patch(struct call *call)
{
    struct change change;
    int64_t topic_id;
    enum err err;

    if ((err = begin(call, RIGHT_EDIT_ROOM, &edit_topic, &change)) == ERR_OK &&
        (err = call_path_id(call, "topic", &topic_id)) == ERR_OK &&
        (err = add_topic_members(call, false, &change.query.params)) == ERR_OK) {
        db_add_i64(&change.query.params, topic_id);
        err = end(call, &change, ERR_NOT_FOUND);
    }
    finish(&change.query);
    return err != ERR_OK ? err : groups_reply(call, change.group_id, 200, "group_changed");
}

/* DELETE /v1/groups/{group}/topics/{topic}, If-Match -> 200 Group */
enum err topics_delete(struct call *call)
{
    struct change change;
    int64_t topic_id;
    enum err err;

    if ((err = begin(call, RIGHT_EDIT_ROOM, &delete_topic, &change)) == ERR_OK && (err = call_path_id(call, "topic", &topic_id)) == ERR_OK) {
        db_add_i64(&change.query.params, topic_id);
        err = end(call, &change, ERR_NOT_FOUND);
    }
    finish(&change.query);
    return err != ERR_OK ? err : groups_reply(call, change.group_id, 200, "group_changed");
}
