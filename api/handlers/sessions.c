#include "api/handlers/sessions.h"

#include "api/handlers/sessions_end.h"
#include "api/settings.h"
#include "api/handlers/tokens.h"
#include "api/model/me.h"
#include "api/request/limits.h"
#include "api/worker.h"

#define DEVICE_MAX_CHARS 100
#define COOKIE_NAME "parley_refresh"
#define COOKIE_NAME_SECURE "__Host-parley_refresh"

static const struct db_statement select_credentials = {
    "select_credentials", "SELECT u.id, u.password_hash, EXISTS (SELECT FROM public.sessions s WHERE s.user_id = u.id AND s.ended_at IS NULL"
                          "   AND s.ip = $2::text AND s.last_used_at > now() - interval '30 days') "
                          "FROM public.users u WHERE u.login = $1::text"};

/* $4: what the password was compared with. One that is changed meanwhile (password.c) lets nobody in. */
static const struct db_statement insert_session = {
    "insert_session",
    "WITH u AS (SELECT * FROM public.users WHERE id = $1::bigint AND password_hash = $4::text FOR SHARE), "
    "s AS (INSERT INTO public.sessions (id, user_id, device, ip)"
    "  SELECT public.next_id(0), id, $2::text, $3::text FROM u RETURNING *) "
    "SELECT " ME_COLUMNS("u") ", " SESSION_COLUMNS("s") " FROM u, s"};

/*
 * Rotation: whoever finds the generation that it holds makes the next. The previous one gets the same successor, for 30 s and only while
 * that is unused (then the generation is two ahead); this also serves two who raced. $3: how long a family lives unused, in s.
 */
static const struct db_statement rotate_session = {
    "rotate_session",
    "WITH rotated AS ("
    "  UPDATE public.sessions SET generation = generation + 1, rotated_at = now(), last_used_at = now()"
    "  WHERE id = $1::bigint AND generation = $2::bigint AND ended_at IS NULL"
    "  AND last_used_at > now() - $3::bigint * interval '1 second' RETURNING id) "
    "SELECT CASE WHEN r.id IS NOT NULL THEN 'good'"
    "            WHEN s.ended_at IS NOT NULL OR s.last_used_at <= now() - $3::bigint * interval '1 second' THEN 'ended'"
    "            WHEN s.generation = $2::bigint THEN 'good'"
    "            WHEN s.generation = $2::bigint + 1 AND s.rotated_at > now() - interval '30 seconds' THEN 'good'"
    "            ELSE 'reused' END, s.user_id "
    "FROM public.sessions s LEFT JOIN rotated r ON r.id = s.id WHERE s.id = $1::bigint"};

static const struct db_statement select_sessions = {
    "select_sessions", "SELECT " SESSION_COLUMNS("s") " FROM public.sessions s "
                       "WHERE s.user_id = $1::bigint AND s.ended_at IS NULL ORDER BY s.last_used_at DESC LIMIT 200"};

enum err sign_in_read(struct call *call, struct sign_in *sign_in)
{
    enum err err;

    sign_in->device = text("");
    sign_in->in_cookie = false;
    if (call_body_has(call, "device") && (err = call_body_chars(call, "device", 0, DEVICE_MAX_CHARS, &sign_in->device)) != ERR_OK)
        return err;
    return call_body_bool(call, "cookie", &sign_in->in_cookie);
}

/* ---- answers ---- */

static void write_session(struct json_out *out, const struct db_rows *rows, int row, int column, int64_t current_id)
{
    json_open(out, '{');
    json_key_id(out, "id", db_i64(rows, row, column));
    json_key_text(out, "device", db_text(rows, row, column + 1));
    json_key_time(out, "created_at", db_time(rows, row, column + 2));
    json_key_time(out, "last_used_at", db_time(rows, row, column + 3));
    json_key_text(out, "ip", db_text(rows, row, column + 4));
    json_key_bool(out, "is_current", db_i64(rows, row, column) == current_id);
    json_close(out, '}');
}

/* A page on https gets the cookie that only https may see; over plain http (LAN, tests) there is none such. */
static bool is_https(struct call *call)
{
    return text_starts(call_header(call, "origin"), TEXT("https://"));
}

static void set_cookie(struct call *call, struct text value, int64_t life_s)
{
    const bool is_secure = is_https(call);
    struct buf cookie = {0};

    buf_printf(&cookie, "%s=%.*s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s",
               is_secure ? COOKIE_NAME_SECURE : COOKIE_NAME, TEXT_ARGS(value), (long long)life_s, is_secure ? "; Secure" : "");
    call_set_header(call, "set-cookie", buf_text(&cookie));
    buf_fini(&cookie);
}

