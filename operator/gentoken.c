#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/jwt.h"
#include "base/utf8.h"
#include "operator/commands.h"
#include "operator/gateway_keys.h"
#include "operator/life.h"
#include "operator/report.h"

#define USER_MAX 255 /* bytes, as gateways have it */

#define LIFE_ROW                                                                                   \
    {.name = "ttl",                                                                                \
     .type = OPTION_TEXT,                                                                          \
     .value = &wish.life,                                                                          \
     .fallback = "1h",                                                                             \
     .help = "How long it is valid: seconds, or a number with s, m, h or d; 0: for ever."}

/* What the token is to say, as given. */
struct wish {
    char *user, *life, *info;
    char *channels; /* comma-separated */
    char *channel;  /* of a subscription token */
};

static bool is_text(const char *option, const char *value)
{
    if (utf8_valid(text(value)))
        return true;
    report(NULL, "--%s is not UTF-8", option);
    return false;
}

static bool check_info(const char *info)
{
    char why[96];

    if (info[0] == '\0' || json_validate(text(info), why) == ERR_OK)
        return true;
    report("In a shell, put it in single quotes: --info '{\"name\":\"Ada\"}'",
           "--info is no JSON: %s", why);
    return false;
}

/* Everything that gateways would refuse later is refused here, where one sees why. */
static bool check_wish(const struct wish *wish, int64_t *life_s)
{
    *life_s = 0;
    if (!is_text("user", wish->user) || !check_info(wish->info))
        return false;
    if (text(wish->user).len > USER_MAX) {
        report(NULL, "--user has more than %d bytes", USER_MAX);
        return false;
    }
    if (strcmp(wish->life, "0") != 0 && !life_parse(wish->life, life_s)) {
        report(NULL,
               "--ttl is a number of seconds, or one with s, m, h or d behind it, up to 366d; "
               "0: for ever");
        return false;
    }
    return true;
}

static void write_channels(struct json_out *out, const char *list)
{
    struct text rest = text(list);

    if (rest.len == 0)
        return;
    json_key(out, "channels");
    json_open(out, '[');
    while (rest.len > 0) {
        const char *comma = memchr(rest.at, ',', rest.len);
        const size_t len = comma != NULL ? (size_t)(comma - rest.at) : rest.len;
        if (len > 0)
            json_text(out, text_of(rest.at, len));
        rest = text_after(rest, comma != NULL ? len + 1 : len);
    }
    json_close(out, ']');
}

static void write_claims(struct buf *claims, const struct wish *wish,
                         const struct gateway_keys *keys, int64_t life_s)
{
    const int64_t now_s = clock_wall_us() / 1000000;
    struct json_out out = {.buf = claims};

    json_open(&out, '{');
    json_key_text(&out, "sub", text(wish->user));
    if (wish->channel != NULL)
        json_key_text(&out, "channel", text(wish->channel));
    if (wish->channels != NULL)
        write_channels(&out, wish->channels);
    if (wish->info[0] != '\0')
        json_key_raw(&out, "info", text(wish->info));
    if (keys->audience.len > 0)
        json_key_text(&out, "aud", keys->audience);
    if (keys->issuer.len > 0)
        json_key_text(&out, "iss", keys->issuer);
    json_key_i64(&out, "iat", now_s);
    if (life_s > 0)
        json_key_i64(&out, "exp", now_s + life_s);
    json_close(&out, '}');
}

static int print_token(const struct wish *wish, const struct gateway_keys *keys, int64_t life_s)
{
    struct buf claims = {0}, token = {0};

    if (keys->secret.len == 0) {
        report("Give the gateways' with --client.token.hmac_secret_key.file=FILE, or the file that "
               "they have with --config.",
               "there is no key to sign with: %s.hmac_secret_key", keys->place);
        return 2;
    }
    write_claims(&claims, wish, keys, life_s);
    jwt_sign(&token, buf_text(&claims), keys->secret);
    const bool fits = token.len <= JWT_LENGTH_MAX;
    if (fits)
        printf("%s\n", buf_cstring(&token));
    else
        report(NULL, "the token would have more than %d bytes", JWT_LENGTH_MAX);
    buf_fini(&claims);
    buf_fini(&token);
    return fits ? 0 : 2;
}

int command_gentoken(int argc, char **argv)
{
    static struct wish wish;
    struct option own[] = {
        {.name = "user",
         .type = OPTION_TEXT,
         .value = &wish.user,
         .help = "Id of the user who connects with it; --user= : anonymous."},
        LIFE_ROW,
        {.name = "channels",
         .type = OPTION_TEXT,
         .value = &wish.channels,
         .fallback = "",
         .help = "Channels that the user is subscribed to by it, comma-separated."},
        {.name = "info",
         .type = OPTION_TEXT,
         .value = &wish.info,
         .fallback = "",
         .help = "JSON that others see in presence and with publications."},
    };
    struct command_line line = {
        .name = "parley gentoken",
        .summary = "Prints a connection token (JWT, HS256), signed with the gateways' key.\n\n"
                   "Example: parley gentoken --user 42 --ttl 3600 --channels news,chat "
                   "--info '{\"name\":\"Ada\"}'",
        .uses = USES_TOKEN | USES_GATEWAY,
        .own = own,
        .own_count = ARRAY_COUNT(own),
    };
    int64_t life_s;

    const struct settings *settings = settings_load(&line, argc, argv);
    const struct gateway_keys keys = gateway_keys_of(settings, false);
    if (!check_wish(&wish, &life_s) || !is_text("channels", wish.channels))
        return 2;
    return print_token(&wish, &keys, life_s);
}

int command_gensubtoken(int argc, char **argv)
{
    static struct wish wish;
    struct option own[] = {
        {.name = "user",
         .type = OPTION_TEXT,
         .value = &wish.user,
         .help = "Id of the user whose connection subscribes with it; --user= : anonymous."},
        {.name = "channel",
         .type = OPTION_TEXT,
         .value = &wish.channel,
         .help = "The channel that it is for."},
        LIFE_ROW,
        {.name = "info",
         .type = OPTION_TEXT,
         .value = &wish.info,
         .fallback = "",
         .help = "JSON that others see in the channel's presence."},
    };
    struct command_line line = {
        .name = "parley gensubtoken",
        .summary =
            "Prints a subscription token (JWT, HS256), signed with the gateways' key: with it "
            "the user may\nsubscribe to the channel, whatever the channel's options say.\n\n"
            "Example: parley gensubtoken --user 42 --channel '$news' --ttl 10m",
        .uses = USES_TOKEN | USES_GATEWAY,
        .own = own,
        .own_count = ARRAY_COUNT(own),
    };
    int64_t life_s;

    const struct settings *settings = settings_load(&line, argc, argv);
    const struct gateway_keys keys = gateway_keys_of(settings, true);
    if (!check_wish(&wish, &life_s) || !is_text("channel", wish.channel))
        return 2;
    if (wish.channel[0] == '\0') {
        report(NULL, "--channel is empty");
        return 2;
    }
    return print_token(&wish, &keys, life_s);
}
