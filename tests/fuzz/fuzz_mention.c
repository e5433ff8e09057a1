/* Texts of messages: whoever is found in one stands there behind an @, and is a login that could be. */
#include <stddef.h>
#include <stdint.h>

#include "api/handlers/reactions.h"
#include "api/model/mention.h"
#include "base/base.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char small(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool stands_there(struct text message, const struct mention *mention)
{
    for (size_t at = 0; at + mention->len < message.len; at++) {
        size_t same = 0;
        while (message.at[at] == '@' && same < mention->len && small(message.at[at + 1 + same]) == mention->login[same])
            same++;
        if (same == mention->len)
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct text message = text_of(data, size);
    static struct mentions found, few;

    CHECK(mentions_find(message, SIZE_MAX, &found) == (found.count > 0 || found.room));
    CHECK(found.count <= MENTION_MOST);
    for (size_t i = 0; i < found.count; i++) {
        CHECK(found.list[i].len >= 2 && found.list[i].len <= MENTION_MAX_BYTES && found.list[i].short_len <= found.list[i].len);
        CHECK(stands_there(message, &found.list[i]));
    }
    (void)mentions_find(message, 1, &few);
    CHECK(few.room == found.room && few.count == (found.count > 0 ? 1 : 0));
    if (utf8_valid(message) && reaction_is_emoji(message)) /* the router checks that it is UTF-8 */
        CHECK(size > 0 && size <= 32 && memchr(data, ' ', size) == NULL && memchr(data, '\0', size) == NULL);
    return 0;
}
