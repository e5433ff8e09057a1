/*
 * asking: APIs that answer as a test wants, an asker of several, and what came back.
 */
#pragma once

#include <stdlib.h>

#include "base/id.h"
#include "bus/asker.h"
#include "bus/responder.h"
#include "tests/unit/bus_place.h"

#define TRY_MS   250
#define SLACK_MS 1000 /* a busy machine */

/* An API that answers an Rpc with its data, or keeps the inquiries. */
struct api {
    struct responder *responder;
    size_t asked, full; /* of them: with the last place */
    bool keeps, refuses; /* refuses: "elsewhere", with its error */
    uint32_t error;
    size_t answer_bytes; /* instead of the question's data */
    size_t kept_count;
    struct inquiry *kept[64];
};

static inline void answer(struct api *api, struct inquiry *inquiry, struct text data)
{
    Bus__Data told = BUS__DATA__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;
    char *large = xcalloc(1, api->answer_bytes + 1);

    told.data = wire_bytes(api->answer_bytes > 0 ? text_of(large, api->answer_bytes) : data);
    answer.told_case = BUS__ANSWER__TOLD_DATA;
    answer.data = &told;
    inquiry_answer(inquiry, &answer);
    free(large);
}

static inline void on_question(void *context, struct inquiry *inquiry, const Bus__Question *question)
{
    struct api *api = context;

    api->asked++;
    api->full += inquiry_is_last(inquiry);
    if (api->keeps)
        api->kept[api->kept_count++] = inquiry;
    else if (api->refuses)
        inquiry_refuse_elsewhere(inquiry, api->error, "not here");
    else if (question->ask_case == BUS__QUESTION__ASK_RPC)
        answer(api, inquiry, wire_text(question->rpc->data));
    else
        inquiry_refuse(inquiry, 104, "method not found", false);
}

static inline void api_open(struct api *api, struct place *place, const char *url, const char *secret,
                     int open_limit)
{
    const struct responder_config config = {
        .url = url, .secret = text(secret), .open_limit = open_limit};

    *api = (struct api){0};
    assert_int_equal(responder_open(&api->responder, &place->loop, &config, on_question, api),
                     ERR_OK);
}

static size_t connected; /* greetings that APIs answered since asker_of() */

static inline void on_connected(void *context, size_t api, const struct publisher_place *publisher)
{
    connected++;
}

static inline struct asker *asker_of(struct place *place, size_t urls, const char *secret,
                              size_t open_limit)
{
    const char *url[PLACE_URLS] = {place->url[0], place->url[1], place->url[2]};
    const struct asker_config config = {.urls = url,
                                        .url_count = urls,
                                        .secret = text(secret),
                                        .try_ms = TRY_MS,
                                        .open_limit = open_limit,
                                        .on_connected = on_connected};
    struct asker *asker;

    connected = 0;
    assert_int_equal(asker_open(&asker, &place->loop, &config), ERR_OK);
    return asker;
}

struct reply {
    size_t count, ok, timeouts, busy, others;
    uint32_t error_code;
    bool temporary;
    char data[32];
    int64_t at_ms;
};

static inline void on_done(void *context, enum err err, const Bus__Answer *answer)
{
    struct reply *reply = context;

    reply->count++;
    reply->ok += err == ERR_OK;
    reply->timeouts += err == ERR_TIMEOUT;
    reply->busy += err == ERR_BUSY;
    reply->others += err != ERR_OK && err != ERR_TIMEOUT && err != ERR_BUSY;
    reply->at_ms = clock_mono_ms();
    assert_int_equal(answer != NULL, err == ERR_OK);
    if (answer == NULL)
        return;
    reply->error_code = answer->error_code;
    reply->temporary = answer->error_temporary;
    if (answer->told_case == BUS__ANSWER__TOLD_DATA && answer->data->data.len < sizeof(reply->data))
        memcpy(reply->data, answer->data->data.data, answer->data->data.len);
}

static inline void ask(struct asker *asker, size_t api, const char *data, int deadline_ms,
                struct reply *reply)
{
    Bus__Rpc rpc = BUS__RPC__INIT;
    Bus__Question question = BUS__QUESTION__INIT;

    rpc.data = wire_bytes(text(data));
    question.ask_case = BUS__QUESTION__ASK_RPC;
    question.rpc = &rpc;
    asker_ask(asker, api, &question, deadline_ms, on_done, reply);
}
