#include "gateway/loop/emulated.h"

#include <uthash.h>

#include "bus/seal.h"
#include "gateway/loop/client.h"
#include "gateway/node.h"

#define PROVEN_BYTES 18 /* of a session: xxxxxxxx-xxxx-xxxx, and behind them -xxxx-xxxxxxxxxxxx */
#define PROOF_DIGITS 16

struct emulated {
    struct client *client;
    UT_hash_handle hh;
    char session[ID_UUID_BYTES];
};

static const char hex[] = "0123456789abcdef";

static void prove(struct text secret, struct text node, struct text session, char proof[PROOF_DIGITS])
{
    unsigned char tag[SEAL_TAG_BYTES];
    struct buf proven = {0};

    buf_add_text(&proven, text_of(session.at, PROVEN_BYTES));
    buf_add_text(&proven, node);
    seal_tag(secret, buf_text(&proven), tag);
    for (size_t i = 0; i < PROOF_DIGITS; i++)
        proof[i] = hex[tag[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
    buf_fini(&proven);
}

/* Where the digit `i` of the proof stands in a session. */
static size_t place_of(size_t i)
{
    return PROVEN_BYTES + 1 + i + (i >= 4);
}

bool emulated_is_genuine(struct text secret, struct text node, struct text session)
{
    char proof[PROOF_DIGITS];
    int differences = 0;

    if (session.len != ID_UUID_BYTES - 1)
        return false;
    prove(secret, node, session, proof);
    for (size_t i = 0; i < PROOF_DIGITS; i++) /* all: time must not tell how far it was right */
        differences += session.at[place_of(i)] != proof[i];
    return differences == 0;
}

static void sign(const struct loop *loop, char session[ID_UUID_BYTES])
{
    char proof[PROOF_DIGITS];

    prove(text(loop->settings->bus.key), node_id(), text(session), proof);
    for (size_t i = 0; i < PROOF_DIGITS; i++)
        session[place_of(i)] = proof[i];
}

void emulated_remember(struct client *client)
{
    struct loop *loop = client->loop;
    struct emulated *emulated =
        arena_alloc(&client->identity->arena, sizeof(*emulated)); /* lives as long */

    emulated->client = client;
    id_uuid(emulated->session);
    emulated->session[0] = hex[loop->index >> 4 & 15];
    emulated->session[1] = hex[loop->index & 15];
    if (loop_is_on_bus(loop))
        sign(loop, emulated->session);
    client->identity->session = text(emulated->session);
    HASH_ADD_STR(loop->emulated, session, emulated);
}

static struct emulated *find(struct loop *loop, struct text session)
{
    struct emulated *emulated;

    HASH_FIND(hh, loop->emulated, session.at, session.len, emulated);
    return emulated;
}

void emulated_forget(struct client *client)
{
    struct emulated *emulated;

    if (client->identity == NULL || client->identity->session.len == 0)
        return;
    emulated = find(client->loop, client->identity->session);
    if (emulated != NULL)
        HASH_DELETE(hh, client->loop->emulated, emulated);
}

void emulated_take(struct loop *loop, struct text session, struct text commands)
{
    struct emulated *emulated = session.len > 0 ? find(loop, session) : NULL;

    if (emulated != NULL)
        connection_pass(&emulated->client->connection, commands);
}

static int digit(char at)
{
    const char *found = at != '\0' ? strchr(hex, at) : NULL;

    return found != NULL ? (int)(found - hex) : -1;
}

int emulated_loop_of(struct text session)
{
    if (session.len != ID_UUID_BYTES - 1)
        return -1;
    const int high = digit(session.at[0]), low = digit(session.at[1]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}
