#include "api/request/address.h"

#include <arpa/inet.h>

#include "api/settings.h"

static bool is_address(struct text value)
{
    char digits[INET6_ADDRSTRLEN];
    unsigned char bytes[16];

    if (value.len == 0 || value.len >= sizeof(digits))
        return false;
    memcpy(digits, value.at, value.len);
    digits[value.len] = '\0';
    return inet_pton(AF_INET, digits, bytes) == 1 || inet_pton(AF_INET6, digits, bytes) == 1;
}

/* Cuts the last item off "a, b, c". */
static struct text last_item(struct text *list)
{
    size_t at = list->len;
    while (at > 0 && list->at[at - 1] != ',')
        at--;
    struct text item = text_after(*list, at);
    list->len = at > 0 ? at - 1 : 0;
    while (item.len > 0 && item.at[0] == ' ')
        item = text_after(item, 1);
    while (item.len > 0 && item.at[item.len - 1] == ' ')
        item.len--;
    return item;
}

struct text address_behind_proxies(const char *trusted, struct text direct, struct text forwarded)
{
    struct text address = direct;

    while (forwarded.len > 0 && settings_list_has(trusted, address)) {
        const struct text item = last_item(&forwarded);
        if (!is_address(item))
            break;
        address = item;
    }
    return address;
}
