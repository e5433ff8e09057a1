#include "bus/link.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

#define RECONNECT_MIN_MS 10
#define RECONNECT_MAX_MS 200
#define CLOSE_WAIT_MS    1000
#define ALARM_MS         60000

/* The host in "tcp://host:port", brackets of IPv6 removed. */
static struct text host_of(const char *url)
{
    const char *at = strstr(url, "://");

    at = at != NULL ? at + 3 : url;
    if (*at == '[')
        return text_of(at + 1, strcspn(at + 1, "]"));
    return text_of(at, strcspn(at, ":/"));
}

/* "127." alone is not enough: 127.example.org is a name like any other. */
static bool is_127(struct text host)
{
    if (!text_starts(host, TEXT("127.")))
        return false;
    for (size_t i = 0; i < host.len; i++)
        if (host.at[i] != '.' && (host.at[i] < '0' || host.at[i] > '9'))
            return false;
    return true;
}

bool link_is_local(const char *url)
{
    const struct text whole = text(url), host = host_of(url);

    return text_starts(whole, TEXT("inproc://")) || text_starts(whole, TEXT("ipc://")) ||
           text_starts(whole, TEXT("unix://")) || text_starts(whole, TEXT("abstract://")) ||
           is_127(host) || text_equal(host, TEXT("::1")) || text_equal(host, TEXT("localhost"));
}

enum err link_check_secret(const char *who, const char *url, struct text secret)
{
    if (secret.len > 0 || link_is_local(url))
        return ERR_OK;
    log_error("%s %s: without a bus key only a loopback address may be listened on", who, url);
    return ERR_INVALID;
}

int link_tune(nng_socket socket)
{
    int rv;

    if ((rv = nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, WIRE_MESSAGE_MAX)) != 0 ||
        (rv = nng_socket_set_ms(socket, NNG_OPT_RECONNMINT, RECONNECT_MIN_MS)) != 0 ||
        (rv = nng_socket_set_ms(socket, NNG_OPT_RECONNMAXT, RECONNECT_MAX_MS)) != 0)
        return rv;
    rv = nng_socket_set_bool(socket, NNG_OPT_TCP_KEEPALIVE, true);
    return rv == NNG_ENOTSUP ? 0 : rv;
}

nng_msg *link_seal_packed(const struct seal_keys *keys, enum seal_context context,
                          struct text packed, const ProtobufCMessage *more)
{
    const size_t more_size = more != NULL ? protobuf_c_message_get_packed_size(more) : 0;
    const size_t size = SEAL_OVERHEAD + packed.len + more_size;
    nng_msg *msg;

    if (size > WIRE_MESSAGE_MAX)
        return NULL;
    CHECK(nng_msg_alloc(&msg, size) == 0);
    unsigned char *body = nng_msg_body(msg);
    if (packed.len > 0)
        memcpy(body + SEAL_OVERHEAD, packed.at, packed.len);
    if (more != NULL)
        CHECK(protobuf_c_message_pack(more, body + SEAL_OVERHEAD + packed.len) == more_size);
    seal_write(keys, context, body, size);
    return msg;
}

nng_msg *link_seal(const struct seal_keys *keys, enum seal_context context,
                   const ProtobufCMessage *message)
{
    return link_seal_packed(keys, context, (struct text){0}, message);
}

void link_alarm(struct link_alarm *alarm, const char *who, const char *what)
{
    const int64_t now_ms = clock_mono_ms();

    alarm->count++;
    if (alarm->said_ms != 0 && now_ms - alarm->said_ms < ALARM_MS)
        return;
    log_warn("%s: %s (%llu since this was said last)", who, what, (unsigned long long)alarm->count);
    *alarm = (struct link_alarm){.said_ms = now_ms};
}

struct text link_bytes(nng_msg *message)
{
    return text_of(nng_msg_body(message), nng_msg_len(message));
}

/* Shared by who closes and the thread that does it; the last one frees it. */
struct closing {
    nng_socket socket;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;      /* nng_close() came back */
    bool abandoned; /* nobody waits for that any more */
};

static void closing_free(struct closing *closing)
{
    pthread_mutex_destroy(&closing->lock);
    pthread_cond_destroy(&closing->changed);
    free(closing);
}

static void *run_close(void *arg)
{
    struct closing *closing = arg;

    nng_close(closing->socket);
    pthread_mutex_lock(&closing->lock);
    closing->done = true;
    const bool abandoned = closing->abandoned;
    pthread_cond_signal(&closing->changed);
    pthread_mutex_unlock(&closing->lock);
    if (abandoned)
        closing_free(closing);
    return NULL;
}

static bool wait_closed(struct closing *closing)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += CLOSE_WAIT_MS / 1000;
    pthread_mutex_lock(&closing->lock);
    while (!closing->done)
        if (pthread_cond_timedwait(&closing->changed, &closing->lock, &until) == ETIMEDOUT)
            break;
    const bool done = closing->done;
    closing->abandoned = !done;
    pthread_mutex_unlock(&closing->lock);
    return done;
}

bool link_close(nng_socket socket)
{
    struct closing *closing = xcalloc(1, sizeof(*closing));
    pthread_condattr_t monotonic;
    pthread_t thread;

    closing->socket = socket;
    pthread_mutex_init(&closing->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&closing->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);

    if (pthread_create(&thread, NULL, run_close, closing) != 0) {
        closing_free(closing);
        return false;
    }
    pthread_detach(thread);
    if (!wait_closed(closing)) {
        log_warn("bus: a socket does not close; leaving it behind");
        return false;
    }
    closing_free(closing);
    return true;
}
