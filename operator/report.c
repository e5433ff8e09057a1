#include "operator/report.h"

#include <stdarg.h>
#include <stdio.h>

static struct reported *kept; /* of report_keep() */

void report_keep(struct reported *keep)
{
    kept = keep;
}

void report(const char *next, const char *format, ...)
{
    struct reported now;
    va_list args;

    va_start(args, format);
    vsnprintf(now.what, sizeof(now.what), format, args);
    va_end(args);
    snprintf(now.next, sizeof(now.next), "%s", next != NULL ? next : "");
    if (kept != NULL) {
        *kept = now;
        return;
    }
    fflush(stdout); /* what was done stands above what failed */
    fprintf(stderr, "parley: %s\n", now.what);
    if (next != NULL)
        fprintf(stderr, "  %s\n", now.next);
}
