/*
 * fleet: this gateway among the others: it says hello to each API every while, asks them to pass on
 * what concerns all gateways or another one, and answers their surveys.
 *
 * What comes over the bus twice (one API was slow, another was asked, too) is taken once: orders and
 * commands carry an id.
 */
#include <stdlib.h>

#include "base/id.h"
#include "base/json.h"
#include "gateway/broker/bus/bus_broker.h"
#include "gateway/broker/bus/order_wire.h"
#include "gateway/broker/bus/surveys.h"
#include "gateway/loop/emulated.h"
#include "gateway/node.h"

#define HELLO_MS 3000

struct bus_fleet {
    struct bus_broker *broker;
    uv_timer_t hello;
    bool counting; /* a survey for the next hello is under way */
    struct survey_numbers numbers; /* of the last one */
};

/* Nothing to do: the next hello says it again, and whoever asked does not wait for ever. */
static void on_told(void *context, enum err err, const Bus__Answer *answer)
{
}

/* ---- hello ---- */

/* An API knows of this gateway, and asks it when it asks all. */
static void on_greeted(void *context, enum err err, const Bus__Answer *answer)
{
    struct bus_broker *broker = context;

    if (err == ERR_OK && answer->error_code == 0)
        atomic_store(&broker->base.is_ready, true);
}

static uint32_t cut(uint64_t number)
{
    return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

static void say_hello(struct bus_broker *broker, size_t api, bool leaving)
{
    const struct survey_numbers *numbers = &broker->fleet->numbers;
    const struct survey_node node = survey_this_node(&broker->base);
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Hello hello = BUS__HELLO__INIT;

    hello.node = wire_bytes(node.uid);
    hello.name = wire_bytes(node.name);
    hello.version = wire_bytes(node.version);
    hello.uptime_s = node.uptime_s;
    hello.num_clients = cut(numbers->clients);
    hello.num_users = cut(numbers->users);
    hello.num_channels = cut(numbers->channels);
    hello.num_subs = cut(numbers->subs);
    hello.leaving = leaving;
    question.ask_case = BUS__QUESTION__ASK_HELLO;
    question.hello = &hello;
    bus_ask(broker, api, &question, on_greeted, broker);
}

void fleet_greet(struct bus_broker *broker, size_t api)
{
    say_hello(broker, api, false);
}

void fleet_leave(struct bus_broker *broker)
{
    for (size_t api = 0; api < broker->api_count; api++)
        say_hello(broker, api, true);
}

static void on_counted(struct survey *survey)
{
    struct bus_broker *broker = survey->context;

    broker->fleet->counting = false;
    broker->fleet->numbers = survey->numbers;
    for (size_t api = 0; api < broker->api_count; api++)
        fleet_greet(broker, api);
    survey_destroy(survey);
}

static void on_hello(uv_timer_t *timer)
{
    struct bus_fleet *fleet = container_of(timer, struct bus_fleet, hello);
    struct bus_broker *broker = fleet->broker;

    if (fleet->counting || broker->base.closing)
        return;
    fleet->counting = true;
    survey_start(survey_create_numbers(), &broker->base, on_counted, broker);
}

/* ---- questions of the loops ---- */

static void on_passed(void *context, enum err err, const Bus__Answer *answer)
{
    struct request *request = context;

    if (bus_succeeded(request->broker, request, err, answer))
        request->outcome = REQUEST_DONE;
    bus_answer(request->broker, request);
}

static void ask_order(struct request *request)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Order order;

    order_to_wire(&order, request->order, &request->arena);
    order.id = id_random();
    question.ask_case = BUS__QUESTION__ASK_ORDER;
    question.order = &order;
    bus_ask(request->broker, ASKER_ANY, &question, on_passed, request);
}

static void pass_commands(struct bus_broker *broker, struct text session, struct text data)
{
    const int loop = emulated_loop_of(session);

    if (loop >= 0 && loop < (int)broker->base.port_count)
        port_post_notice(broker->base.ports[loop], notice_emulation(session, data));
}

static void ask_emulation(struct request *request)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Emulation emulation = BUS__EMULATION__INIT;

    if (text_equal(request->method, node_id())) {
        pass_commands(request->broker, request->session, request->data);
        request->outcome = REQUEST_DONE;
        bus_answer(request->broker, request);
        return;
    }
    emulation.node = wire_bytes(request->method);
    emulation.session = wire_bytes(request->session);
    emulation.data = wire_bytes(request->data);
    emulation.id = id_random();
    question.ask_case = BUS__QUESTION__ASK_EMULATION;
    question.emulation = &emulation;
    bus_ask(request->broker, ASKER_ANY, &question, on_passed, request);
}

static void tell(struct request *request, struct buf *told)
{
    request->told = request_keep(request, buf_text(told));
    request->outcome = REQUEST_DONE;
    buf_fini(told);
}

/* ---- nodes ---- */

