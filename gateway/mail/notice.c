#include "gateway/mail/notice.h"

#include <stdlib.h>

struct notice *notice_create(enum notice_kind kind, struct text channel)
{
    struct notice *notice = xcalloc(1, sizeof(*notice));

    notice->letter.kind = LETTER_NOTICE;
    notice->kind = kind;
    notice->channel = arena_text(&notice->arena, channel);
    return notice;
}

struct notice *notice_presence(enum notice_kind kind, struct text channel,
                               const struct client_info *info)
{
    struct notice *notice = notice_create(kind, channel);

    notice->info = (struct client_info){
        arena_text(&notice->arena, info->user),
        arena_text(&notice->arena, info->client),
        arena_text(&notice->arena, info->conn_info),
        arena_text(&notice->arena, info->chan_info),
    };
    return notice;
}

struct notice *notice_disconnect(struct text user, struct text session, int code,
                                 struct text reason)
{
    struct notice *notice = notice_create(NOTICE_DISCONNECT, (struct text){0});

    notice->code = code;
    notice->user = arena_text(&notice->arena, user);
    notice->session = arena_text(&notice->arena, session);
    notice->reason = arena_text(&notice->arena, reason);
    return notice;
}

struct notice *notice_order(const struct order *order)
{
    struct notice *notice = notice_create(NOTICE_ORDER, (struct text){0});

    notice->order = order_copy(order);
    return notice;
}

struct notice *notice_rooms(struct text user, const struct names *rooms)
{
    struct notice *notice = notice_create(NOTICE_ROOMS, (struct text){0});
    struct text *at = arena_alloc(&notice->arena, rooms->count * sizeof(*at));

    for (size_t i = 0; i < rooms->count; i++)
        at[i] = arena_text(&notice->arena, rooms->at[i]);
    notice->user = arena_text(&notice->arena, user);
    notice->rooms = (struct names){at, rooms->count};
    return notice;
}

struct notice *notice_removed(struct text user, struct text room)
{
    struct notice *notice = notice_create(NOTICE_REMOVED, room);

    notice->user = arena_text(&notice->arena, user);
    return notice;
}

struct notice *notice_emulation(struct text session, struct text data)
{
    struct notice *notice = notice_create(NOTICE_EMULATION, (struct text){0});

    notice->session = arena_text(&notice->arena, session);
    notice->data = arena_text(&notice->arena, data);
    return notice;
}

void notice_destroy(struct notice *notice)
{
    if (notice == NULL)
        return;
    order_destroy(notice->order);
    arena_fini(&notice->arena);
    free(notice);
}
