/* The demo: four people, three rooms, some words. Through the API, as anybody would; a second run
 * changes nothing. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/id.h"
#include "operator/commands.h"
#include "operator/report.h"
#include "operator/seed_api.h"
#include "operator/settings.h"

enum who { ADA, BOB, CLEO, DAN, PEOPLE };
enum room { TEA, KITCHEN, DIRECT, ROOMS };

static const struct {
    const char *login, *name;
} people[PEOPLE] = {{"ada", "Ada"}, {"bob", "Bob"}, {"cleo", "Cleo"}, {"dan", "Dan"}};

static const struct {
    enum room room;
    enum who sender;
    const char *text;
} messages[] = {
    {TEA, ADA, "The kettle is on."},
    {TEA, BOB, "Green or black?"},
    {TEA, CLEO, "Green for me, please. 🍵"},
    {TEA, ADA, "Then green it is. Ten minutes."},
    {TEA, DAN, "I bring the biscuits."},
    {KITCHEN, ADA, "Only we three read this: Dan's birthday is on Friday."},
    {KITCHEN, CLEO, "A cake, then. I know a recipe."},
    {KITCHEN, BOB, "I take care of the candles."},
    {DIRECT, BOB, "Ada, have you seen my cup?"},
    {DIRECT, ADA, "The blue one? It is behind the teapot."},
};

#define KITCHEN_NAME "Kitchen plans"

struct demo {
    struct seed_api api;
    const char *password;
    struct buf ids[PEOPLE], tokens[PEOPLE];
    struct buf rooms[ROOMS]; /* ids */
};

static enum err call(struct demo *demo, enum who who, const char *method, const char *path,
                     struct buf *body, enum err expected)
{
    return seed_api_call(&demo->api, buf_cstring(&demo->tokens[who]), method, path, buf_text(body),
                         expected);
}

/* ---- people ---- */

static void write_credentials(const struct demo *demo, enum who who, bool is_new, struct buf *body)
{
    struct json_out out = {.buf = body};

    json_open(&out, '{');
    json_key_text(&out, "login", text(people[who].login));
    json_key_text(&out, "password", text(demo->password));
    if (is_new)
        json_key_text(&out, "name", text(people[who].name));
    json_key_text(&out, "device", TEXT("parley seed"));
    json_close(&out, '}');
}

static enum err sign_in(struct demo *demo, enum who who, bool is_new)
{
    struct buf body = {0};

    write_credentials(demo, who, is_new, &body);
    const enum err err =
        seed_api_call(&demo->api, NULL, "POST", is_new ? "/users" : "/sessions", buf_text(&body),
                      is_new ? ERR_LOGIN_TAKEN : ERR_BAD_CREDENTIALS);
    buf_fini(&body);
    if (err == ERR_BAD_CREDENTIALS)
        report("Give the password that it was made with: --demo.password=...",
               "there is a \"%s\" with another password", people[who].login);
    if (err != ERR_OK)
        return err;
    const struct json_value root = json_root(&demo->api.json);
    seed_api_read(json_get(root, "user"), "id", &demo->ids[who]);
    seed_api_read(json_get(root, "tokens"), "access_token", &demo->tokens[who]);
    return ERR_OK;
}

static enum err enter(struct demo *demo, enum who who)
{
    const enum err err = sign_in(demo, who, true);
    return err == ERR_LOGIN_TAKEN ? sign_in(demo, who, false) : err;
}

static void leave(struct demo *demo, enum who who)
{
    struct buf none = {0};

    if (demo->tokens[who].len > 0)
        (void)!call(demo, who, "DELETE", "/sessions/current", &none, ERR_OK);
}

/* ---- rooms ---- */

/* Takes the id of the room that the last call answered with. */
static void take_room(struct demo *demo, enum room room)
{
    buf_reset(&demo->rooms[room]);
    seed_api_read(json_root(&demo->api.json), "id", &demo->rooms[room]);
}

static enum err make_tea(struct demo *demo)
{
    struct buf body = {0};
    enum err err = ERR_OK;

    buf_add_text(&body, TEXT("{\"name\":\"Tea\"}"));
    for (enum who who = ADA; who < PEOPLE && err == ERR_OK; who++)
        if ((err = call(demo, who, "PUT", "/rooms/by-slug/tea", &body, ERR_OK)) == ERR_OK)
            take_room(demo, TEA);
    buf_fini(&body);
    return err;
}

/* A private room has no name of its own to be found by: look whether Ada is in one that is called
 * so. */
static enum err find_kitchen(struct demo *demo)
{
    struct buf name = {0};
    const enum err err = call(demo, ADA, "GET", "/rooms?limit=100", &name, ERR_OK);

