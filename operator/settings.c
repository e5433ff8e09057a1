#include "operator/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"

/* Kept for the life of the process, as options_load() keeps what it allocates. */
static struct settings values;

struct shared {
    enum setting group;
    struct option option;
};

/* The table is filtered for --help alone: every command takes all names, since one file serves them
 * all. */
static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

#define OPTION(option_name, kind, member, default_text, sentence)                                  \
    {                                                                                              \
        .name = option_name, .type = kind, .value = &values.member, .fallback = default_text,      \
        .optional = true, .help = sentence                                                         \
    }

/* clang-format off: a table reads best with a row a line */
const struct settings *settings_load(struct command_line *line, int argc, char **argv)
{
    const struct shared shared[] = {
        {USES_DATABASE, OPTION("db.url", OPTION_SECRET, db_url, NULL,
                               "PostgreSQL, as libpq's connection string or URL.")},
        {USES_SCHEMA,
         OPTION("schema.dir", OPTION_TEXT, schema_dir, "",
                "Folder of the schema's files; empty: the one this program was built with.")},
        {USES_REDIS, OPTION("redis.host", OPTION_TEXT, redis_host, "127.0.0.1",
                            "Address of Redis, or the path of its socket.")},
        {USES_REDIS,
         {.name = "redis.port",
          .type = OPTION_NUMBER,
          .value = &values.redis_port,
          .fallback = "6379",
          .unit = "port",
          .min = 1,
          .max = 65535,
          .help = "Port of Redis."}},
        {USES_REDIS,
         OPTION("redis.password", OPTION_SECRET, redis_password, NULL, "Password of Redis.")},
        {USES_TOKEN, OPTION("token.secret", OPTION_SECRET, token_secret, NULL,
                            "Key that signs access tokens (HS256).")},
        {USES_TOKEN, OPTION("token.audience", OPTION_TEXT, token_audience, "parley",
                            "Audience of access tokens.")},
        {USES_GATEWAY, OPTION("client.token.hmac_secret_key", OPTION_SECRET, client_token.hmac_secret_key,
                              NULL, "The gateways' key of tokens (HS256); else token.secret is.")},
        {USES_CHECKING, OPTION("client.token.rsa_public_key", OPTION_SECRET, client_token.rsa_public_key,
                              NULL, "PEM of the key that RS tokens are checked with.")},
        {USES_CHECKING, OPTION("client.token.ecdsa_public_key", OPTION_SECRET,
                              client_token.ecdsa_public_key, NULL,
                              "PEM of the key that ES tokens are checked with.")},
        {USES_GATEWAY, OPTION("client.token.audience", OPTION_TEXT, client_token.audience, "",
                              "Audience that tokens must name.")},
        {USES_GATEWAY, OPTION("client.token.issuer", OPTION_TEXT, client_token.issuer, "",
                              "Issuer that tokens must name.")},
        {USES_GATEWAY,
         OPTION("client.subscription_token.enabled", OPTION_FLAG, subscription_token_enabled, "false",
                "Tokens of subscriptions have keys of their own, the following.")},
        {USES_GATEWAY, OPTION("client.subscription_token.hmac_secret_key", OPTION_SECRET,
                              subscription_token.hmac_secret_key, NULL,
                              "The gateways' key of subscription tokens (HS256).")},
        {USES_CHECKING, OPTION("client.subscription_token.rsa_public_key", OPTION_SECRET,
                              subscription_token.rsa_public_key, NULL,
                              "PEM of the key that their RS tokens are checked with.")},
        {USES_CHECKING, OPTION("client.subscription_token.ecdsa_public_key", OPTION_SECRET,
                              subscription_token.ecdsa_public_key, NULL,
                              "PEM of the key that their ES tokens are checked with.")},
        {USES_GATEWAY, OPTION("client.subscription_token.audience", OPTION_TEXT,
                              subscription_token.audience, "", "Audience that they must name.")},
        {USES_GATEWAY, OPTION("client.subscription_token.issuer", OPTION_TEXT,
                              subscription_token.issuer, "", "Issuer that they must name.")},
        {USES_API,
         OPTION("api.url", OPTION_TEXT, api_url, "http://127.0.0.1:8000", "Address of an API.")},
        {USES_FLEET, OPTION("gateways.url", OPTION_TEXT, gateways_url,
                            "http://127.0.0.1:8001,http://127.0.0.1:8002",
                            "HTTP addresses of the gateways, comma-separated.")},
        {USES_FLEET, OPTION("bus.urls", OPTION_TEXT, bus_urls, "tcp://127.0.0.1:7800",
                            "Bus addresses of the APIs (their bus.listen), comma-separated.")},
        {USES_FLEET, OPTION("secrets.dir", OPTION_TEXT, secrets_dir, "",
                            "Folder of the files with secrets; empty: not looked at.")},
    };
    /* clang-format on */
    const bool help = wants_help(argc, argv);
    struct option *table = xcalloc(line->own_count + ARRAY_COUNT(shared), sizeof(*table));
    size_t count = 0;

    for (size_t i = 0; i < line->own_count; i++)
        table[count++] = line->own[i];
    for (size_t i = 0; i < ARRAY_COUNT(shared); i++)
        if (!help || (line->uses & shared[i].group) != 0)
            table[count++] = shared[i].option;

    struct options options = {.program = line->name,
                              .summary = line->summary,
                              .table = table,
                              .count = count,
                              .takes_operands = line->takes_operands,
                              .reads_others_files = true};
    options_load(&options, argc, argv);
    if (line->takes_operands)
        line->operands = options.operands;
    else
        free(options.operands);
    line->operand_count = options.operand_count;
    free(table);
    return &values;
}
