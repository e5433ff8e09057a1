#include "api/handlers/password.h"

#include "api/handlers/sessions_end.h"
#include "api/worker.h"

static const struct db_statement select_password = {
    "select_password", "SELECT password_hash FROM public.users WHERE id = $1::bigint"};

/* $2: what the old one was compared with; of two who change it at once, one has to compare again. $4: the session that stays. */
static const struct db_statement change_password = {
    "change_password",
    "SELECT number, session_id FROM public.change_password($1::bigint, $2::text, $3::text, $4::bigint)"};

static enum err read_stored(struct call *call, char hash[HASHER_TEXT_BYTES])
{
    struct db_query query = {.statement = &select_password, .lane = DB_NO_LANE};

    db_add_i64(&query.params, call_user_id(call));
    enum err err = db_ask(call_worker(call)->db, &query);
    if (err == ERR_OK && db_count(&query.rows) != 1)
        err = ERR_SESSION_ENDED;
    if (err == ERR_OK)
        hasher_copy(hash, db_text(&query.rows, 0, 0));
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

enum err password_check_own(struct call *call, const char *field, struct text password, char hash[HASHER_TEXT_BYTES])
{
    struct worker *worker = call_worker(call);
    enum err err;

    if ((err = read_stored(call, hash)) != ERR_OK)
        return err;
    err = hasher_check(worker->app->hasher, worker, password, hash);
    return err == ERR_BAD_CREDENTIALS ? call_fail_field(call, ERR_WRONG_PASSWORD, field, "it is not the present one") : err;
}

static enum err store(struct call *call, const char *old_hash, const char *new_hash)
{
    struct worker *worker = call_worker(call);
    struct db_query query = {.statement = &change_password, .lane = DB_NO_LANE};

    db_add_i64(&query.params, call_user_id(call));
    db_add_text(&query.params, text(old_hash));
    db_add_text(&query.params, text(new_hash));
    db_add_i64(&query.params, call_session_id(call));
    enum err err = db_ask(worker->db, &query);
    if (err == ERR_OK && db_count(&query.rows) == 0)
        err = ERR_CONFLICT;
    if (err == ERR_OK)
        sessions_tell_ended(worker->app, call_user_id(call), &query.rows);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

/* Who has not heard of the answer asks again, when the new one is stored already: that is no mistake. */
static enum err change(struct call *call, struct text old, struct text new)
{
    struct worker *worker = call_worker(call);
    struct hasher *hasher = worker->app->hasher;
    char stored[HASHER_TEXT_BYTES], hash[HASHER_TEXT_BYTES];
    enum err err;

    if ((err = read_stored(call, stored)) != ERR_OK)
        return err;
    err = hasher_check(hasher, worker, old, stored);
    if (err == ERR_BAD_CREDENTIALS) {
        err = hasher_check(hasher, worker, new, stored);
        return err == ERR_BAD_CREDENTIALS ? call_fail_field(call, ERR_WRONG_PASSWORD, "old", "it is not the present one") : err;
    }
    if (err != ERR_OK || (err = hasher_hash(hasher, worker, new, hash)) != ERR_OK)
        return err;
    return store(call, stored, hash);
}

/*
 * POST /v1/me/password {"old", "new"} -> 204: all other sessions end. Who signs in meanwhile with the old one has either begun a session
 * before the change was stored, and it ends, or is not let in (insert_session).
 */
enum err password_post(struct call *call)
{
    struct text old, new;
    enum err err;

    if ((err = call_body_text(call, "old", 0, PASSWORD_TRIED_MAX_BYTES, &old)) != ERR_OK ||
        (err = call_body_chars(call, "new", PASSWORD_MIN_CHARS, PASSWORD_MAX_CHARS, &new)) != ERR_OK ||
        (err = change(call, old, new)) != ERR_OK)
        return err;
    return call_reply_empty(call, 204);
}
