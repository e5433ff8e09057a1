/*
 * schema_files: the numbered SQL files of a folder, in their order.
 */
#pragma once

#include "base/base.h"
#include "base/err.h"
#include "base/buf.h"

struct schema_files {
    char *folder; /* "schema/lane" */
    char **names; /* "0001_rooms.sql", ascending */
    size_t count;
};

/*
 * Lists FOLDER, or its sub-folder `below` unless that is NULL. Empty FOLDER: beside this program
 * (../../schema, as in a build, or ../share/parley/schema). Other files than NNNN_name.sql are left
 * alone. ERR_NOT_FOUND: no such folder, or no files in it (reported). ERR_CONFLICT: two files with
 * one number (reported).
 */
MUST_CHECK enum err schema_files_list(struct schema_files *files, const char *folder,
                                      const char *below);
void schema_files_fini(struct schema_files *files);

/* Appends the content, `{lane}` replaced by `lane` unless that is NULL. ERR_NOT_FOUND: cannot be
 * read (reported). */
MUST_CHECK enum err schema_files_read(const struct schema_files *files, size_t index,
                                      const char *lane, struct buf *out);
