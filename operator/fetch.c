#include "operator/fetch.h"

#include <stdlib.h>

#include <curl/curl.h>

#define ANSWER_MAX_BYTES (4 * 1024 * 1024)

struct fetch {
    CURL *curl;
};

struct fetch *fetch_create(void)
{
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    struct fetch *fetch = xcalloc(1, sizeof(*fetch));
    fetch->curl = curl_easy_init();
    CHECK(fetch->curl != NULL);
    return fetch;
}

void fetch_destroy(struct fetch *fetch)
{
    if (fetch == NULL)
        return;
    curl_easy_cleanup(fetch->curl);
    free(fetch);
    curl_global_cleanup();
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct buf *body = arg;
    const size_t len = size * count;

    if (body->len + len > ANSWER_MAX_BYTES)
        return 0; /* ends the transfer with an error */
    buf_add(body, bytes, len);
    return len;
}

static struct curl_slist *make_headers(const struct request *request)
{
    struct curl_slist *headers = NULL;
    struct buf line = {0};

    if (request->body.len > 0)
        headers = curl_slist_append(headers, "Content-Type: application/json");
    if (request->bearer != NULL) {
        buf_printf(&line, "Authorization: Bearer %s", request->bearer);
        headers = curl_slist_append(headers, buf_cstring(&line));
    }
    buf_fini(&line);
    return headers;
}

enum err fetch_run(struct fetch *fetch, const struct request *request, int *status,
                   struct buf *body)
{
    struct curl_slist *headers = make_headers(request);
    char why[CURL_ERROR_SIZE] = "";
    long code = 0;

    curl_easy_reset(fetch->curl); /* the connection stays */
    curl_easy_setopt(fetch->curl, CURLOPT_URL, request->url);
    curl_easy_setopt(fetch->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(fetch->curl, CURLOPT_NOPROXY, "*"); /* our own servers */
    curl_easy_setopt(fetch->curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(fetch->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(fetch->curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(fetch->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(fetch->curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(fetch->curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(fetch->curl, CURLOPT_WRITEDATA, body);
    if (request->body.len > 0) {
        curl_easy_setopt(fetch->curl, CURLOPT_POSTFIELDS, request->body.at);
        curl_easy_setopt(fetch->curl, CURLOPT_POSTFIELDSIZE, (long)request->body.len);
    }
    const CURLcode result = curl_easy_perform(fetch->curl);
    curl_slist_free_all(headers);
    if (result != CURLE_OK) {
        buf_reset(body);
        buf_printf(body, "%s", why[0] != '\0' ? why : curl_easy_strerror(result));
        return ERR_UNAVAILABLE;
    }
    curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &code);
    *status = (int)code;
    return ERR_OK;
}
