/*
 * groups: people who belong together. Handlers of /groups but for members and bans (group_members.h).
 *
 * Each change is one statement. Groups have no log: what changed of a public one is told on public:groups, what changed for a person on
 * user:{user}, once, after the commit; who missed it reads GET /groups again.
 */
#pragma once

#include "api/model/group.h"
#include "api/request/call.h"

enum err groups_post(struct call *call);
enum err groups_get(struct call *call);
enum err groups_get_public(struct call *call);
enum err groups_get_one(struct call *call);
enum err groups_patch(struct call *call);
enum err groups_delete(struct call *call);
enum err topics_post(struct call *call);
enum err topics_patch(struct call *call);
enum err topics_delete(struct call *call);

/* Answers with the Group as it is now, and tells those who look for groups of the change (`word`; NULL: nobody). */
enum err groups_reply(struct call *call, int64_t group_id, int status, const char *word);
