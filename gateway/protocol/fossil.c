/*
 * A delta is made in three steps: what both texts begin with, what both end with, and between the
 * two whatever blocks of the source are found again. Most updates of a JSON document change one
 * short value, and are done after the first two.
 *
 * For the third step each whole block of the source is entered in a table under its hash. A window
 * of a block's size moves over the target, its hash moving along at constant cost; where the window
 * holds a block, the match is extended to both sides. Only CHAIN_MAX blocks of one slot are tried,
 * so a source of equal blocks, or of blocks made to collide, costs no more.
 */
#include "gateway/protocol/fossil.h"

#include <stdlib.h>

#define BLOCK_BYTES       16
#define CHAIN_MAX         16
#define NO_BLOCK          UINT32_MAX
#define NUMBER_DIGITS_MAX 6 /* of 32 bits, six in each */

/* The hash of bytes b0 ... b15 is b0 * M^15 + b1 * M^14 ... + b15, modulo 2^32. */
#define HASH_M            0x01000193u
#define HASH_M2           (HASH_M * HASH_M)
#define HASH_M4           (HASH_M2 * HASH_M2)
#define HASH_M8           (HASH_M4 * HASH_M4)
#define HASH_M16          (HASH_M8 * HASH_M8)
/* Golden ratio: the upper bits of a product with it depend on all bits. */
#define HASH_SPREAD       0x9e3779b1u

/* Bytes `at` ... of the target that stand in the source too, from `from` on. */
struct copy {
    size_t at, from, len;
};

/* The whole blocks of the source. */
struct blocks {
    uint32_t *heads; /* 2^(32 - shift): the first block with that hash, or NO_BLOCK */
    uint32_t *next;  /* for each block: the next one in its slot, or NO_BLOCK */
    unsigned shift;
};

struct delta {
    struct buf *out;
    struct text source, target;
    bool as_text;
    size_t done; /* so much of the target the delta makes already */
};

/* ---- numbers and the checksum ---- */

static size_t count_digits(size_t number)
{
    size_t count = 1;
    while ((number >>= 6) != 0)
        count++;
    return count;
}

static void add_number(struct buf *out, size_t number)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";
    for (size_t i = count_digits(number); i-- > 0;)
        buf_add_byte(out, digits[(number >> (6 * i)) & 63]);
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'A' && digit <= 'Z')
        return digit - 'A' + 10;
    if (digit >= 'a' && digit <= 'z')
        return digit - 'a' + 37;
    return digit == '_' ? 36 : digit == '~' ? 63 : -1;
}

/* Takes a number and the character after it off `text`; false: there is no number, it is too big,
 * or it is the end. */
static bool take_number(struct text *text, size_t *number, char *after)
{
    uint64_t sum = 0;
    size_t count = 0;
    int digit;

    for (; count < text->len && (digit = digit_value(text->at[count])) >= 0; count++)
        if (count == NUMBER_DIGITS_MAX || (sum = sum << 6 | (unsigned)digit) > UINT32_MAX)
            return false;
    if (count == 0 || count == text->len)
        return false;
    *number = (size_t)sum;
    *after = text->at[count];
    *text = text_after(*text, count + 1);
    return true;
}

/* The sum of the big-endian 32-bit words, the last of them filled up with zeros. */
static uint32_t checksum(struct text text)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < text.len; i++)
        sum += (uint32_t)(unsigned char)text.at[i] << (24 - 8 * (i % 4));
    return sum;
}

/* ---- copies ---- */

/* Shorter than what it stands for, a literal's length that it may add included. */
static bool pays_off(const struct copy *copy)
{
    return copy->len > count_digits(copy->len) + 2 + count_digits(copy->from) + 2;
}

static bool is_inside_character(struct text text, size_t at)
{
    return at < text.len && ((unsigned char)text.at[at] & 0xc0) == 0x80;
}

/* Leaves out characters of which the copy has a part, so that they stand in a literal whole. */
static void trim_to_characters(struct text target, struct copy *copy)
{
    while (copy->len > 0 && is_inside_character(target, copy->at)) {
        copy->at++;
        copy->from++;
        copy->len--;
    }
    while (copy->len > 0 && is_inside_character(target, copy->at + copy->len))
        copy->len--;
}

