/*
 * shutdown: how the process ends when it is told to (SIGTERM, SIGINT). Worker 0's loop.
 *
 * No more connections are taken, requests under way finish, at most for `api.drain_ms`; then nobody
 * asks over the bus any more, the writers of lanes end what they have, and all loops are closed, so
 * that worker_run() returns. Whoever is cut off, and a second signal, end the process on the spot:
 * that must be harmless anyway.
 */
#pragma once

#include "api/worker.h"

struct responder;
struct shutdown;

/* After all workers listen, before they run. */
struct shutdown *shutdown_open(struct app *app, struct responder *responder);
void shutdown_destroy(struct shutdown *shutdown); /* after all loops ended */
