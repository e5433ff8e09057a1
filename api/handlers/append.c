#include "api/handlers/append.h"

#include "api/worker.h"

enum err append_row(struct call *call, struct log_row *row)
{
    enum err err = room_log_append(call_worker(call), row);

    if (err == ERR_OK)
        err = log_outcome_err(row);
    if ((err == ERR_SILENCED || err == ERR_BANNED) && row->until_us != 0)
        call_problem_time(call, "until", row->until_us);
    log_row_fini(row);
    return err;
}