static size_t count_equal(const char *a, const char *b, size_t max)
{
    size_t count = 0;
    while (count < max && a[count] == b[count])
        count++;
    return count;
}

/* The same backwards: `a` and `b` are the ends. */
static size_t count_equal_before(const char *a, const char *b, size_t max)
{
    size_t count = 0;
    while (count < max && a[-1 - (ptrdiff_t)count] == b[-1 - (ptrdiff_t)count])
        count++;
    return count;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static struct copy common_start(const struct delta *delta)
{
    const size_t max = smaller(delta->source.len, delta->target.len);
    return (struct copy){.len = count_equal(delta->source.at, delta->target.at, max)};
}

/* The common end of what is not done yet. In the source it may overlap with the common start:
 * copies may. */
static struct copy common_end(const struct delta *delta)
{
    const struct text source = delta->source, target = delta->target;
    const size_t max = smaller(source.len, target.len - delta->done);
    const size_t len =
        max == 0 ? 0 : count_equal_before(source.at + source.len, target.at + target.len, max);
    return (struct copy){.at = target.len - len, .from = source.len - len, .len = len};
}

/* ---- blocks ---- */

static uint32_t hash_block(const char *at)
{
    uint32_t hash = 0;
    for (size_t i = 0; i < BLOCK_BYTES; i++)
        hash = hash * HASH_M + (unsigned char)at[i];
    return hash;
}

/* From the hash of the block at `at` to that of the one a byte further on. */
static uint32_t roll_hash(uint32_t hash, const char *at)
{
    return hash * HASH_M + (unsigned char)at[BLOCK_BYTES] - (unsigned char)at[0] * HASH_M16;
}

static uint32_t *slot_of(const struct blocks *blocks, uint32_t hash)
{
    return &blocks->heads[hash * HASH_SPREAD >> blocks->shift];
}

static void blocks_init(struct blocks *blocks, struct text source)
{
    const size_t count = source.len / BLOCK_BYTES;
    unsigned bits = 1;

    while ((size_t)1 << bits < count)
        bits++;
    const size_t slots = (size_t)1 << bits;
    blocks->shift = 32 - bits;
    blocks->heads = xmalloc((slots + count) * sizeof(uint32_t));
    blocks->next = blocks->heads + slots;
    memset(blocks->heads, 0xff, slots * sizeof(uint32_t)); /* NO_BLOCK */
    /* Backwards, so that the first block comes to stand first: short offsets are short to write. */
    for (size_t i = count; i-- > 0;) {
        uint32_t *slot = slot_of(blocks, hash_block(source.at + i * BLOCK_BYTES));
        blocks->next[i] = *slot;
        *slot = (uint32_t)i;
    }
}

static void blocks_fini(struct blocks *blocks)
{
    free(blocks->heads);
}

/* The copy round the window at `at`, which has the block at `from`; it ends before `end`. */
static struct copy extend(const struct delta *delta, size_t at, size_t from, size_t end)
{
    const struct text source = delta->source, target = delta->target;
    const size_t after =
        count_equal(source.at + from, target.at + at, smaller(source.len - from, end - at));
    const size_t before =
        count_equal_before(source.at + from, target.at + at, smaller(from, at - delta->done));
    struct copy copy = {.at = at - before, .from = from - before, .len = before + after};

    if (delta->as_text)
        trim_to_characters(target, &copy);
    return copy;
}

/* The longest copy round the window at `at` that pays off; length 0: there is none. */
static struct copy find_copy(const struct delta *delta, const struct blocks *blocks, uint32_t hash,
                             size_t at, size_t end)
{
    struct copy best = {0};
    size_t tried = 0;

    for (uint32_t block = *slot_of(blocks, hash); block != NO_BLOCK && tried < CHAIN_MAX;
         block = blocks->next[block], tried++) {
        const size_t from = (size_t)block * BLOCK_BYTES;
        if (memcmp(delta->source.at + from, delta->target.at + at, BLOCK_BYTES) != 0)
            continue;
        const struct copy copy = extend(delta, at, from, end);
        if (copy.len > best.len && pays_off(&copy))
            best = copy;
    }
    return best;
}

/* ---- making ---- */

static void add_literal(struct delta *delta, size_t end)
{
    if (delta->done == end)
        return;
    add_number(delta->out, end - delta->done);
    buf_add_byte(delta->out, ':');
    buf_add(delta->out, delta->target.at + delta->done, end - delta->done);
    delta->done = end;
}

/* Adds `copy`, and before it what is missing up to there. */
static void add_copy(struct delta *delta, const struct copy *copy)
{
    add_literal(delta, copy->at);
    add_number(delta->out, copy->len);
    buf_add_byte(delta->out, '@');
    add_number(delta->out, copy->from);
    buf_add_byte(delta->out, ',');
    delta->done += copy->len;
}

/* Adds the copies of blocks up to `end`; what follows the last of them remains to be done. */
static void add_blocks(struct delta *delta, size_t end)
{
    const char *target = delta->target.at;
    struct blocks blocks;
    size_t at = delta->done;
    uint32_t hash;

    if (delta->source.len < BLOCK_BYTES || end - at < BLOCK_BYTES)
        return;
    blocks_init(&blocks, delta->source);
    hash = hash_block(target + at);
    for (;;) {
        const struct copy copy = find_copy(delta, &blocks, hash, at, end);
        const size_t next = copy.len > 0 ? copy.at + copy.len : at + 1;
        if (copy.len > 0)
            add_copy(delta, &copy);
        if (next > end || end - next < BLOCK_BYTES)
            break;
        hash = next == at + 1 ? roll_hash(hash, target + at) : hash_block(target + next);
        at = next;
    }
    blocks_fini(&blocks);
}

void fossil_delta(struct buf *out, struct text source, struct text target, bool as_text)
{
    struct delta delta = {.out = out, .source = source, .target = target, .as_text = as_text};

    CHECK(source.len <= UINT32_MAX && target.len <= UINT32_MAX);
    add_number(out, target.len);
    buf_add_byte(out, '\n');

    struct copy start = common_start(&delta);
    if (as_text)
        trim_to_characters(target, &start);
    if (pays_off(&start))
        add_copy(&delta, &start);

    struct copy end = common_end(&delta);
    if (as_text)
        trim_to_characters(target, &end);
    if (pays_off(&end)) {
        add_blocks(&delta, end.at);
        add_copy(&delta, &end);
    } else {
        add_blocks(&delta, target.len);
        add_literal(&delta, target.len);
    }
    add_number(out, checksum(target));
    buf_add_byte(out, ';');
}

/* ---- applying ---- */

/* Appends what a segment of `len` bytes and of kind `kind` stands for; takes what belongs to it off
 * `delta`. */
static bool apply_segment(struct buf *out, struct text source, struct text *delta, size_t len,
                          char kind)
{
    size_t from;
    char after;

    switch (kind) {
    case '@':
        if (!take_number(delta, &from, &after) || after != ',' || from > source.len ||
            len > source.len - from)
            return false;
        buf_add(out, source.at + from, len);
        return true;
    case ':':
        if (len > delta->len)
            return false;
        buf_add(out, delta->at, len);
        *delta = text_after(*delta, len);
        return true;
    default:
        return false;
    }
}

static bool apply(struct buf *out, struct text source, struct text delta)
{
    const size_t start = out->len;
    size_t whole, number;
    char after;

    if (!take_number(&delta, &whole, &after) || after != '\n')
        return false;
    while (take_number(&delta, &number, &after)) {
        const size_t made = out->len - start;
        if (after == ';')
            return delta.len == 0 && made == whole &&
                   number == checksum(text_of(made == 0 ? NULL : out->at + start, made));
        if (number > whole - made || !apply_segment(out, source, &delta, number, after))
            return false;
    }
    return false; /* it has no end */
}

bool fossil_apply(struct buf *out, struct text source, struct text delta)
{
    const size_t len = out->len;
    const bool applied = apply(out, source, delta);

    if (!applied)
        out->len = len;
    return applied;
}
