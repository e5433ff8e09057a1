/*
 * db_hosts: connecting to one of several hosts ("host=a,b"), beginning with another one at each
 * turn.
 *
 * libpq itself tries them in the order of the connection string, and asynchronously it waits for
 * ever for one that takes connections and does not answer: who gives up must begin elsewhere, or
 * never gets to the second.
 */
#pragma once

#include <libpq-fe.h>

#include "base/buf.h"

/*
 * Appends the comma-separated `list` beginning with item `turn` (modulo their number): "b,c,a" for
 * turn 1.
 */
void db_hosts_turn(const char *list, unsigned turn, struct buf *out);

/* PQconnectStart() at a turn. A string that does not parse gives a connection that says so. */
PGconn *db_hosts_connect(const char *conninfo, unsigned turn);