static void give_nodes(struct request *request, const Bus__Nodes *nodes)
{
    struct buf told = {0};
    struct json_out out = {.buf = &told};

    json_open(&out, '{');
    json_key(&out, "nodes");
    json_open(&out, '[');
    for (size_t i = 0; i < nodes->n_nodes; i++) {
        const Bus__Hello *hello = nodes->nodes[i];
        const struct survey_node node = {
            .uid = wire_text(hello->node),
            .name = wire_text(hello->name),
            .version = wire_text(hello->version),
            .uptime_s = hello->uptime_s,
            .numbers = {hello->num_clients, hello->num_users, hello->num_subs, hello->num_channels},
        };
        survey_write_node(&out, &node);
    }
    json_close(&out, ']');
    json_close(&out, '}');
    tell(request, &told);
}

static void on_nodes(void *context, enum err err, const Bus__Answer *answer)
{
    struct request *request = context;

    if (bus_succeeded(request->broker, request, err, answer)) {
        if (answer->told_case == BUS__ANSWER__TOLD_NODES)
            give_nodes(request, answer->nodes);
        else
            request_fail(request, PROTOCOL_INTERNAL, (struct text){0}, true);
    }
    bus_answer(request->broker, request);
}

static void ask_nodes(struct request *request)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__NodeList list = BUS__NODE_LIST__INIT;

    question.ask_case = BUS__QUESTION__ASK_NODES;
    question.nodes = &list;
    bus_ask(request->broker, ASKER_ANY, &question, on_nodes, request);
}

void fleet_start(struct bus_broker *broker, struct request *request)
{
    if (request->kind == REQUEST_ORDER)
        ask_order(request);
    else if (request->kind == REQUEST_EMULATION)
        ask_emulation(request);
    else if (request->kind == REQUEST_SURVEY)
        surveys_start(request);
    else
        ask_nodes(request);
}

/* ---- what others have this one do ---- */

static struct notice *make_order(const void *of)
{
    return notice_order(of);
}

static void take_order(struct bus_broker *broker, const Bus__Order *wire)
{
    struct order *order;

    if (wire->number != 0) {
        bans_take(broker, wire);
        return;
    }
    order = bus_was_seen(broker, wire->id) ? NULL : order_from_wire(wire);
    if (order != NULL)
        broker_tell_all(&broker->base, make_order, order);
    order_destroy(order);
}

static void take_emulation(struct bus_broker *broker, const Bus__Emulation *emulation)
{
    if (text_equal(wire_text(emulation->node), node_id()) && !bus_was_seen(broker, emulation->id))
        pass_commands(broker, wire_text(emulation->session), wire_text(emulation->data));
}

/* ---- surveys of others ---- */

struct asked {
    struct bus_broker *broker;
    size_t api;
    uint64_t id;
};

static void answer_survey(const struct asked *asked, const struct survey *survey)
{
    struct buf records = {0};
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__SurveyAnswer answer = BUS__SURVEY_ANSWER__INIT;

    answer.id = asked->id;
    answer.node = wire_bytes(node_id());
    answer.cut = !survey_merge_write(survey->merge, &records) || survey->cut;
    answer.data = wire_bytes(buf_text(&records));
    question.ask_case = BUS__QUESTION__ASK_SURVEY_ANSWER;
    question.survey_answer = &answer;
    bus_ask(asked->broker, asked->api, &question, on_told, NULL);
    buf_fini(&records);
}

static void on_gathered(struct survey *survey)
{
    struct asked *asked = survey->context;

    answer_survey(asked, survey);
    free(asked);
    survey_destroy(survey);
}

static void take_survey(struct bus_broker *broker, size_t api, const Bus__SurveyCall *call)
{
    struct survey *survey = broker->base.closing ? NULL : survey_create(wire_text(call->data));
    struct asked *asked;

    if (survey == NULL)
        return; /* it leaves; or a newer gateway asks, which hears that this one is missing */
    asked = xmalloc(sizeof(*asked));
    *asked = (struct asked){broker, api, call->id};
    survey_start(survey, &broker->base, on_gathered, asked);
}

void fleet_take(struct bus_broker *broker, size_t api, const Bus__Item *item)
{
    switch (item->what_case) {
    case BUS__ITEM__WHAT_ORDER:
        take_order(broker, item->order);
        break;
    case BUS__ITEM__WHAT_EMULATION:
        take_emulation(broker, item->emulation);
        break;
    case BUS__ITEM__WHAT_SURVEY:
        take_survey(broker, api, item->survey);
        break;
    default:
        break; /* of a newer API */
    }
}

/* ---- life ---- */

void fleet_open(struct bus_broker *broker)
{
    struct bus_fleet *fleet = xcalloc(1, sizeof(*fleet));

    fleet->broker = broker;
    broker->fleet = fleet;
    CHECK(uv_timer_init(broker->base.loop, &fleet->hello) == 0);
    CHECK(uv_timer_start(&fleet->hello, on_hello, HELLO_MS, HELLO_MS) == 0);
}

static void on_closed(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct bus_fleet, hello));
}

void fleet_close(struct bus_broker *broker)
{
    uv_close((uv_handle_t *)&broker->fleet->hello, on_closed);
}
