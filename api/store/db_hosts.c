#include "api/store/db_hosts.h"

#include <stdlib.h>
#include <string.h>

/* Host by host: these are lists, of as many items each; a port alone is that of all. */
static bool is_list(const char *keyword)
{
    return strcmp(keyword, "host") == 0 || strcmp(keyword, "hostaddr") == 0 ||
           strcmp(keyword, "port") == 0;
}

void db_hosts_turn(const char *list, unsigned turn, struct buf *out)
{
    unsigned count = 1;
    const char *first = list;

    for (const char *at = list; (at = strchr(at, ',')) != NULL; at++)
        count++;
    for (unsigned i = 0; i < turn % count; i++)
        first = strchr(first, ',') + 1;
    buf_add_text(out, text(first));
    if (first == list)
        return;
    buf_add_byte(out, ',');
    buf_add(out, list, (size_t)(first - list) - 1);
}

PGconn *db_hosts_connect(const char *conninfo, unsigned turn)
{
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    size_t count = 0, given = 0;

    if (options == NULL)
        return PQconnectStart(conninfo);
    while (options[count].keyword != NULL)
        count++;

    const char **keywords = xcalloc(count + 1, sizeof(*keywords));
    const char **values = xcalloc(count + 1, sizeof(*values));
    struct buf *turned = xcalloc(count + 1, sizeof(*turned));
    for (size_t i = 0; i < count; i++) {
        if (options[i].val == NULL)
            continue;
        keywords[given] = options[i].keyword;
        if (is_list(options[i].keyword))
            db_hosts_turn(options[i].val, turn, &turned[given]);
        else
            buf_add_text(&turned[given], text(options[i].val));
        values[given] = buf_cstring(&turned[given]);
        given++;
    }
    PGconn *pg = PQconnectStartParams(keywords, values, 0);
    for (size_t i = 0; i < given; i++)
        buf_fini(&turned[i]);
    free(turned);
    free(values);
    free(keywords);
    PQconninfoFree(options);
    return pg;
}
