#include "operator/redis_probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <hiredis/hiredis.h>

static const struct timeval patience = {.tv_sec = 2};

static enum err refuse(struct redis_probe *probe, const char *why, enum err err)
{
    snprintf(probe->why, sizeof(probe->why), "%s", why);
    return err;
}

static enum err sign_in(struct redis_probe *probe, redisContext *redis, const char *password)
{
    redisReply *reply =
        password != NULL ? redisCommand(redis, "AUTH %s", password) : redisCommand(redis, "PING");
    enum err err = ERR_OK;

    if (reply == NULL)
        return refuse(probe, redis->errstr, ERR_UNAVAILABLE);
    if (reply->type == REDIS_REPLY_ERROR)
        err = refuse(probe, reply->str, ERR_BAD_CREDENTIALS);
    freeReplyObject(reply);
    return err;
}

/* Writes the value of a setting; "" when Redis does not tell (managed ones forbid CONFIG). */
static void read_setting(redisContext *redis, const char *name, char *out, size_t size)
{
    redisReply *reply = redisCommand(redis, "CONFIG GET %s", name);

    out[0] = '\0';
    if (reply == NULL)
        return;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 && reply->element[1]->str != NULL)
        snprintf(out, size, "%s", reply->element[1]->str);
    freeReplyObject(reply);
}

static void read_settings(struct redis_probe *probe, redisContext *redis)
{
    char value[64];

    read_setting(redis, "maxmemory-policy", probe->policy, sizeof(probe->policy));
    read_setting(redis, "maxmemory", value, sizeof(value));
    probe->maxmemory = strtoll(value, NULL, 10);
    read_setting(redis, "appendonly", value, sizeof(value));
    probe->persists = strcmp(value, "yes") == 0;
    read_setting(redis, "save", value, sizeof(value));
    probe->persists = probe->persists || value[0] != '\0';
}

enum err redis_probe(struct redis_probe *probe, const char *host, int port, const char *password)
{
    enum err err;

    *probe = (struct redis_probe){0};
    redisContext *redis = host[0] == '/' ? redisConnectUnixWithTimeout(host, patience)
                                         : redisConnectWithTimeout(host, port, patience);
    CHECK(redis != NULL);
    if (redis->err != 0 || redisSetTimeout(redis, patience) != REDIS_OK)
        err = refuse(probe, redis->errstr, ERR_UNAVAILABLE);
    else if ((err = sign_in(probe, redis, password)) == ERR_OK)
        read_settings(probe, redis);
    redisFree(redis);
    return err;
}
