/*
 * frames: the transport of WebSockets: messages in frames both ways, pings of RFC 6455 answered, the
 * end told by a close frame. Loop's thread.
 */
#pragma once

#include "gateway/loop/connection.h"
#include "gateway/protocol/codes.h"

extern const struct transport TRANSPORT_FRAMES;
