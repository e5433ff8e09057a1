#include "api/model/ban.h"

#include "api/counters.h"
#include "api/settings.h"
#include "base/clock.h"

#define WHO_MAX     1000      /* bytes: PostgreSQL's index takes rows of 2,700 */
#define CHANNEL_MAX 1000
#define LIFTED_S    (24 * 3600) /* a gateway that did not hear of a lifted ban for so long is no gateway any more */

/* Who replaces a ban is not one more. Of several at once a few too many may pass: they count before they have the lock. */
static const struct db_statement insert_ban = {
    "insert_ban",
    "WITH fresh AS (INSERT INTO public.ban_orders (id) VALUES ($8::bigint) ON CONFLICT DO NOTHING RETURNING id), "
    "counted AS ("
    "  UPDATE public.installation SET last_ban = last_ban + 1"
    "  WHERE EXISTS (SELECT 1 FROM fresh) AND ((SELECT count(*) FROM public.bans) < $7::bigint"
    "     OR EXISTS (SELECT 1 FROM public.bans WHERE kind = $1::int AND who = $2::bytea AND channel = $3::bytea))"
    "  RETURNING last_ban"
    "), "
    "written AS ("
    "INSERT INTO public.bans (number, kind, who, channel, is_lifted, issued_before_s, expires_s) "
    "SELECT last_ban, $1::int, $2::bytea, $3::bytea, $4::boolean, $5::bigint, $6::bigint FROM counted "
    "ON CONFLICT (kind, who, channel) DO UPDATE SET number = EXCLUDED.number, is_lifted = EXCLUDED.is_lifted, "
    "  issued_before_s = EXCLUDED.issued_before_s, expires_s = EXCLUDED.expires_s "
    "RETURNING number) "
    "SELECT EXISTS (SELECT 1 FROM fresh), (SELECT number FROM written)"};

const struct db_statement ban_select_after = {
    "select_bans_after", "SELECT number, kind, who, channel, is_lifted, issued_before_s, expires_s FROM public.bans "
                         "WHERE number > $1::bigint ORDER BY number LIMIT $2::bigint"};

const struct db_statement ban_prune = {
    "prune_bans", "WITH old AS (DELETE FROM public.ban_orders WHERE $1::boolean AND created_at < now() - interval '1 hour') "
                  "DELETE FROM public.bans WHERE $1::boolean AND expires_s > 0 AND expires_s < extract(epoch FROM now())"};

bool ban_is_made_by(const Bus__Order *order)
{
    switch (order->kind) {
    case BUS__ORDER__KIND__BLOCK_USER:
    case BUS__ORDER__KIND__UNBLOCK_USER:
    case BUS__ORDER__KIND__REVOKE_TOKEN:
    case BUS__ORDER__KIND__REVOKE_USER:
        return true;
    default:
        return false;
    }
}

static void add_params(struct db_params *params, const Bus__Order *order, int64_t bans_max)
{
    const bool lifts = order->kind == BUS__ORDER__KIND__UNBLOCK_USER;

    db_add_i32(params, lifts ? BUS__ORDER__KIND__BLOCK_USER : (int32_t)order->kind);
    db_add_bytes(params, wire_text(order->kind == BUS__ORDER__KIND__REVOKE_TOKEN ? order->jti : order->user));
    db_add_bytes(params, wire_text(order->channel));
    db_add_bool(params, lifts);
    db_add_i64(params, order->issued_before_s);
    db_add_i64(params, lifts ? clock_wall_us() / 1000000 + LIFTED_S : order->expires_s);
    db_add_i64(params, bans_max);
    db_add_i64(params, (int64_t)order->id);
}

enum err ban_store(struct worker *worker, Bus__Order *order)
{
    struct db_query query = {.statement = &insert_ban, .lane = DB_NO_LANE};
    enum err err;

    if (order->user.len > WHO_MAX || order->jti.len > WHO_MAX || order->channel.len > CHANNEL_MAX)
        return ERR_TOO_LARGE;
    add_params(&query.params, order, worker->app->settings->bans.max);
    err = db_ask(worker->db, &query);
    if (err == ERR_OK && db_bool(&query.rows, 0, 0) && db_is_null(&query.rows, 0, 1))
        err = ERR_LIMIT;
    counter_add(COUNTER_BANS_REFUSED, err == ERR_LIMIT);
    if (err == ERR_OK)
        order->number = (uint64_t)db_i64(&query.rows, 0, 1);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

void ban_read(const struct db_rows *rows, int row, Bus__Order *order)
{
    bus__order__init(order);
    order->number = (uint64_t)db_i64(rows, row, 0);
    order->kind = (Bus__Order__Kind)db_i64(rows, row, 1);
    if (order->kind == BUS__ORDER__KIND__REVOKE_TOKEN)
        order->jti = wire_bytes(db_text(rows, row, 2));
    else
        order->user = wire_bytes(db_text(rows, row, 2));
    order->channel = wire_bytes(db_text(rows, row, 3));
    if (db_bool(rows, row, 4))
        order->kind = BUS__ORDER__KIND__UNBLOCK_USER;
    order->issued_before_s = db_i64(rows, row, 5);
    order->expires_s = db_i64(rows, row, 6);
}
