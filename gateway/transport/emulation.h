/*
 * emulation: POST /emulation, commands for a connection that can only be written to, maybe one of
 * another gateway. Loop's thread of the request.
 */
#pragma once

#include <h2o.h>

int emulation_on_request(h2o_req_t *req);
