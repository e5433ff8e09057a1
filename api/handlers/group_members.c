#include "api/handlers/group_members.h"

#include "api/handlers/page.h"
#include "api/log/announce.h"
#include "api/model/membership.h"
#include "api/model/rights.h"
#include "api/model/user.h"
#include "api/settings.h"
#include "api/worker.h"
#include "base/clock.h"

#define LIST_DEFAULT 50
#define LIST_MAX 200
#define REASON_MAX_CHARS 500

static const struct db_statement change_group_member = {
    "change_group_member",
    "SELECT outcome, shown, banned_until, statement_timestamp() FROM public.change_group_member($1::bigint, $2::bigint, $3::bigint, $4::text,"
    " $5::text::public.member_role, $6::timestamptz, $7::text, $8::text[], $9::bigint)"};
enum { CHANGED_OUTCOME, CHANGED_SHOWN, CHANGED_BANNED_UNTIL, CHANGED_AT };

/* Who asks ($2) first: their role, and the group's visibility. */
static const struct db_statement select_group_access = {
    "select_group_access", "SELECT g.visibility::text, m.role::text FROM public.groups g "
                           "LEFT JOIN public.group_members m ON m.group_id = g.id AND m.user_id = $2::bigint WHERE g.id = $1::bigint"};

#define SELECT_MEMBERS                                                                             \
    "SELECT m.role::text, m.joined_at, " USER_COLUMNS("u") " FROM public.group_members m JOIN public.users u ON u.id = m.user_id " \
    "WHERE m.group_id = $1::bigint AND m.user_id "
enum { MEMBER_ROLE, MEMBER_JOINED, MEMBER_USER };

static const struct db_statement select_group_members = {"select_group_members",
                                                         SELECT_MEMBERS "> $2::bigint ORDER BY m.user_id LIMIT $3::bigint"};
static const struct db_statement select_group_member = {"select_group_member", SELECT_MEMBERS "= $2::bigint"};

#define SELECT_BANS                                                                                \
    "SELECT b.until, b.reason, b.by_id, b.created_at, " USER_COLUMNS("u") " FROM public.group_bans b JOIN public.users u ON u.id = b.user_id " \
    "WHERE b.group_id = $1::bigint AND "
enum { BAN_UNTIL, BAN_REASON, BAN_BY, BAN_AT, BAN_USER };

static const struct db_statement select_group_bans = {
    "select_group_bans", SELECT_BANS "(b.until IS NULL OR b.until > now()) AND b.user_id > $2::bigint ORDER BY b.user_id LIMIT $3::bigint"};
static const struct db_statement select_group_ban = {"select_group_ban", SELECT_BANS "b.user_id = $2::bigint"};

static void finish(struct db_query *query)
{
    db_params_fini(&query->params);
    db_rows_fini(&query->rows);
}

/* ---- changing ---- */

enum act { JOIN, LEAVE, ADD, REMOVE, ROLE, BAN, UNBAN };

static const struct {
    const char *name;
    enum right right;
} acts[] = {[JOIN] = {"join", RIGHT_JOIN},     [LEAVE] = {"leave", RIGHT_LEAVE}, [ADD] = {"add", RIGHT_INVITE},
            [REMOVE] = {"remove", RIGHT_KICK}, [ROLE] = {"role", RIGHT_CHANGE_ROLE}, [BAN] = {"ban", RIGHT_BAN},
            [UNBAN] = {"unban", RIGHT_BAN}};

struct change {
    enum act act;
    int64_t group_id, subject_id;
    struct text role, reason; /* `at` NULL: none */
    bool has_until;           /* else for good */
    int64_t until_us;
    /* the answer */
    bool is_absent, is_unchanged;
};

