#include "bus/numbers.h"

#include <string.h>

void numbers_start(struct numbers *numbers, uint64_t last)
{
    numbers->last = last;
    numbers->hole_count = 0;
}

static void remove_hole(struct numbers *numbers, size_t index)
{
    numbers->hole_count--;
    memmove(&numbers->holes[index], &numbers->holes[index + 1],
            (numbers->hole_count - index) * sizeof(numbers->holes[0]));
}

static void insert_hole(struct numbers *numbers, size_t index, struct number_range hole)
{
    if (numbers->hole_count == NUMBERS_HOLES_MAX) {
        remove_hole(numbers, 0);
        if (index > 0)
            index--;
    }
    memmove(&numbers->holes[index + 1], &numbers->holes[index],
            (numbers->hole_count - index) * sizeof(numbers->holes[0]));
    numbers->holes[index] = hole;
    numbers->hole_count++;
}

bool numbers_reach(struct numbers *numbers, uint64_t latest, struct number_range *hole)
{
    if (latest <= numbers->last)
        return false;
    *hole = (struct number_range){numbers->last + 1, latest};
    insert_hole(numbers, numbers->hole_count, *hole);
    numbers->last = latest;
    return true;
}

/* Takes `number` out of the hole it lies in, which may become two, or none. */
static void fill(struct numbers *numbers, size_t index, uint64_t number)
{
    struct number_range *hole = &numbers->holes[index];
    const struct number_range above = {number + 1, hole->to};

    if (hole->from == hole->to) {
        remove_hole(numbers, index);
    } else if (number == hole->from) {
        hole->from++;
    } else if (number == hole->to) {
        hole->to--;
    } else {
        hole->to = number - 1;
        insert_hole(numbers, index + 1, above);
    }
}

bool numbers_take(struct numbers *numbers, uint64_t number)
{
    if (number > numbers->last) {
        CHECK(number == numbers->last + 1);
        numbers->last = number;
        return true;
    }
    for (size_t i = 0; i < numbers->hole_count; i++) {
        if (number < numbers->holes[i].from || number > numbers->holes[i].to)
            continue;
        fill(numbers, i, number);
        return true;
    }
    return false;
}
