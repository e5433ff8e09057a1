/*
 * filter: which publications a subscriber wants, told by their tags.
 *
 * A filter is a tree. An inner node has `op` "and" or "or" and one or more nodes, or "not" and one. A leaf has no `op`: it
 * compares the tag `key` by `cmp` with `val` or `vals`:
 *
 *   eq neq                  equals `val`, does not (also when there is no such tag)
 *   in nin                  is one of `vals`, is none of them (also when there is no such tag)
 *   ex nex                  is there, is not; without `val` and `vals`
 *   sw ew ct                starts with, ends with, contains `val`
 *   lt lte gt gte           is a decimal number (decimal.h) less than `val`, and so on; never true of what is no number
 *
 * What it was read from is checked and copied into one block of memory, which never changes: any thread, many at a time.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "base/text.h"
#include "gateway/protocol/tag.h"

#define FILTER_DEPTH_MAX 16    /* a lone leaf has depth 1 */
#define FILTER_NODES_MAX 256
#define FILTER_VALS_MAX 1024   /* of all nodes together */
#define FILTER_BYTES_MAX 65536 /* of the JSON text or the Protobuf message */

struct filter;

/*
 * From a JSON object, or from one FilterNode message (op 1, key 2, cmp 3, val 4, vals 5, nodes 6). A member that is missing
 * is empty, as in proto3; others are ignored. On success alone `*out` is set; filter_destroy() it.
 * ERR_INVALID: malformed; a member of another type; an unknown `op` or `cmp`; the wrong number of nodes (a leaf has none); a
 * leaf without `key`; without the `val` or `vals` that its `cmp` needs, or with those that it has no use for; a `val` that is
 * to be compared as a number and is none; a limit above exceeded.
 */
MUST_CHECK enum err filter_read_json(struct filter **out, struct text json);
MUST_CHECK enum err filter_read_protobuf(struct filter **out, struct text bytes);
void filter_destroy(struct filter *filter); /* NULL does nothing */

/* Does a publication with these `count` tags pass? Of tags with one key the first counts. Allocates nothing. */
bool filter_passes(const struct filter *filter, const struct tag *tags, size_t count);
