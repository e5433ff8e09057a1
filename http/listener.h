/*
 * listener: one libh2o context and listening socket on one libuv loop (SO_REUSEPORT: each loop of a
 * process listens on the same port). Used by both programs. Loop's thread only.
 *
 * HTTP/1.1 only: HTTP/2 of libh2o 2.2 is open to rapid reset (CVE-2023-44487).
 */
#pragma once

#include <stdbool.h>
#include <h2o.h>
#include <uv.h>

#include "base/err.h"

struct listener;

struct listener_config {
    const char *host;        /* "127.0.0.1", "0.0.0.0", "::" */
    int port;                /* 0 = any free; listener_port() tells */
    size_t connection_limit; /* accepted and not yet closed; beyond it they are told 503 with
                                Retry-After before they ask, closed and counted */
    h2o_globalconf_t *http;  /* shared read-only by all loops; see listener_conf_init() */
    bool joins;              /* another loop of this process listens there already; else the port must
                                be free: SO_REUSEPORT alone would share it with any stray process */
};

/*
 * Prepares a global configuration with one catch-all handler: `on_req` as libh2o's (returns 0 when
 * it will answer). `body_max` is libh2o's hard limit: set it to twice the largest legal body and
 * answer 413 yourself below it.
 */
void listener_conf_init(h2o_globalconf_t *conf, size_t body_max, int header_timeout_ms,
                        int (*on_req)(h2o_handler_t *, h2o_req_t *));

MUST_CHECK enum err listener_open(struct listener **out, uv_loop_t *loop,
                                  const struct listener_config *config);
int listener_port(const struct listener *listener);
h2o_context_t *listener_context(struct listener *listener);
size_t listener_connections(const struct listener *listener);

/* Connections refused since `connection_limit` was reached. */
uint64_t listener_refused(const struct listener *listener);

/*
 * The socket was upgraded: it is still counted, but listener_drain() leaves it alone. `on_close` of
 * a socket is the listener's for all its life.
 */
void listener_upgraded(h2o_socket_t *socket);

/* Stops accepting and ends idle HTTP connections; those under way finish: the answer path
 * must set http1_is_persistent = 0 when listener_is_draining()). */
void listener_drain(struct listener *listener);
bool listener_is_draining(const struct listener *listener);
/*
 * Closes the listening socket; connections that are left are shut down, upgraded ones too. Memory,
 * and the context, go once the last is closed; the configuration must live until then. NULL does
 * nothing.
 */
void listener_close(struct listener *listener);
