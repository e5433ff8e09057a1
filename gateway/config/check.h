/*
 * check: what the gateway's options must be together, and what they are resolved to: the broker,
 * defaults that differ on the bus, what namespaces inherit. Inside gateway/config/ and settings.c
 * only.
 */
#pragma once

#include "base/options.h"
#include "gateway/settings.h"

/* For options->check; `settings` is a struct settings. */
bool check_settings(void *settings, struct options_notes *notes);

/* http:// or https:// and a host. */
bool check_is_url(const char *address);
