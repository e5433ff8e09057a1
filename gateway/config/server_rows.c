#include "base/option_rows.h"
#include "gateway/config/rows.h"

static const char *const brokers[] = {"auto", "bus", "memory", NULL};

/* clang-format off: a table reads best with a row a line */
void rows_of_server(struct rows *rows, struct settings *s)
{
    const struct option server[] = {
        {.name = "http_server.address", .type = OPTION_TEXT, .value = &s->http.host,
         .fallback = "127.0.0.1", .also = "http.host",
         .help = "Address to listen on; 0.0.0.0 or empty for all."},
        {.name = "http_server.port", .type = OPTION_NUMBER, .value = &s->http.port, .optional = true,
         .otherwise = "8000, on the bus 8001", .unit = "port", .min = 0, .max = 65535,
         .also = "http.port", .help = "Port to listen on; 0 takes any free one (one thread only)."},
        TEXT_OPTION("http_server.internal_address", http.internal_host, "",
                    "Address of the internal listener; empty: http_server.address."),
        NUMBER_OPTION("http_server.internal_port", http.internal_port, "0", "port", 0, 65535,
                      "Port of a listener of its own for /metrics, /health, /ready, the admin page and the server API, which the other then has not; 0: all on one."),
        NUMBER_OPTION("http.connection_limit", http.connection_limit, "100000", "connections", 1,
                      10000000, "Connections per thread; more get 503 and are counted (connections_refused)."),
        NUMBER_OPTION("http.header_timeout_ms", http.header_timeout_ms, "10000", "ms", 100, 600000,
                      "A connection without a complete request by then is closed."),
        {.name = "gateway.broker", .type = OPTION_CHOICE, .value = &s->gateway.broker,
         .fallback = "auto", .choices = brokers, .brief = "broker",
         .help = "Where publications come from: the APIs of Parley by the bus, or this process alone; auto: the bus when bus.apis is set."},
        NUMBER_OPTION("gateway.threads", gateway.threads, "1", "threads", 1, 64,
                      "Event loops, each with its own connections."),
        {.name = "gateway.node", .type = OPTION_TEXT, .value = &s->gateway.node, .fallback = "",
         .also = "node.name", .help = "A name of this process for people, shown in its log."},
        NUMBER_OPTION("gateway.drain_ms", gateway.drain_ms, "2000", "ms", 0, 600000,
                      "A stop spreads its goodbyes to clients over so long."),
        NUMBER_OPTION("gateway.inbox_limit", gateway.inbox_limit, "65536", "publications", 1024, 1048576,
                      "Publications that may wait for one thread; beyond it that thread's clients must reconnect and recover, which is counted (overruns)."),
        KEY_OPTION("token.secret", token.secret, true,
                   "Key of access tokens (HS256), the same as the API's; required on the bus. Alone: client.token.hmac_secret_key."),
        {.name = "token.audience", .type = OPTION_TEXT, .value = &s->token.audience,
         .optional = true, .otherwise = "parley on the bus, else empty",
         .help = "Audience that tokens must name; empty: not checked."},
        TEXT_OPTION("bus.apis", bus.apis, "",
                    "The APIs (comma-separated, tcp://host:7800): events at this port, questions at the next."),
        KEY_OPTION("bus.key", bus.key, true,
                   "Key of the bus, the same as the APIs'; none on loopback only."),
        KEY_OPTION("bus.other_key", bus.other_key, true,
                   "While bus.key is being changed: what is sealed with this one is read, too."),
        NUMBER_OPTION("bus.deadline_ms", bus.deadline_ms, "3000", "ms", 10, 60000,
                      "A question without an answer by then fails, and the client tries again."),
        NUMBER_OPTION("bus.try_ms", bus.try_ms, "1000", "ms", 5, 60000,
                      "An API that does not answer by then is passed over for another."),
        NUMBER_OPTION("bus.open_max", bus.open_max, "4096", "questions", 16, 1000000,
                      "Questions open at once; what needs one more fails for now (error 100) and is counted (questions_refused)."),
        NUMBER_OPTION("bus.silence_ms", bus.silence_ms, "2000", "ms", 50, 600000,
                      "An API that says nothing for so long counts as lost."),
        NUMBER_OPTION("bus.inbox_max", bus.inbox_max, "8192", "messages", 16, 1048576,
                      "Messages of one API that may wait to be looked at; beyond it they are dropped, counted (bus_dropped) and asked for again."),
        NUMBER_OPTION("bus.inbox_max_bytes", bus.inbox_max_bytes, "67108864", "bytes", 1048576, 17179869184,
                      "The same for their bytes, of all APIs together."),
        NUMBER_OPTION("bus.connect_max", bus.connect_max, "20000", "clients", 1, 10000000,
                      "Clients that may wait for an API to say who they are; more get error 111, are counted (connects_busy) and come back."),
        NUMBER_OPTION("bus.connect_open_max", bus.connect_open_max, "2", "questions", 1, 64,
                      "Questions about such clients open at once, each of up to 100 of them."),
    };

    s->http.port = -1; /* not given */
    ROWS_ADD(rows, "", server);
}

