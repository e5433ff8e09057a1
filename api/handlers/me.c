#include "api/handlers/me.h"

#include "api/handlers/password.h"
#include "api/handlers/users.h"
#include "api/log/announce.h"
#include "api/model/me.h"
#include "api/request/version.h"
#include "api/settings.h"
#include "api/store/refresh_now.h"
#include "api/worker.h"

#define PATCH_TRIES 3

static const struct db_statement select_me = {
    "select_me", "SELECT " ME_COLUMNS("u") " FROM public.users u WHERE u.id = $1::bigint"};

/* $2 the version that was read; of two who change it at once, one has to look again. */
static const struct db_statement update_me = {
    "update_me",
    "UPDATE public.users u SET name = $3::text, about = $4::text, fields = $5::text::json, field_visibility = $6::text::json,"
    "  who_may_write = $7::text::public.contact_rule, version = version + 1 "
    "WHERE id = $1::bigint AND version = $2::bigint RETURNING " ME_COLUMNS("u")};

/* $3: what the password was compared with. */
static const struct db_statement update_email = {
    "update_email",
    "UPDATE public.users u SET email = $2::text, email_verified = email_verified AND email = $2::text, version = version + 1 "
    "WHERE id = $1::bigint AND password_hash = $3::text RETURNING " ME_COLUMNS("u")};

static enum err ask_me(struct call *call, struct db_query *query)
{
    *query = (struct db_query){.statement = &select_me, .lane = DB_NO_LANE};
    db_add_i64(&query->params, call_user_id(call));
    const enum err err = db_ask(call_worker(call)->db, query);
    return err == ERR_OK && db_count(&query->rows) == 0 ? ERR_NOT_FOUND : err;
}

static enum err reply_me(struct call *call, const struct me *me)
{
    struct json_out out = {.buf = call_out(call)};

    me_write(&out, me);
    call_set_version(call, me->user.version);
    return call_reply(call, 200);
}

/* GET /v1/me -> Me */
enum err me_get(struct call *call)
{
    struct db_query query;
    struct me me;
    enum err err = ask_me(call, &query);

    if (err == ERR_OK) {
        me_read(&me, &query.rows, 0, 0);
        err = reply_me(call, &me);
    }
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

/* ---- what a change is followed by ---- */

static enum err refresh_cached(struct worker *worker, const struct user *user)
{
    struct refresh *refresh = refresh_create();

    refresh_user(refresh, user);
    const enum err err = refresh_now(worker, refresh);
    refresh_destroy(refresh);
    return err;
}

/* Those who have the person on screen hear of it, with what is for everyone. */
static void tell(struct worker *worker, const struct me *me)
{
    struct announcer *announcer = announcer_create();

    announce_profile(announcer, me);
    announce_send(announcer, worker->app->publisher);
    announcer_destroy(announcer);
}

/* The row of an UPDATE that returns it, if it found what it was for. */
static enum err finish(struct call *call, const struct db_query *query)
{
    struct me me;
    enum err err;

    me_read(&me, &query->rows, 0, 0);
    tell(call_worker(call), &me);
    if ((err = refresh_cached(call_worker(call), &me.user)) != ERR_OK)
        return err;
    return reply_me(call, &me);
}

/* ---- PATCH /me ---- */

static enum err refuse_profile(struct call *call, const char *field, const struct profile_fault *fault)
{
    const struct settings *settings = call_worker(call)->app->settings;

    if (fault->why != NULL)
        return call_fail_field(call, fault->err, field, "%s", fault->why);
    return call_fail_field(call, fault->err, field, "at most %d, of up to %d characters each", (int)settings->limits.profile_fields,
                           (int)settings->limits.profile_field_chars);
}

/* `bytes` are what `me` borrows from now on. */
static enum err read_fields(struct call *call, struct me *me, struct buf *bytes)
{
    const struct settings *settings = call_worker(call)->app->settings;
    const struct profile_limits limits = {(size_t)settings->limits.profile_fields, (size_t)settings->limits.profile_field_chars};
    struct profile_fault fault;

    if (!call_body_has(call, "fields"))
        return ERR_OK;
    if (!profile_read(call_body(call, "fields"), &limits, bytes, &fault))
        return refuse_profile(call, "fields", &fault);
    me->fields = buf_text(bytes);
    return ERR_OK;
}

static enum err read_visibility(struct call *call, struct me *me, struct buf *bytes)
{
    const bool is_given = call_body_has(call, "field_visibility");
    struct json stored;
    struct profile_fault fault = {.err = ERR_OK};
    bool is_fine;

