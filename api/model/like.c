#include "api/model/like.h"

#include <string.h>

void like_anywhere(struct buf *out, struct text words)
{
    buf_add_byte(out, '%');
    for (size_t i = 0; i < words.len; i++) {
        if (memchr("%_\\", words.at[i], 3) != NULL)
            buf_add_byte(out, '\\');
        buf_add_byte(out, words.at[i]);
    }
    buf_add_byte(out, '%');
}
