#include "fake_call.h"

#include "api/request/rpc.h"
#include "base/clock.h"
#include "base/jwt.h"

/* ---- handlers ---- */

static struct task *waiting;
static struct buf told; /* what the last handler got to see */

static enum err say(struct call *call, const char *which)
{
    buf_reset(&told);
    buf_printf(&told, "%s", which);
    buf_cstring(&told);
    buf_add(call_out(call), "{}", 2);
    return call_reply(call, 200);
}

static enum err room_get(struct call *call)
{
    int64_t room, limit = 50;
    enum err err;

    if ((err = call_path_id(call, "room", &room)) != ERR_OK ||
        (err = call_query_i64(call, "limit", 1, 100, &limit)) != ERR_OK)
        return err;
    char line[64];
    snprintf(line, sizeof(line), "room %lld limit %lld user %lld", (long long)room,
             (long long)limit, (long long)call_user_id(call));
    return say(call, line);
}

static enum err public_get(struct call *call)
{
    return say(call, "public");
}

static enum err message_post(struct call *call)
{
    struct text body_text;
    int64_t room, reply_to = 0;
    enum err err;

    if ((err = call_path_id(call, "room", &room)) != ERR_OK ||
        (err = call_body_chars(call, "text", 1, 5, &body_text)) != ERR_OK ||
        (call_body_has(call, "reply_to") &&
         (err = call_body_i64(call, "reply_to", 1, 1000, &reply_to)) != ERR_OK))
        return err;
    char line[64];
    snprintf(line, sizeof(line), "room %lld text %.*s reply %lld user %lld", (long long)room,
             TEXT_ARGS(body_text), (long long)reply_to, (long long)call_user_id(call));
    return say(call, line);
}

static enum err wait_for_long(struct call *call)
{
    waiting = task_self();
    task_wait();
    return say(call, "late");
}

static enum err forget(struct call *call)
{
    return ERR_OK;
}

const struct route routes[] = {
    {"GET", "/rooms/{room}", room_get, 0, "limit archived", NULL, "rooms.get"},
    {"DELETE", "/rooms/{room}", room_get, 0, NULL, NULL, NULL},
    {"GET", "/rooms/public", public_get, ROUTE_PUBLIC, NULL, NULL, NULL},
    {"POST", "/rooms/{room}/messages", message_post, ROUTE_PUBLIC, NULL, "text reply_to",
     "messages.send"},
    {"GET", "/wait", wait_for_long, ROUTE_PUBLIC, NULL, NULL, NULL},
    {"GET", "/forget", forget, ROUTE_PUBLIC, NULL, NULL, NULL},
    {NULL, NULL, NULL, 0, NULL, NULL, NULL},
};

/* ---- helpers ---- */

static void sign_in_with(struct fake *fake, const char *claims)
{
    static struct buf header;

    buf_reset(&header);
    buf_printf(&header, "Bearer ");
    jwt_sign(&header, text(claims), text(FAKE_SECRET));
    fake->request_headers[0] = "authorization";
    fake->request_headers[1] = buf_cstring(&header);
}

static void sign_in(struct fake *fake)
{
    char claims[128];
    snprintf(claims, sizeof(claims),
             "{\"sub\":\"7\",\"sid\":\"70\",\"aud\":\"parley\",\"exp\":%lld}",
             (long long)(clock_wall_us() / 1000000 + 60));
    sign_in_with(fake, claims);
}

static void send_json(struct fake *fake, const char *body)
{
    fake->request_headers[0] = "content-type";
    fake->request_headers[1] = "application/json; charset=utf-8";
    fake_request(fake, "POST", "/v1/rooms/7/messages", body);
}

/* ---- which route ---- */

static void a_literal_part_wins_over_a_name(void **state)
{
    fake_request(*state, "GET", "/v1/rooms/public", NULL);
    assert_int_equal(((struct fake *)*state)->status, 200);
    assert_string_equal(told.at, "public");
}