    if (err != ERR_OK)
        return err;
    for (struct json_iter it = json_iter(json_get(json_root(&demo->api.json), "items"));
         json_next(&it);) {
        const struct json_value room = json_get(it.value, "room");
        buf_reset(&name);
        seed_api_read(room, "name", &name);
        if (text_equal(buf_text(&name), TEXT(KITCHEN_NAME)) && demo->rooms[KITCHEN].len == 0)
            seed_api_read(room, "id", &demo->rooms[KITCHEN]);
    }
    buf_fini(&name);
    return ERR_OK;
}

static enum err make_kitchen(struct demo *demo)
{
    struct buf body = {0};
    enum err err = find_kitchen(demo);

    if (err != ERR_OK || demo->rooms[KITCHEN].len > 0)
        return err;
    buf_printf(&body,
               "{\"kind\":\"private\",\"name\":\"" KITCHEN_NAME "\",\"members\":[\"%s\",\"%s\"]}",
               buf_cstring(&demo->ids[BOB]), buf_cstring(&demo->ids[CLEO]));
    if ((err = call(demo, ADA, "POST", "/rooms", &body, ERR_OK)) == ERR_OK)
        take_room(demo, KITCHEN);
    buf_fini(&body);
    return err;
}

static enum err make_direct(struct demo *demo)
{
    struct buf body = {0};

    buf_printf(&body, "{\"user_id\":\"%s\"}", buf_cstring(&demo->ids[BOB]));
    const enum err err = call(demo, ADA, "POST", "/rooms/direct", &body, ERR_OK);
    if (err == ERR_OK)
        take_room(demo, DIRECT);
    buf_fini(&body);
    return err;
}

/* ---- messages ---- */

/* The nonce is fixed, so that a second run finds it stored; one whose words we changed since then
 * stays as it is. */
static enum err send_message(struct demo *demo, size_t index)
{
    struct buf path = {0}, body = {0}, nonce = {0};
    struct json_out out = {.buf = &body};

    buf_printf(&nonce, "parley-seed-%zu", index);
    buf_printf(&path, "/rooms/%s/messages", buf_cstring(&demo->rooms[messages[index].room]));
    json_open(&out, '{');
    json_key_text(&out, "text", text(messages[index].text));
    json_key_text(&out, "nonce", buf_text(&nonce));
    json_close(&out, '}');
    const enum err err =
        call(demo, messages[index].sender, "POST", buf_cstring(&path), &body, ERR_NONCE_REUSED);
    buf_fini(&nonce);
    buf_fini(&body);
    buf_fini(&path);
    return err == ERR_NONCE_REUSED ? ERR_OK : err;
}

static enum err fill(struct demo *demo)
{
    enum err err = ERR_OK;

    for (enum who who = ADA; who < PEOPLE && err == ERR_OK; who++)
        err = enter(demo, who);
    if (err != ERR_OK || (err = make_tea(demo)) != ERR_OK || (err = make_kitchen(demo)) != ERR_OK ||
        (err = make_direct(demo)) != ERR_OK)
        return err;
    for (size_t i = 0; i < ARRAY_COUNT(messages) && err == ERR_OK; i++)
        err = send_message(demo, i);
    return err;
}

static void finish(struct demo *demo)
{
    for (enum who who = ADA; who < PEOPLE; who++) {
        leave(demo, who);
        buf_fini(&demo->ids[who]);
        buf_fini(&demo->tokens[who]);
    }
    for (enum room room = TEA; room < ROOMS; room++)
        buf_fini(&demo->rooms[room]);
    seed_api_fini(&demo->api);
}

int command_seed(int argc, char **argv)
{
    struct demo demo = {0};
    static char *password;
    char generated[ID_UUID_BYTES];
    struct option own[] = {
        {.name = "demo.password",
         .type = OPTION_SECRET,
         .value = &password,
         .optional = true,
         .help = "Password of the demo's people; without one a random one is made and printed."},
    };
    struct command_line line = {
        .name = "parley seed",
        .summary =
            "Fills a running API with a small demo: ada, bob, cleo and dan, three rooms, some "
            "words. A second run changes nothing.",
        .uses = USES_API,
        .own = own,
        .own_count = ARRAY_COUNT(own),
    };

    const struct settings *settings = settings_load(&line, argc, argv);
    if (password == NULL) {
        id_init();
        id_uuid(generated);
    }
    demo.password = password != NULL ? password : generated;
    seed_api_init(&demo.api, settings->api_url);
    const enum err err = fill(&demo);
    finish(&demo);
    if (err != ERR_OK)
        return 1;
    printf("the demo is there: ada, bob, cleo and dan%s%s\n", password == NULL ? ", password " : "",
           password == NULL ? generated : "");
    return 0;
}
