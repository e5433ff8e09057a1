/*
 * api_command: one method of the server API being carried out: the only one of an HTTP request, or
 * one of several (a batch, a broadcast, the stream of commands). Made by who wants to know,
 * finished once by the method: by a result or by an error, at once or when the broker has answered.
 * Loop's thread.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "gateway/api/api_params.h"
#include "gateway/mail/request.h"
#include "gateway/protocol/codes.h"

struct api_method;
struct loop;

#define API_COMMANDS_MAX 10000 /* in a batch or stream; channels in a broadcast */
#define API_PARALLEL_MAX 1024  /* commands of a parallel batch under way at once */
/* Of a loop, all calls together: the broker's inbox is for clients too. More are refused (111). */
#define API_REQUESTS_MAX 8192
/* Bytes of all results of a call; further ones are refused (106). */
#define API_ANSWER_MAX (64u << 20)

/* What all commands of one HTTP request have in common. */
struct api_call {
    struct loop *loop;
    /* Lives until all of them are finished: requests to the broker borrow their texts from it,
     * since a broadcast's data must not be copied for each of its channels. */
    struct arena arena;
    size_t answer_bytes; /* of results so far */
};

struct api_command {
    struct api_call *call;
    unsigned width; /* as many commands it may have under way itself */
    void (*done)(struct api_command *command); /* maybe before api_command_run() returns */
    void *context;                             /* of who waits */

    const struct api_method *method; /* NULL: there is none of that name */
    int error;                       /* 0: `result` is there */
    const char *message;             /* of the error; static, or in the arena */
    struct buf result;               /* JSON: an object */
    void (*write)(struct json_out *out, const struct request *request);
};

void api_command_init(struct api_command *command, struct api_call *call,
                      void (*done)(struct api_command *command), void *context);
void api_command_fini(struct api_command *command);

/* Carries out `method` (NULL: error 104); `params` may be absent. */
void api_command_run(struct api_command *command, const struct api_method *method,
                     struct json_value params);

/* ---- for methods ---- */

/* The ends, one of them. */
/* `message`: static, or in the arena; NULL: the error's own. */
void api_fail(struct api_command *command, int error, const char *message);
void api_refuse(struct api_command *command, const char *why);   /* 107; `why` for the log */
void api_succeed(struct api_command *command, struct text json); /* copies; empty: {} */

/*
 * Asks the broker, takes `request`. Its error is the command's; else `write` writes the members of
 * the result (NULL: it has none, but when the broker tells a whole result as JSON, it is that).
 */
void api_ask(struct api_command *command, struct request *request,
             void (*write)(struct json_out *out, const struct request *request));
struct request *api_request(enum request_kind kind);

/* 0 and the namespace, or the error: nameless, or a name that it does not allow (107), unknown
 * (102). */
int api_find_channel(const struct api_command *command, struct text channel,
                     const struct namespace **out);

/* ---- for who waits ---- */

/* {"code":…,"message":…} */
void api_write_error(struct json_out *out, const struct api_command *command);
/* The members of an answer: "name":{…} with the result, or "error":{…}. */
void api_write_answer(struct json_out *out, const struct api_command *command, const char *name);
