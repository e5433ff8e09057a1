/*
 * log: one line per event on standard error; text for a terminal, JSON (one object a line, ECS
 * field names `@timestamp`, `log.level`, `service.name`, `message`) otherwise or when told so.
 *
 * Any thread. Lines are written whole; a message over 1 KiB is cut. Control characters and bytes
 * that are not UTF-8 come out harmless. Never pass tokens, passwords or message bodies.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_AUTO, LOG_TEXT, LOG_JSON }; /* AUTO: text when standard error is a terminal */

/* Call once before the first thread starts. `program` is kept. */
void log_init(const char *program, enum log_level level, enum log_format format);
bool log_enabled(enum log_level level);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                                                             \
    do {                                                                                           \
        if (log_enabled(LOG_DEBUG))                                                                \
            log_line(LOG_DEBUG, __VA_ARGS__);                                                      \
    } while (0)