static enum err outcome_err(struct call *call, const struct db_rows *rows, struct change *change)
{
    static const struct {
        const char *name;
        enum err err;
    } outcomes[] = {{"stored", ERR_OK},         {"unchanged", ERR_OK},          {"absent", ERR_NOT_FOUND},
                    {"no_room", ERR_NOT_FOUND}, {"banned", ERR_BANNED},         {"full", ERR_TOO_MANY},
                    {"over", ERR_OUT_OF_RANGE}, {"not_possible", ERR_NOT_POSSIBLE}, {"role_required", ERR_ROLE_REQUIRED},
                    {"unknown_user", ERR_UNKNOWN_USER}, {"contacts_only", ERR_CONTACTS_ONLY}};
    const struct text outcome = db_text(rows, 0, CHANGED_OUTCOME);

    change->is_absent = text_equal(outcome, TEXT("absent"));
    change->is_unchanged = text_equal(outcome, TEXT("unchanged"));
    if (text_equal(outcome, TEXT("not_member")))
        return text_equal(db_text(rows, 0, CHANGED_SHOWN), TEXT("public")) ? ERR_MEMBER_REQUIRED : ERR_NOT_FOUND;
    if (text_equal(outcome, TEXT("banned")) && !db_is_null(rows, 0, CHANGED_BANNED_UNTIL))
        call_problem_time(call, "until", db_time(rows, 0, CHANGED_BANNED_UNTIL));
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++)
        if (text_equal(outcome, text(outcomes[i].name)))
            return outcomes[i].err;
    return ERR_INTERNAL;
}

/* All devices of whom it is about. */
static void tell(struct call *call, const struct change *change, int64_t at_us)
{
    static const char *const reasons[] = {[JOIN] = "join", [LEAVE] = "leave", [ADD] = "join",
                                          [REMOVE] = "kick", [BAN] = "ban"};
    struct worker *worker = call_worker(call);
    struct announcer *announcer = announcer_create();
    const bool is_in = change->act == JOIN || change->act == ADD;

    announce_group_membership(announcer, change->subject_id, change->group_id, is_in, text(reasons[change->act]), at_us);
    announce_send(announcer, worker->app->publisher);
    announcer_destroy(announcer);
}

static void add_optional(struct db_params *params, struct text value)
{
    if (value.at != NULL)
        db_add_text(params, value);
    else
        db_add_null(params);
}

static enum err apply(struct call *call, struct change *change)
{
    struct db_query query = {.statement = &change_group_member, .lane = DB_NO_LANE};
    const bool hands_over = text_equal(change->role, TEXT("owner"));

    db_add_i64(&query.params, change->group_id);
    db_add_i64(&query.params, call_user_id(call));
    db_add_i64(&query.params, change->subject_id);
    db_add_text(&query.params, text(acts[change->act].name));
    add_optional(&query.params, change->act == ROLE ? change->role : (struct text){0});
    if (change->has_until)
        db_add_time(&query.params, change->until_us);
    else
        db_add_null(&query.params);
    db_add_text(&query.params, change->reason.at != NULL ? change->reason : text(""));
    rights_add(&query.params, change->act == ROLE && hands_over ? RIGHT_HAND_OVER : acts[change->act].right);
    db_add_i64(&query.params, call_worker(call)->app->settings->limits.members_per_group);
    enum err err = db_ask(call_worker(call)->db, &query);
    if (err == ERR_OK)
        err = outcome_err(call, &query.rows, change);
    if (err == ERR_OK && !change->is_unchanged && change->act != ROLE && change->act != UNBAN)
        tell(call, change, db_time(&query.rows, 0, CHANGED_AT));
    finish(&query);
    return err;
}

/* ---- one thing, and lists ---- */

static void write_member(struct json_out *out, const struct db_rows *rows, int row)
{
    struct user user;

    user_read(&user, rows, row, MEMBER_USER);
    json_open(out, '{');
    json_key(out, "user");
    user_write(out, &user);
    json_key_text(out, "role", db_text(rows, row, MEMBER_ROLE));
    json_key_time(out, "joined_at", db_time(rows, row, MEMBER_JOINED));
    json_close(out, '}');
}

