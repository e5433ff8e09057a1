#include "gateway/mail/notice.h"

#include <stdlib.h>

static struct text keep(struct text text, char **bytes)
{
    char *at = *bytes;

    if (text.len > 0)
        memcpy(at, text.at, text.len);
    *bytes += text.len;
    return text_of(at, text.len);
}

struct notice *notice_create(enum notice_kind kind, struct text channel)
{
    struct notice *notice = xcalloc(1, sizeof(*notice) + channel.len);
    char *bytes = (char *)(notice + 1);

    notice->letter.kind = LETTER_NOTICE;
    notice->kind = kind;
    notice->channel = keep(channel, &bytes);
    return notice;
}

struct notice *notice_disconnect(struct text user, struct text session, int code,
                                 struct text reason)
{
    struct notice *notice = xcalloc(1, sizeof(*notice) + user.len + session.len + reason.len);
    char *bytes = (char *)(notice + 1);

    notice->letter.kind = LETTER_NOTICE;
    notice->kind = NOTICE_DISCONNECT;
    notice->code = code;
    notice->user = keep(user, &bytes);
    notice->session = keep(session, &bytes);
    notice->reason = keep(reason, &bytes);
    return notice;
}

void notice_destroy(struct notice *notice)
{
    if (notice == NULL)
        return;
    frame_unref(notice->frame);
    free(notice);
}
