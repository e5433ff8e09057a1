/*
 * options_print: what --help, --print-defaults and --check-config show. Inside base/ only.
 */
#pragma once

#include "base/options_gather.h"

void options_print_help(const struct options *options);

/* A configuration with every option and its default, as lines, as JSON and as environment. */
void options_print_defaults(const struct options *options);
void options_print_defaults_json(const struct options *options);
void options_print_defaults_env(const struct options *options);

/* The values in force; `given`, one for each option, says where they came from. */
void options_print_values(const struct options *options, const struct given *given);
