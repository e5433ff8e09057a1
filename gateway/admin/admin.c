#include "gateway/admin/admin.h"

#include "base/id.h"
#include "base/json.h"
#include "gateway/admin/page.h"
#include "gateway/admin/session.h"
#include "gateway/admin/state.h"
#include "gateway/api/api.h"
#include "gateway/transport/front.h"
#include "gateway/transport/http.h"

#define LOGIN_MAX   4096 /* bytes of a login's body */
#define NONCE_BYTES 16

static const struct settings *settings;

void admin_init(const struct settings *given)
{
    settings = given;
    session_init(given);
    state_init();
}

static int refuse(h2o_req_t *req, int status, const char *reason, const char *message)
{
    struct buf body = {0};
    struct json_out out = {.buf = &body};

    json_open(&out, '{');
    json_key_text(&out, "message", text(message));
    json_close(&out, '}');
    http_answer_json(req, status, reason, buf_text(&body));
    buf_fini(&body);
    return 0;
}

/* ---- the page ---- */

static void make_nonce(char out[2 * NONCE_BYTES + 1])
{
    unsigned char bytes[NONCE_BYTES];

    id_random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* Nothing but what is in the page itself, and only where it is meant to be. */
static void add_policy(h2o_req_t *req, const char *nonce)
{
    struct buf policy = {0};

    buf_printf(&policy,
               "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; img-src data:; "
               "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
               nonce, nonce);
    http_add_header(req, "content-security-policy", buf_text(&policy));
    http_add_header(req, "x-content-type-options", TEXT("nosniff"));
    http_add_header(req, "x-frame-options", TEXT("DENY"));
    http_add_header(req, "referrer-policy", TEXT("no-referrer"));
    http_add_header(req, "cross-origin-opener-policy", TEXT("same-origin"));
    buf_fini(&policy);
}

/* The page with the nonce where it says @NONCE@. */
static void fill_in(struct buf *out, const char *nonce)
{
    static const struct text mark = {"@NONCE@", 7};
    struct text left = text_of(PAGE_HTML, PAGE_HTML_LEN);

    for (const char *at; (at = memmem(left.at, left.len, mark.at, mark.len)) != NULL;) {
        buf_add(out, left.at, (size_t)(at - left.at));
        buf_add_text(out, text(nonce));
        left = text_after(left, (size_t)(at - left.at) + mark.len);
    }
    buf_add_text(out, left);
}

static int show_page(h2o_req_t *req)
{
    char nonce[2 * NONCE_BYTES + 1];
    struct buf page = {0};

    make_nonce(nonce);
    add_policy(req, nonce);
    fill_in(&page, nonce);
    http_answer(req, 200, "OK", "text/html; charset=utf-8", buf_text(&page));
    buf_fini(&page);
    return 0;
}

/* ---- in and out ---- */

static bool read_password(h2o_req_t *req, struct buf *password)
{
    struct json json = {0};
    const bool there = req->entity.len <= LOGIN_MAX &&
                       json_parse(&json, http_body(req)) == ERR_OK &&
                       json_to_text(json_get(json_root(&json), "password"), password);

    json_fini(&json);
    return there;
}

static int log_in(h2o_req_t *req)
{
    struct buf password = {0};
    const bool there = read_password(req, &password);
    const enum err err = there ? session_begin(req, buf_text(&password)) : ERR_INVALID;

    buf_fini(&password);
    switch (err) {
    case ERR_OK:
        return http_answer_nothing(req);
    case ERR_BAD_CREDENTIALS:
        return refuse(req, 401, "Unauthorized", "That is not the password.");
    case ERR_LIMIT:
        http_add_header(req, "retry-after", TEXT("60"));
        return refuse(req, 429, "Too Many Requests",
                      "Too many wrong passwords. Try again in a minute.");
    default:
        return refuse(req, 400, "Bad Request", "A password was expected.");
    }
}

static int log_out(h2o_req_t *req)
{
    session_end(req);
    return http_answer_nothing(req);
}

/* ---- for who is in ---- */

static int show_state(h2o_req_t *req)
{
    struct buf state = {0};

    state_write(&state, front_view());
    http_answer_json(req, 200, "OK", buf_text(&state));
    buf_fini(&state);
    return 0;
}

static int run_api(h2o_req_t *req)
{
    return api_answer(req, (struct text){0});
}

/* ---- routes ---- */

static const struct {
    const char *path;
    bool posts, needs_session;
    int (*run)(h2o_req_t *req);
} routes[] = {
    {"", false, false, show_page},       {"/", false, false, show_page},
    {"/login", true, false, log_in},     {"/logout", true, false, log_out},
    {"/state", false, true, show_state}, {"/api", true, true, run_api},
};

static int run_route(h2o_req_t *req, size_t route)
{
    const bool posts = text_equal(http_method(req), TEXT("POST"));

    if (routes[route].posts ? !posts : !http_is_reading(req))
        return refuse(req, 405, "Method Not Allowed", "The path does not know this method.");
    if (posts && !session_is_same_site(req))
        return refuse(req, 403, "Forbidden", "The request comes from another site.");
    if (routes[route].needs_session && !session_is_open(req))
        return refuse(req, 401, "Unauthorized", "The password is wanted first.");
    return routes[route].run(req);
}

int admin_on_request(h2o_req_t *req)
{
    const struct text path = text_after(http_path(req), strlen(settings->admin.path));

    for (size_t i = 0; i < ARRAY_COUNT(routes); i++)
        if (text_equal(path, text(routes[i].path)))
            return run_route(req, i);
    return http_answer_not_found(req);
}
