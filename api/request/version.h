/*
 * version: changes that are meant for one version of a thing: `ETag` with what is told, `If-Match` with what is changed.
 */
#pragma once

#include "api/request/call.h"

#define VERSION_ANY 0 /* of `If-Match: *` */

/* Tells the version of what is answered: ETag: "7". */
void call_set_version(struct call *call, int64_t version);
/*
 * The version that the change is for, or VERSION_ANY. ERR_IF_MATCH_REQUIRED: it is not said. ERR_VERSION_CHANGED: no version has
 * a tag like that (RFC 9110 13.1.1). Ask only once it is clear that the asker may see the thing.
 */
MUST_CHECK enum err call_if_match(struct call *call, int64_t *version);
/* Whether a thing of version `current` is the one that `wanted` means. */
MUST_CHECK enum err call_check_version(struct call *call, int64_t wanted, int64_t current);
