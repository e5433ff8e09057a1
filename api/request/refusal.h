/*
 * refusal: what libh2o refuses by itself, before any handler (a body far over the limit, a broken
 * chunk), gets a problem document as well.
 */
#pragma once

#include <h2o.h>

/* After listener_conf_init(). */
void refusal_init(h2o_globalconf_t *http);
