#include "api/settings.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/option_rows.h"

/* It stands in a statement. */
static void check_language(const char *language)
{
    const size_t len = strlen(language);

    if (len > 0 && len <= 63 && strspn(language, "abcdefghijklmnopqrstuvwxyz0123456789_.") == len)
        return;
    fprintf(stderr, "parley-api: search.language: \"%s\" is no name of a text search configuration\n", language);
    exit(1);
}

/* Two rows: how often, and how often at once. */
#define RATE_OPTIONS(name, which, per_minute_text, burst_text, what)                                                                     \
    NUMBER_OPTION("limits." name ".per_minute", limits.rates[which].per_minute, per_minute_text, "a minute", 0, 6000000,                 \
                  "How often: " what ". More get 429 and are counted (limited_" name "); 0: no limit."),                                 \
    NUMBER_OPTION("limits." name ".burst", limits.rates[which].burst, burst_text, "at once", 1, 1000000, "How many at once, after some silence: " what ".")

/* clang-format off: a table reads best with a row a line */
void settings_load(struct settings *s, int argc, char **argv)
{
    struct option table[] = {
        TEXT_OPTION("http.host", http.host, "127.0.0.1",
                    "Address to listen on; 0.0.0.0 or :: for all."),
        NUMBER_OPTION("http.port", http.port, "8000", "port", 0, 65535,
                      "Port to listen on; 0 takes any free one."),
        TEXT_OPTION(
            "http.origins", http.origins, "",
            "Origins of pages that may call (https://chat.example, comma-separated); empty: pages of the same host, any port."),
        TEXT_OPTION("http.web_dir", http.web_dir, "",
                    "Folder of the built web client, read at the start; empty: none is served."),
        NUMBER_OPTION("http.body_max_bytes", http.body_max_bytes, "262144", "bytes", 1024, 16777216,
                      "Largest request body."),
        NUMBER_OPTION("http.connection_limit", http.connection_limit, "10000", "connections", 1,
                      1000000, "HTTP connections per thread; more get 503."),
        TEXT_OPTION("http.trusted_proxies", http.trusted_proxies, "",
                    "Addresses and networks (10.0.0.0/8) of proxies whose X-Forwarded-For is believed, comma-separated."),
        FLAG_OPTION("http.metrics", http.metrics, "false",
                    "Counters at /metrics, for whoever reaches the port: a proxy in front keeps that path to itself."),
        NUMBER_OPTION("api.threads", api.threads, "1", "threads", 1, 64,
                      "Event loops, each with its own connections."),
        NUMBER_OPTION("api.tasks_max", api.tasks_max, "2000", "tasks", 1, 100000,
                      "Requests at work at once per thread; more get 503 and are counted (requests_busy)."),
        NUMBER_OPTION("api.deadline_ms", api.deadline_ms, "10000", "ms", 10, 600000,
                      "A request without an answer by then gets 503."),
        NUMBER_OPTION("api.drain_ms", api.drain_ms, "10000", "ms", 0, 600000,
                      "How long a stop waits for requests under way."),
        SECRET_OPTION("db.url", db.url, false, "PostgreSQL, as libpq's connection string or URL."),
        NUMBER_OPTION("db.connections", db.connections, "3", "connections", 1, 64,
                      "Reading connections per thread."),
        NUMBER_OPTION("db.open_max", db.open_max, "4096", "queries", 1, 1000000,
                      "Queries under way at once per thread; more get 503 and are counted (db_busy)."),
        NUMBER_OPTION("db.connect_timeout_ms", db.connect_timeout_ms, "5000", "ms", 10, 600000,
                      "How long one attempt to connect may take."),
        NUMBER_OPTION("db.statement_timeout_ms", db.statement_timeout_ms, "5000", "ms", 10, 600000,
                      "A connection whose oldest query waits longer is given up."),
        TEXT_OPTION("redis.host", redis.host, "127.0.0.1",
                    "Address of Redis, or the path of its socket."),
        NUMBER_OPTION("redis.port", redis.port, "6379", "port", 1, 65535, "Port of Redis."),
        SECRET_OPTION("redis.password", redis.password, true, "Password of Redis."),
        NUMBER_OPTION("redis.timeout_ms", redis.timeout_ms, "45", "ms", 1, 10000,
                      "After so long without an answer Redis is bypassed."),
        NUMBER_OPTION("redis.retry_ms", redis.retry_ms, "500", "ms", 10, 60000,
                      "How often a bypassed Redis is asked whether it is back."),
        NUMBER_OPTION("redis.open_max", redis.open_max, "10000", "commands", 1, 1000000,
                      "Commands under way at once per thread; more are skipped and counted (cache_skipped)."),
        NUMBER_OPTION("redis.ttl_s", redis.ttl_s, "86400", "s", 1, 31536000,
                      "How long an entry stays that nobody uses."),
        KEY_OPTION("token.secret", token.secret, false,
                      "Key that signs access tokens (HS256); the gateways have the same."),
        TEXT_OPTION("token.audience", token.audience, "parley", "Audience of access tokens."),
        NUMBER_OPTION("token.life_s", token.life_s, "600", "s", 5, 86400,
                      "Life of an access token."),
        KEY_OPTION("refresh.secret", refresh.secret, false, "Key of refresh tokens."),
        NUMBER_OPTION("refresh.life_s", refresh.life_s, "2592000", "s", 60, 315360000,
                      "A session that is not used for so long ends."),
        NUMBER_OPTION("hash.parallel", hash.parallel, "2", "threads", 1, 64,
                      "Passwords hashed at once."),
        NUMBER_OPTION("hash.queue", hash.queue, "64", "requests", 0, 100000,
                      "Passwords that may wait for it; more get 503 and are counted (hash_busy)."),
        NUMBER_OPTION("hash.ops", hash.ops, "2", "passes", 1, 100,
                      "Argon2id passes over its memory."),
        NUMBER_OPTION("hash.memory_kib", hash.memory_kib, "19456", "KiB", 8, 4194304,
                      "Argon2id memory; tests take less."),
        NUMBER_OPTION("batch.rows_max", batch.rows_max, "100", "rows", 1, 1000,
                      "Rows that a lane writes in one transaction."),
        NUMBER_OPTION("batch.waiting_max", batch.waiting_max, "10000", "rows", 1, 1000000,
                      "Rows that may wait for a lane; more get 503 and are counted (rows_busy)."),
        NUMBER_OPTION("batch.outbox_max", batch.outbox_max, "100000", "rows", 10, 10000000,
                      "Outbox rows of a lane that wait to be marked; with more, what is sent to it gets 503 and is counted (outbox_busy)."),
        TEXT_OPTION("bus.listen", bus.listen, "tcp://127.0.0.1:7800",
                    "Where gateways hear events; questions are answered at the next port."),
        KEY_OPTION("bus.key", bus.key, true,
                      "Key of the bus; without one it listens on loopback only."),
        KEY_OPTION("bus.other_key", bus.other_key, true,
                   "While bus.key is being changed: what is sealed with this one is read, too."),
        NUMBER_OPTION("bus.heartbeat_ms", bus.heartbeat_ms, "200", "ms", 10, 60000,
                      "Sign of life on a silent bus."),
        NUMBER_OPTION("bus.keep_ms", bus.keep_ms, "30000", "ms", 0, 3600000,
                      "How long what was sent is kept for gateways that missed it."),
        NUMBER_OPTION("bus.keep_bytes", bus.keep_bytes, "67108864", "bytes", 0, 17179869184,
                      "And how much of it; of more the oldest goes and is counted (replay_forgotten): gateways that missed it compare all rooms."),
        NUMBER_OPTION("bus.queue_max", bus.queue_max, "1024", "messages", 1, 8192,
                      "Messages of up to 64 KiB that wait for a gateway which is slow; of more the oldest goes, and that gateway counts it (bus_holes) and asks for it."),
        NUMBER_OPTION("bus.open_max", bus.open_max, "256", "questions", 1, 8192,
                      "Questions of gateways at work at once; more wait unread, and are asked elsewhere after bus.try_ms. That it was full is counted (questions_full)."),
        TEXT_OPTION(
            "gateways", gateways,
            "ws://{host}:8001/connection/websocket,ws://{host}:8002/connection/websocket",
            "Addresses of the gateways as clients dial them, comma-separated; {host} is the request's own host."),
        NUMBER_OPTION("presence.life_ms", presence.life_ms, "60000", "ms", 500, 600000,
                      "Who is not told again for so long is not there any more; at least twice the gateways' presence.refresh_ms."),
        NUMBER_OPTION("status.grace_ms", status.grace_ms, "5000", "ms", 0, 600000,
                      "Who has gone everywhere is shown online for so long, so that coming back at once is no change."),
        NUMBER_OPTION("limits.members_per_room", limits.members_per_room, "10000", "people", 2,
                      1000000, "Most members of a room."),
        NUMBER_OPTION("limits.members_per_group", limits.members_per_group, "100000", "people", 2,
                      10000000, "Most members of a group; more are refused (409)."),
        NUMBER_OPTION("limits.topics_per_group", limits.topics_per_group, "100", "topics", 1, 1000,
                      "Most topics of a group; more are refused (409)."),
        NUMBER_OPTION("limits.revisions_per_message", limits.revisions_per_message, "100", "texts", 0, 10000,
                      "Earlier texts of an edited message that are kept; of more the oldest go."),
        NUMBER_OPTION("limits.reaction_kinds", limits.reaction_kinds, "20", "emoji", 1, 100,
                      "Different reactions to a message; more are refused (409)."),
        NUMBER_OPTION("limits.pins_per_room", limits.pins_per_room, "50", "messages", 1, 200,
                      "Pinned messages of a room; more are refused (409)."),
        NUMBER_OPTION("limits.mentions_per_message", limits.mentions_per_message, "50", "people", 0, 100,
                      "People whom a message mentions by name; further names are mere text."),
        RATE_OPTIONS("register", LIMIT_REGISTER, "10", "20", "new accounts from one address"),
        RATE_OPTIONS("sign_in", LIMIT_SIGN_IN, "30", "30", "sign-ins from one address"),
        RATE_OPTIONS("refresh", LIMIT_REFRESH, "300", "300", "refreshed tokens from one address"),
        RATE_OPTIONS("password", LIMIT_PASSWORD, "6", "6", "changes of one's own password, and attempts"),
        RATE_OPTIONS("send", LIMIT_SEND, "120", "60", "messages of one person"),
        RATE_OPTIONS("send_room", LIMIT_SEND_ROOM, "6000", "1000", "messages to one room, by all of its members"),
        RATE_OPTIONS("write", LIMIT_WRITE, "600", "300", "other changes by one person"),
        RATE_OPTIONS("read", LIMIT_READ, "1200", "600", "questions of one person"),
        RATE_OPTIONS("search", LIMIT_SEARCH, "60", "20", "one person's searches in messages"),
        RATE_OPTIONS("find", LIMIT_FIND, "300", "60", "one person's searches for people, rooms and groups, of which there is one for each letter typed"),
        RATE_OPTIONS("account", LIMIT_ACCOUNT, "6", "10", "wrong passwords for one account, from addresses that it has no session of"),
        NUMBER_OPTION("limits.places", limits.places, "65536", "buckets", 8, 16777216,
                      "Of those who asked lately, kept in memory: all that there is while Redis is away. Of more the fullest are forgotten, and counted (limits_forgotten)."),
        TEXT_OPTION("limits.exempt", limits.exempt, "",
                    "Addresses and networks (10.0.0.0/8) that no limit holds, comma-separated; `sockets` for what comes through gateways. Who comes through a proxy that is not listed is none of them."),
        NUMBER_OPTION("limits.chat_pins", limits.chat_pins, "10", "rooms", 0, 50,
                      "Most rooms that a person has pinned to the top of the chat list; more are refused (too_many)."),
        NUMBER_OPTION("limits.relations", limits.relations, "5000", "people", 1, 1000000,
                      "Most contacts of a person, and most whom one has blocked; more are refused (too_many)."),
        NUMBER_OPTION("limits.profile_fields", limits.profile_fields, "16", "fields", 0, 64,
                      "Most free fields of a person; more are refused (out_of_range)."),
        NUMBER_OPTION("limits.profile_field_chars", limits.profile_field_chars, "256", "characters", 1, 4096,
                      "Most of each of them."),
        TEXT_OPTION("search.language", search.language, "simple",
                    "Text search configuration of PostgreSQL (english, german; \\dF lists them), the same for all APIs; simple takes words as they are. When it changes, messages are read anew in the background."),
        NUMBER_OPTION("search.connections", search.connections, "2", "connections", 1, 64, "Connections per thread that searches have to themselves."),
        NUMBER_OPTION("search.open_max", search.open_max, "256", "queries", 1, 100000,
                      "Queries of searches under way at once per thread, one per lane each; more get 503 and are counted (db_busy)."),
        NUMBER_OPTION("search.timeout_ms", search.timeout_ms, "2000", "ms", 10, 600000,
                      "A search that takes longer in a lane is given up: 503 `timeout`."),
        NUMBER_OPTION("search.rest_max", search.rest_max, "5000", "messages", 1, 1000000,
                      "Of messages that were not read for search yet, a search looks through so many of a lane, the newest of each room, which has its share of them."),
        NUMBER_OPTION("search.scan_max", search.scan_max, "2000", "messages", 0, 1000000,
                      "When no word matches, so many of the newest messages of a lane are looked through for parts of words and slips of the pen; 0: none."),
        NUMBER_OPTION("search.index_max", search.index_max, "200", "messages", 1, 100000,
                      "So many messages of a lane are read for search by one statement, one after the other until all are; each room has its share of them."),
        NUMBER_OPTION("bans.max", bans.max, "100000", "bans", 0, 100000,
                      "Most users blocked and tokens revoked by the operator at once (not bans from rooms); more are refused (error 106) and counted (bans_refused)."),
        CHOICE_OPTION("log.level", log.level, "info", option_log_levels, "Least level that is logged."),
        CHOICE_OPTION("log.format", log.format, "auto", option_log_formats,
                      "auto is text on a terminal, else JSON."),
    };
    struct options options = {
        .program = "parley-api",
        .summary = "The API of Parley: accounts, rooms, history, and events for the gateways.",
        .table = table,
        .count = ARRAY_COUNT(table),
    };
    *s = (struct settings){0};
    options_load(&options, argc, argv);
    check_language(s->search.language);
    free(options.operands); /* it takes none */
}
/* clang-format on */

bool settings_next(struct text *rest, struct text *item)
{
    while (rest->len > 0) {
        const char *comma = memchr(rest->at, ',', rest->len);
        *item = text_of(rest->at, comma != NULL ? (size_t)(comma - rest->at) : rest->len);
        *rest = text_after(*rest, item->len + (comma != NULL ? 1 : 0));
        while (item->len > 0 && item->at[0] == ' ')
            *item = text_after(*item, 1);
        while (item->len > 0 && item->at[item->len - 1] == ' ')
            item->len--;
        if (item->len > 0)
            return true;
    }
    return false;
}

bool settings_list_has(const char *list, struct text wanted)
{
    for (struct text rest = text(list), item; settings_next(&rest, &item);)
        if (text_equal(item, wanted))
            return true;
    return false;
}
