/*
 * report: how `parley` says that something went wrong: what, on one line, and what to do next on
 * the line below. One thread.
 */
#pragma once

/* `next` may be NULL when the line says it all. Standard error, unless kept. */
void report(const char *next, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What was reported last, for who shows it in a form of their own. */
struct reported {
    char what[512];
    char next[256]; /* "" when there was none */
};

/* From now on reports are written there instead; NULL ends it. */
void report_keep(struct reported *keep);
