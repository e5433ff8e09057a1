/*
 * options_print: what --help, --print-defaults and --check-config show. Inside base/ only.
 */
#pragma once

#include "base/buf.h"
#include "base/options.h"

void options_print_help(const struct options *options);
void options_print_defaults(const struct options *options);
/* `places[i]`: where the value of option i came from. */
void options_print_values(const struct options *options, const char *const *places);

/* Appends what a value may be: "a whole number from 1 to 65535", "one of: text, json". */
void options_describe(struct buf *out, const struct option *option);
/* Appends PARLEY_HTTP_PORT for http.port. */
void options_variable(struct buf *out, const struct option *option);
