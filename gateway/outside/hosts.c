#include "gateway/outside/hosts.h"

#include <stdlib.h>
#include <utlist.h>

/* Endpoints come from the configuration; JWKS addresses may have a part from a token. */
#define HOSTS_MAX 256

struct host {
    char *origin; /* "https://backend:8443" */
    struct fetch *waiting;
    size_t waiting_count, open;
    struct host *prev, *next;
};

/* Scheme and authority (RFC 3986 3). */
static struct text origin_of(const char *url)
{
    const char *authority = strstr(url, "://");
    authority = authority != NULL ? authority + 3 : url;
    return text_of(url, (size_t)(authority - url) + strcspn(authority, "/?#"));
}

static struct host *find_or_add(struct hosts *hosts, struct text origin)
{
    struct host *host;

    DL_FOREACH(hosts->first, host)
    if (text_equal(text(host->origin), origin))
        return host;
    if (hosts->host_count == HOSTS_MAX)
        return NULL;
    host = xcalloc(1, sizeof(*host));
    host->origin = xstrndup(origin.at, origin.len);
    DL_APPEND(hosts->first, host);
    hosts->host_count++;
    return host;
}

static void forget_if_idle(struct hosts *hosts, struct host *host)
{
    if (host->waiting_count > 0 || host->open > 0)
        return;
    DL_DELETE(hosts->first, host);
    hosts->host_count--;
    free(host->origin);
    free(host);
}

bool hosts_add(struct hosts *hosts, struct fetch *fetch)
{
    struct host *host = find_or_add(hosts, origin_of(fetch->url));

    if (host == NULL || host->waiting_count >= hosts->queue_max)
        return false;
    fetch->host = host;
    DL_APPEND(host->waiting, fetch);
    host->waiting_count++;
    hosts->waiting++;
    return true;
}

static struct fetch *take(struct hosts *hosts, struct fetch *fetch)
{
    DL_DELETE(fetch->host->waiting, fetch);
    fetch->host->waiting_count--;
    hosts->waiting--;
    return fetch;
}

struct fetch *hosts_next(struct hosts *hosts)
{
    struct host *host;

    DL_FOREACH(hosts->first, host)
    {
        if (host->waiting == NULL || host->open >= hosts->per_host_max)
            continue;
        host->open++;
        DL_DELETE(hosts->first, host);
        DL_APPEND(hosts->first, host);
        return take(hosts, host->waiting);
    }
    return NULL;
}

void hosts_leave(struct hosts *hosts, struct fetch *fetch)
{
    fetch->host->open--;
    forget_if_idle(hosts, fetch->host);
    fetch->host = NULL;
}

static struct fetch *give_up(struct hosts *hosts, struct fetch *fetch)
{
    take(hosts, fetch);
    forget_if_idle(hosts, fetch->host);
    fetch->host = NULL;
    return fetch;
}

struct fetch *hosts_expired(struct hosts *hosts, int64_t now_ms)
{
    struct host *host;
    struct fetch *fetch;

    DL_FOREACH(hosts->first, host)
    DL_FOREACH(host->waiting, fetch)
    if (fetch->deadline_ms <= now_ms)
        return give_up(hosts, fetch);
    return NULL;
}

struct fetch *hosts_hurried(struct hosts *hosts)
{
    struct host *host;
    struct fetch *fetch;

    DL_FOREACH(hosts->first, host)
    DL_FOREACH(host->waiting, fetch)
    if (!fetch->stays)
        return give_up(hosts, fetch);
    return NULL;
}

struct fetch *hosts_any(struct hosts *hosts)
{
    /* A host that is idle is forgotten, so one with nothing that waits has something under way. */
    struct host *host;

    DL_FOREACH(hosts->first, host)
    if (host->waiting != NULL)
        return give_up(hosts, host->waiting);
    return NULL;
}
