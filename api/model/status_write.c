#include "api/model/status.h"

void status_write_state(struct json_out *out, const struct status *status)
{
    if (!status->is_known)
        return;
    json_key_bool(out, "online", status->online);
    if (!status->online && status->seen_us != 0)
        json_key_time(out, "last_seen_at", status->seen_us);
}

void status_write_members(struct json_out *out, const struct status *status)
{
    status_write_state(out, status);
    if (status->is_known && status->changed_us != 0)
        json_key_time(out, "changed_at", status->changed_us);
}
