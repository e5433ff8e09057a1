/*
 * settings: the options of the `parley` commands. Names and meaning are those of the programs, so
 * that one environment or one file serves all; a command adds its own.
 */
#pragma once

#include <stdint.h>

#include "base/options.h"

enum setting {
    USES_DATABASE = 1, /* db.url */
    USES_SCHEMA = 2,   /* schema.dir */
    USES_REDIS = 4,    /* redis.* */
    USES_TOKEN = 8,    /* token.* */
    USES_API = 16,     /* api.url */
    USES_FLEET = 32,   /* gateways.url, bus.urls, secrets.dir */
    USES_GATEWAY = 64, /* client.token.*, client.subscription_token.* */
    USES_CHECKING = 128, /* those of them that only who checks needs */
};

/* One set of the gateway's keys. */
struct token_settings {
    char *hmac_secret_key;
    char *rsa_public_key, *ecdsa_public_key; /* PEM */
    char *audience, *issuer;                 /* "": none */
};

struct settings {
    char *db_url; /* NULL unless given, as are the others without a default */
    char *schema_dir;
    char *redis_host;
    int64_t redis_port;
    char *redis_password;
    char *token_secret;
    char *token_audience;
    char *api_url;
    char *gateways_url;
    char *bus_urls;
    char *secrets_dir;
    struct token_settings client_token, subscription_token;
    bool subscription_token_enabled;
};

struct command_line {
    const char *name;    /* "parley migrate" */
    const char *summary; /* first lines of --help */
    unsigned uses;       /* of enum setting: what --help shows */
    struct option *own;  /* the command's own options */
    size_t own_count;
    bool takes_operands;
    char **operands; /* out; the caller's to free */
    int operand_count;
};

/* Once per process. Ends it on --help and on bad values, as options_load() does. `argv[0]` is the
 * command's name. */
const struct settings *settings_load(struct command_line *line, int argc, char **argv);
