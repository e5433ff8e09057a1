#include "gateway/pattern/glob.h"

#include <stdint.h>

/* When something does not fit, the last `*` takes one byte more: earlier ones need not be tried
 * again. */
bool glob_matches(struct text pattern, struct text name)
{
    size_t p = 0, n = 0, star = SIZE_MAX, taken = 0;

    while (n < name.len) {
        if (p < pattern.len && pattern.at[p] == '*') {
            star = p++;
            taken = n;
        } else if (p < pattern.len && pattern.at[p] == name.at[n]) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.at[p] == '*')
        p++;
    return p == pattern.len;
}
