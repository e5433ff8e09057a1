#include "api/request/address.h"

#include <arpa/inet.h>

#include "api/settings.h"
#include "base/log.h"

#define PREFIX_V6 64 /* what one household or server gets: single addresses cost nothing */

/* How many bytes it has: 4, 16, or 0 when it is none. An IPv4 address in IPv6's clothes is one of IPv4. */
static size_t read_address(struct text value, unsigned char bytes[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    char digits[INET6_ADDRSTRLEN];

    if (value.len == 0 || value.len >= sizeof(digits))
        return 0;
    memcpy(digits, value.at, value.len);
    digits[value.len] = '\0';
    if (inet_pton(AF_INET, digits, bytes) == 1)
        return 4;
    if (inet_pton(AF_INET6, digits, bytes) != 1)
        return 0;
    if (memcmp(bytes, mapped, sizeof(mapped)) != 0)
        return 16;
    memmove(bytes, bytes + sizeof(mapped), 4);
    return 4;
}

static bool is_address(struct text value)
{
    unsigned char bytes[16];
    return read_address(value, bytes) > 0;
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

/* ---- networks ---- */

struct network {
    unsigned char bytes[16];
    size_t len;
    unsigned bits;
};

/* "10.0.0.0/8", "::1" */
static bool read_network(struct text value, struct network *network)
{
    const char *slash = value.len > 0 ? memchr(value.at, '/', value.len) : NULL;
    const size_t address_len = slash != NULL ? (size_t)(slash - value.at) : value.len;

    network->len = read_address(text_of(value.at, address_len), network->bytes);
    if (network->len == 0)
        return false;
    network->bits = (unsigned)network->len * 8;
    if (slash == NULL)
        return true;
    const struct text digits = text_after(value, address_len + 1);
    unsigned bits = 0;
    if (digits.len == 0 || digits.len > 3)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return false;
        bits = bits * 10 + (unsigned)(digits.at[i] - '0');
    }
    if (bits > network->bits)
        return false;
    network->bits = bits;
    return true;
}

bool address_is_network(struct text value)
{
    struct network network;
    return read_network(value, &network);
}

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    const unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

bool address_in(const char *networks, struct text address)
{
    unsigned char bytes[16];
    const size_t len = read_address(address, bytes);
    struct network network;

    for (struct text rest = text(networks), item; len > 0 && settings_next(&rest, &item);)
        if (read_network(item, &network) && network.len == len && same_bits(bytes, network.bytes, network.bits))
            return true;
    return false;
}

struct text address_behind_proxies(const char *trusted, struct text direct, struct text forwarded)
{
    struct text address = direct;

    while (forwarded.len > 0 && address_in(trusted, address)) {
        const struct text item = last_item(&forwarded);
        if (!is_address(item))
            break;
        address = item;
    }
    return address;
}

bool address_check_option(const char *option, const char *networks, const char *word)
{
    for (struct text rest = text(networks), item; settings_next(&rest, &item);)
        if (!address_is_network(item) && !text_equal(item, text(word))) {
            log_error("%s: %.*s is no address and no network like 10.0.0.0/8%s%s", option, TEXT_ARGS(item), word[0] != '\0' ? ", and not " : "", word);
            return false;
        }
    return true;
}

void address_network(struct text address, struct buf *out)
{
    char digits[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    const size_t len = read_address(address, bytes);

    if (len == 0) {
        buf_add_text(out, address);
        return;
    }
    if (len == 16)
        memset(bytes + PREFIX_V6 / 8, 0, 16 - PREFIX_V6 / 8);
    inet_ntop(len == 16 ? AF_INET6 : AF_INET, bytes, digits, sizeof(digits));
    buf_printf(out, "%s%s", digits, len == 16 ? "/64" : "");
}
