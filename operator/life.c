#include "operator/life.h"

#include <string.h>

#include "base/id.h"

bool life_parse(const char *life, int64_t *seconds)
{
    static const struct {
        char letter;
        int seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    struct text digits = text(life);
    int unit = 1;

    for (size_t i = 0; i < ARRAY_COUNT(units); i++)
        if (digits.len > 0 && life[strlen(life) - 1] == units[i].letter) {
            unit = units[i].seconds;
            digits.len--;
        }
    if (!id_parse(digits, seconds) || *seconds > LIFE_S_MAX / unit)
        return false;
    *seconds *= unit;
    return true;
}