static void write_ban(struct json_out *out, const struct db_rows *rows, int row)
{
    struct user user;

    user_read(&user, rows, row, BAN_USER);
    json_open(out, '{');
    json_key(out, "user");
    user_write(out, &user);
    if (!db_is_null(rows, row, BAN_UNTIL))
        json_key_time(out, "until", db_time(rows, row, BAN_UNTIL));
    if (db_text(rows, row, BAN_REASON).len > 0)
        json_key_text(out, "reason", db_text(rows, row, BAN_REASON));
    json_key_id(out, "by_id", db_i64(rows, row, BAN_BY));
    json_key_time(out, "created_at", db_time(rows, row, BAN_AT));
    json_close(out, '}');
}

static enum err reply_one(struct call *call, const struct db_statement *statement, const struct change *change, int status)
{
    struct db_query query = {.statement = statement, .lane = DB_NO_LANE};

    db_add_i64(&query.params, change->group_id);
    db_add_i64(&query.params, change->subject_id);
    enum err err = db_ask(call_worker(call)->db, &query);
    if (err == ERR_OK && db_count(&query.rows) == 0)
        err = ERR_NOT_FOUND; /* gone again meanwhile */
    if (err == ERR_OK) {
        struct json_out out = {.buf = call_out(call)};
        (statement == &select_group_ban ? write_ban : write_member)(&out, &query.rows, 0);
        err = call_reply(call, status);
    }
    finish(&query);
    return err;
}

/* May who asks see that of the group? */
static enum err judge(const struct db_rows *rows, enum right right)
{
    enum member_role role = ROLE_LEFT;
    enum room_kind kind;

    if (db_count(rows) == 0 || !room_kind_from(db_text(rows, 0, 0), &kind))
        return ERR_NOT_FOUND;
    if (!db_is_null(rows, 0, 1))
        CHECK(member_role_from(db_text(rows, 0, 1), &role));
    if (role == ROLE_LEFT)
        return kind == ROOM_PUBLIC ? ERR_MEMBER_REQUIRED : ERR_NOT_FOUND;
    return rights_check(right, kind, role);
}

static enum err list(struct call *call, enum right right, const struct db_statement *statement, int id_column,
                     void (*write)(struct json_out *out, const struct db_rows *rows, int row))
{
    struct db_query queries[] = {{.statement = &select_group_access, .lane = DB_NO_LANE}, {.statement = statement, .lane = DB_NO_LANE}};
    int64_t group_id, after = 0, limit = LIST_DEFAULT;
    enum err err;

    if ((err = call_path_id(call, "group", &group_id)) != ERR_OK ||
        (err = call_query_i64(call, "after", 0, INT64_MAX - 1, &after)) != ERR_OK ||
        (err = call_query_i64(call, "limit", 1, LIST_MAX, &limit)) != ERR_OK)
        return err;
    db_add_i64(&queries[0].params, group_id);
    db_add_i64(&queries[0].params, call_user_id(call));
    db_add_i64(&queries[1].params, group_id);
    db_add_i64(&queries[1].params, after);
    db_add_i64(&queries[1].params, limit + 1);
    if ((err = db_run(call_worker(call)->db, queries, 2)) == ERR_OK && (err = judge(&queries[0].rows, right)) == ERR_OK)
        err = page_reply(call, &queries[1].rows, limit, id_column, write);
    finish(&queries[0]);
    finish(&queries[1]);
    return err;
}

/* ---- the handlers ---- */

static enum err own(struct call *call, enum act act, struct change *change)
{
    *change = (struct change){.act = act, .subject_id = call_user_id(call)};
    const enum err err = call_path_id(call, "group", &change->group_id);

    return err != ERR_OK ? err : apply(call, change);
}

static enum err read_ids(struct call *call, struct change *change)
{
    const enum err err = call_path_id(call, "group", &change->group_id);

    return err != ERR_OK ? err : call_path_id(call, "user", &change->subject_id);
}

/* POST /v1/groups/{group}/join -> 200 GroupMember */
enum err group_join(struct call *call)
{
    struct change change;
    const enum err err = own(call, JOIN, &change);

