#include "base/fail_point.h"

#ifdef PARLEY_FAIL_POINTS

#include <stdlib.h>
#include <string.h>

#include "base/id.h"

bool fail_point(const char *name)
{
    const size_t len = strlen(name);

    for (const char *at = getenv("PARLEY_FAIL_POINTS"); at != NULL && *at != '\0';) {
        const size_t word = strcspn(at, " ");
        if (strncmp(at, name, len) == 0 && (word == len || at[len] == '='))
            return word == len || (double)(id_random() >> 11) < atof(at + len + 1) * 0x1p53;
        at += word + strspn(at + word, " ");
    }
    return false;
}

#endif
