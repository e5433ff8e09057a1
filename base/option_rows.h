/*
 * option_rows: rows of a program's options table (base/options.h), for values that live in a struct which the loading function
 * calls `s`. For the one settings.c of each program.
 */
#pragma once

#include "base/options.h"

static const char *const option_log_levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const option_log_formats[] = {"auto", "text", "json", NULL};

/* Shorter ones can be guessed. */
#define KEY_BYTES_MIN 16

#define TEXT_OPTION(option_name, member, default_text, sentence)                                   \
    {                                                                                              \
        .name = option_name, .type = OPTION_TEXT, .value = &s->member, .fallback = default_text,   \
        .help = sentence                                                                           \
    }
#define SECRET_OPTION(option_name, member, may_miss, sentence)                                     \
    {                                                                                              \
        .name = option_name, .type = OPTION_SECRET, .value = &s->member, .optional = may_miss,     \
        .help = sentence                                                                           \
    }
/* A key that signs or seals. */
#define KEY_OPTION(option_name, member, may_miss, sentence)                                        \
    {                                                                                              \
        .name = option_name, .type = OPTION_SECRET, .value = &s->member, .optional = may_miss,     \
        .min = KEY_BYTES_MIN, .help = sentence                                                     \
    }
#define NUMBER_OPTION(option_name, member, default_text, units, least, most, sentence)             \
    {                                                                                              \
        .name = option_name, .type = OPTION_NUMBER, .value = &s->member, .fallback = default_text, \
        .unit = units, .min = least, .max = most, .help = sentence                                 \
    }
#define CHOICE_OPTION(option_name, member, default_text, words, sentence)                          \
    {                                                                                              \
        .name = option_name, .type = OPTION_CHOICE, .value = &s->member, .fallback = default_text, \
        .choices = words, .help = sentence                                                         \
    }
#define FLAG_OPTION(option_name, member, default_text, sentence)                                   \
    {                                                                                              \
        .name = option_name, .type = OPTION_FLAG, .value = &s->member, .fallback = default_text,   \
        .help = sentence                                                                           \
    }
/* In ms: from `least` to `most`; a `least` of -1 makes -1 mean off. */
#define DURATION_OPTION(option_name, member, default_text, least, most, sentence)                  \
    {                                                                                              \
        .name = option_name, .type = OPTION_DURATION, .value = &s->member,                         \
        .fallback = default_text, .min = least, .max = most, .help = sentence                      \
    }
#define LIST_OPTION(option_name, member, default_text, sentence)                                   \
    {                                                                                              \
        .name = option_name, .type = OPTION_LIST, .value = &s->member, .fallback = default_text,   \
        .help = sentence                                                                           \
    }
