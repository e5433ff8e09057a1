#include "gateway/settings.h"

#include <stdlib.h>

#include "base/option_rows.h"

/* clang-format off: a table reads best with a row a line */
void settings_load(struct settings *s, int argc, char **argv)
{
    struct option table[] = {
        TEXT_OPTION("http.host", http.host, "127.0.0.1",
                    "Address to listen on; 0.0.0.0 or :: for all."),
        NUMBER_OPTION("http.port", http.port, "8001", "port", 0, 65535,
                      "Port to listen on; 0 takes any free one (one thread only)."),
        TEXT_OPTION(
            "http.origins", http.origins, "",
            "Origins of pages that may connect (https://chat.example, comma-separated; * for all); empty: pages of the same host, any port."),
        NUMBER_OPTION("http.connection_limit", http.connection_limit, "100000", "connections", 1,
                      10000000, "Connections per thread; more are closed at once."),
        NUMBER_OPTION("http.header_timeout_ms", http.header_timeout_ms, "10000", "ms", 100, 600000,
                      "A connection without a complete request by then is closed."),
        NUMBER_OPTION("gateway.threads", gateway.threads, "1", "threads", 1, 64,
                      "Event loops, each with its own connections."),
        TEXT_OPTION("gateway.node", gateway.node, "",
                    "A name of this process for people, shown in its log."),
        NUMBER_OPTION("gateway.drain_ms", gateway.drain_ms, "2000", "ms", 0, 600000,
                      "A stop spreads its goodbyes to clients over so long."),
        NUMBER_OPTION(
            "gateway.inbox_limit", gateway.inbox_limit, "65536", "publications", 1024, 1048576,
            "Publications that may wait for one thread; beyond it that thread's clients must reconnect and recover."),
        KEY_OPTION("token.secret", token.secret, false,
                      "Key that signs access tokens (HS256), the same as the API's."),
        TEXT_OPTION("token.audience", token.audience, "parley",
                    "Audience that tokens must name; empty: not checked."),
        TEXT_OPTION("bus.apis", bus.apis, "tcp://127.0.0.1:7800",
                    "The APIs (comma-separated): events at this port, questions at the next."),
        KEY_OPTION("bus.key", bus.key, true,
                      "Key of the bus, the same as the APIs'; none on loopback only."),
        NUMBER_OPTION("bus.deadline_ms", bus.deadline_ms, "3000", "ms", 10, 60000,
                      "A question without an answer by then fails, and the client tries again."),
        NUMBER_OPTION("bus.try_ms", bus.try_ms, "1000", "ms", 5, 60000,
                      "An API that does not answer by then is passed over for another."),
        NUMBER_OPTION("bus.open_max", bus.open_max, "4096", "questions", 16, 1000000,
                      "Questions open at once."),
        NUMBER_OPTION("bus.silence_ms", bus.silence_ms, "2000", "ms", 50, 600000,
                      "An API that says nothing for so long counts as lost."),
        NUMBER_OPTION("client.ping_interval_s", client.ping_interval_s, "25", "s", 1, 3600,
                      "How often clients are pinged."),
        NUMBER_OPTION("client.pong_timeout_s", client.pong_timeout_s, "8", "s", 1, 3600,
                      "A client that does not answer a ping by then is closed (3012)."),
        NUMBER_OPTION("client.stale_close_ms", client.stale_close_ms, "10000", "ms", 10, 600000,
                      "A connection without a connect command by then is closed (3502)."),
        NUMBER_OPTION("client.expired_close_ms", client.expired_close_ms, "90000", "ms", 0,
                      86400000,
                      "How long a connection outlives its token before it is closed (3005)."),
        NUMBER_OPTION("client.close_ms", client.close_ms, "3000", "ms", 10, 60000,
                      "A close that the client does not answer by then ends the connection."),
        NUMBER_OPTION("client.queue_max_bytes", client.queue_max_bytes, "1048576", "bytes", 4096,
                      1073741824,
                      "Memory that may wait for one client; a slower one is closed (3008)."),
        NUMBER_OPTION("client.message_max_bytes", client.message_max_bytes, "65536", "bytes", 1024,
                      16777216, "Largest message of a client (1009)."),
        NUMBER_OPTION("client.backlog_max_bytes", client.backlog_max_bytes, "262144", "bytes", 1024,
                      16777216, "Commands that may wait while one is being answered (3013)."),
        NUMBER_OPTION("client.channel_limit", client.channel_limit, "128", "channels", 1, 100000,
                      "Channels that one client may subscribe to (error 106)."),
        NUMBER_OPTION("client.recovery_max_publications", client.recovery_max_publications, "300",
                      "publications", 0, 10000, "What one subscribe recovers at most."),
        NUMBER_OPTION("client.recovery_max_bytes", client.recovery_max_bytes, "262144", "bytes", 0,
                      2097152, "The same in bytes."),
        NUMBER_OPTION("client.history_max_publications", client.history_max_publications, "300",
                      "publications", 1, 1000, "What one history command answers at most."),
        NUMBER_OPTION("chats.window_ms", chats.window_ms, "250", "ms", 1, 60000,
                      "At most one line per room in so long; later ones are folded."),
        NUMBER_OPTION("presence.refresh_ms", presence.refresh_ms, "20000", "ms", 100, 3600000,
                      "How often the APIs are told again who looks at rooms."),
        NUMBER_OPTION("presence.list_max", presence.list_max, "200", "connections", 1, 2000,
                      "A room that more look at tells only how many (presence: error 106)."),
        NUMBER_OPTION("session.remember_s", session.remember_s, "900", "s", 1, 864000,
                      "How long ended sessions are remembered: the life of a token."),
        NUMBER_OPTION("session.remember_max", session.remember_max, "1000000", "sessions", 1,
                      100000000, "Most ended sessions that are remembered."),
        NUMBER_OPTION("ring.max_bytes", ring.max_bytes, "67108864", "bytes", 0, 17179869184,
                      "Recent publications kept for recovery, of all rooms together."),
        NUMBER_OPTION("heal.straggler_ms", heal.straggler_ms, "20", "ms", 1, 10000,
                      "How long a missing publication is waited for before it is fetched."),
        NUMBER_OPTION("heal.retry_ms", heal.retry_ms, "300", "ms", 10, 60000,
                      "Pause before a fetch that failed is tried again."),
        NUMBER_OPTION("heal.hold_max", heal.hold_max, "1024", "publications", 1, 1000000,
                      "Publications of one room that wait for an earlier one."),
        NUMBER_OPTION("heal.fetch_max", heal.fetch_max, "64", "questions", 1, 10000,
                      "Rooms being healed at once."),
        CHOICE_OPTION("log.level", log.level, "info", option_log_levels,
                      "Least important lines that are written."),
        CHOICE_OPTION("log.format", log.format, "auto", option_log_formats,
                      "Text for a terminal, JSON otherwise; or as told."),
    };
    /* clang-format on */
    struct options options = {
        .program = "parley-gateway",
        .summary = "Holds the connections of clients and delivers what happens in their rooms.",
        .table = table,
        .count = ARRAY_COUNT(table),
    };
    options_load(&options, argc, argv);
    free(options.operands); /* there can be none */
}

void settings_default(struct settings *settings)
{
    char *argv[] = {"parley-gateway", "--token.secret=no secret in tests", NULL};

    settings_load(settings, 2, argv);
}
