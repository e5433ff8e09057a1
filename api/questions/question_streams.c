#include "api/questions/question_streams.h"

#include <stdlib.h>

#include "api/store/streams.h"

#define DATA_MAX    (WIRE_MESSAGE_MAX / 2) /* of one publication: it must fit into answers, too */
#define HISTORY_MAX 10000
#define BYTES_MAX   (WIRE_MESSAGE_MAX / 2)

enum { REFUSED_INTERNAL = 100, REFUSED_BAD_REQUEST = 107 };

/* This API does not reach Redis: another one may. A publication that is in its stream all the same is found there by its id. */
static void refuse(struct inquiry *inquiry)
{
    inquiry_refuse_elsewhere(inquiry, REFUSED_INTERNAL, "internal server error");
}

static void tell_all(struct worker *worker, Bus__Item *item)
{
    publisher_send(worker->app->publisher, &item, 1);
}

/* ---- publish ---- */

/* As streams keep it: what is the same wherever it stands is not in it. Borrows. */
static Bus__Publication publication_of(const Bus__StreamPublish *ask)
{
    Bus__Publication publication = BUS__PUBLICATION__INIT;

    publication.data = ask->data;
    publication.binary = ask->binary;
    publication.delta = ask->delta;
    publication.info = ask->info;
    publication.n_tags = ask->n_tags;
    publication.tags = ask->tags;
    publication.id = ask->id;
    return publication;
}

static void tell(struct worker *worker, const Bus__StreamPublish *ask, const struct stream_place *place)
{
    Bus__Publication publication = publication_of(ask);
    Bus__Item item = BUS__ITEM__INIT;

    publication.channel = ask->channel;
    publication.offset = place->offset;
    publication.epoch = wire_bytes(text(place->epoch));
    item.what_case = BUS__ITEM__WHAT_PUBLICATION;
    item.publication = &publication;
    tell_all(worker, &item);
}

static enum err put(struct worker *worker, const Bus__StreamPublish *ask, struct stream_place *place)
{
    const Bus__Publication publication = publication_of(ask);
    struct buf item = {0};
    enum err err;

    if (ask->history_size > 0)
        wire_pack(&item, &publication.base);
    const struct stream_draft draft = {
        .channel = wire_text(ask->channel),
        .item = buf_text(&item),
        .size = ask->history_size,
        .ttl_ms = ask->history_ttl_ms,
        .meta_ttl_ms = ask->history_meta_ttl_ms,
        .key = wire_text(ask->idempotency_key),
        .key_ttl_ms = ask->idempotency_ttl_ms,
        .version = ask->version,
        .version_epoch = wire_text(ask->version_epoch),
        .id = ask->id,
    };
    err = streams_put(worker->streams, &draft, place);
    buf_fini(&item);
    return err;
}

/* STREAM_AGAIN: whoever put it there may have died before it could say so; gateways drop repeats. */
void question_stream_publish(struct worker *worker, struct inquiry *inquiry, const Bus__StreamPublish *ask)
{
    struct stream_place place = {.verdict = STREAM_PUT};
    Bus__Position position = BUS__POSITION__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    if (ask->data.len > DATA_MAX || ask->channel.len == 0) {
        inquiry_refuse(inquiry, REFUSED_BAD_REQUEST, "bad request", false);
        return;
    }
    if ((ask->history_size > 0 || ask->idempotency_key.len > 0) && put(worker, ask, &place) != ERR_OK) {
        refuse(inquiry);
        return;
    }
    if (place.verdict == STREAM_PUT || place.verdict == STREAM_AGAIN)
        tell(worker, ask, &place);
    position.offset = place.offset;
    position.epoch = wire_bytes(text(place.epoch));
    position.skipped = place.verdict == STREAM_SKIPPED;
    answer.told_case = BUS__ANSWER__TOLD_POSITION;
    answer.position = &position;
    inquiry_answer(inquiry, &answer);
}

/* ---- heads ---- */

