#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/jwt.h"
#include "operator/commands.h"
#include "operator/gateway_keys.h"
#include "operator/report.h"

#define NO_ADVICE   "%s", ""
#define YEAR_9999_S 253402300799 /* clock_format() goes no further */

/* ---- what it says ---- */

static void print_part(const char *name, struct text part)
{
    struct buf bytes = {0};

    if (jwt_read_part(part, &bytes) && json_is_valid(buf_text(&bytes)))
        printf("%-9s%s\n", name, buf_cstring(&bytes));
    buf_fini(&bytes);
}

static void print_time(const char *name, struct json_value claim)
{
    char time[CLOCK_RFC3339_BYTES];
    int64_t seconds;

    if (!jwt_read_date(claim, -1, &seconds) || seconds < 0 || seconds > YEAR_9999_S)
        return;
    clock_format(seconds * 1000000, time);
    printf("%-9s%s\n", name, time);
}

static bool is_for_subscription(struct json_value claims)
{
    return json_is_given(json_get(claims, "channel"));
}

static void print_claims(struct json_value claims)
{
    printf("%-9s%s\n", "kind",
           is_for_subscription(claims) ? "subscription token" : "connection token");
    print_time("issued", json_get(claims, "iat"));
    print_time("from", json_get(claims, "nbf"));
    print_time("expires", json_get(claims, "exp"));
}

/* ---- is it good ---- */

/* `next`, a line of its own, says what to do or what was expected; NO_ADVICE when there is nothing
 * to say. */
static int refuse(const char *why, const char *next, ...) __attribute__((format(printf, 2, 3)));

static int refuse(const char *why, const char *next, ...)
{
    va_list args;
    char line[512];

    va_start(args, next);
    vsnprintf(line, sizeof(line), next, args);
    va_end(args);
    printf("not valid: %s\n", why);
    if (line[0] != '\0')
        printf("  %s\n", line);
    return 1;
}

/* What the key for `type` is, and how the option is called. */
static struct text key_of(const struct gateway_keys *keys, enum jwt_key_type type,
                          const char **option)
{
    if (type == JWT_KEY_SECRET) {
        *option = "hmac_secret_key";
        return keys->secret;
    }
    *option = type == JWT_KEY_RSA ? "rsa_public_key" : "ecdsa_public_key";
    return type == JWT_KEY_RSA ? keys->rsa_public_key : keys->ecdsa_public_key;
}

/* The key for tokens of this type; NULL: there is none, and why was said. */
static struct jwt_key *choose_key(const struct gateway_keys *keys, enum jwt_key_type type)
{
    char why[JWT_KEY_WHY_BYTES];
    const char *option;
    const struct text given = key_of(keys, type, &option);

    if (given.len == 0) {
        refuse("there is no key for its algorithm", "Give it with --%s.%s.file=FILE%s", keys->place,
               option,
               type == JWT_KEY_SECRET
                   ? "."
                   : "; of a key set (jwks_public_endpoint) gateways alone know.");
        return NULL;
    }
    if (type == JWT_KEY_SECRET)
        return jwt_key_from_secret(given);
    struct jwt_key *key = jwt_key_from_pem(given, why);
    if (key == NULL)
        refuse("the key for its algorithm cannot be used", "%s.%s: %s", keys->place, option, why);
    return key;
}

static int check_signature(const struct jwt *jwt, const struct gateway_keys *keys)
{
    const enum jwt_key_type type = jwt_algorithm_key(jwt->algorithm);

    if (type == JWT_KEY_NONE)
        return refuse("its algorithm is not known here",
                      "Known are HS, RS and ES with 256, 384 and 512, and EdDSA.");
    if (type == JWT_KEY_ED25519)
        return refuse("EdDSA is for keys of a key set (jwks_public_endpoint)",
                      "Gateways alone know these.");
    struct jwt_key *key = choose_key(keys, type);
    if (key == NULL)
        return 1;
    const enum jwt_fault fault = jwt_check_signature(jwt, key);
    jwt_key_unref(key);
    if (fault == JWT_WRONG_KEY)
        return refuse("the key for its algorithm is of another type, or on another curve",
                      NO_ADVICE);
    return fault == JWT_GOOD ? 0 : refuse(jwt_fault_text(fault), "Was it signed with another key?");
}

