#include "api/request/router.h"

#include "api/counters.h"
#include "api/request/call_state.h"
#include "api/ended.h"
#include "api/request/limits.h"
#include "api/request/problem.h"
#include "api/settings.h"
#include "api/task.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/jwt.h"

#define NAMES_MAX 64 /* members of a body or query that a route can have */

/* ---- which route ---- */

/* Cuts the next part off a pattern like "/rooms/{room}"; false at its end. */
static bool next_part(struct text *pattern, struct text *part)
{
    if (pattern->len == 0)
        return false;
    *pattern = text_after(*pattern, 1); /* the slash */
    const char *slash = pattern->len > 0 ? memchr(pattern->at, '/', pattern->len) : NULL;
    *part = text_of(pattern->at, slash != NULL ? (size_t)(slash - pattern->at) : pattern->len);
    *pattern = text_after(*pattern, part->len);
    return true;
}

/* How many captures it took, or -1 when the path is another. */
static int match(const char *pattern_text, const struct url_path *path,
                 struct call_capture captures[CALL_CAPTURES_MAX])
{
    struct text pattern = text(pattern_text), part;
    int at = 1, count = 0; /* part 0 is "v1" */

    while (next_part(&pattern, &part)) {
        if (at == path->count)
            return -1;
        const struct text given = path->parts[at++];
        if (part.len > 0 && part.at[0] == '{') {
            CHECK(count < CALL_CAPTURES_MAX);
            captures[count++] = (struct call_capture){text_of(part.at + 1, part.len - 2), given};
        } else if (!text_equal(part, given)) {
            return -1;
        }
    }
    return at == path->count ? count : -1;
}

static bool list_has(const char *list, const char *word)
{
    return strstr(list, word) != NULL;
}

static void allow_method(struct buf *allow, const char *method)
{
    if (allow->len > 0 && list_has(buf_cstring(allow), method))
        return;
    buf_printf(allow, "%s%s", allow->len > 0 ? ", " : "", method);
    if (strcmp(method, "GET") == 0)
        buf_printf(allow, ", HEAD");
}

enum err router_find(struct call *call, struct text method, const struct url_path *path,
                     struct buf *allow)
{
    const struct text wanted = text_equal(method, TEXT("HEAD")) ? TEXT("GET") : method;
    struct call_capture captures[CALL_CAPTURES_MAX];
    bool known = false;

    for (const struct route *route = routes; route->method != NULL; route++) {
        const int count = match(route->path, path, captures);
        if (count < 0)
            continue;
        known = true;
        allow_method(allow, route->method);
        if (!text_equal(wanted, text(route->method)) ||
            (call->route != NULL && call->capture_count <= count))
            continue;
        call->route = route;
        call->capture_count = count;
        memcpy(call->captures, captures, sizeof(captures));
    }
    if (call->route != NULL)
        return ERR_OK;
    return known ? ERR_METHOD_NOT_ALLOWED : ERR_NOT_FOUND;
}

const struct route *router_find_rpc(struct text method)
{
    for (const struct route *route = routes; route->method != NULL; route++)
        if (route->rpc != NULL && text_equal(method, text(route->rpc)))
            return route;
    return NULL;
}

/* ---- who asks ---- */

/* A token without an end would outlive the list of ended sessions. */
static enum err read_claims(struct call *call, const struct json *claims)
{
    const struct json_value root = json_root(claims);
    struct buf sub = {0}, sid = {0};
    const bool good =
        json_kind(json_get(root, "exp")) == JSON_NUMBER && json_to_text(json_get(root, "sub"), &sub) && json_to_text(json_get(root, "sid"), &sid) &&
        id_parse(buf_text(&sub), &call->user_id) && id_parse(buf_text(&sid), &call->session_id);

    buf_fini(&sub);
    buf_fini(&sid);
    return good ? ERR_OK : ERR_BAD_TOKEN;
}

static enum err verify(struct call *call, struct text token)
{
    const struct settings *settings = call->worker->app->settings;
    const struct jwt_rules rules = {.key = text(settings->token.secret),
                                    .audience = text(settings->token.audience),
                                    .now_us = clock_wall_us()};
    struct buf payload = {0};
    struct json claims = {0};
    enum err err = jwt_verify(token, &rules, &payload, &claims);

    if (err == ERR_OK)
        err = read_claims(call, &claims);
    json_fini(&claims);
    buf_fini(&payload);
    return err;
}

static enum err authenticate(struct call *call)
{
    static const struct text scheme = TEXT("bearer ");
    enum err err;

    if ((call->route->flags & ROUTE_PUBLIC) != 0)
        return ERR_OK;
    if (!call->is_rpc) { /* over the bus the gateway has checked the token */
        const struct text header = call_header(call, "authorization");
        if (header.len <= scheme.len || strncasecmp(header.at, scheme.at, scheme.len) != 0)
            return ERR_UNAUTHENTICATED;
        if ((err = verify(call, text_after(header, scheme.len))) != ERR_OK)
            return err;
    }
    return ended_contains(call->worker->app->ended, call->session_id) ? ERR_SESSION_ENDED : ERR_OK;
}

/* ---- what it may take ---- */

