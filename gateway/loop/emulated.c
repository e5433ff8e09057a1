#include "gateway/loop/emulated.h"

#include <uthash.h>

#include "gateway/loop/client.h"

struct emulated {
    struct client *client;
    UT_hash_handle hh;
    char session[ID_UUID_BYTES];
};

static const char hex[] = "0123456789abcdef";

void emulated_remember(struct client *client)
{
    struct loop *loop = client->loop;
    struct emulated *emulated =
        arena_alloc(&client->identity->arena, sizeof(*emulated)); /* lives as long */

    emulated->client = client;
    id_uuid(emulated->session);
    emulated->session[0] = hex[loop->index >> 4 & 15];
    emulated->session[1] = hex[loop->index & 15];
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
