#include "gateway/protocol/decimal.h"

/* Without the zeros that say nothing; 0 has neither digits nor a sign. */
struct decimal {
    bool negative;
    struct text whole, fraction;
};

static struct text take_digits(struct text *text)
{
    const struct text from = *text;
    while (text->len > 0 && text->at[0] >= '0' && text->at[0] <= '9')
        *text = text_after(*text, 1);
    return text_of(from.at, from.len - text->len);
}

static bool parse(struct text text, struct decimal *out)
{
    *out = (struct decimal){0};
    if (text.len > 0 && (text.at[0] == '-' || text.at[0] == '+')) {
        out->negative = text.at[0] == '-';
        text = text_after(text, 1);
    }
    if ((out->whole = take_digits(&text)).len == 0)
        return false;
    if (text.len > 0 && text.at[0] == '.') {
        text = text_after(text, 1);
        if ((out->fraction = take_digits(&text)).len == 0)
            return false;
    }
    if (text.len > 0)
        return false;
    while (out->whole.len > 0 && out->whole.at[0] == '0')
        out->whole = text_after(out->whole, 1);
    while (out->fraction.len > 0 && out->fraction.at[out->fraction.len - 1] == '0')
        out->fraction.len--;
    if (out->whole.len == 0 && out->fraction.len == 0)
        out->negative = false;
    return true;
}

/* As memcmp() does; of two texts one of which begins with the other, the longer is greater. */
static int compare_bytes(struct text a, struct text b)
{
    const size_t common = a.len < b.len ? a.len : b.len;
    const int order = common > 0 ? memcmp(a.at, b.at, common) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_sizes(const struct decimal *a, const struct decimal *b)
{
    int order;

    if (a->whole.len != b->whole.len)
        return a->whole.len < b->whole.len ? -1 : 1;
    if ((order = compare_bytes(a->whole, b->whole)) != 0)
        return order;
    return compare_bytes(a->fraction, b->fraction);
}

bool decimal_valid(struct text number)
{
    struct decimal decimal;
    return parse(number, &decimal);
}

bool decimal_compare(struct text a, struct text b, int *order)
{
    struct decimal left, right;

    if (!parse(a, &left) || !parse(b, &right))
        return false;
    if (left.negative != right.negative)
        *order = left.negative ? -1 : 1;
    else
        *order = left.negative ? compare_sizes(&right, &left) : compare_sizes(&left, &right);
    return true;
}
