#include "api/handlers/sessions_end.h"

#include "api/ended.h"
#include "api/log/announce.h"
#include "base/clock.h"

/* Ends one session ($2) or all (0) of a user but $3; numbers are given under the lock of the installation's row. */
static const struct db_statement end_sessions = {
    "end_sessions",
    "WITH locked AS (" /* in one order, so that two who end all of them do not meet */
    "  SELECT id FROM public.sessions"
    "  WHERE user_id = $1::bigint AND ended_at IS NULL AND ($2::bigint = 0 OR id = $2::bigint) AND id <> $3::bigint"
    "  ORDER BY id FOR UPDATE"
    "), gone AS ("
    "  UPDATE public.sessions s SET ended_at = now() FROM locked l WHERE s.id = l.id RETURNING s.id, s.user_id"
    "), counted AS ("
    "  UPDATE public.installation SET last_ended = last_ended + (SELECT count(*) FROM gone)"
    "  WHERE EXISTS (SELECT 1 FROM gone) RETURNING last_ended"
    ") "
    "INSERT INTO public.ended_sessions (number, session_id, user_id) "
    "SELECT c.last_ended - row_number() OVER () + 1, g.id, g.user_id FROM gone g, counted c "
    "RETURNING number, session_id, user_id"};

static void tell(struct app *app, int64_t user_id, const struct db_rows *rows)
{
    struct announcer *announcer = announcer_create();

    for (int i = 0; i < db_count(rows); i++) {
        const int64_t number = db_i64(rows, i, 0), session = db_i64(rows, i, 1);
        ended_add(app->ended, session, number, clock_mono_ms());
        announce_session_ended(announcer, user_id, session, number);
    }
    announce_send(announcer, app->publisher);
    announcer_destroy(announcer);
}

enum err sessions_end(struct worker *worker, int64_t user_id, int64_t session_id, int64_t keep_id, int *count)
{
    struct db_query query = {.statement = &end_sessions, .lane = DB_NO_LANE};

    db_add_i64(&query.params, user_id);
    db_add_i64(&query.params, session_id);
    db_add_i64(&query.params, keep_id);
    const enum err err = db_ask(worker->db, &query);
    *count = err == ERR_OK ? db_count(&query.rows) : 0;
    if (*count > 0)
        tell(worker->app, user_id, &query.rows);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}
