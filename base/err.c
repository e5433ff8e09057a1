#include "base/err.h"

#include <string.h>

static const struct entry {
    enum err err;
    int status;
    const char *code, *title;
} table[] = {
#define X(name, number, http_status, json_code, sentence)                                          \
    {ERR_##name, http_status, json_code, sentence},
    ERR_TABLE(X)
#undef X
};

static const struct entry *find(enum err err)
{
    for (size_t i = 0; i < ARRAY_COUNT(table); i++)
        if (table[i].err == err)
            return &table[i];
    return find(ERR_INTERNAL);
}

const char *err_code(enum err err)
{
    return find(err)->code;
}

const char *err_title(enum err err)
{
    return find(err)->title;
}

int err_status(enum err err)
{
    return find(err)->status;
}

enum err err_from_code(const char *code)
{
    for (size_t i = 0; i < ARRAY_COUNT(table); i++)
        if (strcmp(table[i].code, code) == 0)
            return table[i].err;
    return ERR_INTERNAL;
}
