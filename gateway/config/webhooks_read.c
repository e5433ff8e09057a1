#include <stdlib.h>

#include "base/option_rows.h"
#include "gateway/config/check.h"
#include "gateway/config/list.h"
#include "gateway/config/readers.h"

/* In the order of enum webhook_event. */
static const char *const events[] = {"connect",     "disconnect", "subscribe",
                                     "unsubscribe", "occupied",   "vacated", NULL};

/* clang-format off: a table reads best with a row a line */
static void rows_of_webhook(struct rows *rows, void *item)
{
    struct webhook_settings *s = item;
    const struct option webhook[] = {
        TEXT_OPTION("url", url, NULL, "Where events are posted to."),
        SECRET_OPTION("secret", secret, true, "Signs what is posted."),
        {.name = "events", .type = OPTION_SET, .value = &s->events, .choices = events,
         .fallback = "connect disconnect subscribe unsubscribe occupied vacated", .help = "Which ones."},
        NUMBER_OPTION("batch_max", batch_max, "100", "events", 1, 10000, "Events in one request."),
        DURATION_OPTION("delay", delay_ms, "100ms", 0, MINUTE_MS, "How long an event waits for others."),
        NUMBER_OPTION("queue_max", queue_max, "10000", "events", 1, 10000000, "Events that wait; more are dropped and counted."),
        DURATION_OPTION("timeout", timeout_ms, "5s", 10, MINUTE_MS, "A request without an answer by then has failed."),
        DURATION_OPTION("retry_max", retry_max_ms, "1m", 100, HOUR_MS, "Longest pause before it is tried again."),
    };
    /* clang-format on */

    ROWS_ADD(rows, "", webhook);
}

bool webhooks_read(void *value, struct json_value json, struct option_place place,
                   struct options_notes *notes)
{
    struct settings *settings = value;
    static const struct list list = {.item_bytes = sizeof(struct webhook_settings),
                                     .rows_of = rows_of_webhook};
    void *items = NULL;
    bool good = list_read(&list, json, place, notes, &items, &settings->webhook_count);

    settings->webhooks = items;
    for (size_t i = 0; good && i < settings->webhook_count; i++)
        good = check_is_url(settings->webhooks[i].url) ||
               options_fail(notes, "%s[%zu].url: an http:// or https:// address was expected",
                            place.place, i);
    return good;
}

void webhooks_free(struct settings *settings)
{
    struct rows rows = {0};

    for (size_t i = 0; i < settings->webhook_count; i++)
        rows_of_webhook(&rows, &settings->webhooks[i]);
    options_free(rows.at, rows.count);
    rows_fini(&rows);
    free(settings->webhooks);
}
