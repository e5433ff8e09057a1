#include "gateway/mail/parcel.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/utf8.h"
#include "gateway/protocol/fossil.h"

/* ---- one block: the struct, tags and places of names, then bytes ---- */

static size_t texts_bytes(const struct text *texts, size_t count)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += texts[i].len;
    return bytes;
}

static size_t places_count(const struct parcel_content *content)
{
    return content->mention_count + content->add_count + content->remove_count;
}

static size_t block_bytes(const struct parcel_content *content, struct text data)
{
    size_t bytes = sizeof(struct parcel) + content->tag_count * sizeof(struct tag) +
                   places_count(content) * sizeof(struct text) + content->channel.len + data.len +
                   content->epoch.len + content->delta.len + content->matched.len +
                   content->summary.len + texts_bytes(content->mentions, content->mention_count) +
                   texts_bytes(content->adds, content->add_count) +
                   texts_bytes(content->removes, content->remove_count);

    for (size_t i = 0; i < content->tag_count; i++)
        bytes += content->tags[i].key.len + content->tags[i].value.len;
    if (content->info != NULL)
        bytes += content->info->user.len + content->info->client.len +
                 content->info->conn_info.len + content->info->chan_info.len;
    return bytes;
}

static struct names keep_names(const struct text *from, size_t count, struct text **places,
                               char **bytes)
{
    const struct names names = {*places, count};

    for (size_t i = 0; i < count; i++)
        names.at[i] = text_copy(from[i], bytes);
    *places += count;
    return names;
}

static const struct tag *keep_tags(const struct parcel_content *content, struct tag *to,
                                   char **bytes)
{
    for (size_t i = 0; i < content->tag_count; i++)
        to[i] = (struct tag){text_copy(content->tags[i].key, bytes),
                             text_copy(content->tags[i].value, bytes)};
    return to;
}

static void fill(struct parcel *parcel, const struct parcel_content *content, struct text data)
{
    struct tag *tags = (struct tag *)(parcel + 1);
    struct text *places = (struct text *)(tags + content->tag_count);
    char *bytes = (char *)(places + places_count(content));

    parcel->tags = keep_tags(content, tags, &bytes);
    parcel->tag_count = content->tag_count;
    parcel->mentions = keep_names(content->mentions, content->mention_count, &places, &bytes);
    parcel->adds = keep_names(content->adds, content->add_count, &places, &bytes);
    parcel->removes = keep_names(content->removes, content->remove_count, &places, &bytes);
    parcel->channel = text_copy(content->channel, &bytes);
    parcel->data = text_copy(data, &bytes);
    parcel->epoch = text_copy(content->epoch, &bytes);
    parcel->delta = text_copy(content->delta, &bytes);
    parcel->matched = text_copy(content->matched, &bytes);
    parcel->summary = text_copy(content->summary, &bytes);
    if (content->info != NULL) {
        parcel->has_info = true;
        parcel->info = (struct client_info){
            text_copy(content->info->user, &bytes),
            text_copy(content->info->client, &bytes),
            text_copy(content->info->conn_info, &bytes),
            text_copy(content->info->chan_info, &bytes),
        };
    }
}

static bool has_newline(struct text json)
{
    return json.len > 0 &&
           (memchr(json.at, '\n', json.len) != NULL || memchr(json.at, '\r', json.len) != NULL);
}

static bool is_info_json(const struct client_info *info)
{
    return info == NULL || ((info->conn_info.len == 0 || json_is_valid(info->conn_info)) &&
                            (info->chan_info.len == 0 || json_is_valid(info->chan_info)));
}

struct parcel *parcel_create(const struct parcel_content *content)
{
    const bool is_json = (content->is_json || json_is_valid(content->data)) &&
                         is_info_json(content->info);
    struct text data = content->data;
    struct buf minified = {0};
    struct parcel *parcel;

    /* What clients get is what deltas are made of: small once, here. */
    if (is_json && has_newline(data)) {
        reply_minify(&minified, data);
        data = buf_text(&minified);
    }
    const size_t bytes = block_bytes(content, data);
    parcel = xmalloc(bytes);
    memset(parcel, 0, sizeof(*parcel));
    parcel->letter.kind = LETTER_PARCEL;
    parcel->offset = content->offset;
    parcel->time_ms = content->time_ms;
    parcel->mentions_room = content->mentions_room;
    parcel->closes = content->closes;
    parcel->is_urgent = content->is_urgent;
    parcel->revises = content->revises;
    parcel->is_json = is_json && is_info_json(content->info);
    parcel->bytes = bytes;
    atomic_init(&parcel->refs, 1);
    fill(parcel, content, data);
    buf_fini(&minified);
    return parcel;
}

static bool is_text(const struct parcel *parcel)
{
    return parcel->is_json || utf8_valid(parcel->data);
}

struct parcel *parcel_create_after(struct parcel_content *content, const struct parcel *before)
{
    struct parcel *parcel = parcel_create(content), *with;
    struct buf delta = {0};

    fossil_delta(&delta, before->data, parcel->data, is_text(before) && is_text(parcel));
    if (delta.len == 0 || delta.len >= parcel->data.len) {
        buf_fini(&delta);
        return parcel;
    }
    content->data = parcel->data;
    content->is_json = parcel->is_json;
    content->delta = buf_text(&delta);
    with = parcel_create(content);
    parcel_unref(parcel);
    buf_fini(&delta);
    return with;
}

void parcel_unref(struct parcel *parcel)
{
    if (parcel == NULL || atomic_fetch_sub_explicit(&parcel->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int format = 0; format < FORMAT_COUNT; format++)
        for (int shape = 0; shape < SHAPE_COUNT; shape++)
            frame_unref(atomic_load_explicit(&parcel->frames[format][shape], memory_order_relaxed));
    free(parcel);
}

/* ---- frames ---- */

struct publication parcel_publication(const struct parcel *parcel, enum shape shape)
{
    const bool is_delta = shape == SHAPE_DELTA && parcel->delta.len > 0;

    return (struct publication){
        .data = is_delta ? parcel->delta : parcel->data,
        .offset = parcel->offset,
        .epoch = parcel->epoch,
        .info = parcel->has_info ? &parcel->info : NULL,
        .tags = parcel->tags,
        .tag_count = parcel->tag_count,
        .time_ms = parcel->time_ms,
        .channel = parcel->matched,
        .is_delta = is_delta,
        .as_text = shape != SHAPE_PLAIN,
    };
}

struct frame *parcel_make_frame(struct parcel *parcel, enum format format, enum shape shape)
{
    const struct publication publication = parcel_publication(parcel, shape);
    struct frame *frame, *other = NULL;
    struct buf out = {0};

    frame_begin(&out);
    FORMATS[format].codec->push_publication(&out, parcel->channel, &publication);
    frame = frame_end(&out, format);
    /* Two loops may make it at once: the first one stays. */
    if (atomic_compare_exchange_strong(&parcel->frames[format][shape], &other, frame))
        return frame;
    frame_unref(frame);
    return other;
}
