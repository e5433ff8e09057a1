#include "api/handlers/users.h"

#include "api/handlers/password.h"
#include "api/handlers/sessions.h"
#include "api/model/me.h"
#include "api/model/relation.h"
#include "api/worker.h"

#define LOGIN_MIN_BYTES 2
#define LOGIN_MAX_BYTES 32
#define EMAIL_MAX_BYTES 254
#define SEARCH_DEFAULT 50
#define SEARCH_MAX 200
#define SEARCH_Q_MAX_BYTES 400

static const struct db_statement insert_user = {
    "insert_user",
    "WITH u AS ("
    "  INSERT INTO public.users (id, login, name, password_hash, email)"
    "  VALUES (public.next_id(0), $1::text, $2::text, $3::text, $4::text) ON CONFLICT (login) DO NOTHING RETURNING *"
    "), s AS ("
    "  INSERT INTO public.sessions (id, user_id, device, ip) SELECT public.next_id(0), u.id, $5::text, $6::text FROM u RETURNING *"
    ") "
    "SELECT " ME_COLUMNS("u") ", " SESSION_COLUMNS("s") " FROM u, s"};

static const struct db_statement select_user = {
    "select_user", "SELECT " ME_COLUMNS("u") ", " RELATION_COLUMNS("r") " FROM public.users u "
                   "LEFT JOIN public.relations r ON r.user_id = u.id AND r.other_id = $2::bigint WHERE u.id = $1::bigint"};

/*
 * $1 what is looked for, $2 the same as a pattern of LIKE that begins so, $3 how many, $4 who asks: those who block that one are not there. An exact
 * login comes first, then beginnings of logins, of names, of further words of names, each by an index and no more than are
 * shown; then, while there is room, what resembles it.
 */
#define FOUND(rank, likeness, condition, order)                                                    \
    "(SELECT u.id, " rank " AS rank, " likeness " AS likeness FROM public.users u WHERE " condition \
    " AND NOT " RELATION_BLOCKS("u.id", "$4::bigint") " ORDER BY " order " LIMIT $3::bigint)"
#define IS_LIKE "(u.login OPERATOR(public.%) lower($1::text) OR lower(u.name) OPERATOR(public.%) lower($1::text)" \
                " OR lower($1::text) OPERATOR(public.<%) lower(u.name))"
#define LIKENESS                                                                                   \
    "greatest(public.similarity(u.login, lower($1::text)), public.similarity(lower(u.name), lower($1::text))," \
    " public.word_similarity(lower($1::text), lower(u.name)))"

static const struct db_statement search_users = {
    "search_users",
    "WITH begun AS MATERIALIZED ("
    FOUND("0", "1", "u.login = lower($1::text)", "u.login") " UNION ALL "
    FOUND("1", "1", "u.login LIKE lower($2::text)", "u.login") " UNION ALL "
    FOUND("2", "1", "lower(u.name) LIKE lower($2::text)", "lower(u.name)") " UNION ALL "
    FOUND("3", "1", "lower(u.name) LIKE '% ' || lower($2::text)", "lower(u.name)")
    "), found AS ("
    "  SELECT * FROM begun UNION ALL "
    FOUND("4", LIKENESS, "length($1::text) >= 3 AND (SELECT count(DISTINCT id) FROM begun) < $3::bigint AND " IS_LIKE, LIKENESS " DESC, u.id")
    ") SELECT " USER_COLUMNS("u") " FROM (SELECT id, min(rank) AS rank, max(likeness) AS likeness FROM found GROUP BY id) f "
    "JOIN public.users u ON u.id = f.id ORDER BY f.rank, f.likeness DESC, u.login LIMIT $3::bigint"};

/* ---- registration ---- */

static bool is_login(struct text login)
{
    for (size_t i = 0; i < login.len; i++) {
        const char c = login.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '.' && c != '-')
            return false;
    }
    return true;
}

static enum err read_login(struct call *call, struct text *login)
{
    const enum err err = call_body_text(call, "login", LOGIN_MIN_BYTES, LOGIN_MAX_BYTES, login);

    if (err == ERR_OK && !is_login(*login))
        return call_fail_field(call, ERR_OUT_OF_RANGE, "login", "a to z, 0 to 9, '_', '.' and '-' only");
    return err;
}

enum err users_read_email(struct call *call, struct text *email)
{
    const enum err err = call_body_text(call, "email", 3, EMAIL_MAX_BYTES, email);

    if (err == ERR_OK && memchr(email->at, '@', email->len) == NULL)
        return call_fail_field(call, ERR_OUT_OF_RANGE, "email", "an address has an '@'");
    return err;
}

static void add_optional(struct db_params *params, struct text value)
{
    if (value.at != NULL)
        db_add_text(params, value);
    else
        db_add_null(params);
}

