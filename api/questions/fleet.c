#include "api/questions/fleet.h"

#include <inttypes.h>
#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

#include "base/id.h"
#include "base/log.h"

#define TICK_MS      20
#define LOOK_MS      200  /* how often connections are looked at */
#define LOST_MS      1000 /* so long a gateway may need to connect again */
#define ANSWERS_MAX  (WIRE_MESSAGE_MAX / 2) /* bytes of all answers to one survey: beyond it is cut */
#define WORD_MAX     255                    /* bytes of a gateway's id, name, version */

enum { REFUSED_INTERNAL = 100, REFUSED_LIMIT = 106, REFUSED_BAD_REQUEST = 107, REFUSED_NOT_AVAILABLE = 108 };

/* A gateway; `hello` is its last one, of its own memory. */
struct gateway {
    Bus__Question *question; /* holds it */
    uint32_t connection;     /* that it came over */
    int64_t heard_ms, connected_ms;
    UT_hash_handle hh;
};

struct names {
    struct buf *names;
    size_t count;
};

/* A question to all gateways; lives on its task's stack. */
struct survey {
    struct task *task;
    uint64_t id;
    int64_t until_ms;
    struct names *waits_for; /* gateways that did not answer yet */
    Bus__Surveyed *surveyed;
    size_t bytes;
    struct survey *prev, *next;
};

struct fleet {
    uv_timer_t tick; /* runs while surveys are open */
    uv_timer_t look;
    struct gateway *gateways;
    int64_t since_ms; /* when the first of them was heard */
    struct survey *surveys;
    size_t survey_count;
    int open_handles; /* while it closes */
};

static int64_t now_ms(const struct fleet *fleet)
{
    return (int64_t)uv_now(fleet->tick.loop);
}

static void tell_all(struct worker *worker, Bus__Item *item)
{
    publisher_send(worker->app->publisher, &item, 1);
}

/* ---- who is there ---- */

static Bus__Hello *hello_of(const struct gateway *gateway)
{
    return gateway->question->hello;
}

static struct gateway *find(const struct fleet *fleet, struct text node)
{
    struct gateway *gateway;

    HASH_FIND(hh, fleet->gateways, node.at, node.len, gateway);
    return gateway;
}

static void forget(struct fleet *fleet, struct gateway *gateway)
{
    HASH_DEL(fleet->gateways, gateway);
    wire_free_question(gateway->question);
    free(gateway);
}

static bool is_lost(const struct fleet *fleet, struct gateway *gateway)
{
    if (responder_is_connected(gateway->connection))
        gateway->connected_ms = now_ms(fleet);
    return now_ms(fleet) - gateway->connected_ms >= LOST_MS ||
           now_ms(fleet) - gateway->heard_ms >= FLEET_SILENCE_MS;
}

static void on_look(uv_timer_t *timer)
{
    struct fleet *fleet = container_of(timer, struct fleet, look);
    struct gateway *gateway, *next;

    HASH_ITER(hh, fleet->gateways, gateway, next)
    {
        if (is_lost(fleet, gateway))
            forget(fleet, gateway);
    }
}

/* Where one was heard all are within FLEET_YOUNG_MS; until then some may be missing. Whoever asks is a gateway, so none is too few. */
static bool is_young(const struct fleet *fleet)
{
    return fleet->gateways == NULL || now_ms(fleet) - fleet->since_ms < FLEET_YOUNG_MS;
}

/* False: it is none of them, or was taken before. */
static bool take_name(struct names *names, struct text name)
{
    for (size_t i = 0; i < names->count; i++)
        if (text_equal(buf_text(&names->names[i]), name)) {
            buf_fini(&names->names[i]);
            names->names[i] = names->names[--names->count];
            return true;
        }
    return false;
}

/* It ends, and has nothing left to say. */
static void take_leave(struct fleet *fleet, struct text node)
{
    struct gateway *gateway = find(fleet, node);
    struct survey *survey;

    if (gateway != NULL)
        forget(fleet, gateway);
    DL_FOREACH(fleet->surveys, survey)
    {
        take_name(survey->waits_for, node);
    }
}

/* A copy with memory of its own. */
static Bus__Question *keep(const Bus__Hello *hello)
{
    Bus__Question question = BUS__QUESTION__INIT, *kept;
    struct buf bytes = {0};

    question.ask_case = BUS__QUESTION__ASK_HELLO;
    question.hello = (Bus__Hello *)hello;
    wire_pack(&bytes, &question.base);
    kept = wire_read_question(buf_text(&bytes));
    CHECK(kept != NULL); /* it was read before */
    buf_fini(&bytes);
    return kept;
}

