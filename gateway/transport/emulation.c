#include "gateway/transport/emulation.h"

#include <stdlib.h>

#include "gateway/loop/emulated.h"
#include "gateway/loop/loop.h"
#include "gateway/mail/request.h"
#include "gateway/node.h"
#include "gateway/protocol/command.h"
#include "gateway/transport/http.h"
#include "gateway/transport/origin.h"
#include "gateway/transport/pending.h"

static void refuse_node(h2o_req_t *req)
{
    http_answer_text(req, 404, "Not Found", "there is no such node\n");
}

static void on_relayed(struct loop *loop, struct request *request)
{
    h2o_req_t *req = pending_end(request->context);

    if (req != NULL) {
        origin_add_headers(req, loop->settings);
        if (request->outcome == REQUEST_DONE)
            http_answer_nothing(req);
        else if (request->error == PROTOCOL_NOT_AVAILABLE)
            refuse_node(req);
        else
            http_answer_text(req, 500, "Internal Server Error", "the node cannot be reached\n");
    }
    request_destroy(request);
}

/* While the bus key is being changed, other gateways may still have the other one. */
static bool is_genuine(const struct settings *settings, const struct emulation *emulation)
{
    const char *other = settings->bus.other_key;

    return emulated_is_genuine(text(settings->bus.key), emulation->node, emulation->session) ||
           (other != NULL && emulated_is_genuine(text(other), emulation->node, emulation->session));
}

static void relay(void *context, const struct emulation *emulation)
{
    h2o_req_t *req = context;
    struct loop *loop = loop_current();
    struct request *request;

    if (!text_equal(emulation->node, node_id()) && !is_genuine(loop->settings, emulation)) {
        origin_add_headers(req, loop->settings);
        refuse_node(req); /* whoever made this up does not know one */
        return;
    }
    request = request_create(REQUEST_EMULATION, on_relayed);

    request->method = request_keep(request, emulation->node);
    request->session = request_keep(request, emulation->session);
    request->data = request_keep(request, emulation->data);
    request->context = pending_begin(req);
    if (loop_ask(loop, request))
        return;
    pending_end(request->context);
    request_destroy(request);
    http_answer_text(req, 500, "Internal Server Error", "overloaded\n");
}

int emulation_on_request(h2o_req_t *req)
{
    const struct settings *settings = loop_current()->settings;
    const bool protobuf =
        text_equal(http_header(req, "content-type"), TEXT("application/octet-stream"));

    if (text_equal(http_method(req), TEXT("OPTIONS")))
        return origin_answer_preflight(req, settings);
    if (!text_equal(http_method(req), TEXT("POST")))
        return http_answer_text(req, 405, "Method Not Allowed", "POST brings commands\n");
    if (!origin_of_request_passes(req, settings))
        return http_answer_text(req, 403, "Forbidden", "pages of this origin may not connect\n");
    if (req->entity.len > (size_t)settings->emulation.max_request_body_size)
        return http_answer_text(req, 413, "Payload Too Large", "the body is too large\n");
    if (!command_read_emulation(protobuf ? PROTOCOL_PROTOBUF : PROTOCOL_JSON, http_body(req), relay,
                                req))
        return http_answer_text(req, 400, "Bad Request", "no commands for a session\n");
    return 0;
}
