/*
 * namespaces: which namespace a channel belongs to, and what its name says besides. Per command,
 * without allocating; any thread.
 */
#pragma once

#include <stdbool.h>

#include "gateway/settings.h"

/* The text before the first boundary, without a private prefix; empty: none. "$news:go" -> "news" */
struct text namespace_name_of(const struct settings *settings, struct text channel);

/* The options of a channel's namespace; NULL: there is no such namespace (error 102). */
const struct namespace *namespace_find(const struct settings *settings, struct text channel);
/* By its own name; NULL: there is none. */
const struct namespace *namespace_named(const struct settings *settings, struct text name);

/* Begins with the private prefix: subscribing takes a token. */
bool channel_is_private(const struct settings *settings, struct text channel);

/* Has a user boundary. */
bool channel_is_user_limited(const struct settings *settings, struct text channel);
/* Is `user` in the list behind the last user boundary? The anonymous user never is. */
bool channel_lists_user(const struct settings *settings, struct text channel, struct text user);

/* Has a '*': subscribing to it means all channels that match, where the namespace allows that. */
bool channel_is_pattern(struct text channel);

/* 0, or error 107: too long, or not what `namespace` wants names to look like. */
int channel_check_name(const struct settings *settings, const struct namespace *namespace,
                       struct text channel);
/* 0, or error 107: what is published is not of the namespace's format. `is_json`: known to be valid
 * JSON. */
int channel_check_data(const struct namespace *namespace, struct text data, bool is_json);
