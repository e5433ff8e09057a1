#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/jwt.h"
#include "operator/commands.h"
#include "operator/life.h"
#include "operator/report.h"
#include "operator/settings.h"

static void print_token(const struct settings *settings, const char *user, const char *session,
                        int64_t life_s)
{
    const int64_t now_s = clock_wall_us() / 1000000;
    struct buf claims = {0}, token = {0};
    struct json_out out = {.buf = &claims};

    json_open(&out, '{');
    json_key_text(&out, "sub", text(user));
    json_key_text(&out, "sid", text(session));
    json_key_text(&out, "aud", text(settings->token_audience));
    json_key_i64(&out, "iat", now_s);
    json_key_i64(&out, "exp", now_s + life_s);
    json_close(&out, '}');
    jwt_sign(&token, buf_text(&claims), text(settings->token_secret));
    printf("%s\n", buf_cstring(&token));
    buf_fini(&claims);
    buf_fini(&token);
}

int command_token(int argc, char **argv)
{
    static char *user, *session, *life;
    int64_t life_s, id;
    struct option own[] = {
        {.name = "user",
         .type = OPTION_TEXT,
         .value = &user,
         .help = "Id of the user it speaks for."},
        {.name = "session",
         .type = OPTION_TEXT,
         .value = &session,
         .help = "Id of the session it belongs to."},
        {.name = "life",
         .type = OPTION_TEXT,
         .value = &life,
         .fallback = "10m",
         .help = "How long it is valid: seconds, or a number with s, m, h or d."},
    };
    struct command_line line = {
        .name = "parley token",
        .summary =
            "Prints an access token (JWT, HS256) for tests and scripts. The session must be a "
            "living one of the user: the API believes the token until it ends, gateways ask.",
        .uses = USES_TOKEN,
        .own = own,
        .own_count = ARRAY_COUNT(own),
    };

    const struct settings *settings = settings_load(&line, argc, argv);
    if (settings->token_secret == NULL) {
        report("Give the APIs' key with --token.secret.file=FILE or PARLEY_TOKEN_SECRET_FILE.",
               "there is no key to sign with");
        return 2;
    }
    if (!id_parse(text(user), &id) || !id_parse(text(session), &id)) {
        report(NULL, "--user and --session are ids: digits, as the API shows them");
        return 2;
    }
    if (!life_parse(life, &life_s)) {
        report(NULL, "--life is a number with s, m, h or d behind it, up to 366d: 10m");
        return 2;
    }
    print_token(settings, user, session, life_s);
    return 0;
}