    CHECK(json_parse(&stored, me->field_visibility) == ERR_OK);
    is_fine = profile_read_visibility(is_given ? call_body(call, "field_visibility") : json_root(&stored), me->fields, !is_given,
                                      bytes, &fault);
    json_fini(&stored);
    if (!is_fine)
        return refuse_profile(call, "field_visibility", &fault);
    me->field_visibility = buf_text(bytes);
    return ERR_OK;
}

static enum err read_who_may_write(struct call *call, struct me *me)
{
    enum err err;

    if (!call_body_has(call, "who_may_write"))
        return ERR_OK;
    if ((err = call_body_text(call, "who_may_write", 0, 1024, &me->who_may_write)) != ERR_OK)
        return err;
    if (!text_equal(me->who_may_write, TEXT("anyone")) && !text_equal(me->who_may_write, TEXT("contacts")))
        return call_fail_field(call, ERR_OUT_OF_RANGE, "who_may_write", "anyone or contacts");
    return ERR_OK;
}

/* What the body says, over what there is; what it does not mention stays. */
static enum err read_changes(struct call *call, struct me *me, struct buf *fields, struct buf *visibility)
{
    enum err err;

    if (call_body_has(call, "name") && (err = call_body_chars(call, "name", 1, USER_NAME_MAX_CHARS, &me->user.name)) != ERR_OK)
        return err;
    if (call_body_has(call, "about") && (err = call_body_chars(call, "about", 0, USER_ABOUT_MAX_CHARS, &me->user.about)) != ERR_OK)
        return err;
    if ((err = read_fields(call, me, fields)) != ERR_OK || (err = read_visibility(call, me, visibility)) != ERR_OK)
        return err;
    return read_who_may_write(call, me);
}

static enum err store(struct call *call, const struct me *me)
{
    struct db_query query = {.statement = &update_me, .lane = DB_NO_LANE};

    db_add_i64(&query.params, me->user.id);
    db_add_i64(&query.params, me->user.version);
    db_add_text(&query.params, me->user.name);
    db_add_text(&query.params, me->user.about);
    db_add_text(&query.params, me->fields);
    db_add_text(&query.params, me->field_visibility);
    db_add_text(&query.params, me->who_may_write);
    enum err err = refresh_prepare(call_worker(call), "user", me->user.id);
    if (err == ERR_OK)
        err = db_ask(call_worker(call)->db, &query);
    if (err == ERR_OK)
        err = db_count(&query.rows) == 1 ? finish(call, &query) : ERR_VERSION_CHANGED;
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

static enum err patch(struct call *call, int64_t *version)
{
    struct db_query query;
    struct buf fields = {0}, visibility = {0};
    struct me me;
    enum err err;

    if ((err = ask_me(call, &query)) == ERR_OK) {
        me_read(&me, &query.rows, 0, 0);
        if ((err = read_changes(call, &me, &fields, &visibility)) == ERR_OK && (err = call_if_match(call, version)) == ERR_OK &&
            (err = call_check_version(call, *version, me.user.version)) == ERR_OK)
            err = store(call, &me);
    }
    buf_fini(&visibility);
    buf_fini(&fields);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

/* PATCH /v1/me {"name"?, "about"?, "fields"?, "field_visibility"?, "who_may_write"?}, If-Match -> Me */
enum err me_patch(struct call *call)
{
    int64_t version = 0;
    enum err err = patch(call, &version);

    /* To whom any version is right, a change between reading and writing is no matter. */
    for (int i = 0; i < PATCH_TRIES && err == ERR_VERSION_CHANGED && version == VERSION_ANY; i++)
        err = patch(call, &version);
    return err;
}

/* ---- POST /me/email ---- */

/* POST /v1/me/email {"email", "password"} -> Me; no mail is sent: it is not verified */
enum err me_post_email(struct call *call)
{
    struct db_query query = {.statement = &update_email, .lane = DB_NO_LANE};
    struct text email = {0}, password;
    char hash[HASHER_TEXT_BYTES];
    enum err err;

    if ((err = users_read_email(call, &email)) != ERR_OK ||
        (err = call_body_text(call, "password", 0, PASSWORD_TRIED_MAX_BYTES, &password)) != ERR_OK ||
        (err = password_check_own(call, "password", password, hash)) != ERR_OK)
        return err;
    db_add_i64(&query.params, call_user_id(call));
    db_add_text(&query.params, email);
    db_add_text(&query.params, text(hash));
    if ((err = refresh_prepare(call_worker(call), "user", call_user_id(call))) == ERR_OK &&
        (err = db_ask(call_worker(call)->db, &query)) == ERR_OK)
        err = db_count(&query.rows) == 1 ? finish(call, &query) : ERR_CONFLICT; /* the password changed meanwhile */
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}