static void unknown_paths_are_not_found(void **state)
{
    static const char *const paths[] = {"/v1",
                                        "/v1/",
                                        "/v1/room",
                                        "/v1/rooms",
                                        "/v1//rooms/7",
                                        "/v1/rooms/7/",
                                        "/v1/rooms/7/other",
                                        "/v1/rooms/%2F",
                                        "/v1/rooms/../x",
                                        "/v1/rooms/%2e%2e",
                                        "/v1/rooms/7/messages/1/2/3/4/5/6/7/8/9"};
    struct fake *fake = *state;

    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        fake_request(fake, "GET", paths[i], NULL);
        assert_int_equal(fake->err, ERR_NOT_FOUND);
    }
}

static void a_known_path_with_another_method_says_which_it_allows(void **state)
{
    struct fake *fake = *state;

    fake_request(fake, "PATCH", "/v1/rooms/7", NULL);
    assert_int_equal(fake->status, 405);
    assert_has(fake->headers, "allow: GET, HEAD, DELETE\n");
}

static void head_is_a_get(void **state)
{
    fake_request(*state, "HEAD", "/v1/rooms/public", NULL);
    assert_int_equal(((struct fake *)*state)->status, 200);
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    struct fake *fake = *state;

    fake_request(fake, "GET", "/v1/rooms/%00", NULL);
    assert_int_equal(fake->err, ERR_BAD_TEXT);
    fake_request(fake, "GET", "/v1/rooms/%ff", NULL);
    assert_int_equal(fake->err, ERR_BAD_TEXT);
    fake_request(fake, "GET", "/v1/rooms/%4", NULL);
    assert_int_equal(fake->err, ERR_INVALID);
}

/* ---- who asks ---- */

static void a_route_wants_a_token(void **state)
{
    struct fake *fake = *state;

    fake_request(fake, "GET", "/v1/rooms/7", NULL);
    assert_int_equal(fake->err, ERR_UNAUTHENTICATED);
    assert_has(fake->headers, "www-authenticate: Bearer\n");
    sign_in(fake);
    fake_request(fake, "GET", "/v1/rooms/7?limit=3", NULL);
    assert_int_equal(fake->status, 200);
    assert_string_equal(told.at, "room 7 limit 3 user 7");
}

static void a_token_without_proper_claims_is_bad(void **state)
{
    static const char *const claims[] = {
        "{\"aud\":\"parley\"}",
        "{\"sub\":7,\"sid\":\"70\",\"aud\":\"parley\"}",
        "{\"sub\":\"7\",\"sid\":\"x\",\"aud\":\"parley\"}",
        "{\"sub\":\"7\",\"sid\":\"70\",\"aud\":\"other\"}",
    };
    struct fake *fake = *state;

    for (size_t i = 0; i < ARRAY_COUNT(claims); i++) {
        sign_in_with(fake, claims[i]);
        fake_request(fake, "GET", "/v1/rooms/7", NULL);
        assert_int_equal(fake->err, ERR_BAD_TOKEN);
    }
}

static void an_expired_token_is_told_apart(void **state)
{
    struct fake *fake = *state;

    sign_in_with(fake, "{\"sub\":\"7\",\"sid\":\"70\",\"aud\":\"parley\",\"exp\":1000}");
    fake_request(fake, "GET", "/v1/rooms/7", NULL);
    assert_int_equal(fake->err, ERR_TOKEN_EXPIRED);
}

static void an_ended_session_is_refused_over_http_and_bus(void **state)
{
    struct fake *fake = *state;

    sign_in(fake);
    ended_add(fake->app.ended, 70, 1, clock_mono_ms());
    fake_request(fake, "GET", "/v1/rooms/7", NULL);
    assert_int_equal(fake->err, ERR_SESSION_ENDED);
}

/* ---- what it may take ---- */

static void unknown_query_members_are_named(void **state)
{
    struct fake *fake = *state;

    sign_in(fake);
    fake_request(fake, "GET", "/v1/rooms/7?limti=3", NULL);
    assert_int_equal(fake->err, ERR_UNKNOWN_PARAMETER);
    assert_has(fake->body, "\"field\":\"limti\"");
    fake_request(fake, "GET", "/v1/rooms/7?limit=3&limit=4", NULL);
    assert_int_equal(fake->err, ERR_INVALID);
}

