/*
 * foreign: names of Centrifugo v6 that the gateway does not know (base/options.h). Inside
 * gateway/config/ and settings.c only.
 */
#pragma once

#include "base/options.h"

extern const struct option_foreign foreign_names[];
extern const struct option_foreign foreign_in_namespaces[]; /* an object of channel.namespaces */
extern const struct option_foreign foreign_in_proxies[];    /* an object of proxies */
