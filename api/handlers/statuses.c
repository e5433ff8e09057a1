#include "api/handlers/statuses.h"

#include "api/model/shunned.h"
#include "api/settings.h"
#include "api/worker.h"
#include "base/id.h"

#define USERS_MAX 200

enum err statuses_read(struct call *call, struct status *list, size_t count)
{
    struct worker *worker = call_worker(call);
    struct shunned shunned;
    const enum err err = shunned_read(worker, call_user_id(call), &shunned);

    if (err == ERR_OK)
        status_read(worker, list, count);
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        if (shunned_has(&shunned, list[i].user_id))
            list[i].is_known = false;
    shunned_fini(&shunned);
    return err;
}

static enum err read_users(struct call *call, struct status *list, size_t *count)
{
    struct text rest = {0}, item;

    if (!call_query_text(call, "users", &rest) || rest.len == 0)
        return call_fail_field(call, ERR_MISSING, "users", "ids, with commas between them");
    for (*count = 0; settings_next(&rest, &item);) {
        if (*count == USERS_MAX)
            return call_fail_field(call, ERR_OUT_OF_RANGE, "users", "at most %d", USERS_MAX);
        if (!id_parse(item, &list[(*count)++].user_id))
            return call_fail_field(call, ERR_OUT_OF_RANGE, "users", "ids, with commas between them");
    }
    return ERR_OK;
}

/* GET /v1/statuses ? users -> {items: [Status]}: of those that one may know of */
enum err statuses_get(struct call *call)
{
    struct status *list = call_alloc(call, USERS_MAX * sizeof(*list));
    struct json_out out = {.buf = call_out(call)};
    size_t count = 0;
    enum err err;

    if ((err = read_users(call, list, &count)) != ERR_OK || (err = statuses_read(call, list, count)) != ERR_OK)
        return err;
    json_open(&out, '{');
    json_key(&out, "items");
    json_open(&out, '[');
    for (size_t i = 0; i < count; i++) {
        if (!list[i].is_known)
            continue;
        json_open(&out, '{');
        json_key_id(&out, "user_id", list[i].user_id);
        status_write_members(&out, &list[i]);
        json_close(&out, '}');
    }
    json_close(&out, ']');
    json_close(&out, '}');
    return call_reply(call, 200);
}
