#include "bus/responder.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "bus/link.h"
#include "bus/mailbox.h"
#include "bus/publisher.h"
#include "bus/window.h"

/* A gateway that stopped reading holds an inquiry no longer than that. */
#define SEND_MS 5000

/*
 * One NNG context and what goes round in it:
 *
 * receive()          waits for a question        on NNG's thread: post to the loop
 * on_item()          checks, decodes, hands out  foreign: receive() again, nobody gets an answer
 * inquiry_answer()   seals, sends                on NNG's thread: receive() again
 *
 * responder_close() stops all contexts; those whose question is with the program are freed by its
 * answer.
 */
struct inquiry {
    struct responder *responder;
    nng_ctx ctx;
    nng_aio *aio;
    enum {
        INQUIRY_RECEIVING,
        INQUIRY_SENDING
    } doing;                 /* what `aio` does; written before it starts */
    nng_msg *message;        /* received, on its way to the loop */
    nng_pipe pipe;           /* that `question` came over */
    Bus__Question *question; /* with the program: until it is answered */
};

struct responder {
    nng_socket socket;
    struct seal_keys keys;
    struct buf opened; /* the message at hand */
    struct publisher *publisher;
    struct windows *windows;
    struct mailbox *mailbox;
    responder_fn on_question;
    void *context;
    bool closed;
    struct link_alarm foreign, replayed, strange;
    struct responder_counters counters; /* but `ended` */
    _Atomic uint64_t *ended;            /* counted on NNG's threads; see responder_close() */
    size_t count;
    struct inquiry **inquiries; /* `count`; until responder_close() */
    size_t asked;               /* with the program; the last one frees a closed responder */
};

/* NNG's thread. */
static void on_pipe_removed(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
    atomic_fetch_add((_Atomic uint64_t *)arg, 1);
}

static void receive(struct inquiry *inquiry)
{
    inquiry->doing = INQUIRY_RECEIVING;
    nng_aio_set_timeout(inquiry->aio, NNG_DURATION_INFINITE);
    nng_ctx_recv(inquiry->ctx, inquiry->aio);
}

/* NNG's thread: the mailbox and this one context, which is nobody else's now. */
static void on_done(void *arg)
{
    struct inquiry *inquiry = arg;
    const int rv = nng_aio_result(inquiry->aio);

    if (inquiry->doing == INQUIRY_SENDING) {
        if (rv != 0)
            nng_msg_free(nng_aio_get_msg(inquiry->aio)); /* still ours */
        if (rv != NNG_ECLOSED && rv != NNG_ECANCELED)
            receive(inquiry);
    } else if (rv == 0) {
        inquiry->message = nng_aio_get_msg(inquiry->aio);
        CHECK(mailbox_post(inquiry->responder->mailbox, inquiry)); /* has a place for each of us */
    } else if (rv != NNG_ECLOSED && rv != NNG_ECANCELED) {
        receive(inquiry);
    }
}

static Bus__Question *read_question(struct responder *responder, nng_msg *message)
{
    Bus__Question *question = NULL;

    if (seal_open(&responder->keys, SEAL_QUESTION, link_bytes(message), &responder->opened))
        question = wire_read_question(buf_text(&responder->opened));
    if (question == NULL) {
        responder->counters.foreign++;
        link_alarm(&responder->foreign, "responder", "somebody asks without our bus key");
    }
    return question;
}

/* Was it here before? Then somebody has recorded it. */
static bool is_replayed(struct responder *responder, const Bus__Question *question)
{
    if (question->ask_case == BUS__QUESTION__ASK_GREET ||
        question->list != windows_name(responder->windows) ||
        windows_take(responder->windows, question->asker, question->number))
        return false;
    responder->counters.replayed++;
    link_alarm(&responder->replayed, "responder", "a question came once more than it was asked");
    return true;
}

static void drop_question(struct inquiry *inquiry)
{
    wire_free_question(inquiry->question);
    inquiry->question = NULL;
}

