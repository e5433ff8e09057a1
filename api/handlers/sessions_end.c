#include "api/handlers/sessions_end.h"

#include "api/ended.h"
#include "api/log/announce.h"
#include "base/clock.h"

static const struct db_statement end_sessions = {
    "end_sessions", "SELECT number, session_id FROM public.end_sessions($1::bigint, $2::bigint, $3::bigint)"};

void sessions_tell_ended(struct app *app, int64_t user_id, const struct db_rows *rows)
{
    struct announcer *announcer = announcer_create();

    for (int i = 0; i < db_count(rows); i++) {
        const int64_t number = db_i64(rows, i, 0), session = db_i64(rows, i, 1);
        if (number == 0)
            continue; /* change_password() says so that it was changed */
        /* Without its number: those before it may be other APIs', and have to be read (watch.c). */
        ended_add(app->ended, session, 0, clock_mono_ms());
        announce_session_ended(announcer, user_id, session, number);
    }
    announce_send(announcer, app->publisher);
    announcer_destroy(announcer);
}

enum err sessions_end(struct worker *worker, int64_t user_id, int64_t session_id, int *count)
{
    struct db_query query = {.statement = &end_sessions, .lane = DB_NO_LANE};

    db_add_i64(&query.params, user_id);
    db_add_i64(&query.params, session_id);
    db_add_i64(&query.params, 0);
    const enum err err = db_ask(worker->db, &query);
    *count = err == ERR_OK ? db_count(&query.rows) : 0;
    if (*count > 0)
        sessions_tell_ended(worker->app, user_id, &query.rows);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}