void fleet_hello(struct worker *worker, struct inquiry *inquiry, const Bus__Hello *hello)
{
    struct fleet *fleet = worker->fleet;
    struct gateway *gateway = find(fleet, wire_text(hello->node));

    if (hello->node.len == 0 || hello->node.len > WORD_MAX || hello->name.len > WORD_MAX || hello->version.len > WORD_MAX) {
        inquiry_refuse(inquiry, REFUSED_BAD_REQUEST, "bad request", false);
        return;
    }
    if (hello->leaving) {
        take_leave(fleet, wire_text(hello->node));
        inquiry_confirm(inquiry);
        return;
    }
    if (gateway == NULL && HASH_COUNT(fleet->gateways) >= FLEET_NODES_MAX) {
        inquiry_refuse(inquiry, REFUSED_LIMIT, "limit exceeded", true);
        return;
    }
    if (fleet->gateways == NULL)
        fleet->since_ms = now_ms(fleet);
    if (gateway != NULL)
        forget(fleet, gateway);
    gateway = xcalloc(1, sizeof(*gateway));
    gateway->question = keep(hello);
    gateway->connection = inquiry_connection(inquiry);
    gateway->heard_ms = gateway->connected_ms = now_ms(fleet);
    HASH_ADD_KEYPTR(hh, fleet->gateways, hello_of(gateway)->node.data, hello_of(gateway)->node.len, gateway);
    inquiry_confirm(inquiry);
}

void fleet_nodes(struct worker *worker, struct inquiry *inquiry)
{
    struct fleet *fleet = worker->fleet;
    Bus__Nodes nodes = BUS__NODES__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    nodes.nodes = xcalloc(HASH_COUNT(fleet->gateways) + 1, sizeof(*nodes.nodes));
    for (struct gateway *gateway = fleet->gateways; gateway != NULL; gateway = gateway->hh.next)
        nodes.nodes[nodes.n_nodes++] = hello_of(gateway);
    answer.told_case = BUS__ANSWER__TOLD_NODES;
    answer.nodes = &nodes;
    inquiry_answer(inquiry, &answer);
    free(nodes.nodes);
}

/* ---- what one has the others do ---- */

void fleet_order(struct worker *worker, struct inquiry *inquiry, const Bus__Order *order)
{
    Bus__Item item = BUS__ITEM__INIT;

    item.what_case = BUS__ITEM__WHAT_ORDER;
    item.order = (Bus__Order *)order;
    tell_all(worker, &item);
    inquiry_confirm(inquiry);
}

static void refuse_unknown(const struct fleet *fleet, struct inquiry *inquiry)
{
    if (is_young(fleet))
        inquiry_refuse_elsewhere(inquiry, REFUSED_INTERNAL, "internal server error");
    else
        inquiry_refuse(inquiry, REFUSED_NOT_AVAILABLE, "not available", false);
}

void fleet_emulation(struct worker *worker, struct inquiry *inquiry, const Bus__Emulation *emulation)
{
    Bus__Item item = BUS__ITEM__INIT;

    if (find(worker->fleet, wire_text(emulation->node)) == NULL) {
        refuse_unknown(worker->fleet, inquiry);
        return;
    }
    item.what_case = BUS__ITEM__WHAT_EMULATION;
    item.emulation = (Bus__Emulation *)emulation;
    tell_all(worker, &item);
    inquiry_confirm(inquiry);
}

/* ---- surveys ---- */

static void list_names(struct fleet *fleet, struct names *names)
{
    names->names = xcalloc(HASH_COUNT(fleet->gateways) + 1, sizeof(*names->names));
    for (struct gateway *gateway = fleet->gateways; gateway != NULL; gateway = gateway->hh.next)
        buf_add_text(&names->names[names->count++], wire_text(hello_of(gateway)->node));
}

static void free_names(struct names *names)
{
    while (names->count > 0)
        buf_fini(&names->names[--names->count]);
    free(names->names);
}

/* Tasks are resumed from the loop alone: its task goes on with the next tick. */
static void on_tick(uv_timer_t *timer)
{
    struct fleet *fleet = container_of(timer, struct fleet, tick);
    struct survey *survey, *next;

    DL_FOREACH_SAFE(fleet->surveys, survey, next)
    {
        if (survey->waits_for->count > 0 && now_ms(fleet) < survey->until_ms)
            continue;
        DL_DELETE(fleet->surveys, survey);
        fleet->survey_count--;
        if (fleet->surveys == NULL)
            uv_timer_stop(&fleet->tick);
        task_resume(survey->task); /* `survey` is gone after it */
    }
}

static void wait_for_answers(struct fleet *fleet, struct survey *survey)
{
    DL_APPEND(fleet->surveys, survey);
    fleet->survey_count++;
    if (!uv_is_active((uv_handle_t *)&fleet->tick))
        uv_timer_start(&fleet->tick, on_tick, TICK_MS, TICK_MS);
    task_wait();
}

static void publish_survey(struct worker *worker, const Bus__Survey *ask, uint64_t id)
{
    Bus__SurveyCall call = BUS__SURVEY_CALL__INIT;
    Bus__Item item = BUS__ITEM__INIT;

    call.id = id;
    call.data = ask->data;
    item.what_case = BUS__ITEM__WHAT_SURVEY;
    item.survey = &call;
    tell_all(worker, &item);
}