/* The mistakes that are made most. */
static int check_names(struct json_value claims)
{
    const enum json_kind sub = json_kind(json_get(claims, "sub"));
    struct buf channel = {0};

    if (sub == JSON_NUMBER)
        return refuse("\"sub\" is a number, and ids of users are strings",
                      "Write \"sub\": \"42\".");
    if (sub != JSON_STRING && sub != JSON_NONE && sub != JSON_NULL)
        return refuse("\"sub\" is no string", NO_ADVICE);
    const bool named = json_to_text(json_get(claims, "channel"), &channel) && channel.len > 0;
    buf_fini(&channel);
    if (is_for_subscription(claims) && !named)
        return refuse("\"channel\" is no string, or empty", NO_ADVICE);
    return 0;
}

static int check_claims(struct json_value claims, const struct gateway_keys *keys)
{
    const struct jwt_rules rules = {
        .audience = keys->audience, .issuer = keys->issuer, .now_us = clock_wall_us()};
    const enum jwt_fault fault = jwt_check_claims(claims, &rules);

    switch (fault) {
    case JWT_GOOD:
        return check_names(claims);
    case JWT_WRONG_AUDIENCE:
        return refuse(jwt_fault_text(fault), "The one asked for is \"%.*s\".", TEXT_ARGS(keys->audience));
    case JWT_WRONG_ISSUER:
        return refuse(jwt_fault_text(fault), "The one asked for is \"%.*s\".", TEXT_ARGS(keys->issuer));
    default:
        return refuse(jwt_fault_text(fault), NO_ADVICE);
    }
}

static int check_opened(const struct jwt *jwt, struct json_value claims,
                        const struct settings *settings)
{
    const struct gateway_keys keys = gateway_keys_of(settings, is_for_subscription(claims));
    int status;

    print_claims(claims);
    if ((status = check_signature(jwt, &keys)) == 0 && (status = check_claims(claims, &keys)) == 0)
        printf("valid\n");
    return status;
}

static int check_token(const char *token, const struct settings *settings)
{
    struct buf payload = {0};
    struct json claims;
    struct jwt jwt;
    enum jwt_fault fault = jwt_take_apart(&jwt, text(token));

    if (fault == JWT_NO_TOKEN)
        return refuse(jwt_fault_text(fault), NO_ADVICE);
    print_part("header", jwt.header);
    print_part("claims", jwt.payload);
    if (fault != JWT_GOOD)
        return refuse(jwt_fault_text(fault), NO_ADVICE);
    fault = jwt_read_claims(&jwt, &payload, &claims);
    const int status = fault == JWT_GOOD ? check_opened(&jwt, json_root(&claims), settings)
                                         : refuse(jwt_fault_text(fault), NO_ADVICE);
    json_fini(&claims);
    buf_fini(&payload);
    return status;
}

int command_checktoken(int argc, char **argv)
{
    struct command_line line = {
        .name = "parley checktoken",
        .summary =
            "Shows what a token of a connection or a subscription says, and whether gateways "
            "with these\noptions take it. Exit status 1 when they do not. Previous keys, key sets (JWKS) "
            "and\nregular expressions of audience and issuer are not looked at.\n\n"
            "Example: parley checktoken --client.token.hmac_secret_key.file=key \"$TOKEN\"",
        .uses = USES_TOKEN | USES_GATEWAY | USES_CHECKING,
        .takes_operands = true,
    };
    const struct settings *settings = settings_load(&line, argc, argv);
    int status = 2;

    if (line.operand_count == 1)
        status = check_token(line.operands[0], settings);
    else
        report(NULL, "parley checktoken TOKEN: it checks one token");
    free(line.operands);
    return status;
}