    return err != ERR_OK ? err : reply_one(call, &select_group_member, &change, 200);
}

/* POST /v1/groups/{group}/leave -> 204 */
enum err group_leave(struct call *call)
{
    struct change change;
    const enum err err = own(call, LEAVE, &change);

    return err != ERR_OK ? err : call_reply_empty(call, 204);
}

/* GET /v1/groups/{group}/members ? after, limit -> Page of GroupMember, by user id */
enum err group_members_get(struct call *call)
{
    return list(call, RIGHT_SEE, &select_group_members, MEMBER_USER, write_member);
}

/* PUT /v1/groups/{group}/members/{user} {"role"?} -> 201 GroupMember when new, 200 otherwise */
enum err group_members_put(struct call *call)
{
    struct change change = {.act = ROLE}, added;
    enum member_role role;
    enum err err;

    if ((err = read_ids(call, &change)) != ERR_OK)
        return err;
    if (call_body_has(call, "role")) {
        if ((err = call_body_text(call, "role", 1, 16, &change.role)) != ERR_OK)
            return err;
        if (!member_role_from(change.role, &role) || role == ROLE_LEFT)
            return call_fail_field(call, ERR_OUT_OF_RANGE, "role", "owner, admin, moderator or member");
    }
    if (change.role.at != NULL && ((err = apply(call, &change)) == ERR_OK || !change.is_absent))
        return err != ERR_OK ? err : reply_one(call, &select_group_member, &change, 200);
    /* Nobody there yet, and all that was to be judged of the role is judged: a refusal adds nobody. */
    added = change;
    added.act = ADD;
    if ((err = apply(call, &added)) != ERR_OK || (change.role.at != NULL && (err = apply(call, &change)) != ERR_OK))
        return err;
    return reply_one(call, &select_group_member, &change, added.is_unchanged ? 200 : 201);
}

/* DELETE /v1/groups/{group}/members/{user} -> 204; oneself: leaving */
enum err group_members_delete(struct call *call)
{
    struct change change = {.act = REMOVE};
    enum err err;

    if ((err = read_ids(call, &change)) != ERR_OK)
        return err;
    if (change.subject_id == call_user_id(call))
        change.act = LEAVE;
    return (err = apply(call, &change)) != ERR_OK ? err : call_reply_empty(call, 204);
}

/* GET /v1/groups/{group}/bans ? after, limit -> Page of Ban, by user id */
enum err group_bans_get(struct call *call)
{
    return list(call, RIGHT_SEE_BANS, &select_group_bans, BAN_USER, write_ban);
}

/* PUT /v1/groups/{group}/bans/{user} {"until"?, "reason"?} -> 200 Ban. Who is a member is removed, too. */
enum err group_bans_put(struct call *call)
{
    struct change change = {.act = BAN, .reason = text("")};
    struct text until;
    enum err err;

    change.has_until = call_body_has(call, "until");
    if ((err = read_ids(call, &change)) != ERR_OK || (change.has_until && (err = call_body_text(call, "until", 1, 64, &until)) != ERR_OK))
        return err;
    if (change.has_until && !clock_parse(until, &change.until_us))
        return call_fail_field(call, ERR_WRONG_TYPE, "until", "a time as RFC 3339 writes it");
    if (call_body_has(call, "reason") && (err = call_body_chars(call, "reason", 0, REASON_MAX_CHARS, &change.reason)) != ERR_OK)
        return err;
    err = apply(call, &change);
    if (err == ERR_OUT_OF_RANGE) /* by the database's clock */
        return call_fail_field(call, err, "until", "is over already");
    return err != ERR_OK ? err : reply_one(call, &select_group_ban, &change, 200);
}

/* DELETE /v1/groups/{group}/bans/{user} -> 204, also when there is none */
enum err group_bans_delete(struct call *call)
{
    struct change change = {.act = UNBAN};
    enum err err;

    if ((err = read_ids(call, &change)) != ERR_OK || (err = apply(call, &change)) != ERR_OK)
        return err;
    return call_reply_empty(call, 204);
}
