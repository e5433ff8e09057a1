#include "api/handlers/password.h"

#include "api/handlers/sessions_end.h"
#include "api/hasher.h"
#include "api/worker.h"

#define OLD_MAX_BYTES 1024 /* any text may be tried */

static const struct db_statement select_password = {
    "select_password", "SELECT password_hash FROM public.users WHERE id = $1::bigint"};

/* $2: what the old one was compared with; of two who change it at once, one has to compare again. */
static const struct db_statement update_password = {
    "update_password",
    "UPDATE public.users SET password_hash = $3::text WHERE id = $1::bigint AND password_hash = $2::text RETURNING id"};

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

static enum err store(struct call *call, const char *old_hash, const char *new_hash)
{
    struct db_query query = {.statement = &update_password, .lane = DB_NO_LANE};

    db_add_i64(&query.params, call_user_id(call));
    db_add_text(&query.params, text(old_hash));
    db_add_text(&query.params, text(new_hash));
    enum err err = db_ask(call_worker(call)->db, &query);
    if (err == ERR_OK && db_count(&query.rows) != 1)
        err = ERR_CONFLICT;
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
    int count;

    if ((err = call_body_text(call, "old", 0, OLD_MAX_BYTES, &old)) != ERR_OK ||
        (err = call_body_chars(call, "new", PASSWORD_MIN_CHARS, PASSWORD_MAX_CHARS, &new)) != ERR_OK ||
        (err = change(call, old, new)) != ERR_OK ||
        (err = sessions_end(call_worker(call), call_user_id(call), 0, call_session_id(call), &count)) != ERR_OK)
        return err;
    return call_reply_empty(call, 204);
}
