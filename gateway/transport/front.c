#include "gateway/transport/front.h"

#include "gateway/admin/admin.h"
#include "gateway/api/api.h"
#include "gateway/api/methods.h"
#include "gateway/transport/admission.h"
#include "gateway/transport/emulation.h"
#include "gateway/transport/http.h"
#include "gateway/transport/monitor.h"
#include "gateway/transport/origin.h"
#include "gateway/transport/upgrade.h"

static struct gateway_view view;

const struct gateway_view *front_view(void)
{
    return &view;
}

size_t front_metrics(struct metrics **sets)
{
    for (size_t i = 0; i < view.loop_count; i++)
        sets[i] = &view.loops[i].metrics;
    sets[view.loop_count] = &view.broker->metrics;
    return view.loop_count + 1;
}

size_t front_client_count(void)
{
    struct metrics *sets[view.loop_count + 1];
    const size_t count = front_metrics(sets);

    return metrics_left(sets, count, METRIC_CONNECTIONS_OPENED, METRIC_CONNECTIONS_CLOSED);
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

size_t front_body_max(const struct settings *settings, bool with_api)
{
    const int64_t commands =
        larger(settings->http_stream.max_request_body_size,
               larger(settings->sse.max_request_body_size,
                      settings->emulation.max_request_body_size));

    return 2 * (size_t)(with_api ? larger(commands, API_BODY_MAX) : commands);
}

/* So that a load balancer can set its cookie before the first connection. */
static int on_init(h2o_req_t *req)
{
    if (!http_is_reading(req))
        return http_answer_not_found(req);
    origin_add_headers(req, view.settings);
    return http_answer_json(req, 200, "OK", TEXT("{}"));
}

/* ---- routes ---- */

#define ROUTES_MAX 24

struct route {
    struct text path;
    int (*run)(h2o_req_t *req);
    bool is_tree; /* also what is below it */
};
struct routes {
    struct route at[ROUTES_MAX];
    size_t count;
};

/* What clients talk to, and what is for the operator: the same listener unless there are two. */
static struct routes outer, inner;

static void add_route(struct routes *routes, bool enabled, const char *path,
                      int (*run)(h2o_req_t *req))
{
    if (!enabled)
        return;
    CHECK(routes->count < ROUTES_MAX);
    routes->at[routes->count++] = (struct route){text(path), run, false};
}

static void add_tree(struct routes *routes, bool enabled, const char *path,
                     int (*run)(h2o_req_t *req))
{
    add_route(routes, enabled, path, run);
    if (enabled)
        routes->at[routes->count - 1].is_tree = true;
}

static void add_client_routes(struct routes *to, const struct settings *settings)
{
    const bool emulates = settings->http_stream.enabled || settings->sse.enabled;

    add_route(to, !settings->websocket.disabled, settings->websocket.path, upgrade_websocket);
    add_route(to, settings->http_stream.enabled, settings->http_stream.path, upgrade_http_stream);
    add_route(to, settings->sse.enabled, settings->sse.path, upgrade_sse);
    add_route(to, emulates, settings->emulation.path, emulation_on_request);
    add_route(to, settings->uni_websocket.enabled, settings->uni_websocket.path,
              upgrade_uni_websocket);
    add_route(to, settings->uni_sse.enabled, settings->uni_sse.path, upgrade_uni_sse);
    add_route(to, settings->uni_http_stream.enabled, settings->uni_http_stream.path,
              upgrade_uni_http_stream);
    add_route(to, settings->connection_init_enabled, "/connection/init", on_init);
}

static void add_operator_routes(struct routes *to, const struct settings *settings)
{
    add_route(to, settings->endpoint.health, "/health", monitor_health);
    add_route(to, true, "/ready", monitor_ready);
    add_route(to, settings->endpoint.metrics, "/metrics", monitor_metrics);
    add_tree(to, !settings->http_api.disabled, settings->http_api.path, api_on_request);
    add_tree(to, settings->admin.enabled, settings->admin.path, admin_on_request);
}

bool front_has_internal(const struct settings *settings)
{
    const char *host = settings->http.internal_host;

    if (settings->http.internal_port == settings->http.port &&
        (host[0] == '\0' || strcmp(host, settings->http.host) == 0))
        return false;
    return settings->http.internal_port != 0;
}

void front_init(const struct gateway_view *given)
{
    const struct settings *settings = given->settings;
    const bool two = front_has_internal(settings);

    view = *given;
    outer = inner = (struct routes){0};
    upgrade_init(settings);
    admission_init(front_client_count);
    admin_init(settings);
    add_client_routes(&outer, settings);
    add_operator_routes(two ? &inner : &outer, settings);
    add_tree(&outer, two && settings->http_api.external && !settings->http_api.disabled,
             settings->http_api.path, api_on_request);
}

static bool leads_to(const struct route *route, struct text path)
{
    if (route->is_tree && path.len > route->path.len && path.at[route->path.len] == '/')
        path.len = route->path.len;
    return text_equal(path, route->path);
}

static int run_route(const struct routes *routes, h2o_req_t *req)
{
    const struct text path = http_path(req);

    for (size_t i = 0; i < routes->count; i++)
        if (leads_to(&routes->at[i], path))
            return routes->at[i].run(req);
    return http_answer_not_found(req);
}

int front_on_request(h2o_handler_t *handler, h2o_req_t *req)
{
    return run_route(&outer, req);
}

int front_on_internal_request(h2o_handler_t *handler, h2o_req_t *req)
{
    return run_route(&inner, req);
}
