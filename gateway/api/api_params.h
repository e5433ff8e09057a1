/*
 * api_params: the parameters of a method of the server API, read by their names. A member that is
 * null or not there is zero; one of a wrong type makes all of them wrong. Texts are borrowed from
 * the JSON text or lie in the arena. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/json.h"
#include "gateway/protocol/tag.h"

struct api_params {
    struct arena *arena;
    struct json_value object;
    const char *wrong; /* the first member that cannot be understood; NULL: none */
};

/* `object`: absent or null is as empty; anything else that is no object is wrong. */
struct api_params api_params(struct arena *arena, struct json_value object);

bool api_params_has(const struct api_params *params, const char *name);
struct text api_params_text(struct api_params *params, const char *name);
bool api_params_bool(struct api_params *params, const char *name);
int64_t api_params_i64(struct api_params *params, const char *name);
int32_t api_params_i32(struct api_params *params, const char *name);
uint64_t api_params_u64(struct api_params *params, const char *name);
struct json_value api_params_list(struct api_params *params, const char *name);
struct text *api_params_texts(struct api_params *params, const char *name, size_t *count);
struct tag *api_params_tags(struct api_params *params, const char *name, size_t *count);

/* A member that is an object itself; what is wrong in it is wrong in `params` once it is given back
 * by api_params_leave(). */
struct api_params api_params_enter(struct api_params *params, const char *name);
void api_params_leave(struct api_params *params, const struct api_params *inner);

/*
 * Bytes: what `base64_name` stands for (RFC 4648 4, with padding) unless it is empty, else the JSON
 * of `name` as it stands. `is_json` (may be NULL): they are known to be JSON.
 */
struct text api_params_payload(struct api_params *params, const char *name, const char *base64_name,
                               bool *is_json);
