#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

#define MESSAGE_MAX_BYTES 1024 /* on the stack of whoever logs, a task perhaps */
#define LINE_MAX_BYTES    (6 * MESSAGE_MAX_BYTES + 512) /* a byte becomes at most \u00XX */

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static struct {
    const char *program;
    enum log_level level;
    bool is_json;
} settings = {"parley", LOG_INFO, false};

struct line {
    char at[LINE_MAX_BYTES];
    size_t len;
};

void log_init(const char *program, enum log_level level, enum log_format format)
{
    settings.program = program;
    settings.level = level;
    settings.is_json = format == LOG_JSON || (format == LOG_AUTO && !isatty(STDERR_FILENO));
}

bool log_enabled(enum log_level level)
{
    return level <= settings.level;
}

static void add(struct line *line, struct text bytes)
{
    memcpy(line->at + line->len, bytes.at, bytes.len); /* LINE_MAX_BYTES has room for the worst */
    line->len += bytes.len;
}

/* What came from outside must neither end the line, nor steer a terminal, nor break the JSON. */
static void add_message(struct line *line, struct text message)
{
    while (message.len > 0) {
        const size_t bytes = utf8_char_bytes(message);
        const unsigned char byte = (unsigned char)message.at[0];
        if (bytes == 0) {
            add(line, TEXT("\xef\xbf\xbd")); /* U+FFFD, the replacement character */
        } else if (byte < 0x20 || byte == 0x7f) {
            line->len += (size_t)sprintf(line->at + line->len, "\\u%04x", byte);
        } else if (settings.is_json && (byte == '"' || byte == '\\')) {
            add(line, TEXT("\\"));
            add(line, text_of(message.at, 1));
        } else {
            add(line, text_of(message.at, bytes));
        }
        message = text_after(message, bytes != 0 ? bytes : 1);
    }
}

static void add_start(struct line *line, enum log_level level)
{
    char time[CLOCK_RFC3339_BYTES];
    const char *format = settings.is_json ? "{\"@timestamp\":\"%s\",\"log.level\":\"%s\",\"service."
                                            "name\":\"%.64s\",\"message\":\""
                                          : "%s %-5s %.64s: ";

    clock_format(clock_wall_us(), time);
    line->len = (size_t)sprintf(line->at, format, time, level_names[level], settings.program);
}

/* One write() for a line: lines of several threads and programs do not mix. */
static void write_line(const struct line *line)
{
    size_t done = 0;

    while (done < line->len) {
        const ssize_t count = write(STDERR_FILENO, line->at + done, line->len - done);
        if (count > 0)
            done += (size_t)count;
        else if (count == 0 || errno != EINTR)
            return; /* nobody reads: there is no place left to say so */
    }
}

void log_line(enum log_level level, const char *format, ...)
{
    char message[MESSAGE_MAX_BYTES];
    struct line line;
    va_list args;
    const int saved_errno = errno;

    if (!log_enabled(level))
        return;
    va_start(args, format);
    const int len = vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    add_start(&line, level);
    add_message(&line, text(len >= 0 ? message : format));
    if (len >= (int)sizeof(message))
        add(&line, TEXT(" [cut]"));
    add(&line, settings.is_json ? TEXT("\"}\n") : TEXT("\n"));
    write_line(&line);
    errno = saved_errno; /* callers log between a failure and its handling */
}
