#include "gateway/loop/keys.h"

#include "base/clock.h"
#include "base/log.h"
#include "gateway/outside/fetcher.h"
#include "gateway/token/verifier.h"

#define FETCH_TIMEOUT_MS 5000

static void on_fetched(void *context, struct fetch *fetch)
{
    struct loop *loop = loop_current();
    struct jwks *jwks = context;

    loop->fetch_count--;
    if (fetch->status == 0 && !jwks_has_failed(jwks))
        log_warn("token keys %s: %s", jwks_url(jwks), fetch->why);
    jwks_fetch_done(jwks, fetch->status, buf_text(&fetch->answer), clock_mono_ms());
    fetch_destroy(fetch);
}

static void fetch_set(struct loop *loop, struct jwks *jwks)
{
    struct fetch *fetch;

    if (jwks == NULL || !jwks_wants_fetch(jwks, clock_mono_ms()) ||
        !jwks_fetch_begin(jwks, clock_mono_ms()))
        return;
    fetch = fetch_create(jwks_url(jwks), loop->port.mailbox, on_fetched, jwks);
    fetch->timeout_ms = FETCH_TIMEOUT_MS;
    fetch->answer_max = JWKS_BODY_MAX;
    if (fetcher_start(loop->shared->fetcher, fetch)) {
        loop->fetch_count++;
        return;
    }
    fetch_destroy(fetch);
    jwks_fetch_done(jwks, 0, (struct text){0}, clock_mono_ms());
}

void keys_fetch(struct loop *loop)
{
    const struct shared *shared = loop->shared;

    if (loop->drain_until_ms != 0)
        return;
    fetch_set(loop, verifier_jwks(shared->verifier));
    if (shared->sub_verifier != shared->verifier)
        fetch_set(loop, verifier_jwks(shared->sub_verifier));
}
