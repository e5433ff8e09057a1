#include "gateway/transport/monitor.h"

#include "gateway/api/methods.h"
#include "gateway/metrics_outside.h"
#include "gateway/transport/front.h"
#include "gateway/transport/http.h"

int monitor_health(h2o_req_t *req)
{
    return http_is_reading(req) ? http_answer_json(req, 200, "OK", TEXT("{}"))
                                : http_answer_not_found(req);
}

int monitor_ready(h2o_req_t *req)
{
    if (!http_is_reading(req))
        return http_answer_not_found(req);
    if (!atomic_load(&front_view()->broker->is_ready) || loop_current()->drain_until_ms != 0)
        return http_answer_json(req, 503, "Service Unavailable", TEXT("{\"ready\":false}"));
    return http_answer_json(req, 200, "OK", TEXT("{\"ready\":true}"));
}

static uint64_t inbox_waiting(const struct gateway_view *view)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < view->loop_count; i++)
        sum += atomic_load_explicit(&view->loops[i].port.waiting, memory_order_relaxed);
    return sum;
}

int monitor_metrics(h2o_req_t *req)
{
    const struct gateway_view *view = front_view();
    struct metrics *sets[view->loop_count + 1];
    struct buf out = {0};

    if (!http_is_reading(req))
        return http_answer_not_found(req);
    metrics_print(&out, sets, front_metrics(sets));
    metrics_print_one(&out, "parley_gateway_connections", "gauge", "Clients that are connected now",
                      front_client_count());
    metrics_print_one(&out, "parley_gateway_inbox_waiting", "gauge",
                      "Publications that wait for a thread; it is overrun at gateway.inbox_limit",
                      inbox_waiting(view));
    broker_print(view->broker, &out);
    methods_print(&out);
    metrics_outside_print_proxies(&out, view->loops[0].shared->proxies);
    metrics_outside_print_webhooks(&out, view->loops[0].shared->webhooks);
    http_answer(req, 200, "OK", "text/plain; version=0.0.4; charset=utf-8", buf_text(&out));
    buf_fini(&out);
    return 0;
}