static void a_token_in_the_address_is_refused_before_anything_else(void **state)
{
    struct fake *fake = *state;

    fake_request(fake, "GET", "/v1/rooms/7?access_token=abc", NULL);
    assert_int_equal(fake->err, ERR_SECRET_IN_URL);
    assert_null(strstr(fake->body.at, "abc"));
}

static void query_numbers_are_whole_and_in_range(void **state)
{
    struct fake *fake = *state;

    sign_in(fake);
    fake_request(fake, "GET", "/v1/rooms/7?limit=0", NULL);
    assert_int_equal(fake->err, ERR_OUT_OF_RANGE);
    fake_request(fake, "GET", "/v1/rooms/7?limit=+3", NULL);
    assert_int_equal(fake->err, ERR_WRONG_TYPE);
    fake_request(fake, "GET", "/v1/rooms/7?limit=", NULL);
    assert_int_equal(fake->err, ERR_WRONG_TYPE);
}

static void bodies_are_objects_of_known_members(void **state)
{
    static const struct {
        const char *body;
        enum err err;
    } cases[] = {
        {"{\"text\":\"tea\"}", ERR_OK},
        {"{\"text\":\"t\\u00e4st!\"}", ERR_OK},
        {"{\"text\":\"kettle\"}", ERR_OUT_OF_RANGE},
        {"{\"text\":\"\"}", ERR_OUT_OF_RANGE},
        {"{\"text\":7}", ERR_WRONG_TYPE},
        {"{\"text\":null}", ERR_MISSING},
        {"{}", ERR_MISSING},
        {NULL, ERR_MISSING},
        {"{\"text\":\"tea\",\"txet\":1}", ERR_UNKNOWN_FIELD},
        {"{\"text\":\"tea\",\"text\":\"tee\"}", ERR_INVALID},
        {"{\"text\":\"tea\",\"reply_to\":1.5}", ERR_WRONG_TYPE},
        {"{\"text\":\"tea\",\"reply_to\":null}", ERR_OK},
        {"{\"text\":\"tea\",\"room\":\"8\"}", ERR_UNKNOWN_FIELD},
        {"[]", ERR_WRONG_TYPE},
        {"{\"text\":\"tea\"", ERR_BAD_JSON},
        {"{\"text\":\"\\ud800\"}", ERR_BAD_TEXT},
    };
    struct fake *fake = *state;

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        send_json(fake, cases[i].body);
        assert_int_equal(fake->err, cases[i].err);
    }
}

