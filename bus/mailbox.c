#include "bus/mailbox.h"

#include <stdlib.h>

#include "base/inbox.h"

struct mailbox {
    uv_async_t wakeup;
    struct inbox *inbox;
    mailbox_item_fn on_item;
    void *context;

    /* What inbox_take() gave and is not delivered yet; here, since mailbox_close() may be called by
     * on_item(). */
    void **items;
    size_t next, count;
    bool closed;
};

static void deliver_all(struct mailbox *mailbox)
{
    while (!mailbox->closed) {
        if (mailbox->next == mailbox->count) {
            mailbox->next = 0;
            mailbox->count = inbox_take(mailbox->inbox, &mailbox->items);
            if (mailbox->count == 0)
                return;
        }
        mailbox->on_item(mailbox->context, mailbox->items[mailbox->next++]);
    }
}

/* One round of what waits: posters that never rest must not hold the loop. */
static void on_wakeup(uv_async_t *handle)
{
    struct mailbox *mailbox = container_of(handle, struct mailbox, wakeup);

    mailbox->next = 0;
    mailbox->count = inbox_take(mailbox->inbox, &mailbox->items);
    while (!mailbox->closed && mailbox->next < mailbox->count)
        mailbox->on_item(mailbox->context, mailbox->items[mailbox->next++]);
}

struct mailbox *mailbox_open(uv_loop_t *loop, size_t limit, mailbox_item_fn on_item, void *context)
{
    struct mailbox *mailbox = xcalloc(1, sizeof(*mailbox));

    mailbox->inbox = inbox_create(limit);
    mailbox->on_item = on_item;
    mailbox->context = context;
    CHECK(uv_async_init(loop, &mailbox->wakeup, on_wakeup) == 0);
    return mailbox;
}

static void on_closed(uv_handle_t *handle)
{
    struct mailbox *mailbox = container_of(handle, struct mailbox, wakeup);

    inbox_destroy(mailbox->inbox);
    free(mailbox);
}

void mailbox_close(struct mailbox *mailbox)
{
    if (mailbox == NULL || mailbox->closed)
        return;
    deliver_all(mailbox);
    mailbox->closed = true;
    uv_close((uv_handle_t *)&mailbox->wakeup, on_closed);
}

bool mailbox_post(struct mailbox *mailbox, void *item)
{
    switch (inbox_push(mailbox->inbox, item)) {
    case INBOX_FIRST:
        uv_async_send(&mailbox->wakeup);
        return true;
    case INBOX_MORE:
        return true; /* whoever came first woke the loop, and it takes all */
    case INBOX_FULL:
        break;
    }
    return false;
}

uint64_t mailbox_dropped(const struct mailbox *mailbox)
{
    return inbox_dropped(mailbox->inbox);
}