static struct text read_cookie(struct call *call)
{
    const struct text secure = call_cookie(call, COOKIE_NAME_SECURE);

    return secure.len > 0 ? secure : call_cookie(call, COOKIE_NAME);
}

static void write_tokens(struct call *call, struct json_out *out, int64_t user_id, int64_t session_id, int64_t generation,
                         bool in_cookie)
{
    const struct settings *settings = call_worker(call)->app->settings;
    struct buf access = {0}, refresh = {0};
    const int64_t ends_us = tokens_access(&access, settings, user_id, session_id);

    tokens_refresh(&refresh, settings, session_id, generation);
    json_open(out, '{');
    json_key_text(out, "access_token", buf_text(&access));
    json_key_time(out, "expires_at", ends_us);
    if (in_cookie)
        set_cookie(call, buf_text(&refresh), settings->refresh.life_s);
    else
        json_key_text(out, "refresh_token", buf_text(&refresh));
    json_close(out, '}');
    call_set_header(call, "cache-control", TEXT("no-store"));
    buf_fini(&access);
    buf_fini(&refresh);
}

enum err sign_in_reply(struct call *call, const struct sign_in *sign_in, const struct db_rows *rows)
{
    const int session_column = ME_COLUMN_COUNT;
    const int64_t user_id = db_i64(rows, 0, 0), session_id = db_i64(rows, 0, session_column);
    struct json_out out = {.buf = call_out(call)};
    struct me me;

    me_read(&me, rows, 0, 0);
    json_open(&out, '{');
    json_key(&out, "user");
    me_write(&out, &me);
    json_key(&out, "session");
    write_session(&out, rows, 0, session_column, session_id);
    json_key(&out, "tokens");
    write_tokens(call, &out, user_id, session_id, 1, sign_in->in_cookie);
    json_close(&out, '}');
    return call_reply(call, 201);
}

/* ---- handlers ---- */

/* Whose they are, and with what the password was compared. `has_to_wait`: who was never here before. */
static enum err check_password(struct call *call, struct text login, struct text password, bool has_to_wait, int64_t *user_id,
                               char hash[HASHER_TEXT_BYTES])
{
    struct worker *worker = call_worker(call);
    struct db_query query = {.statement = &select_credentials, .lane = DB_NO_LANE};

    hash[0] = '\0';
    db_add_text(&query.params, login);
    db_add_text(&query.params, call_address(call));
    enum err err = db_ask(worker->db, &query);
    const bool is_known = err == ERR_OK && db_count(&query.rows) == 1;
    if (err == ERR_OK && has_to_wait && !(is_known && db_bool(&query.rows, 0, 2)))
        err = limits_refuse_account(call);
    if (is_known) {
        *user_id = db_i64(&query.rows, 0, 0);
        hasher_copy(hash, db_text(&query.rows, 0, 1));
    }
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    if (err != ERR_OK)
        return err;
    return hasher_check(worker->app->hasher, worker, password, is_known ? hash : NULL);
}

/* The account's tokens are for wrong passwords only: nothing else that goes wrong is a guess. */
static enum err guess(struct call *call, struct text login, struct text password, int64_t *user_id, char hash[HASHER_TEXT_BYTES])
{
    const bool has_to_wait = limits_take_account(call, login) != ERR_OK;
    const enum err err = check_password(call, login, password, has_to_wait, user_id, hash);

    if (err != ERR_BAD_CREDENTIALS && !has_to_wait)
        limits_give_account_back(call, login);
    return err;
}

/* POST /v1/sessions {"login", "password", "device"?, "cookie"?} -> 201 {user, session, tokens} */
enum err sessions_post(struct call *call)
{
    struct sign_in sign_in;
    struct text login, password;
    char hash[HASHER_TEXT_BYTES];
    int64_t user_id = 0;
    enum err err;

    /* Any text may be tried: that a login or password could not exist is nobody's business. */
    if ((err = call_body_text(call, "login", 0, 1024, &login)) != ERR_OK ||
        (err = call_body_text(call, "password", 0, 1024, &password)) != ERR_OK || (err = sign_in_read(call, &sign_in)) != ERR_OK ||
        (err = guess(call, login, password, &user_id, hash)) != ERR_OK)
        return err;