static void a_body_must_be_plain_json_and_small(void **state)
{
    struct fake *fake = *state;
    char large[120];

    fake_request(fake, "POST", "/v1/rooms/7/messages", "{\"text\":\"tea\"}");
    assert_int_equal(fake->err, ERR_BAD_MEDIA_TYPE);
    fake->request_headers[2] = "content-encoding";
    fake->request_headers[3] = "gzip";
    send_json(fake, "{\"text\":\"tea\"}");
    assert_int_equal(fake->err, ERR_BAD_MEDIA_TYPE);

    fake->request_headers[2] = NULL;
    memset(large, ' ', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    send_json(fake, large);
    assert_int_equal(fake->status, 413);
}

/* ---- tasks and time ---- */

static void a_late_handler_is_answered_for_once(void **state)
{
    struct fake *fake = *state;

    fake_request(fake, "GET", "/v1/wait", NULL);
    assert_int_equal(fake->answers, 0);
    uv_run(&fake->worker.loop, UV_RUN_DEFAULT); /* until the deadline */
    assert_int_equal(fake->answers, 1);
    assert_int_equal(fake->err, ERR_TIMEOUT);
    assert_has(fake->headers, "retry-after: 1\n");
    task_resume(waiting);
    assert_int_equal(fake->answers, 1);
    assert_string_equal(told.at, "late");
}

static void too_many_at_once_are_told_to_come_back(void **state)
{
    struct fake *fake = *state;
    struct task *tasks[2];

    for (int i = 0; i < 2; i++) {
        fake_request(fake, "GET", "/v1/wait", NULL);
        tasks[i] = waiting;
    }
    fake_request(fake, "GET", "/v1/wait", NULL);
    assert_int_equal(fake->status, 503);
    assert_int_equal(fake->err, ERR_BUSY);
    for (int i = 0; i < 2; i++)
        task_resume(tasks[i]);
    assert_int_equal(fake->answers, 3);
}

static void a_handler_that_forgets_to_answer_is_our_mistake(void **state)
{
    fake_request(*state, "GET", "/v1/forget", NULL);
    assert_int_equal(((struct fake *)*state)->status, 500);
}

/* ---- the same over the bus ---- */

static void on_rpc(void *context, enum err err, int status, struct text body)
{
    struct fake *fake = context;
    fake->answers++;
    fake->err = err;
    fake->status = status;
}

static void call_rpc(struct fake *fake, const char *method, const char *path_room, const char *data)
{
    rpc_start(&fake->worker, text(method), 7, 70, text(path_room), text(data), on_rpc, fake);
}

static void over_the_bus_ids_and_query_stand_in_the_data(void **state)
{
    struct fake *fake = *state;

    call_rpc(fake, "messages.send", NULL, "{\"room\":\"9\",\"text\":\"tea\",\"reply_to\":3}");
    assert_int_equal(fake->status, 200);
    assert_string_equal(told.at, "room 9 text tea reply 3 user 7");
    call_rpc(fake, "rooms.get", NULL, "{\"room\":9,\"limit\":5}");
    assert_string_equal(told.at, "room 9 limit 5 user 7");
    call_rpc(fake, "messages.send", "8", "{\"room\":\"9\",\"text\":\"tea\"}");
    assert_string_equal(told.at, "room 8 text tea reply 0 user 7");
    assert_int_equal(fake->answers, 3);
}

static void over_the_bus_mistakes_are_answered_alike(void **state)
{
    struct fake *fake = *state;

    call_rpc(fake, "messages.burn", NULL, "{}");
    assert_int_equal(fake->err, ERR_NOT_FOUND);
    call_rpc(fake, "messages.send", "8", "{\"text\":\"tea\",\"limit\":1}");
    assert_int_equal(fake->err, ERR_UNKNOWN_FIELD);
    call_rpc(fake, "messages.send", "8", "tea");
    assert_int_equal(fake->err, ERR_BAD_JSON);
    call_rpc(fake, "messages.send", NULL, "{\"text\":\"tea\"}");
    assert_int_equal(fake->err, ERR_NOT_FOUND);
    ended_add(fake->app.ended, 70, 1, clock_mono_ms());
    call_rpc(fake, "rooms.get", "8", "");
    assert_int_equal(fake->err, ERR_SESSION_ENDED);
    assert_int_equal(fake->answers, 5);
}

#define WITH_FAKE(test) cmocka_unit_test_setup_teardown(test, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FAKE(a_literal_part_wins_over_a_name),
        WITH_FAKE(unknown_paths_are_not_found),
        WITH_FAKE(a_known_path_with_another_method_says_which_it_allows),
        WITH_FAKE(head_is_a_get),
        WITH_FAKE(bytes_that_are_no_text_are_refused),
        WITH_FAKE(a_route_wants_a_token),
        WITH_FAKE(a_token_without_proper_claims_is_bad),
        WITH_FAKE(an_expired_token_is_told_apart),
        WITH_FAKE(an_ended_session_is_refused_over_http_and_bus),
        WITH_FAKE(unknown_query_members_are_named),
        WITH_FAKE(a_token_in_the_address_is_refused_before_anything_else),
        WITH_FAKE(query_numbers_are_whole_and_in_range),
        WITH_FAKE(bodies_are_objects_of_known_members),
        WITH_FAKE(a_body_must_be_plain_json_and_small),
        WITH_FAKE(a_late_handler_is_answered_for_once),
        WITH_FAKE(too_many_at_once_are_told_to_come_back),
        WITH_FAKE(a_handler_that_forgets_to_answer_is_our_mistake),
        WITH_FAKE(over_the_bus_ids_and_query_stand_in_the_data),
        WITH_FAKE(over_the_bus_mistakes_are_answered_alike),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_fini(&told);
    return failed;
}
