#include "gateway/outside/fetch.h"

#include <stdlib.h>

#define TIMEOUT_MS       1000
#define ANSWER_MAX_BYTES (1024 * 1024)

struct fetch *fetch_create(const char *url, struct mailbox *home, fetch_done_fn done, void *context)
{
    struct fetch *fetch = xcalloc(1, sizeof(*fetch));

    fetch->letter.kind = LETTER_FETCHED;
    fetch->home = home;
    fetch->done = done;
    fetch->context = context;
    fetch->url = xstrdup(url);
    fetch->timeout_ms = TIMEOUT_MS;
    fetch->answer_max = ANSWER_MAX_BYTES;
    return fetch;
}

void fetch_destroy(struct fetch *fetch)
{
    if (fetch == NULL)
        return;
    buf_fini(&fetch->body);
    buf_fini(&fetch->headers);
    buf_fini(&fetch->answer);
    free(fetch->url);
    free(fetch);
}

/* RFC 9110 5.6.2 */
static bool is_token(struct text name)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < name.len; i++) {
        const char byte = name.at[i];
        const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        const bool digit = byte >= '0' && byte <= '9';
        if (!letter && !digit && memchr(marks, byte, sizeof(marks) - 1) == NULL)
            return false;
    }
    return name.len > 0;
}

static bool is_field_value(struct text value)
{
    for (size_t i = 0; i < value.len; i++) {
        const unsigned char byte = (unsigned char)value.at[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return false;
    }
    return true;
}

bool fetch_header_fits(struct text name, struct text value)
{
    return is_token(name) && is_field_value(value);
}

bool fetch_add_header(struct fetch *fetch, struct text name, struct text value)
{
    if (!fetch_header_fits(name, value))
        return false;
    buf_add_text(&fetch->headers, name);
    if (value.len == 0) { /* libcurl: "name:" would be no header at all */
        buf_add_byte(&fetch->headers, ';');
    } else {
        buf_add(&fetch->headers, ": ", 2);
        buf_add_text(&fetch->headers, value);
    }
    buf_add_byte(&fetch->headers, '\0');
    return true;
}
