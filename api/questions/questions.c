/*
 * Each question is a task of its own: it may wait for the database like any handler. What cannot be answered now is refused with error
 * 100, temporary: the gateway asks another API if that may help, else passes it on, and clients try again.
 */
#include "api/questions/questions.h"

#include <stdlib.h>

#include "api/counters.h"
#include "api/model/access.h"
#include "api/model/ban.h"
#include "api/log/announce.h"
#include "api/handlers/messages.h"
#include "api/questions/fleet.h"
#include "api/questions/question_bans.h"
#include "api/questions/question_presence.h"
#include "api/questions/question_rooms.h"
#include "api/questions/question_streams.h"
#include "api/request/router.h"
#include "api/request/rpc.h"
#include "api/log/watch.h"
#include "api/worker.h"
#include "base/id.h"
#include "base/json.h"

#define REPLAY_BYTES (2u << 20)
#define RPC_ERRORS_FROM 400 /* 400 + err number */

enum { REFUSED_INTERNAL = 100, REFUSED_PERMISSION = 103, REFUSED_METHOD = 104, REFUSED_BAD_REQUEST = 107, REFUSED_NOT_AVAILABLE = 108 };

/* A question under way. */
struct asked {
    struct app *app;
    struct worker *worker;
    struct inquiry *inquiry;
    const Bus__Question *question;
};

static void refuse_err(struct inquiry *inquiry, enum err err)
{
    if (err == ERR_NOT_FOUND || err == ERR_MEMBER_REQUIRED)
        inquiry_refuse(inquiry, REFUSED_PERMISSION, "permission denied", false);
    else if (err == ERR_UNAVAILABLE || err == ERR_BUSY)
        inquiry_refuse_elsewhere(inquiry, REFUSED_INTERNAL, "internal server error");
    else
        inquiry_refuse(inquiry, REFUSED_INTERNAL, "internal server error", true);
}

/* ---- replay ---- */

struct replay {
    Bus__Batch **batches;
    size_t count, cap;
};

static void add_batch(void *context, struct text bytes)
{
    struct replay *replay = context;
    Bus__Batch *batch = wire_read_batch(bytes);

    if (batch == NULL)
        return;
    if (replay->count == replay->cap) {
        replay->cap = replay->cap == 0 ? 16 : replay->cap * 2;
        replay->batches = xrealloc(replay->batches, replay->cap * sizeof(*replay->batches));
    }
    replay->batches[replay->count++] = batch;
}

static void answer_replay(struct asked *asked)
{
    const Bus__Replay *ask = asked->question->replay;
    Bus__Replayed replayed = BUS__REPLAYED__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;
    struct replay replay = {0};

    if (ask->publisher != publisher_id(asked->app->publisher)) {
        inquiry_refuse(asked->inquiry, REFUSED_NOT_AVAILABLE, "not available", false);
        return;
    }
    publisher_replay(asked->app->publisher, ask->from, ask->to, REPLAY_BYTES, add_batch, &replay);
    replayed.n_batches = replay.count;
    replayed.batches = replay.batches;
    answer.told_case = BUS__ANSWER__TOLD_REPLAYED;
    answer.replayed = &replayed;
    inquiry_answer(asked->inquiry, &answer);
    for (size_t i = 0; i < replay.count; i++)
        wire_free_batch(replay.batches[i]);
    free(replay.batches);
}

/* ---- publish and rpc: handlers without HTTP ---- */

/* Temporary: the same may succeed later. */
static void refuse_call(struct inquiry *inquiry, enum err err)
{
    inquiry_refuse(inquiry, RPC_ERRORS_FROM + err, err_code(err), err_status(err) >= 500 || err == ERR_LIMIT);
}

static void on_published(void *context, enum err err, int status, struct text body)
{
    struct asked *asked = context;

    if (err == ERR_OK)
        inquiry_confirm(asked->inquiry);
    else if (err == ERR_NOT_FOUND || err == ERR_MEMBER_REQUIRED)
        refuse_err(asked->inquiry, err);
    else
        refuse_call(asked->inquiry, err);
    free(asked);
}