    struct db_query query = {.statement = &insert_session, .lane = DB_NO_LANE};
    db_add_i64(&query.params, user_id);
    db_add_text(&query.params, sign_in.device);
    db_add_text(&query.params, call_address(call));
    db_add_text(&query.params, text(hash));
    err = db_ask(call_worker(call)->db, &query);
    if (err == ERR_OK)
        err = db_count(&query.rows) == 1 ? sign_in_reply(call, &sign_in, &query.rows) : ERR_BAD_CREDENTIALS;
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

static enum err answer_rotation(struct call *call, const struct db_rows *rows, int64_t session_id, int64_t generation, bool in_cookie)
{
    if (db_count(rows) == 0 || text_equal(db_text(rows, 0, 0), TEXT("ended")))
        return ERR_SESSION_ENDED;

    const int64_t user_id = db_i64(rows, 0, 1);
    if (text_equal(db_text(rows, 0, 0), TEXT("reused"))) {
        int count;
        const enum err err = sessions_end(call_worker(call), user_id, session_id, &count);
        return err != ERR_OK ? err : ERR_REFRESH_REUSED;
    }

    struct json_out out = {.buf = call_out(call)};
    json_open(&out, '{');
    json_key(&out, "tokens");
    write_tokens(call, &out, user_id, session_id, generation + 1, in_cookie);
    json_close(&out, '}');
    return call_reply(call, 200);
}

/* POST /v1/sessions/refresh {"refresh_token"?} or the cookie -> 200 {tokens} */
enum err sessions_refresh(struct call *call)
{
    const struct settings *settings = call_worker(call)->app->settings;
    struct text token = {0};
    const bool in_cookie = !call_body_has(call, "refresh_token");
    int64_t session_id, generation;
    enum err err;

    if (in_cookie)
        token = read_cookie(call);
    else if ((err = call_body_text(call, "refresh_token", 1, REFRESH_TOKEN_MAX, &token)) != ERR_OK)
        return err;
    if (token.len == 0)
        return ERR_UNAUTHENTICATED;
    if ((err = tokens_read_refresh(token, settings, &session_id, &generation)) != ERR_OK)
        return err;

    struct db_query query = {.statement = &rotate_session, .lane = DB_NO_LANE};
    db_add_i64(&query.params, session_id);
    db_add_i64(&query.params, generation);
    db_add_i64(&query.params, settings->refresh.life_s);
    if ((err = db_ask(call_worker(call)->db, &query)) == ERR_OK)
        err = answer_rotation(call, &query.rows, session_id, generation, in_cookie);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

/* GET /v1/sessions -> {items: [Session], has_more} */
enum err sessions_get(struct call *call)
{
    struct db_query query = {.statement = &select_sessions, .lane = DB_NO_LANE};

    db_add_i64(&query.params, call_user_id(call));
    enum err err = db_ask(call_worker(call)->db, &query);
    if (err == ERR_OK) {
        struct json_out out = {.buf = call_out(call)};
        json_open(&out, '{');
        json_key(&out, "items");
        json_open(&out, '[');
        for (int i = 0; i < db_count(&query.rows); i++)
            write_session(&out, &query.rows, i, 0, call_session_id(call));
        json_close(&out, ']');
        json_key_bool(&out, "has_more", false);
        json_close(&out, '}');
        err = call_reply(call, 200);
    }
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

static enum err end_and_reply(struct call *call, int64_t session_id, bool must_exist)
{
    int count;
    const enum err err = sessions_end(call_worker(call), call_user_id(call), session_id, &count);

    if (err != ERR_OK)
        return err;
    if (must_exist && count == 0)
        return ERR_NOT_FOUND;
    if (session_id == 0 || session_id == call_session_id(call))
        set_cookie(call, text(""), 0);
    return call_reply_empty(call, 204);
}

/* DELETE /v1/sessions/{session} -> 204 */
enum err sessions_delete_one(struct call *call)
{
    int64_t session_id;
    const enum err err = call_path_id(call, "session", &session_id);

    return err != ERR_OK ? err : end_and_reply(call, session_id, true);
}

/* DELETE /v1/sessions/current -> 204 */
enum err sessions_delete_current(struct call *call)
{
    return end_and_reply(call, call_session_id(call), false);
}

/* DELETE /v1/sessions -> 204: everywhere */
enum err sessions_delete_all(struct call *call)
{
    return end_and_reply(call, 0, false);
}