/* The place of `name` in "before after limit", or -1. */
static int place_of(const char *names, struct text name)
{
    int place = 0;

    for (const char *at = names; at != NULL && *at != '\0'; place++) {
        const size_t len = strcspn(at, " ");
        if (text_equal(name, text_of(at, len)))
            return place;
        at += len + strspn(at + len, " ");
    }
    return -1;
}

static enum err refuse_member(struct call *call, enum err err, struct text name, const char *why)
{
    struct buf field = {0};
    buf_add(&field, name.at, name.len < 64 ? name.len : 0);
    call_fail_field(call, err, field.len > 0 ? buf_cstring(&field) : "?", "%s", why);
    buf_fini(&field);
    return err;
}

static enum err check_query(struct call *call)
{
    uint64_t seen = 0;

    for (int i = 0; i < call->query.count; i++) {
        const struct text name = call->query.members[i].name;
        const int place = place_of(call->route->query, name);
        if (place_of("access_token token refresh_token", name) >= 0)
            return refuse_member(call, ERR_SECRET_IN_URL, name, "addresses end up in logs");
        if (place < 0)
            return refuse_member(call, ERR_UNKNOWN_PARAMETER, name, "is not known here");
        CHECK(place < NAMES_MAX);
        if ((seen & UINT64_C(1) << place) != 0)
            return refuse_member(call, ERR_INVALID, name, "is given twice");
        seen |= UINT64_C(1) << place;
    }
    return ERR_OK;
}

static bool is_path_name(const struct route *route, struct text name)
{
    struct text pattern = text(route->path), part;

    while (next_part(&pattern, &part))
        if (part.len > 2 && part.at[0] == '{' &&
            text_equal(name, text_of(part.at + 1, part.len - 2)))
            return true;
    return false;
}

static enum err check_names(struct call *call)
{
    uint64_t seen_body = 0, seen_query = 0;

    for (struct json_iter it = json_iter(call->members); json_next(&it);) {
        const int in_body = place_of(call->route->body, it.key);
        const int in_query = call->is_rpc ? place_of(call->route->query, it.key) : -1;
        uint64_t *seen = in_body >= 0 ? &seen_body : &seen_query;
        const int place = in_body >= 0 ? in_body : in_query;

        if (place < 0 && call->is_rpc && is_path_name(call->route, it.key))
            continue;
        if (place < 0)
            return refuse_member(call, ERR_UNKNOWN_FIELD, it.key, "is not known here");
        CHECK(place < NAMES_MAX);
        if ((*seen & UINT64_C(1) << place) != 0)
            return refuse_member(call, ERR_INVALID, it.key, "is given twice");
        *seen |= UINT64_C(1) << place;
    }
    return ERR_OK;
}

static enum err check_media_type(struct call *call)
{
    static const struct text json = TEXT("application/json");
    const struct text type = call_header(call, "content-type");
    const struct text encoding = call_header(call, "content-encoding");

    if (type.len < json.len || strncasecmp(type.at, json.at, json.len) != 0 ||
        (type.len > json.len && type.at[json.len] != ';' && type.at[json.len] != ' '))
        return call_fail(call, ERR_BAD_MEDIA_TYPE, "send application/json");
    if (encoding.len > 0 && strncasecmp(encoding.at, "identity", encoding.len) != 0)
        return call_fail(call, ERR_BAD_MEDIA_TYPE, "send it without Content-Encoding");
    return ERR_OK;
}

static enum err check_body(struct call *call)
{
    enum err err;

    if (call->body.len == 0)
        return ERR_OK;
    if (call->body.len > (size_t)call->worker->app->settings->http.body_max_bytes)
        return call_fail(call, ERR_TOO_LARGE, "at most %lld bytes",
                         (long long)call->worker->app->settings->http.body_max_bytes);
    if (!call->is_rpc && (err = check_media_type(call)) != ERR_OK)
        return err;
    if ((err = json_parse(&call->json, call->body)) != ERR_OK)
        return call_fail(call, err, "%s", call->json.why);
    call->members = json_root(&call->json);
    if (json_kind(call->members) != JSON_OBJECT)
        return call_fail(call, ERR_WRONG_TYPE, "the body must be an object");
    return check_names(call);
}

/* ---- and off it goes ---- */

static void run(void *arg)
{
    struct call *call = arg;
    enum err err;

    /* Who has asked too often costs no more than that; a socket RPC names its room in its body. */
    if ((err = check_query(call)) == ERR_OK && (err = authenticate(call)) == ERR_OK &&
        (err = call->is_rpc ? ERR_OK : limits_take(call)) == ERR_OK && (err = check_body(call)) == ERR_OK &&
        (err = call->is_rpc ? limits_take(call) : ERR_OK) == ERR_OK)
        err = call->route->handler(call);
    if (err == ERR_NOT_FOUND || err == ERR_MEMBER_REQUIRED)
        limits_give_back(call);
    if (err == ERR_OK && call->peer != NULL)
        err = ERR_INTERNAL; /* a handler that forgot to answer */
    if (err != ERR_OK)
        problem_send(call, err);
    call_destroy(call);
}

void router_start(struct call *call)
{
    counter_add(COUNTER_REQUESTS, 1);
    if (task_start(call->worker->tasks, run, call) == ERR_OK)
        return;
    counter_add(COUNTER_REQUESTS_BUSY, 1);
    problem_send(call, ERR_BUSY);
    call_destroy(call);
}