static void on_called(void *context, enum err err, int status, struct text body)
{
    struct asked *asked = context;
    Bus__Data data = BUS__DATA__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    data.data = wire_bytes(body);
    answer.told_case = BUS__ANSWER__TOLD_DATA;
    answer.data = &data;
    if (err == ERR_OK)
        inquiry_answer(asked->inquiry, &answer);
    else
        refuse_call(asked->inquiry, err);
    free(asked);
}

/* `{"type":"typing"}` and nothing else may be said on a live channel. */
static bool is_typing(struct text data)
{
    struct json json;
    struct buf type = {0};
    bool is = false;

    if (json_parse(&json, data) == ERR_OK && json_size(json_root(&json)) == 1)
        is = json_to_text(json_get(json_root(&json), "type"), &type) && text_equal(buf_text(&type), TEXT("typing"));
    buf_fini(&type);
    json_fini(&json);
    return is;
}

static void answer_typing(struct asked *asked, const Bus__Publish *ask)
{
    struct announcer *announcer;

    if (!is_typing(wire_text(ask->data))) {
        inquiry_refuse(asked->inquiry, REFUSED_BAD_REQUEST, "bad request", false);
        return;
    }
    announcer = announcer_create();
    announce_typing(announcer, wire_text(ask->channel), wire_text(ask->user));
    announce_send(announcer, asked->app->publisher);
    announcer_destroy(announcer);
    inquiry_confirm(asked->inquiry);
}

static bool read_ids(ProtobufCBinaryData user, ProtobufCBinaryData session, int64_t *user_id, int64_t *session_id)
{
    return id_parse(wire_text(user), user_id) && id_parse(wire_text(session), session_id);
}

/* A copy that outlives the asking function: the answer comes when the handler is done. */
static struct asked *keep(const struct asked *asked)
{
    struct asked *kept = xmalloc(sizeof(*kept));

    *kept = *asked;
    return kept;
}

static void answer_publish(struct asked *asked)
{
    const Bus__Publish *ask = asked->question->publish;
    const struct text channel = wire_text(ask->channel);
    int64_t user_id, session_id;

    if (!read_ids(ask->user, ask->session, &user_id, &session_id))
        inquiry_refuse(asked->inquiry, REFUSED_BAD_REQUEST, "bad request", false);
    else if (text_starts(channel, TEXT("live:")))
        answer_typing(asked, ask);
    else if (text_starts(channel, TEXT("room:")))
        rpc_start(asked->worker, TEXT("messages.send"), user_id, session_id, text_after(channel, 5), wire_text(ask->data), on_published,
                  keep(asked));
    else
        inquiry_refuse(asked->inquiry, REFUSED_PERMISSION, "permission denied", false);
}

static void answer_rpc(struct asked *asked)
{
    const Bus__Rpc *ask = asked->question->rpc;
    int64_t user_id, session_id;

    if (!read_ids(ask->user, ask->session, &user_id, &session_id))
        inquiry_refuse(asked->inquiry, REFUSED_BAD_REQUEST, "bad request", false);
    else if (router_find_rpc(wire_text(ask->method)) == NULL)
        inquiry_refuse(asked->inquiry, REFUSED_METHOD, "method not found", false);
    else
        rpc_start(asked->worker, wire_text(ask->method), user_id, session_id, text(NULL),
                  ask->data.len > 0 ? wire_text(ask->data) : TEXT("{}"), on_called, keep(asked));
}

/* ---- which answer ---- */

