#include <stdlib.h>
#include <strings.h>

#include "base/option_rows.h"
#include "gateway/config/foreign.h"
#include "gateway/config/list.h"
#include "gateway/config/readers.h"

#define HEADERS_MAX 100

/* ---- headers that are always sent ---- */

/* RFC 9110 5.1 and 5.5: a token, and a value without control characters. */
static bool is_header(struct text name, struct text value)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < name.len; i++) {
        const char byte = name.at[i];
        const char letter = (char)(byte | 0x20);
        if (!(letter >= 'a' && letter <= 'z') && !(byte >= '0' && byte <= '9') &&
            memchr(marks, byte, sizeof(marks) - 1) == NULL)
            return false;
    }
    for (size_t i = 0; i < value.len; i++)
        if (((unsigned char)value.at[i] < ' ' && value.at[i] != '\t') || value.at[i] == 0x7f)
            return false;
    return name.len > 0;
}

bool proxy_read_static_headers(void *value, struct json_value json, struct option_place place,
                               struct options_notes *notes)
{
    struct proxy_settings *proxy = value;
    struct buf plain = {0};
    bool good = json_size(json) <= HEADERS_MAX;

    proxy->static_headers = xcalloc(json_size(json) + 1, sizeof(*proxy->static_headers));
    for (struct json_iter it = json_iter(json); good && json_next(&it);) {
        buf_reset(&plain);
        good = json_to_text(it.value, &plain) && is_header(it.key, buf_text(&plain));
        if (good)
            proxy->static_headers[proxy->static_header_count++] = (struct proxy_header){
                xstrndup(it.key.at, it.key.len), xstrdup(buf_cstring(&plain))};
    }
    buf_fini(&plain);
    return good ||
           options_fail(notes, "%s: up to %d names and texts were expected, as HTTP allows them",
                        place.place, HEADERS_MAX);
}

/* ---- HTTP statuses that mean something ---- */

struct transform {
    int64_t status_code, error_code, disconnect_code;
    char *message, *reason;
    bool temporary;
};

static void rows_of_transform(struct rows *rows, void *item)
{
    struct transform *s = item;
    const struct option transform[] = {
        NUMBER_OPTION("status_code", status_code, NULL, NULL, 100, 599, "Of the answer."),
        NUMBER_OPTION("to_error.code", error_code, "0", NULL, 0, 1999, "Error for the client."),
        TEXT_OPTION("to_error.message", message, "", "Its words."),
        FLAG_OPTION("to_error.temporary", temporary, "false", "Clients try again."),
        NUMBER_OPTION("to_disconnect.code", disconnect_code, "0", NULL, 0, 4999, "Close code."),
        TEXT_OPTION("to_disconnect.reason", reason, "", "Its words."),
    };

    ROWS_ADD(rows, "", transform);
}

/* A close frame has room for 123 bytes (RFC 6455 5.5); ASCII, as Centrifugo wants it. */
static bool fits(const char *words)
{
    for (const char *at = words; *at != '\0'; at++)
        if ((unsigned char)*at >= 0x7f || (unsigned char)*at < ' ')
            return false;
    return strlen(words) <= 123;
}

static bool take_transform(struct proxy_settings *proxy, const struct transform *from,
                           struct option_place place, struct options_notes *notes)
{
    if ((from->error_code == 0) == (from->disconnect_code == 0))
        return options_fail(notes, "%s: status %d needs either to_error.code or to_disconnect.code",
                            place.place, (int)from->status_code);
    if (from->disconnect_code != 0 && from->disconnect_code < 3000)
        return options_fail(notes, "%s: to_disconnect.code must be from 3000 to 4999", place.place);
    if (!fits(from->message) || !fits(from->reason))
        return options_fail(notes, "%s: message and reason are ASCII, up to 123 bytes",
                            place.place);
    proxy->transforms[proxy->transform_count++] = (struct status_transform){
        .status_code = (int)from->status_code,
        .error_code = (int)from->error_code,
        .disconnect_code = (int)from->disconnect_code,
        .error_temporary = from->temporary,
        .message = xstrdup(from->error_code != 0 ? from->message : from->reason),
    };
    return true;
}

static void free_transforms(struct transform *transforms, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(transforms[i].message);
        free(transforms[i].reason);
    }
    free(transforms);
}

bool proxy_read_transforms(void *value, struct json_value json, struct option_place place,
                           struct options_notes *notes)
{
    struct proxy_settings *proxy = value;
    static const struct list list = {.item_bytes = sizeof(struct transform),
                                     .rows_of = rows_of_transform};
    void *items = NULL;
    size_t count = 0;
    bool good = list_read(&list, json, place, notes, &items, &count);

    proxy->transforms = xcalloc(count + 1, sizeof(*proxy->transforms));
    for (size_t i = 0; good && i < count; i++)
        good = take_transform(proxy, (struct transform *)items + i, place, notes);
    free_transforms(items, count);
    return good;
}

/* ---- named proxies ---- */

static void rows_of_named(struct rows *rows, void *item)
{
    struct proxy_settings *s = item;
    const struct option name[] = {
        {.name = "name", .type = OPTION_TEXT, .value = &s->name, .help = "What options call it."},
    };

    ROWS_ADD(rows, "", name);
    rows_of_proxy(rows, "", s);
}

bool proxies_read(void *value, struct json_value json, struct option_place place,
                  struct options_notes *notes)
{
    struct settings *settings = value;
    static const struct list list = {.item_bytes = sizeof(struct proxy_settings),
                                     .rows_of = rows_of_named,
                                     .foreign = foreign_in_proxies,
                                     .named = true};
    void *items = NULL;

    const bool good = list_read(&list, json, place, notes, &items, &settings->proxy_count);
    settings->proxies = items;
    return good;
}

void proxy_free_lists(struct proxy_settings *proxy)
{
    for (size_t i = 0; i < proxy->static_header_count; i++) {
        free(proxy->static_headers[i].name);
        free(proxy->static_headers[i].value);
    }
    free(proxy->static_headers);
    for (size_t i = 0; i < proxy->transform_count; i++)
        free(proxy->transforms[i].message);
    free(proxy->transforms);
}

void proxies_free(struct settings *settings)
{
    struct rows rows = {0};

    for (size_t i = 0; i < settings->proxy_count; i++) {
        rows_of_named(&rows, &settings->proxies[i]);
        proxy_free_lists(&settings->proxies[i]);
    }
    options_free(rows.at, rows.count);
    rows_fini(&rows);
    free(settings->proxies);
}