/* POST /v1/users {"login", "password", "name", "email"?, "device"?, "cookie"?} -> 201 {user, session, tokens} */
enum err users_post(struct call *call)
{
    struct worker *worker = call_worker(call);
    struct sign_in sign_in;
    struct text login, password, name, email = {0};
    char hash[HASHER_TEXT_BYTES];
    enum err err;

    if ((err = read_login(call, &login)) != ERR_OK ||
        (err = call_body_chars(call, "password", PASSWORD_MIN_CHARS, PASSWORD_MAX_CHARS, &password)) != ERR_OK ||
        (err = call_body_chars(call, "name", 1, USER_NAME_MAX_CHARS, &name)) != ERR_OK || 
        (call_body_has(call, "email") && (err = users_read_email(call, &email)) != ERR_OK) ||
        (err = sign_in_read(call, &sign_in)) != ERR_OK ||
        (err = hasher_hash(worker->app->hasher, worker, password, hash)) != ERR_OK)
        return err;

    struct db_query query = {.statement = &insert_user, .lane = DB_NO_LANE};
    db_add_text(&query.params, login);
    db_add_text(&query.params, name);
    db_add_text(&query.params, text(hash));
    add_optional(&query.params, email);
    db_add_text(&query.params, sign_in.device);
    db_add_text(&query.params, call_address(call));
    if ((err = db_ask(worker->db, &query)) == ERR_OK)
        err = db_count(&query.rows) == 1 ? sign_in_reply(call, &sign_in, &query.rows) : ERR_LOGIN_TAKEN;
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

/* ---- finding ---- */

/* GET /v1/users/{user} -> User. Whom that one has blocked, finds nobody there. */
enum err users_get_one(struct call *call)
{
    struct db_query query = {.statement = &select_user, .lane = DB_NO_LANE};
    int64_t id;
    enum err err = call_path_id(call, "user", &id);

    if (err != ERR_OK)
        return err;
    db_add_i64(&query.params, id);
    db_add_i64(&query.params, call_user_id(call));
    struct relation theirs = {0};
    err = db_ask(call_worker(call)->db, &query);
    if (err == ERR_OK && db_count(&query.rows) > 0)
        relation_read(&theirs, &query.rows, 0, ME_COLUMN_COUNT);
    if (err == ERR_OK && (db_count(&query.rows) == 0 || theirs.is_blocked))
        err = ERR_NOT_FOUND;
    if (err == ERR_OK) {
        struct json_out out = {.buf = call_out(call)};
        struct me me;
        me_read(&me, &query.rows, 0, 0);
        me_write_for(&out, &me, relation_closeness(&theirs, id, call_user_id(call)));
        err = call_reply(call, 200);
    }
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

/* `q` with the signs that LIKE knows taken literally, and anything behind it. */
static void make_pattern(struct text q, struct buf *pattern)
{
    for (size_t i = 0; i < q.len; i++) {
        if (q.at[i] == '%' || q.at[i] == '_' || q.at[i] == '\\')
            buf_add_byte(pattern, '\\');
        buf_add_byte(pattern, q.at[i]);
    }
    buf_add_byte(pattern, '%');
}

/* GET /v1/users ? q, limit -> Page of User, the best first */
enum err users_get(struct call *call)
{
    struct db_query query = {.statement = &search_users, .lane = DB_NO_LANE};
    struct buf pattern = {0};
    struct text q = {0};
    int64_t limit = SEARCH_DEFAULT;
    enum err err;

    if ((err = call_query_i64(call, "limit", 1, SEARCH_MAX, &limit)) != ERR_OK)
        return err;
    if (!call_query_text(call, "q", &q) || q.len == 0)
        return call_fail_field(call, ERR_MISSING, "q", "a login or name, or its beginning, or something like it");
    if (q.len > SEARCH_Q_MAX_BYTES)
        return call_fail_field(call, ERR_OUT_OF_RANGE, "q", "at most %d bytes", SEARCH_Q_MAX_BYTES);
    make_pattern(q, &pattern);
    db_add_text(&query.params, q);
    db_add_text(&query.params, buf_text(&pattern));
    db_add_i64(&query.params, limit + 1);
    db_add_i64(&query.params, call_user_id(call));
    if ((err = db_ask(call_worker(call)->db, &query)) == ERR_OK) {
        struct json_out out = {.buf = call_out(call)};
        json_open(&out, '{');
        json_key(&out, "items");
        json_open(&out, '[');
        for (int i = 0; i < db_count(&query.rows) && i < limit; i++) {
            struct user user;
            user_read(&user, &query.rows, i, 0);
            user_write(&out, &user);
        }
        json_close(&out, ']');
        json_key_bool(&out, "has_more", db_count(&query.rows) > limit);
        json_close(&out, '}');
        err = call_reply(call, 200);
    }
    buf_fini(&pattern);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}
