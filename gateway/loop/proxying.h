/*
 * proxying: asking the operator's back end about a client. The one place that knows which proxy is
 * asked for what. Loop's thread.
 */
#pragma once

#include "gateway/loop/client.h"
#include "gateway/outside/proxies.h"

/* All that are configured; NULL and a line in the log: something in it cannot be. Once, before the
 * loops run. */
struct proxies *proxying_open(const struct settings *settings, struct fetcher *fetcher);
void proxying_close(struct proxies *proxies); /* as proxies_destroy() */
/* Whether some proxy is passed headers of connect commands. */
bool proxying_wants_emulated(const struct settings *settings);

/* NULL: none of that name. "default" is the one for `kind`. */
struct proxy *proxying_find(const struct loop *loop, enum proxy_kind kind, const char *name);
/* Who answers this method; NULL: nobody. `*error` says why: 104 or 108. */
struct proxy *proxying_find_rpc(const struct loop *loop, struct text method, int *error);

/* A payload of an answer, copied; JSON without newlines. */
struct text proxying_payload(struct arena *arena, const struct proxy_payload *payload);

/*
 * Fills in who the client is, and asks. `done` comes once, later, whether the client is still there
 * or not: hold it. False: there is nobody to ask now, and no `done` (error 100).
 */
MUST_CHECK bool proxying_ask(struct client *client, struct proxy *proxy,
                             struct proxy_question *question, proxy_done_fn done, void *context);