static void run(void *arg)
{
    struct asked *asked = arg;
    struct asked here = *asked; /* on the task's stack: lives as long as the answering function */

    free(asked);
    switch (here.question->ask_case) {
    case BUS__QUESTION__ASK_CONNECT:
        question_connect(here.worker, here.inquiry, here.question->connect);
        break;
    case BUS__QUESTION__ASK_MEMBERSHIPS:
        question_memberships(here.worker, here.inquiry, here.question->memberships);
        break;
    case BUS__QUESTION__ASK_SUBSCRIBE:
        question_subscribe(here.worker, here.inquiry, here.question->subscribe);
        break;
    case BUS__QUESTION__ASK_HISTORY:
        question_history(here.worker, here.inquiry, here.question->history);
        break;
    case BUS__QUESTION__ASK_HEADS:
        question_heads(here.worker, here.inquiry, here.question->heads);
        break;
    case BUS__QUESTION__ASK_ENDED_SESSIONS:
        question_ended(here.worker, here.inquiry, here.question->ended_sessions);
        break;
    case BUS__QUESTION__ASK_PRESENCE_CHANGE:
        question_presence_change(here.worker, here.inquiry, here.question->presence_change);
        break;
    case BUS__QUESTION__ASK_PRESENCE_LIST:
        question_presence(here.worker, here.inquiry, here.question->presence_list);
        break;
    case BUS__QUESTION__ASK_STREAM_PUBLISH:
        question_stream_publish(here.worker, here.inquiry, here.question->stream_publish);
        break;
    case BUS__QUESTION__ASK_STREAM_HEADS:
        question_stream_heads(here.worker, here.inquiry, here.question->stream_heads);
        break;
    case BUS__QUESTION__ASK_STREAM_HISTORY:
        question_stream_history(here.worker, here.inquiry, here.question->stream_history);
        break;
    case BUS__QUESTION__ASK_STREAM_REMOVE:
        question_stream_remove(here.worker, here.inquiry, here.question->stream_remove);
        break;
    case BUS__QUESTION__ASK_ORDER:
        question_ban(here.worker, here.inquiry, here.question->order);
        break;
    case BUS__QUESTION__ASK_BANS:
        question_bans(here.worker, here.inquiry, here.question->bans);
        break;
    case BUS__QUESTION__ASK_SURVEY:
        fleet_survey(here.worker, here.inquiry, here.question->survey, here.question->deadline_ms);
        break;
    default:
        inquiry_refuse(here.inquiry, REFUSED_METHOD, "method not found", false);
    }
}

/* What needs no task: it is answered from memory, or starts one of its own. */
static bool answer_at_once(struct asked *asked)
{
    const Bus__Question *question = asked->question;

    switch (question->ask_case) {
    case BUS__QUESTION__ASK_REPLAY:
        answer_replay(asked);
        return true;
    case BUS__QUESTION__ASK_PUBLISH:
        answer_publish(asked);
        return true;
    case BUS__QUESTION__ASK_RPC:
        answer_rpc(asked);
        return true;
    case BUS__QUESTION__ASK_HELLO:
        fleet_hello(asked->worker, asked->inquiry, question->hello);
        return true;
    case BUS__QUESTION__ASK_NODES:
        fleet_nodes(asked->worker, asked->inquiry);
        return true;
    case BUS__QUESTION__ASK_ORDER:
        if (ban_is_made_by(question->order))
            return false;
        fleet_order(asked->worker, asked->inquiry, question->order);
        return true;
    case BUS__QUESTION__ASK_EMULATION:
        fleet_emulation(asked->worker, asked->inquiry, question->emulation);
        return true;
    case BUS__QUESTION__ASK_SURVEY_ANSWER:
        fleet_survey_answer(asked->worker, asked->inquiry, question->survey_answer);
        return true;
    default:
        return false;
    }
}

void questions_answer(void *context, struct inquiry *inquiry, const Bus__Question *question)
{
    struct app *app = context;
    struct asked asked = {app, &app->workers[0], inquiry, question};

    counter_add(COUNTER_QUESTIONS, 1);
    counter_add(COUNTER_QUESTIONS_FULL, inquiry_is_last(inquiry));
    if (answer_at_once(&asked))
        return;
    struct asked *kept = keep(&asked);
    if (task_start(asked.worker->tasks, run, kept) != ERR_OK) {
        free(kept);
        counter_add(COUNTER_QUESTIONS_BUSY, 1);
        refuse_err(inquiry, ERR_BUSY);
    }
}
