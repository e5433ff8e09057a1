#include "gateway/outside/webhook_event.h"

#include "base/json.h"

static const struct {
    const char *type;
    bool has_client, has_channel;
} kinds[] = {
#define X(name, type, client, channel) {type, client, channel},
    WEBHOOK_TABLE(X)
#undef X
};

bool webhook_kind_named(struct text name, enum webhook_kind *kind)
{
    for (size_t i = 0; i < WEBHOOK_KIND_COUNT; i++) {
        if (!text_equal(text(kinds[i].type), name))
            continue;
        *kind = (enum webhook_kind)i;
        return true;
    }
    return false;
}

void webhook_event_write(struct buf *to, const struct webhook_event *event, int64_t time_ms)
{
    struct json_out out = {.buf = to};

    json_key_text(&out, "type", text(kinds[event->kind].type));
    json_key_i64(&out, "time_ms", time_ms);
    if (kinds[event->kind].has_client) {
        json_key_text(&out, "user", event->user);
        json_key_text(&out, "client", event->client);
    }
    if (kinds[event->kind].has_channel)
        json_key_text(&out, "channel", event->channel);
    if (event->transport.len > 0)
        json_key_text(&out, "transport", event->transport);
    if (event->code != 0) {
        json_key_i64(&out, "code", event->code);
        json_key_text(&out, "reason", event->reason);
    }
}
