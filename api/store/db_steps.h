/*
 * db_steps: what a pipelined connection still owes us, in the order in which it will come: for each
 * step libpq gives exactly one result. First in, first out.
 */
#pragma once

#include "base/base.h"

enum db_step_kind {
    DB_STEP_SETUP,  /* a statement of the connection's setup; subject: its text, NULL when it is our own */
    DB_STEP_EPOCH,  /* the last one: who this database is */
    DB_STEP_READY,  /* the setup's Sync */
    DB_STEP_PARSE,  /* a statement is being prepared; subject: struct prepared */
    DB_STEP_PARSED, /* its Sync */
    DB_STEP_QUERY,  /* the next query of a batch; subject: struct batch */
    DB_STEP_SYNC,   /* the end of the batch */
};

struct db_step {
    enum db_step_kind kind;
    void *subject;
};

struct db_steps { /* zero-initialised is empty */
    struct db_step *ring;
    size_t first, count, cap; /* cap is a power of two */
};

void db_steps_add(struct db_steps *steps, enum db_step_kind kind, void *subject);
struct db_step *db_steps_first(struct db_steps *steps); /* NULL: nothing is owed */
void db_steps_drop_first(struct db_steps *steps);
void db_steps_fini(struct db_steps *steps); /* empty and usable again */
