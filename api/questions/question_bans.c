#include "api/questions/question_bans.h"

#include <stdlib.h>

#include "api/model/ban.h"
#include "api/questions/fleet.h"
#include "api/questions/question_rooms.h"

#define PAGE 1000 /* bans in one answer; each has at most 2 KiB */

enum { REFUSED_INTERNAL = 100, REFUSED_LIMIT = 106, REFUSED_BAD_REQUEST = 107 };

/* Not elsewhere: it may have been stored. */
static void refuse(struct inquiry *inquiry, enum err err)
{
    if (err == ERR_TOO_LARGE)
        inquiry_refuse(inquiry, REFUSED_BAD_REQUEST, "a name is too long", false);
    else if (err == ERR_LIMIT)
        inquiry_refuse(inquiry, REFUSED_LIMIT, "there are too many bans", false);
    else
        inquiry_refuse(inquiry, REFUSED_INTERNAL, "internal server error", true);
}

void question_ban(struct worker *worker, struct inquiry *inquiry, Bus__Order *order)
{
    const enum err err = ban_store(worker, order);

    if (err == ERR_OK && order->number == 0)
        inquiry_confirm(inquiry); /* another API, asked too, has told everybody */
    else if (err == ERR_OK)
        fleet_order(worker, inquiry, order);
    else
        refuse(inquiry, err);
}

static const struct db_statement select_last = {"select_last_ban", "SELECT last_ban FROM public.installation"};

static void tell(struct inquiry *inquiry, const struct db_rows *rows, uint64_t last)
{
    const size_t count = (size_t)db_count(rows);
    Bus__Order *orders = xcalloc(count + 1, sizeof(*orders)), **list = xcalloc(count + 1, sizeof(*list));
    Bus__Bans bans = BUS__BANS__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    bans.number = last;
    for (size_t i = 0; i < count; i++) {
        ban_read(rows, (int)i, list[i] = &orders[i]);
        bans.number = orders[i].number;
    }
    bans.n_orders = count;
    bans.orders = list;
    answer.told_case = BUS__ANSWER__TOLD_BANS;
    answer.bans = &bans;
    inquiry_answer(inquiry, &answer);
    free(list);
    free(orders);
}

/* Asked one after the other: a ban up to the last number is committed by then, and seen by the second. */
void question_bans(struct worker *worker, struct inquiry *inquiry, const Bus__BanList *ask)
{
    struct db_query last = {.statement = &select_last, .lane = DB_NO_LANE};
    struct db_query page = {.statement = &ban_select_after, .lane = DB_NO_LANE};
    enum err err;

    db_add_i64(&page.params, (int64_t)ask->after);
    db_add_i64(&page.params, PAGE);
    if ((err = db_ask(worker->db, &last)) == ERR_OK && (err = db_ask(worker->db, &page)) == ERR_OK &&
        db_count(&last.rows) == 1)
        tell(inquiry, &page.rows, (uint64_t)db_i64(&last.rows, 0, 0));
    else
        question_refuse(inquiry, err);
    db_params_fini(&page.params);
    db_rows_fini(&page.rows);
    db_rows_fini(&last.rows);
}
