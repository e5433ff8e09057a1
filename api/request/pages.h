/*
 * pages: the files of the built web client, read into memory at the start and never changed. Any
 * thread.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

struct pages;

struct page {
    char *path; /* "assets/index-4f2a.js", without a leading slash */
    const char *type;
    char *bytes;
    size_t len;
    char etag[19];  /* 16 hex digits in quotes */
    bool is_hashed; /* its name changes with its content: may be kept for ever */
};

/* `dir` empty: no pages. ERR_INVALID (logged): not a readable folder, or too much in it. */
MUST_CHECK enum err pages_load(struct pages **out, const char *dir);
void pages_destroy(struct pages *pages);

/* A path without an extension in its last part is a folder's index.html ("docs"), or else the client's own: the index.html of all. NULL: no such
 * file. */
const struct page *pages_find(const struct pages *pages, struct text path);