/* Some time is left for the way back. */
static int64_t patience_ms(uint32_t deadline_ms)
{
    const int64_t most_ms = (int64_t)deadline_ms * 3 / 4;

    return most_ms < FLEET_SURVEY_MS ? most_ms : FLEET_SURVEY_MS;
}

static void free_surveyed(Bus__Surveyed *surveyed)
{
    for (size_t i = 0; i < surveyed->n_answers; i++) {
        free(surveyed->answers[i]->node.data);
        free(surveyed->answers[i]->data.data);
        free(surveyed->answers[i]);
    }
    free(surveyed->answers);
}

/* False: it is refused. */
static bool may_survey(struct fleet *fleet, struct inquiry *inquiry)
{
    if (fleet->survey_count >= FLEET_SURVEYS_MAX)
        inquiry_refuse_elsewhere(inquiry, REFUSED_LIMIT, "limit exceeded");
    else if (is_young(fleet))
        inquiry_refuse_elsewhere(inquiry, REFUSED_INTERNAL, "internal server error");
    else
        return true;
    return false;
}

static void answer_survey(struct inquiry *inquiry, const struct survey *survey)
{
    Bus__Answer answer = BUS__ANSWER__INIT;

    survey->surveyed->missing = (uint32_t)survey->waits_for->count;
    if (survey->surveyed->missing > 0)
        log_warn("survey: %" PRIu32 " gateways did not answer in time", survey->surveyed->missing);
    answer.told_case = BUS__ANSWER__TOLD_SURVEYED;
    answer.surveyed = survey->surveyed;
    inquiry_answer(inquiry, &answer);
}

void fleet_survey(struct worker *worker, struct inquiry *inquiry, const Bus__Survey *ask, uint32_t deadline_ms)
{
    struct fleet *fleet = worker->fleet;
    Bus__Surveyed surveyed = BUS__SURVEYED__INIT;
    struct names names = {0};
    struct survey survey = {
        .task = task_self(),
        .id = id_random(),
        .until_ms = now_ms(fleet) + patience_ms(deadline_ms),
        .waits_for = &names,
        .surveyed = &surveyed,
    };

    if (!may_survey(fleet, inquiry))
        return;
    list_names(fleet, &names);
    surveyed.answers = xcalloc(names.count + 1, sizeof(*surveyed.answers));
    publish_survey(worker, ask, survey.id);
    wait_for_answers(fleet, &survey);
    answer_survey(inquiry, &survey);
    free_names(&names);
    free_surveyed(&surveyed);
}

static ProtobufCBinaryData copy(ProtobufCBinaryData from)
{
    return (ProtobufCBinaryData){.len = from.len, .data = from.len > 0 ? memcpy(xmalloc(from.len), from.data, from.len) : NULL};
}

static void add_answer(struct survey *survey, const Bus__SurveyAnswer *from)
{
    Bus__SurveyAnswer *answer;

    if (from->cut || survey->bytes + from->data.len > ANSWERS_MAX)
        survey->surveyed->cut = true;
    if (survey->bytes + from->data.len > ANSWERS_MAX)
        return;
    survey->bytes += from->data.len;
    answer = xmalloc(sizeof(*answer));
    bus__survey_answer__init(answer);
    answer->node = copy(from->node);
    answer->data = copy(from->data);
    survey->surveyed->answers[survey->surveyed->n_answers++] = answer;
}

void fleet_survey_answer(struct worker *worker, struct inquiry *inquiry, const Bus__SurveyAnswer *answer)
{
    struct survey *survey;

    DL_FOREACH(worker->fleet->surveys, survey)
    {
        if (survey->id == answer->id && take_name(survey->waits_for, wire_text(answer->node)))
            add_answer(survey, answer);
    }
    inquiry_confirm(inquiry);
}

/* ---- life ---- */

struct fleet *fleet_open(uv_loop_t *loop)
{
    struct fleet *fleet = xcalloc(1, sizeof(*fleet));

    CHECK(uv_timer_init(loop, &fleet->tick) == 0);
    CHECK(uv_timer_init(loop, &fleet->look) == 0);
    CHECK(uv_timer_start(&fleet->look, on_look, LOOK_MS, LOOK_MS) == 0);
    return fleet;
}

static void on_closed(uv_handle_t *handle)
{
    struct fleet *fleet = handle->data;

    if (--fleet->open_handles == 0)
        free(fleet);
}

void fleet_close(struct fleet *fleet)
{
    if (fleet == NULL)
        return;
    CHECK(fleet->surveys == NULL);
    while (fleet->gateways != NULL)
        forget(fleet, fleet->gateways);
    fleet->tick.data = fleet->look.data = fleet;
    fleet->open_handles = 2;
    uv_close((uv_handle_t *)&fleet->tick, on_closed);
    uv_close((uv_handle_t *)&fleet->look, on_closed);
}
