#include "bench/senders.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

/* splitmix64 (Steele, Lea, Flood 2014) */
uint64_t sender_random(struct sender *sender)
{
    uint64_t z = sender->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

int64_t sender_pick_room(struct sender *sender)
{
    return sender->rooms[sender->room_count == 1 ? 0 : sender_random(sender) % sender->room_count];
}

static bool next_id(char **rest, int64_t *id)
{
    char *end;

    *id = strtoll(*rest, &end, 10);
    const bool found = end != *rest && *id > 0;
    *rest = end;
    return found;
}

static bool read_sender(struct sender *sender, char *line)
{
    int64_t room;

    if (!next_id(&line, &sender->user_id) || !next_id(&line, &sender->session_id))
        return false;
    while (next_id(&line, &room)) {
        sender->rooms = xrealloc(sender->rooms, (sender->room_count + 1) * sizeof(*sender->rooms));
        sender->rooms[sender->room_count++] = room;
    }
    sender->random = (uint64_t)sender->user_id;
    return sender->room_count > 0;
}

enum err senders_read(struct senders *senders, const char *path, size_t count_max)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0;
    bool good = file != NULL;

    *senders = (struct senders){.all = xcalloc(count_max, sizeof(*senders->all))};
    while (good && senders->count < count_max && getline(&line, &cap, file) > 0)
        good = read_sender(&senders->all[senders->count++], line);
    free(line);
    if (file != NULL)
        fclose(file);
    if (good && senders->count > 0)
        return ERR_OK;
    log_error("%s: not a file of senders", path);
    senders_fini(senders);
    return ERR_INVALID;
}

void senders_fini(struct senders *senders)
{
    for (size_t i = 0; i < senders->count; i++)
        free(senders->all[i].rooms);
    free(senders->all);
    *senders = (struct senders){0};
}
