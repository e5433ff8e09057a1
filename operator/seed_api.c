#include "operator/seed_api.h"

#include "operator/report.h"

#define TIMEOUT_MS 20000

void seed_api_init(struct seed_api *api, const char *url)
{
    *api = (struct seed_api){.fetch = fetch_create(), .url = url};
}

void seed_api_fini(struct seed_api *api)
{
    json_fini(&api->json);
    buf_fini(&api->answer);
    fetch_destroy(api->fetch);
}

void seed_api_read(struct json_value object, const char *name, struct buf *out)
{
    (void)json_to_text(json_get(object, name), out);
}

/* What a problem document says, as one of ours. */
static enum err problem_of(struct seed_api *api, int status)
{
    struct buf code = {0};

    seed_api_read(json_root(&api->json), "code", &code);
    const enum err err = code.len > 0 ? err_from_code(buf_cstring(&code)) : ERR_INTERNAL;
    buf_fini(&code);
    return status < 300 ? ERR_OK : err;
}

static enum err parse_answer(struct seed_api *api)
{
    if (api->answer.len == 0)
        return ERR_OK; /* 204 */
    return json_parse(&api->json, buf_text(&api->answer));
}

enum err seed_api_call(struct seed_api *api, const char *token, const char *method,
                       const char *path, struct text body, enum err expected)
{
    struct buf url = {0};
    int status;

    json_fini(&api->json);
    api->json = (struct json){0};
    buf_reset(&api->answer);
    buf_printf(&url, "%s/v1%s", api->url, path);
    const struct request request = {.method = method,
                                    .url = buf_cstring(&url),
                                    .bearer = token,
                                    .body = body,
                                    .timeout_ms = TIMEOUT_MS};
    enum err err = fetch_run(api->fetch, &request, &status, &api->answer);
    buf_fini(&url);
    if (err != ERR_OK) {
        report("Is parley-api running there? Its address is option api.url.",
               "the API at %s does not answer: %s", api->url, buf_cstring(&api->answer));
        return err;
    }
    if (parse_answer(api) != ERR_OK) {
        report("Is that address an API of Parley?", "%s %s%s: the answer is not JSON", method,
               api->url, path);
        return ERR_INTERNAL;
    }
    err = problem_of(api, status);
    if (err != ERR_OK && err != expected) {
        struct buf detail = {0};
        seed_api_read(json_root(&api->json), "detail", &detail);
        report(NULL, "%s %s: %d %s %s", method, path, status, err_code(err), buf_cstring(&detail));
        buf_fini(&detail);
    }
    return err;
}
