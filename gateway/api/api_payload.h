/*
 * api_payload: bytes of clients and back ends in answers of the server API. Any thread.
 */
#pragma once

#include "base/json.h"

/*
 * A member `name` with JSON as it stands; what is no JSON is told in base64 as `base64_name`.
 * Nothing when `bytes` is empty. `is_json`: they are known to be.
 */
void api_payload_write(struct json_out *out, const char *name, const char *base64_name,
                       struct text bytes, bool is_json);
