#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/token/caps.h"

static bool read(struct token_caps *caps, struct arena *arena, struct text claim)
{
    const char *why = NULL;
    struct json json;

    assert_int_equal(json_parse(&json, claim), ERR_OK);
    const bool good = caps_read(caps, arena, json_root(&json), &why);
    json_fini(&json);
    if (!good)
        assert_non_null(why);
    return good;
}

static unsigned allowed(const char *claim, const char *channel)
{
    struct token_caps caps;
    struct arena arena = {0};

    assert_true(read(&caps, &arena, text(claim)));
    const unsigned allow = caps_allow(&caps, text(channel));
    caps_fini(&caps);
    arena_fini(&arena);
    return allow;
}

static void what_an_entry_names_is_allowed_and_nothing_else(void **state)
{
    static const struct {
        const char *claim, *channel;
        unsigned allow;
    } rows[] = {
        {"[]", "news", 0},
        {"[{\"channels\":[\"news\",\"user_42\"],\"allow\":[\"sub\"]}]", "news", CAP_SUB},
        {"[{\"channels\":[\"news\",\"user_42\"],\"allow\":[\"sub\",\"hst\"]}]", "user_42",
         CAP_SUB | CAP_HISTORY},
        {"[{\"channels\":[\"news\"],\"allow\":[\"sub\"]}]", "newsx", 0},
        {"[{\"channels\":[\"news\"],\"allow\":[]}]", "news", 0},
        {"[{\"channels\":[],\"allow\":[\"pub\"]}]", "news", 0},
        {"[{\"channels\":[\"news*\"],\"match\":\"exact\",\"allow\":[\"pub\"]}]", "news1", 0},
        {"[{\"channels\":[\"n\"],\"allow\":[\"sub\"]},{\"channels\":[\"n\"],\"allow\":[\"prs\"]}]",
         "n", CAP_SUB | CAP_PRESENCE},
        {"[{\"channels\":[\"g:*\"],\"match\":\"wildcard\",\"allow\":[\"pub\"]}]", "g:7", CAP_PUB},
        {"[{\"channels\":[\"g:*\"],\"match\":\"wildcard\",\"allow\":[\"pub\"]}]", "g:", CAP_PUB},
        {"[{\"channels\":[\"g:*\"],\"match\":\"wildcard\",\"allow\":[\"pub\"]}]", "xg:7", 0},
        {"[{\"channels\":[\"*:a*b\"],\"match\":\"wildcard\",\"allow\":[\"pub\"]}]", "x:aabcb",
         CAP_PUB},
        {"[{\"channels\":[\"*:a*b\"],\"match\":\"wildcard\",\"allow\":[\"pub\"]}]", "x:aabc", 0},
        {"[{\"channels\":[\"^p_[0-9]+$\"],\"match\":\"regex\",\"allow\":[\"sub\"]}]", "p_12",
         CAP_SUB},
        {"[{\"channels\":[\"^p_[0-9]+$\"],\"match\":\"regex\",\"allow\":[\"sub\"]}]", "p_x", 0},
        {"[{\"channels\":[\"^p_\\\\d+$\"],\"match\":\"regex\",\"allow\":[\"sub\"]}]", "p_12",
         CAP_SUB},
        {"[{\"channels\":[\"a\",\"^b\"],\"match\":\"regex\",\"allow\":[\"sub\"]}]", "bc", CAP_SUB},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (allowed(rows[i].claim, rows[i].channel) != rows[i].allow)
            fail_msg("%s, %s", rows[i].claim, rows[i].channel);
}

/* A subscription to news:* hears everything in news: so it must be covered whole. */
static void a_pattern_is_allowed_where_a_pattern_covers_it(void **state)
{
    static const struct {
        const char *claim, *channel;
        unsigned allow;
    } rows[] = {
        {"[{\"channels\":[\"news:*\"],\"match\":\"wildcard\",\"allow\":[\"sub\"]}]", "news:*",
         CAP_SUB},
        {"[{\"channels\":[\"news:*\"],\"match\":\"wildcard\",\"allow\":[\"sub\"]}]", "news:a*",
         CAP_SUB},
        {"[{\"channels\":[\"news:a*\"],\"match\":\"wildcard\",\"allow\":[\"sub\"]}]", "news:*", 0},
        {"[{\"channels\":[\"news:*\"],\"allow\":[\"sub\"]}]", "news:*", CAP_SUB},
        {"[{\"channels\":[\"^news:.$\"],\"match\":\"regex\",\"allow\":[\"sub\"]}]", "news:*", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (allowed(rows[i].claim, rows[i].channel) != rows[i].allow)
            fail_msg("%s, %s", rows[i].claim, rows[i].channel);
}

static void assert_refused(struct text claim)
{
    struct token_caps caps;
    struct arena arena = {0};

    if (read(&caps, &arena, claim))
        fail_msg("%.*s was taken", (int)(claim.len < 80 ? claim.len : 80), claim.at);
    caps_fini(&caps);
    arena_fini(&arena);
}

static void a_claim_of_a_wrong_shape_is_refused(void **state)
{
    static const char *const claims[] = {
        "{}",
        "[1]",
        "[[]]",
        "[{}]",
        "[{\"channels\":[\"a\"]}]",
        "[{\"allow\":[\"sub\"]}]",
        "[{\"channels\":\"a\",\"allow\":[\"sub\"]}]",
        "[{\"channels\":[\"\"],\"allow\":[\"sub\"]}]",
        "[{\"channels\":[1],\"allow\":[\"sub\"]}]",
        "[{\"channels\":[\"a\"],\"allow\":\"sub\"}]",
        "[{\"channels\":[\"a\"],\"allow\":[\"write\"]}]",
        "[{\"channels\":[\"a\"],\"allow\":[1]}]",
        "[{\"channels\":[\"a\"],\"match\":\"glob\",\"allow\":[\"sub\"]}]",
        "[{\"channels\":[\"a\"],\"match\":null,\"allow\":[\"sub\"]}]",
        "[{\"channels\":[\"ok\",\"(\"],\"match\":\"regex\",\"allow\":[\"sub\"]}]",
        "[{\"channels\":[\"\\\\b\"],\"match\":\"regex\",\"allow\":[\"sub\"]}]",
    };
    for (size_t i = 0; i < ARRAY_COUNT(claims); i++)
        assert_refused(text(claims[i]));
}

static void repeat(struct buf *out, const char *before, const char *part, size_t count,
                   const char *behind)
{
    buf_printf(out, "%s", before);
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s%s", i > 0 ? "," : "", part);
    buf_printf(out, "%s", behind);
}

static void more_than_the_limits_is_refused(void **state)
{
    static const struct {
        const char *before, *part, *behind;
        size_t most;
    } rows[] = {
        {"[", "{\"channels\":[\"a\"],\"allow\":[\"sub\"]}", "]", CAPS_MAX},
        {"[{\"allow\":[\"sub\"],\"channels\":[", "\"a\"", "]}]", CAP_CHANNELS_MAX},
        {"[{\"match\":\"regex\",\"allow\":[\"sub\"],\"channels\":[", "\"a\"", "]}]",
         CAP_REGEXES_MAX},
        {"[", "{\"match\":\"regex\",\"allow\":[],\"channels\":[\"a\",\"b\"]}", "]",
         CAP_REGEXES_MAX / 2},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct token_caps caps;
        struct arena arena = {0};
        struct buf claim = {0};
        repeat(&claim, rows[i].before, rows[i].part, rows[i].most, rows[i].behind);
        assert_true(read(&caps, &arena, buf_text(&claim)));
        caps_fini(&caps);
        arena_fini(&arena);
        buf_reset(&claim);
        repeat(&claim, rows[i].before, rows[i].part, rows[i].most + 1, rows[i].behind);
        assert_refused(buf_text(&claim));
        buf_fini(&claim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_entry_names_is_allowed_and_nothing_else),
        cmocka_unit_test(a_pattern_is_allowed_where_a_pattern_covers_it),
        cmocka_unit_test(a_claim_of_a_wrong_shape_is_refused),
        cmocka_unit_test(more_than_the_limits_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
