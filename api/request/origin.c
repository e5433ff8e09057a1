#include "api/request/origin.h"

#include <strings.h>

#include "api/settings.h"

/* "chat.example" of "chat.example:8000", "[::1]" of "[::1]:8000". */
static struct text without_port(struct text host)
{
    for (size_t i = host.len; i-- > 0;) {
        if (host.at[i] == ':')
            return text_of(host.at, i);
        if (host.at[i] < '0' || host.at[i] > '9')
            break;
    }
    return host;
}

static struct text host_of(struct text origin)
{
    static const struct text schemes[] = {TEXT("http://"), TEXT("https://")};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (text_starts(origin, schemes[i]))
            return without_port(text_after(origin, schemes[i].len));
    return (struct text){0};
}

bool origin_allowed(const char *list, struct text origin, struct text host)
{
    if (list != NULL && list[0] != '\0')
        return settings_list_has(list, origin);

    const struct text page = host_of(origin), ours = without_port(host);
    return page.len > 0 && page.len == ours.len && strncasecmp(page.at, ours.at, page.len) == 0;
}
