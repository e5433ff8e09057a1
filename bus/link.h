/*
 * link: what the four ends of the bus have in common: sealing, tuning and getting rid of NNG
 * sockets. Inside bus/ only, the one folder that knows NNG.
 */
#pragma once

#include <nng/nng.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"
#include "bus/seal.h"
#include "bus/wire.h"

/* Can only this machine reach the address? (host 127.x, ::1, localhost; ipc:, inproc:, abstract:)
 */
bool link_is_local(const char *url);

/* ERR_INVALID (logged): without a secret only local addresses may be listened on. */
MUST_CHECK enum err link_check_secret(const char *who, const char *url, struct text secret);

/* What every socket gets: messages of at most WIRE_MESSAGE_MAX, quick reconnects, keep-alive. An
 * NNG error or 0. */
MUST_CHECK int link_tune(nng_socket socket);

/* The message packed and sealed, the caller's; NULL when it would be over WIRE_MESSAGE_MAX. Any
 * thread. */
nng_msg *link_seal(const struct seal_keys *keys, enum seal_context context,
                   const ProtobufCMessage *message);
/* The same of a packed one, with the fields of `more` behind its own; NULL: none. */
nng_msg *link_seal_packed(const struct seal_keys *keys, enum seal_context context,
                          struct text packed, const ProtobufCMessage *more);
struct text link_bytes(nng_msg *message);
/* Says at most once a minute that there were `count` more of `what`, since it said so last. */
struct link_alarm {
    int64_t said_ms;
    uint64_t count;
};
void link_alarm(struct link_alarm *alarm, const char *who, const char *what);

/*
 * Closes the socket and waits some time for it; its operations must have been stopped. False: NNG
 * still hangs on it (seen, 1.5.2), a thread of its own waits on, and what NNG's callbacks use must
 * never be freed.
 */
bool link_close(nng_socket socket);
