/*
 * room_log: the one way to change a room. A row (message, member, room, cursor) is handed to the writer of the room's lane,
 * which commits it with others, publishes what happened, refreshes the cache and answers.
 *
 * An answer means committed, or refused with nothing changed. A row whose outcome is unknown (the connection broke) is sent again until
 * it is known, whether its client still waits or not.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/model/event.h"
#include "api/model/membership.h"
#include "api/model/room.h"
#include "api/worker.h"
#include "base/err.h"

#define LOG_HASH_BYTES 16

enum log_row_kind {
    LOG_MESSAGE,
    LOG_ADD_MEMBER,
    LOG_REMOVE_MEMBER,
    LOG_CHANGE_MEMBER,
    LOG_BAN,
    LOG_UNBAN,
    LOG_CREATE_ROOM,
    LOG_EDIT_ROOM,
    LOG_DELETE_ROOM,
    LOG_PLACE_ROOM,
    LOG_MOVE_CURSOR,
    LOG_SET_VIEW,
    LOG_EDIT,
    LOG_DELETE,
    LOG_REACT,
    LOG_UNREACT,
    LOG_PIN,
    LOG_UNPIN,
};

enum log_outcome {
    LOG_STORED,
    LOG_REPEATED,  /* the same nonce and the same content: `seq` … are the original's */
    LOG_REUSED,    /* the same nonce, other content */
    LOG_UNCHANGED, /* it is as asked already */
    LOG_NO_ROOM,
    LOG_NOT_MEMBER,
    LOG_SILENCED,  /* `until_us` */
    LOG_BEYOND_LAST,
    LOG_UNKNOWN_USER,
    LOG_ROLE_REQUIRED,
    LOG_NOT_POSSIBLE,
    LOG_BANNED,        /* `until_us`; 0: for good */
    LOG_OVER,          /* the time that was given is over already */
    LOG_BLOCKED,       /* one of the two people of a direct room has blocked the other */
    LOG_CONTACTS_ONLY, /* a new direct room: the other lets only contacts begin */
    LOG_FULL,          /* the room has limits.members_per_room members */
    LOG_NO_MESSAGE,    /* what it is about is no message of the room */
    LOG_NO_ORIGINAL,   /* what it replies to is none */
    LOG_STALE,         /* the room is at another `edition`, the message of another version */
    LOG_TOO_MANY,      /* `most` are there already */
    LOG_ABSENT,        /* whom it is about is no member */
};

enum view_flag { VIEW_STAYS, VIEW_ON, VIEW_OFF };

/* Zero-initialise, fill the first part, hand over with room_log_append(). Lives on the task until answered. */
struct log_row {
    enum log_row_kind kind;
    int64_t room_id;
    int64_t actor_id;
    int64_t subject_id;      /* members: whom; the same as the actor for join and leave */
    unsigned char nonce[LOG_HASH_BYTES];  /* messages; others get a random one */
    unsigned char digest[LOG_HASH_BYTES]; /* messages */
    struct text body;        /* messages, rooms and bans: JSON object; borrowed until answered */
    /* LOG_MESSAGE */
    const int64_t *mentions; /* whom it names, each once; none when it mentions the room; borrowed */
    size_t mention_count;
    bool mentions_room;
    /* LOG_MESSAGE: what it replies to, 0: nothing. LOG_EDIT to LOG_UNPIN: the message */
    int64_t target_seq;
    struct text text; /* LOG_EDIT: the new one; LOG_REACT, LOG_UNREACT: the emoji; borrowed */
    int64_t version; /* LOG_EDIT: which it must be; 0: any */
    int64_t most;    /* LOG_EDIT: revisions kept, LOG_REACT: kinds, LOG_PIN: pins */
    /* LOG_CHANGE_MEMBER */
    struct text role;        /* `at` NULL: stays */
    bool has_silent_until;   /* else it stays */
    int64_t silent_until_us; /* one that is over: silent no more */
    /* LOG_BAN */
    bool has_ban_until; /* else for good */
    int64_t ban_until_us;
    struct text ban_reason;
    /* LOG_CREATE_ROOM */
    struct room room;        /* kind, name, slug, peers */
    const int64_t *members;  /* creator first, each once */
    size_t member_count;
    /* LOG_EDIT_ROOM, LOG_DELETE_ROOM */
    int64_t edition;         /* that it is for; 0: any */
    struct { struct text name, about, slug; } edit; /* `at` NULL: stays; slug '': none */
    /* LOG_PLACE_ROOM: where it stands from now on; all 0: in no group, if it is in `leaves_id` now */
    struct { int64_t group_id, topic_id, position, leaves_id; bool is_open; } place;
    /* LOG_MOVE_CURSOR */
    int64_t seq;
    bool force;
    /* LOG_SET_VIEW */
    struct {
        bool has_notify; /* else both stay */
        enum notify_level level;
        int64_t muted_us; /* 0: not */
        enum view_flag archive, pin;
    } view;

    /* ---- the answer ---- */
    enum err err; /* ERR_OK: `outcome` is there. ERR_UNAVAILABLE, ERR_BUSY: nothing was sent. ERR_INTERNAL: refused by the database */
    enum log_outcome outcome;
    bool has_room_kind;
    enum room_kind room_kind; /* of an existing room: a stranger's answer depends on it */
    int64_t message_no, at_us;  /* messages: of the event, `seq` too; cursors: where it is now, `at_us` = changed_at */
    int64_t room_message_no;    /* cursors: the room's */
    int64_t mentions_unread;    /* cursors */
    struct membership membership; /* LOG_SET_VIEW: as it is now */
    int64_t until_us;           /* LOG_SILENCED, LOG_BANNED */
    struct buf sender_name;     /* messages */
    struct replied replied;     /* messages; its texts are in `replied_texts` */
    struct buf replied_texts;

    /* ---- the writer's ---- */
    int64_t members_max; /* of a room */
    struct job job;
    struct worker *home;
    struct task *task;
    struct log_row *next;
    bool alone;       /* it was in a batch that the database refused */
    bool sent_before; /* its outcome is unknown: it is sent until it is known */
};

/* Suspends the task until the row is answered; returns row->err. Always log_row_fini() afterwards. */
MUST_CHECK enum err room_log_append(struct worker *worker, struct log_row *row);
void log_row_fini(struct log_row *row);

/* 16-byte BLAKE2b of `bytes`. */
void log_hash(struct text bytes, unsigned char out[LOG_HASH_BYTES]);

/* What an outcome means to a client who is told: `silenced` with its time and so on are the caller's to add. */
enum err log_outcome_err(const struct log_row *row);

/* Opens the writers of all lanes and the watcher, on their loops; before listening starts. */
MUST_CHECK enum err log_start(struct app *app);
/* Opens the writers of lanes that have none yet, up to `count`. Worker 0; the watcher calls it. */
void lanes_open(struct app *app, int64_t incarnation, int count);
/* All lanes are known and every writer has its connection. Any thread. */
bool log_is_ready(struct app *app);
/* Ends them: rows that wait are answered, the outbox is marked. `done` is called on worker 0. */
void log_stop(struct app *app, void (*done)(void *context), void *context);
