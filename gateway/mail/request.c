#include "gateway/mail/request.h"

#include <stdlib.h>

static struct text keep(struct text text, char **bytes)
{
    char *at = *bytes;

    if (text.len > 0)
        memcpy(at, text.at, text.len);
    *bytes += text.len;
    return text_of(at, text.len);
}

struct request *request_create(enum request_kind kind, const struct request_texts *texts)
{
    const size_t len = texts->user.len + texts->session.len + texts->client_id.len +
                       texts->channel.len + texts->data.len + texts->method.len + texts->epoch.len;
    struct request *request = xcalloc(1, sizeof(*request) + len);
    char *bytes = (char *)(request + 1);

    request->letter.kind = LETTER_REQUEST;
    request->kind = kind;
    request->user = keep(texts->user, &bytes);
    request->session = keep(texts->session, &bytes);
    request->client_id = keep(texts->client_id, &bytes);
    request->channel = keep(texts->channel, &bytes);
    request->data = keep(texts->data, &bytes);
    request->method = keep(texts->method, &bytes);
    request->epoch = keep(texts->epoch, &bytes);
    return request;
}

void request_destroy(struct request *request)
{
    if (request == NULL)
        return;
    buf_fini(&request->reply);
    free(request->rooms_block);
    free(request);
}

static void set_message(struct request *request, struct text message)
{
    const size_t len = message.len < REQUEST_MESSAGE_MAX ? message.len : REQUEST_MESSAGE_MAX;

    if (len > 0)
        memcpy(request->message, message.at, len);
    request->message[len] = '\0';
}

void request_fail(struct request *request, int error, struct text message, bool temporary)
{
    request->outcome = REQUEST_FAILED;
    request->error = error;
    request->temporary = temporary;
    set_message(request, message);
}

void request_disconnect(struct request *request, int code, struct text reason)
{
    request->outcome = REQUEST_DISCONNECT;
    request->error = code;
    set_message(request, reason);
}
