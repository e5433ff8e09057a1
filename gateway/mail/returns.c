#include "gateway/mail/returns.h"

#include <stdlib.h>

/* A record: this, then the bytes of the three texts. */
struct record {
    uint32_t full, member, channel_len, user_len, client_len;
};

struct returns *returns_create(unsigned loop)
{
    struct returns *returns = xcalloc(1, sizeof(*returns));

    returns->letter.kind = LETTER_RETURNS;
    returns->loop = loop;
    return returns;
}

void returns_destroy(struct returns *returns)
{
    if (returns == NULL)
        return;
    buf_fini(&returns->bytes);
    free(returns);
}

void returns_add(struct returns *returns, const struct returned *returned)
{
    const struct record record = {
        .full = returned->full,
        .member = returned->member,
        .channel_len = (uint32_t)returned->channel.len,
        .user_len = (uint32_t)returned->user.len,
        .client_len = (uint32_t)returned->client.len,
    };

    buf_add(&returns->bytes, &record, sizeof(record));
    buf_add_text(&returns->bytes, returned->channel);
    buf_add_text(&returns->bytes, returned->user);
    buf_add_text(&returns->bytes, returned->client);
    returns->count++;
}

static struct text take(const char **at, uint32_t len)
{
    const struct text text = text_of(*at, len);

    *at += len;
    return text;
}

bool returns_next(const struct returns *returns, size_t *at, struct returned *out)
{
    const char *bytes = returns->bytes.at + *at;
    struct record record;

    if (*at == returns->bytes.len)
        return false;
    memcpy(&record, bytes, sizeof(record));
    bytes += sizeof(record);
    out->full = record.full;
    out->member = record.member;
    out->channel = take(&bytes, record.channel_len);
    out->user = take(&bytes, record.user_len);
    out->client = take(&bytes, record.client_len);
    *at = (size_t)(bytes - returns->bytes.at);
    return true;
}
