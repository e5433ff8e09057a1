/* T70: who has recorded an asker's questions, or has no key, has nothing done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>

#include "bus/link.h"
#include "bus/window.h"
#include "tests/unit/asking.h"

/* ---- somebody who has the messages of an asker, one at a time ---- */

struct thief {
    struct place *place;
    nng_socket socket;
    struct seal_keys keys;
};

static void thief_open(struct thief *thief, struct place *place)
{
    thief->place = place;
    seal_keys_init(&thief->keys, TEXT("key"), TEXT(""));
    assert_int_equal(nng_req0_open(&thief->socket), 0);
    assert_int_equal(nng_dial(thief->socket, place->url[0], NULL, 0), 0);
}

static nng_msg *record(struct thief *thief, uint64_t list, uint64_t asker, uint64_t number)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Greet greet = BUS__GREET__INIT;
    Bus__Rpc rpc = BUS__RPC__INIT;

    question.id = 5;
    question.ask_case = list == 0 ? BUS__QUESTION__ASK_GREET : BUS__QUESTION__ASK_RPC;
    if (list == 0)
        question.greet = &greet;
    else
        question.rpc = &rpc;
    question.list = list;
    question.asker = asker;
    question.number = number;
    return link_seal(&thief->keys, SEAL_QUESTION, &question.base);
}

static void play(struct thief *thief, nng_msg *message)
{
    assert_int_equal(nng_sendmsg(thief->socket, message, 0), 0);
}

static Bus__Answer *answer_to(struct thief *thief, nng_msg *message)
{
    struct buf opened = {0};
    nng_msg *back = NULL;

    play(thief, message);
    TURN_UNTIL(thief->place, back != NULL ||
                                 nng_recvmsg(thief->socket, &back, NNG_FLAG_NONBLOCK) == 0);
    assert_true(seal_open(&thief->keys, SEAL_ANSWER, link_bytes(back), &opened));
    Bus__Answer *answer = wire_read_answer(buf_text(&opened));
    assert_non_null(answer);
    buf_fini(&opened);
    nng_msg_free(back);
    return answer;
}

static uint64_t list_of_api(struct thief *thief)
{
    Bus__Answer *answer = answer_to(thief, record(thief, 0, 0, 0));
    const uint64_t list = answer->greeted->list;

    wire_free_answer(answer);
    assert_int_not_equal(list, 0);
    return list;
}

/* As a stranger's own program: NNG's handshake as a req0 socket, then the head of a frame of `bytes`. */
static int announce_frame(const struct place *place, uint64_t bytes)
{
    unsigned char sent[16] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(strrchr(place->url[0], ':') + 1)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    const int fd = socket(AF_INET, SOCK_STREAM, 0);

    for (size_t i = 0; i < 8; i++)
        sent[8 + i] = (unsigned char)(bytes >> (8 * (7 - i)));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(write(fd, sent, sizeof(sent)), (ssize_t)sizeof(sent));
    return fd;
}

/* As gateways that were started since: more than the list holds. */
static void ask_as_many(struct thief *thief, uint64_t list)
{
    uint64_t sent = 0, answered = 0;
    nng_socket raw; /* does not wait for answers */
    nng_msg *message;

    assert_int_equal(nng_req0_open_raw(&raw), 0);
    assert_int_equal(nng_dial(raw, thief->place->url[0], NULL, 0), 0);
    while (answered < WINDOW_ASKERS_MAX) {
        for (; sent < WINDOW_ASKERS_MAX && sent < answered + 64; sent++) {
            message = record(thief, list, sent + 1, 1);
            assert_int_equal(nng_msg_header_append_u32(message, 0x80000000u | (uint32_t)sent), 0);
            assert_int_equal(nng_sendmsg(raw, message, 0), 0);
        }
        place_turn(thief->place);
        for (; nng_recvmsg(raw, &message, NNG_FLAG_NONBLOCK) == 0; answered++)
            nng_msg_free(message);
    }
    link_close(raw);
}

static void T70_a_recorded_question_does_nothing(void **state)
{
    struct place *place = *state;
    struct api api;
    struct thief thief;
    struct responder_counters counters;
    nng_msg *again;

    api_open(&api, place, place->url[0], "key", 4);
    thief_open(&thief, place);
    const uint64_t list = list_of_api(&thief);
    nng_msg *message = record(&thief, list, 7, 1);
    assert_int_equal(nng_msg_dup(&again, message), 0);
    wire_free_answer(answer_to(&thief, message));
    assert_int_equal(api.asked, 1);
    play(&thief, again);
    TURN_UNTIL(place, (responder_count(api.responder, &counters), counters.replayed == 1));
    assert_int_equal(api.asked, 1);

    Bus__Answer *answer = answer_to(&thief, record(&thief, list + 1, 7, 2)); /* of an older start */
    assert_true(answer->stranger);
    wire_free_answer(answer);
    responder_count(api.responder, &counters);
    assert_int_equal(counters.strangers, 1);
    assert_int_equal(api.asked, 1);
    link_close(thief.socket);
    responder_close(api.responder);
}

static void T70_what_is_no_question_of_ours_is_dropped_and_counted(void **state)
{
    struct place *place = *state;
    struct api api;
    struct thief thief;
    struct responder_counters counters;
    nng_msg *message;

    api_open(&api, place, place->url[0], "key", 1);
    thief_open(&thief, place);
    message = record(&thief, list_of_api(&thief), 7, 1);
    ((unsigned char *)nng_msg_body(message))[SEAL_OVERHEAD] ^= 1;
    play(&thief, message);
    TURN_UNTIL(place, (responder_count(api.responder, &counters), counters.foreign == 1));
    assert_int_equal(nng_msg_alloc(&message, 0), 0);
    play(&thief, message);
    TURN_UNTIL(place, (responder_count(api.responder, &counters), counters.foreign == 2));

    const int fd = announce_frame(place, WIRE_MESSAGE_MAX + 1);
    TURN_UNTIL(place, (responder_count(api.responder, &counters), counters.ended == 1));
    close(fd);
    list_of_api(&thief); /* others are heard as before */
    assert_int_equal(api.asked, 0);
    link_close(thief.socket);
    responder_close(api.responder);
}

static void an_asker_that_an_api_has_forgotten_greets_again(void **state)
{
    struct place *place = *state;
    struct api api;
    struct thief thief;
    struct responder_counters counters;
    struct reply reply = {0};
    struct asker *asker = asker_of(place, 1, "key", 16);

    api_open(&api, place, place->url[0], "key", 16);
    thief_open(&thief, place);
    ask(asker, ASKER_ANY, "tea", 2000, &reply);
    TURN_UNTIL(place, reply.ok == 1);
    const uint64_t list = list_of_api(&thief);
    ask_as_many(&thief, list);
    assert_int_not_equal(list_of_api(&thief), list);
    const size_t asked = api.asked;
    for (int i = 0; i < 10; i++)
        ask(asker, ASKER_ANY, "more tea", 2000, &reply);
    TURN_UNTIL(place, reply.count == 11);
    assert_int_equal(reply.ok, 11);
    assert_int_equal(api.asked, asked + 10);
    responder_count(api.responder, &counters);
    assert_in_range(counters.strangers, 1, 20);
    asker_close(asker);
    link_close(thief.socket);
    responder_close(api.responder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(T70_a_recorded_question_does_nothing),
        PLACE_TEST(T70_what_is_no_question_of_ours_is_dropped_and_counted),
        PLACE_TEST(an_asker_that_an_api_has_forgotten_greets_again),
    };

    id_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
