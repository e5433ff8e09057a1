/*
 * check_channels: the part of check.h that is about channels, calls and the back ends that are asked
 * about them. Inside gateway/config/ only.
 */
#pragma once

#include "gateway/config/check.h"

/* Also sorts the namespaces, and compiles their regular expressions. */
bool check_channels(struct settings *settings, struct options_notes *notes);
bool check_proxies(struct settings *settings, struct options_notes *notes);
