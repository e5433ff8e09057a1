#include "api/handlers/config.h"

#include "api/request/limits.h"
#include "api/settings.h"
#include "api/worker.h"
#include "base/id.h"
#include "base/version.h"

#define GATEWAYS_MAX 64

/* api/handlers/openapi.json, put into the program as it stands. */
__asm__(".section .rodata\n"
        ".global openapi_start\nopenapi_start:\n.incbin \"" OPENAPI_FILE "\"\n"
        ".global openapi_end\nopenapi_end:\n"
        ".previous\n");
extern const char openapi_start[], openapi_end[];

/* The host name of the request, without its port: where this client reached us. */
static struct text host_name(struct call *call)
{
    const struct text host = call_host(call);
    const char *bracket = host.len > 0 && host.at[0] == '[' ? memchr(host.at, ']', host.len) : NULL;
    const char *from = bracket != NULL ? bracket : host.at;
    const char *colon = from != NULL ? memchr(from, ':', host.len - (size_t)(from - host.at)) : NULL;

    if (host.len == 0)
        return TEXT("127.0.0.1");
    return colon != NULL ? text_of(host.at, (size_t)(colon - host.at)) : host;
}

static void write_gateway(struct json_out *out, struct call *call, struct text address)
{
    static const struct text placeholder = {"{host}", 6};
    struct buf whole = {0};

    for (size_t i = 0; i < address.len;) {
        if (text_starts(text_after(address, i), placeholder)) {
            buf_add_text(&whole, host_name(call));
            i += placeholder.len;
        } else {
            buf_add_byte(&whole, address.at[i++]);
        }
    }
    json_text(out, buf_text(&whole));
    buf_fini(&whole);
}

/* From a random one on, so that clients that take the first are spread. */
static void write_gateways(struct json_out *out, struct call *call)
{
    struct text list[GATEWAYS_MAX], item;
    size_t count = 0;

    for (struct text rest = text(call_worker(call)->app->settings->gateways); settings_next(&rest, &item) && count < GATEWAYS_MAX;)
        list[count++] = item;
    const size_t first = count > 0 ? id_random() % count : 0;
    json_open(out, '[');
    for (size_t i = 0; i < count; i++)
        write_gateway(out, call, list[(first + i) % count]);
    json_close(out, ']');
}

/* GET /v1/config -> name, version, gateways, limits, login methods, features */
enum err config_get(struct call *call)
{
    const struct settings *settings = call_worker(call)->app->settings;
    struct json_out out = {.buf = call_out(call)};

    json_open(&out, '{');
    json_key_text(&out, "name", TEXT("Parley"));
    json_key_text(&out, "version", TEXT(PARLEY_VERSION));
    json_key(&out, "gateways");
    write_gateways(&out, call);
    json_key(&out, "limits");
    json_open(&out, '{');
    json_key_i64(&out, "message_bytes", 16 * 1024);
    json_key_i64(&out, "body_bytes", settings->http.body_max_bytes);
    json_key_i64(&out, "members_per_room", settings->limits.members_per_room);
    json_key_i64(&out, "members_per_group", settings->limits.members_per_group);
    json_key_i64(&out, "topics_per_group", settings->limits.topics_per_group);
    json_key_i64(&out, "reaction_kinds", settings->limits.reaction_kinds);
    json_key_i64(&out, "pins_per_room", settings->limits.pins_per_room);
    json_key_i64(&out, "mentions_per_message", settings->limits.mentions_per_message);
    json_key(&out, "rates");
    limits_write(&out, settings);
    json_key_i64(&out, "chat_pins", settings->limits.chat_pins);
    json_key_i64(&out, "relations", settings->limits.relations);
    json_key_i64(&out, "profile_fields", settings->limits.profile_fields);
    json_key_i64(&out, "profile_field_chars", settings->limits.profile_field_chars);
    json_close(&out, '}');
    json_key(&out, "login_methods");
    json_open(&out, '[');
    json_text(&out, TEXT("password"));
    json_close(&out, ']');
    json_key(&out, "features");
    json_open(&out, '[');
    json_close(&out, ']');
    json_close(&out, '}');
    call_set_header(call, "cache-control", TEXT("no-cache"));
    return call_reply(call, 200);
}

/* GET /v1/openapi.json */
enum err openapi_get(struct call *call)
{
    buf_add(call_out(call), openapi_start, (size_t)(openapi_end - openapi_start));
    call_set_header(call, "cache-control", TEXT("no-cache"));
    return call_reply(call, 200);
}