static void answer_greet(struct inquiry *inquiry)
{
    Bus__Greeted greeted = BUS__GREETED__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    greeted.list = windows_name(inquiry->responder->windows);
    if (inquiry->responder->publisher != NULL) {
        const struct publisher_place place = publisher_place(inquiry->responder->publisher);
        greeted.publisher = place.id;
        greeted.number = place.number;
        greeted.said = place.said;
    }
    answer.told_case = BUS__ANSWER__TOLD_GREETED;
    answer.greeted = &greeted;
    inquiry_answer(inquiry, &answer);
}

/* For an API that was here before, or a recording of that: nobody does what it asks for. */
static void refuse_stranger(struct inquiry *inquiry)
{
    struct responder *responder = inquiry->responder;
    Bus__Answer answer = BUS__ANSWER__INIT;

    responder->counters.strangers++;
    link_alarm(&responder->strange, "responder", "a question was for an API that was here before");
    answer.error_code = 100;
    answer.error_temporary = true;
    answer.stranger = true;
    inquiry_answer(inquiry, &answer);
}

static void on_item(void *context, void *item)
{
    struct responder *responder = context;
    struct inquiry *inquiry = item;
    nng_msg *message = inquiry->message;

    inquiry->message = NULL;
    if (!responder->closed)
        inquiry->question = read_question(responder, message);
    inquiry->pipe = nng_msg_get_pipe(message);
    nng_msg_free(message);
    if (responder->closed)
        return;
    if (inquiry->question != NULL && is_replayed(responder, inquiry->question))
        drop_question(inquiry);
    if (inquiry->question == NULL) {
        receive(inquiry);
        return;
    }
    responder->asked++;
    if (inquiry->question->ask_case == BUS__QUESTION__ASK_GREET)
        answer_greet(inquiry);
    else if (inquiry->question->list != windows_name(responder->windows))
        refuse_stranger(inquiry);
    else
        responder->on_question(responder->context, inquiry, inquiry->question);
}

static void inquiry_free(struct inquiry *inquiry)
{
    wire_free_question(inquiry->question);
    free(inquiry);
}

static void responder_free(struct responder *responder)
{
    free(responder->inquiries);
    windows_destroy(responder->windows);
    buf_fini(&responder->opened);
    free(responder);
}

bool inquiry_is_last(const struct inquiry *inquiry)
{
    return inquiry->responder->asked == inquiry->responder->count;
}

uint32_t inquiry_connection(const struct inquiry *inquiry)
{
    return (uint32_t)nng_pipe_id(inquiry->pipe);
}

bool responder_is_connected(uint32_t connection)
{
    const nng_pipe pipe = {.id = connection};
    nng_sockaddr address;

    return nng_pipe_get_addr(pipe, NNG_OPT_REMADDR, &address) == 0;
}

static nng_msg *seal_answer(struct responder *responder, Bus__Answer *answer)
{
    nng_msg *message = link_seal(&responder->keys, SEAL_ANSWER, &answer->base);

    if (message != NULL)
        return message;
    log_error("responder: an answer is too large for the bus");
    Bus__Answer refusal = BUS__ANSWER__INIT;
    refusal.id = answer->id;
    refusal.error_code = 100;
    refusal.error_message = wire_bytes(TEXT("internal server error"));
    refusal.error_temporary = true;
    message = link_seal(&responder->keys, SEAL_ANSWER, &refusal.base);
    CHECK(message != NULL);
    return message;
}

void inquiry_answer(struct inquiry *inquiry, Bus__Answer *answer)
{
    struct responder *responder = inquiry->responder;

    CHECK(inquiry->question != NULL); /* once */
    responder->asked--;
    if (responder->closed) {
        inquiry_free(inquiry);
        if (responder->asked == 0)
            responder_free(responder);
        return;
    }
    answer->id = inquiry->question->id;
    nng_aio_set_msg(inquiry->aio, seal_answer(responder, answer));
    wire_free_question(inquiry->question);
    inquiry->question = NULL;
    inquiry->doing = INQUIRY_SENDING;
    nng_aio_set_timeout(inquiry->aio, SEND_MS);
    nng_ctx_send(inquiry->ctx, inquiry->aio);
}

