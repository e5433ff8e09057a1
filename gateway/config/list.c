#include "gateway/config/list.h"

#include <stdlib.h>

#define NAME_MAX_BYTES 128

bool list_is_name(const char *name)
{
    static const char letters[] =
        "-_.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const size_t len = strlen(name);

    return len >= 2 && len <= NAME_MAX_BYTES && strspn(name, letters) == len;
}

/* The item's name, or its number when it has none that can be shown. */
static bool add_label(struct buf *label, const struct list *list, struct json_value item,
                      size_t index)
{
    struct buf name = {0};
    const bool is_name = list->named && json_to_text(json_get(item, "name"), &name) &&
                         list_is_name(buf_cstring(&name));

    if (is_name)
        buf_add_text(label, buf_text(&name));
    else
        buf_printf(label, "%zu", index);
    buf_fini(&name);
    return is_name;
}

static bool read_item(const struct list *list, struct json_value json, struct option_place place,
                      struct options_notes *notes, void *item, size_t index)
{
    struct buf label = {0}, at = {0}, name = {0}, variable = {0};
    struct rows rows = {0};
    const bool is_name = add_label(&label, list, json, index);

    buf_printf(&at, "%s[%s]", place.place, buf_cstring(&label));
    buf_printf(&name, "%s[%s]", place.name, buf_cstring(&label));
    buf_printf(&variable, "%s.%s", place.name, buf_cstring(&label));
    list->rows_of(&rows, item);
    const struct options_object object = {
        .table = rows.at,
        .count = rows.count,
        .foreign = list->foreign,
        .place = {buf_cstring(&at), buf_cstring(&name)},
        .variable = is_name ? buf_cstring(&variable) : NULL,
    };
    bool good = options_read_object(&object, json, notes);
    if (good && list->named && !is_name)
        good = options_fail(notes, "%s: its name must have two or more of a-z A-Z 0-9 - _ . only",
                            buf_cstring(&at));
    rows_fini(&rows);
    buf_fini(&label);
    buf_fini(&at);
    buf_fini(&name);
    buf_fini(&variable);
    return good;
}

bool list_read(const struct list *list, struct json_value json, struct option_place place,
               struct options_notes *notes, void **items, size_t *count)
{
    const size_t size = json_size(json);
    size_t index = 0;

    if (size > LIST_ITEMS_MAX)
        return options_fail(notes, "%s: more than %d", place.place, LIST_ITEMS_MAX);
    *items = xcalloc(size + 1, list->item_bytes);
    *count = size;
    for (struct json_iter it = json_iter(json); json_next(&it); index++)
        if (!read_item(list, it.value, place, notes, (char *)*items + index * list->item_bytes,
                       index))
            return false;
    return true;
}
