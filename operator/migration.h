/*
 * migration: brings a database to the schema of these files: first those for `public`, then those
 * for each lane. Each file is one transaction, recorded in it, so that a run that breaks off is
 * simply run again. Every step is printed.
 */
#pragma once

#include "base/base.h"
#include "base/err.h"
#include "operator/database.h"

#define LANES_MAX 1024 /* 10 bits of a room's id */

/* Until the connection ends nobody else changes this database's schema; waits for who does now. */
MUST_CHECK enum err migration_lock(struct database *database);

/* What `public` lacks; makes public.migrations itself. `*applied` grows by the number of files. */
MUST_CHECK enum err migration_apply_public(struct database *database, const char *schema_dir,
                                           int *applied);
/* What the lanes lack. */
MUST_CHECK enum err migration_apply_lanes(struct database *database, const char *schema_dir,
                                          int *applied);
/* `count` more lanes, each in one transaction: nobody ever sees half a lane. */
MUST_CHECK enum err migration_add_lanes(struct database *database, const char *schema_dir,
                                        int64_t count);

/* How many files are missing, without changing anything; 0 = complete. ERR_NOT_FOUND: no schema
 * there at all yet. */
MUST_CHECK enum err migration_missing(struct database *database, const char *schema_dir,
                                      int *missing);
