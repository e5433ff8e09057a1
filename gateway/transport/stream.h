/*
 * stream: the transport of HTTP streaming and server-sent events: an answer that does not end. What
 * the client has to say comes by other requests (emulation.h), so bytes that arrive here are not
 * looked at. The end is told by a disconnect push. Loop's thread.
 */
#pragma once

#include "gateway/loop/connection.h"

extern const struct transport TRANSPORT_STREAM;