void inquiry_confirm(struct inquiry *inquiry)
{
    Bus__Data data = BUS__DATA__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    answer.told_case = BUS__ANSWER__TOLD_DATA;
    answer.data = &data;
    inquiry_answer(inquiry, &answer);
}

void inquiry_refuse(struct inquiry *inquiry, uint32_t code, const char *message, bool temporary)
{
    Bus__Answer answer = BUS__ANSWER__INIT;

    answer.error_code = code;
    answer.error_message = wire_bytes(text(message));
    answer.error_temporary = temporary;
    inquiry_answer(inquiry, &answer);
}

void inquiry_refuse_elsewhere(struct inquiry *inquiry, uint32_t code, const char *message)
{
    Bus__Answer answer = BUS__ANSWER__INIT;

    answer.error_code = code;
    answer.error_message = wire_bytes(text(message));
    answer.error_temporary = true;
    answer.elsewhere = true;
    inquiry_answer(inquiry, &answer);
}

void responder_count(const struct responder *responder, struct responder_counters *out)
{
    *out = responder->counters;
    out->ended = atomic_load(responder->ended);
}

static struct inquiry *inquiry_open(struct responder *responder)
{
    struct inquiry *inquiry = xcalloc(1, sizeof(*inquiry));

    inquiry->responder = responder;
    CHECK(nng_aio_alloc(&inquiry->aio, on_done, inquiry) == 0);
    CHECK(nng_ctx_open(&inquiry->ctx, responder->socket) == 0);
    return inquiry;
}

static int open_socket(nng_socket *socket, const char *url, _Atomic uint64_t *ended)
{
    int rv;

    if ((rv = nng_rep0_open(socket)) != 0)
        return rv;
    if ((rv = link_tune(*socket)) != 0 ||
        (rv = nng_pipe_notify(*socket, NNG_PIPE_EV_REM_POST, on_pipe_removed, ended)) != 0 ||
        (rv = nng_listen(*socket, url, NULL, 0)) != 0)
        link_close(*socket);
    return rv;
}

enum err responder_open(struct responder **out, uv_loop_t *loop,
                        const struct responder_config *config, responder_fn on_question,
                        void *context)
{
    const enum err err = link_check_secret("responder", config->url, config->secret);
    _Atomic uint64_t *ended;
    nng_socket socket;

    if (err != ERR_OK)
        return err;
    ended = xcalloc(1, sizeof(*ended));
    const int rv = open_socket(&socket, config->url, ended);
    if (rv != 0) {
        log_error("responder %s: %s", config->url, nng_strerror(rv));
        free(ended);
        return ERR_UNAVAILABLE;
    }

    struct responder *responder = xcalloc(1, sizeof(*responder));
    responder->socket = socket;
    responder->ended = ended;
    seal_keys_init(&responder->keys, config->secret, config->other_secret);
    responder->publisher = config->publisher;
    responder->windows = windows_create();
    responder->on_question = on_question;
    responder->context = context;
    responder->count = (size_t)config->open_limit;
    responder->mailbox = mailbox_open(loop, responder->count, on_item, responder);
    responder->inquiries = xcalloc(responder->count, sizeof(*responder->inquiries));
    for (size_t i = 0; i < responder->count; i++) {
        responder->inquiries[i] = inquiry_open(responder);
        receive(responder->inquiries[i]);
    }
    *out = responder;
    return ERR_OK;
}

void responder_close(struct responder *responder)
{
    if (responder == NULL)
        return;
    responder->closed = true;
    for (size_t i = 0; i < responder->count; i++)
        nng_aio_stop(responder->inquiries[i]->aio); /* waits for its callback */
    mailbox_close(responder->mailbox);              /* frees the messages that wait */
    for (size_t i = 0; i < responder->count; i++) {
        struct inquiry *inquiry = responder->inquiries[i];
        nng_ctx_close(inquiry->ctx);
        nng_aio_free(inquiry->aio);
        if (inquiry->question == NULL)
            inquiry_free(inquiry);
    }
    if (link_close(responder->socket)) /* else a pipe's callback may still come */
        free(responder->ended);
    if (responder->asked == 0)
        responder_free(responder);
}
