#include "base/base.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

void check_failed(const char *file, int line, const char *condition)
{
    log_error("%s:%d: broken promise: %s", file, line, condition);
    abort();
}

static void *or_abort(void *at)
{
    if (at == NULL) {
        log_error("out of memory");
        abort();
    }
    return at;
}

void *xmalloc(size_t size)
{
    return or_abort(malloc(size != 0 ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
    return or_abort(count != 0 && size != 0 ? calloc(count, size) : calloc(1, 1));
}

void *xrealloc(void *at, size_t size)
{
    return or_abort(realloc(at, size != 0 ? size : 1)); /* realloc(at, 0) might free and say NULL */
}

char *xstrdup(const char *string)
{
    return xstrndup(string, strlen(string));
}

char *xstrndup(const char *at, size_t len)
{
    char *copy = xmalloc(len + 1);
    if (len != 0)
        memcpy(copy, at, len);
    copy[len] = '\0';
    return copy;
}