void rows_of_product(struct rows *rows, struct settings *s)
{
    static const char *const levels[] = {"error", "warn", "info", "debug", "trace", "fatal", "none", NULL};
    const struct option product[] = {
        NUMBER_OPTION("memory.max_channels", memory.max_channels, "1000000", "channels", 1, 100000000,
                      "Alone: channels whose streams are kept at once."),
        NUMBER_OPTION("memory.max_bytes", memory.max_bytes, "268435456", "bytes", 65536, 1099511627776,
                      "Alone: publications kept in all streams together."),
        DURATION_OPTION("memory.idempotency_ttl", memory.idempotency_ttl_ms, "5m", SECOND_MS, DAY_MS,
                        "How long an idempotency key of a publication is remembered."),
        NUMBER_OPTION("chats.window_ms", chats.window_ms, "250", "ms", 1, 60000,
                      "At most one line per room in so long; later ones are folded."),
        NUMBER_OPTION("presence.refresh_ms", presence.refresh_ms, "20000", "ms", 100, 30000,
                      "On the bus: how often the APIs are told again who is present. They forget "
                      "after their presence.life_ms who is not told again."),
        NUMBER_OPTION("presence.list_max", presence.list_max, "200", "connections", 1, 2000,
                      "A room that more look at tells only how many (presence: error 106)."),
        NUMBER_OPTION("presence.channel_list_max", presence.channel_list_max, "100000", "connections",
                      1, 10000000,
                      "A channel of yours that has more tells only how many (presence: error 106)."),
        NUMBER_OPTION("session.remember_s", session.remember_s, "900", "s", 1, 864000,
                      "How long ended sessions are remembered: the life of a token."),
        NUMBER_OPTION("session.remember_max", session.remember_max, "1000000", "sessions", 1,
                      100000000, "Most ended sessions that are remembered; of more the oldest is forgotten and counted (sessions_forgotten)."),
        NUMBER_OPTION("ring.max_bytes", ring.max_bytes, "67108864", "bytes", 0, 17179869184,
                      "Recent publications kept for recovery, of all rooms together; of more the oldest go, are counted (ring_evictions) and asked for."),
        NUMBER_OPTION("heal.straggler_ms", heal.straggler_ms, "20", "ms", 1, 10000,
                      "How long a missing publication is waited for before it is fetched."),
        NUMBER_OPTION("heal.retry_ms", heal.retry_ms, "300", "ms", 10, 60000,
                      "Pause before a fetch that failed is tried again."),
        NUMBER_OPTION("heal.hold_max", heal.hold_max, "1024", "publications", 1, 1000000,
                      "Publications of one room that wait for an earlier one; beyond it the latest are let go, counted (bus_not_held) and fetched in their turn."),
        NUMBER_OPTION("heal.hold_max_bytes", heal.hold_max_bytes, "67108864", "bytes", 65536, 17179869184,
                      "The same for all rooms together."),
        NUMBER_OPTION("heal.fetch_max", heal.fetch_max, "64", "questions", 1, 10000,
                      "Rooms being healed at once; others wait for their turn."),
        NUMBER_OPTION("heal.hole_max", heal.hole_max, "64", "questions", 1, 10000,
                      "Gaps in APIs' numbers that are asked for at once; one more is counted (bus_holes_swept) and has all rooms compared instead."),
        NUMBER_OPTION("heal.sweep_rate", heal.sweep_rate, "200", "pages/s", 1, 1000,
                      "When all rooms (500 a page) and users (100) are compared with the APIs: at most so many pages, live traffic has the time between."),
        NUMBER_OPTION("heal.doubt_max", heal.doubt_max, "10000", "memberships", 1, 10000000,
                      "Memberships to be asked about; beyond it the people's connections are closed (3010), counted (doubts_closed) and come back."),
        CHOICE_OPTION("log.level", log.level, "info", levels,
                      "Least important lines that are written; trace is debug, fatal and none are error."),
        CHOICE_OPTION("log.format", log.format, "auto", option_log_formats,
                      "Text for a terminal, JSON otherwise; or as told."),
    };

    ROWS_ADD(rows, "", product);
}
