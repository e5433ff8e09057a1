#include "base/clock.h"

#include <time.h>

#define SECOND_US 1000000LL
#define DAY_S     86400LL
#define LAST_US   (253402300799LL * SECOND_US + 999999) /* the end of year 9999 */

int64_t clock_mono_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int64_t clock_mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

int64_t clock_wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

/*
 * Days since 1970-01-01 to a date of the Gregorian calendar and back, after Howard Hinnant,
 * "chrono-Compatible Low-Level Date Algorithms": years begin in March, so that the leap day comes
 * last, and are counted in eras of 400 years = 146,097 days. 719,468 days lead from 0000-03-01 to
 * 1970. strftime() and gmtime_r() cost ten times as much, and every message shows a time.
 */
static void date_of_days(int64_t days, int *year, int *month, int *day)
{
    const unsigned since = (unsigned)(days + 719468); /* from 1970 on: positive */
    const unsigned era = since / 146097, doe = since % 146097;
    const unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const unsigned march_month = (5 * doy + 2) / 153; /* 0 = March */

    *day = (int)(doy - (153 * march_month + 2) / 5 + 1);
    *month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year = (int)(yoe + era * 400) + (*month <= 2);
}

static int64_t days_of_date(int year, int month, int day)
{
    const int march_year = year - (month <= 2);
    const int era = (march_year >= 0 ? march_year : march_year - 399) / 400;
    const int yoe = march_year - era * 400;
    const int doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return (int64_t)era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static char *write_digits(char *at, int number, int count)
{
    for (int i = count; i-- > 0; number /= 10)
        at[i] = (char)('0' + number % 10);
    return at + count;
}

void clock_format_exact(int64_t wall_us, char out[CLOCK_EXACT_BYTES])
{
    int year, month, day;

    if (wall_us < 0)
        wall_us = 0;
    if (wall_us > LAST_US)
        wall_us = LAST_US;
    const int64_t seconds = wall_us / SECOND_US;
    const int in_day = (int)(seconds % DAY_S);
    date_of_days(seconds / DAY_S, &year, &month, &day);

    memcpy(out, "0000-00-00T00:00:00.000000Z", CLOCK_EXACT_BYTES);
    write_digits(out, year, 4);
    write_digits(out + 5, month, 2);
    write_digits(out + 8, day, 2);
    write_digits(out + 11, in_day / 3600, 2);
    write_digits(out + 14, in_day / 60 % 60, 2);
    write_digits(out + 17, in_day % 60, 2);
    write_digits(out + 20, (int)(wall_us % SECOND_US), 6);
}

void clock_format(int64_t wall_us, char out[CLOCK_RFC3339_BYTES])
{
    char exact[CLOCK_EXACT_BYTES];

    clock_format_exact(wall_us, exact);
    memcpy(out, exact, CLOCK_RFC3339_BYTES - 2);
    memcpy(out + CLOCK_RFC3339_BYTES - 2, "Z", 2);
}

/* Takes `count` digits off the front of `rest`, no more than `max`. */
static bool take_digits(struct text *rest, size_t count, int max, int *number)
{
    *number = 0;
    if (rest->len < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (rest->at[i] < '0' || rest->at[i] > '9')
            return false;
        *number = *number * 10 + (rest->at[i] - '0');
    }
    *rest = text_after(*rest, count);
    return *number <= max;
}

/* Takes one byte that is among `allowed`; 0 when it is not. */
static char take_byte(struct text *rest, const char *allowed)
{
    if (rest->len == 0 || rest->at[0] == '\0' || strchr(allowed, rest->at[0]) == NULL)
        return 0;
    const char byte = rest->at[0];
    *rest = text_after(*rest, 1);
    return byte;
}

static bool take_date(struct text *rest, int64_t *days)
{
    static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;

    if (!take_digits(rest, 4, 9999, &year) || !take_byte(rest, "-") ||
        !take_digits(rest, 2, 12, &month) || !take_byte(rest, "-") ||
        !take_digits(rest, 2, 31, &day))
        return false;
    const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month < 1 || day < 1 || day > month_days[month - 1] ||
        (month == 2 && day == 29 && !is_leap))
        return false;
    *days = days_of_date(year, month, day);
    return true;
}

/* ".5" is half a second; no decimals are fine, a point alone is not. */
static bool take_decimals(struct text *rest, int *micros)
{
    int digit, unit = 100000;

    *micros = 0;
    if (!take_byte(rest, "."))
        return true;
    if (!take_digits(rest, 1, 9, &digit))
        return false;
    do {
        *micros += digit * unit;
        unit /= 10;
    } while (unit > 0 && take_digits(rest, 1, 9, &digit));
    return true;
}

static bool take_offset(struct text *rest, int *offset_s)
{
    int hours, minutes;
    const char sign = take_byte(rest, "Zz+-");

    *offset_s = 0;
    if (sign == 'Z' || sign == 'z')
        return true;
    if (sign == 0 || !take_digits(rest, 2, 23, &hours) || !take_byte(rest, ":") ||
        !take_digits(rest, 2, 59, &minutes))
        return false;
    *offset_s = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
    return true;
}

bool clock_parse(struct text time, int64_t *wall_us)
{
    int hour, minute, second, micros, offset_s;
    int64_t days;

    if (!take_date(&time, &days) || !take_byte(&time, "Tt") || !take_digits(&time, 2, 23, &hour) ||
        !take_byte(&time, ":") || !take_digits(&time, 2, 59, &minute) || !take_byte(&time, ":") ||
        !take_digits(&time, 2, 60, &second) || !take_decimals(&time, &micros) ||
        !take_offset(&time, &offset_s) || time.len != 0)
        return false;

    const int64_t seconds = days * DAY_S + hour * 3600 + minute * 60 + second - offset_s;
    if (second == 60 && seconds % DAY_S != 0)
        return false; /* a leap second comes at the end of a UTC day only (RFC 3339 5.7) */
    *wall_us = seconds * SECOND_US + micros;
    return true;
}