static void answer_heads(struct inquiry *inquiry, const struct stream_top *tops, size_t count)
{
    Bus__Head *heads = xcalloc(count + 1, sizeof(*heads)), **list = xcalloc(count + 1, sizeof(*list));
    Bus__HeadList told = BUS__HEAD_LIST__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    for (size_t i = 0; i < count; i++) {
        bus__head__init(&heads[i]);
        heads[i].channel = wire_bytes(tops[i].channel);
        heads[i].offset = tops[i].offset;
        heads[i].epoch = wire_bytes(text(tops[i].epoch));
        list[i] = &heads[i];
    }
    told.n_heads = count;
    told.heads = list;
    answer.told_case = BUS__ANSWER__TOLD_HEADS;
    answer.heads = &told;
    inquiry_answer(inquiry, &answer);
    free(list);
    free(heads);
}

void question_stream_heads(struct worker *worker, struct inquiry *inquiry, const Bus__StreamHeads *ask)
{
    const size_t count = ask->n_streams;
    struct stream_top *tops = xcalloc(count + 1, sizeof(*tops));

    for (size_t i = 0; i < count; i++) {
        tops[i].channel = wire_text(ask->streams[i]->channel);
        tops[i].meta_ttl_ms = ask->streams[i]->history_meta_ttl_ms;
    }
    if (streams_tops(worker->streams, tops, count) == ERR_OK)
        answer_heads(inquiry, tops, count);
    else
        refuse(inquiry);
    free(tops);
}

/* ---- history ---- */

/* Up to one that cannot be read: whoever wanted it sees that it is missing. */
static Bus__Publication **read_items(const struct stream_page *page, const Bus__StreamHistory *ask, size_t *count)
{
    Bus__Publication **items = xcalloc(page->count + 1, sizeof(Bus__Publication *));

    for (*count = 0; *count < page->count; (*count)++) {
        Bus__Publication *item = wire_read_publication(stream_item(page, *count));
        if (item == NULL)
            break;
        item->channel = ask->channel; /* borrowed: free_items() knows */
        item->offset = ask->reverse ? page->first - *count : page->first + *count;
        items[*count] = item;
    }
    return items;
}

static void free_items(Bus__Publication **items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        items[i]->channel = (ProtobufCBinaryData){0};
        wire_free_publication(items[i]);
    }
    free(items);
}

static void answer_page(struct inquiry *inquiry, const Bus__StreamHistory *ask, const struct stream_page *page)
{
    Bus__Publications told = BUS__PUBLICATIONS__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    told.items = read_items(page, ask, &told.n_items);
    told.offset = page->top;
    told.epoch = wire_bytes(text(page->epoch));
    answer.told_case = BUS__ANSWER__TOLD_PUBLICATIONS;
    answer.publications = &told;
    /* The inquiry takes the question with it, to which the items point. */
    Bus__Publication **items = told.items;
    const size_t count = told.n_items;
    inquiry_answer(inquiry, &answer);
    free_items(items, count);
}

void question_stream_history(struct worker *worker, struct inquiry *inquiry, const Bus__StreamHistory *ask)
{
    const struct stream_range range = {
        .channel = wire_text(ask->channel),
        .offset = ask->offset,
        .has_offset = ask->has_offset,
        .reverse = ask->reverse,
        .limit = ask->limit < HISTORY_MAX ? ask->limit : HISTORY_MAX,
        .bytes = ask->bytes < BYTES_MAX ? ask->bytes : BYTES_MAX,
        .meta_ttl_ms = ask->history_meta_ttl_ms,
    };
    struct stream_page page;

    if (streams_read(worker->streams, &range, &page) == ERR_OK)
        answer_page(inquiry, ask, &page);
    else
        refuse(inquiry);
    stream_page_fini(&page);
}

/* ---- remove ---- */

void question_stream_remove(struct worker *worker, struct inquiry *inquiry, const Bus__StreamRemove *ask)
{
    Bus__Cleared cleared = BUS__CLEARED__INIT;
    Bus__Item item = BUS__ITEM__INIT;

    if (streams_clear(worker->streams, wire_text(ask->channel)) != ERR_OK) {
        refuse(inquiry);
        return;
    }
    cleared.channel = ask->channel;
    item.what_case = BUS__ITEM__WHAT_CLEARED;
    item.cleared = &cleared;
    tell_all(worker, &item);
    inquiry_confirm(inquiry);
}
