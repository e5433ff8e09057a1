#include "gateway/api/api_payload.h"

void api_payload_write(struct json_out *out, const char *name, const char *base64_name,
                       struct text bytes, bool is_json)
{
    if (bytes.len == 0)
        return;
    if (is_json || json_is_valid(bytes))
        json_key_raw(out, name, bytes);
    else
        json_key_base64(out, base64_name, bytes);
}
