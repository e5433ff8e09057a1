#include "gateway/loop/surveying.h"

#include "base/json.h"
#include "gateway/loop/client.h"
#include "gateway/pattern/glob.h"

#define CHANNELS_SHOWN_MAX 128 /* of one connection */

/* ---- channels ---- */

/* Where a user's connections are kept is no channel, when this gateway is alone. */
static bool is_shown(const struct loop *loop, struct text channel)
{
    return loop_is_on_bus(loop) || !text_starts(channel, loop->user_prefix);
}

static void add_channels(struct loop *loop, struct survey *survey)
{
    const struct hub_channel *channel = NULL;

    while ((channel = hub_next(loop->hub, channel)) != NULL) {
        const struct text name = hub_channel_name(channel);
        if (channel->full.count == 0 || !is_shown(loop, name) ||
            !survey_part_has(&survey->part, name) ||
            (survey->pattern.len > 0 && !glob_matches(survey->pattern, name)))
            continue;
        if (!survey_add(survey, channel->full.count, name, (struct text){0}))
            return;
    }
}

/* ---- connections ---- */

static void write_channels(struct json_out *out, const struct client *client)
{
    uint32_t count = 0;

    json_key(out, "channels");
    json_open(out, '[');
    for (uint32_t i = 0; i < client->follower.count && count < CHANNELS_SHOWN_MAX; i++) {
        const struct subscription *sub = &client->follower.subs[i];
        if ((sub->flags & HUB_FULL) == 0 || sub->channel == client->user)
            continue;
        json_text(out, hub_channel_name(sub->channel));
        count++;
    }
    json_close(out, ']');
}

/* False: the survey is full. */
static bool add_connection(struct survey *survey, const struct client *client)
{
    const struct format_row *format = client_format(client);
    struct buf json = {0};
    struct json_out out = {.buf = &json};

    json_open(&out, '{');
    json_key_text(&out, "user", client_user(client));
    json_key_text(&out, "transport", text(format->transport));
    json_key_text(&out, "protocol",
                  format->codec->type == PROTOCOL_JSON ? TEXT("json") : TEXT("protobuf"));
    json_key_i64(&out, "connected_at", client->connected_s);
    write_channels(&out, client);
    json_close(&out, '}');
    const bool fits = survey_add(survey, 1, text(client->id), buf_text(&json));
    buf_fini(&json);
    if (fits)
        survey->left--;
    return fits;
}

static void add_of_user(struct loop *loop, struct survey *survey)
{
    const struct hub_channel *user = loop_find_user(loop, survey->user);

    for (uint32_t i = 0; user != NULL && i < user->full.count && survey->left > 0; i++)
        if (!add_connection(survey, client_of(user->full.at[i].follower)))
            return;
}

static void add_connections(struct loop *loop, struct survey *survey)
{
    if (survey->has_user) {
        add_of_user(loop, survey);
        return;
    }
    for (const struct client *client = loop->clients; client != NULL && survey->left > 0;
         client = client->next)
        if (client->state == CLIENT_CONNECTED && !add_connection(survey, client))
            return;
}

/* ---- who is there ---- */

static void add_statuses(struct loop *loop, struct survey *survey)
{
    for (size_t i = 0; i < survey->user_count; i++) {
        const struct text user = survey->users[i];
        const struct hub_channel *clients = loop_find_user(loop, user);
        if (!survey_add_status(survey, clients != NULL ? clients->full.count : 0, user,
                               seen_when(&loop->seen, user)))
            return;
    }
}

/* ---- numbers ---- */

static void add_numbers(struct loop *loop, struct survey *survey)
{
    struct metrics *const metrics[] = {&loop->metrics};

    survey->numbers.clients += loop->client_count;
    survey->numbers.users += loop->user_count;
    survey->numbers.subs +=
        metrics_left(metrics, 1, METRIC_SUBSCRIBES, METRIC_SUBSCRIPTIONS_ENDED);
}

void surveying_answer(struct loop *loop, struct survey *survey)
{
    switch (survey->kind) {
    case SURVEY_CHANNELS:
        add_channels(loop, survey);
        break;
    case SURVEY_CONNECTIONS:
        add_connections(loop, survey);
        break;
    case SURVEY_STATUSES:
        add_statuses(loop, survey);
        break;
    case SURVEY_NUMBERS:
        add_numbers(loop, survey);
        break;
    }
}
