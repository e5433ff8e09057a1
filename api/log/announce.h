/*
 * announce: what the API tells the gateways, as items of the bus: events of rooms, and words to one user's devices.
 *
 * Gather, then send once: the order of gathering is the order on the bus.
 */
#pragma once

#include "api/model/event.h"
#include "api/model/group.h"
#include "api/model/me.h"
#include "api/model/membership.h"
#include "api/model/relation.h"
#include "api/model/room.h"
#include "api/model/status.h"
#include "base/json.h"
#include "bus/publisher.h"

struct announcer;

struct announcer *announcer_create(void);
void announcer_destroy(struct announcer *announcer);

/*
 * An event on room:{id}. `head`: the room's present head, for the `chats` line; NULL for none (the line of a message needs no head:
 * it is the last message itself). `sender_name` of the head's last message.
 */
void announce_event(struct announcer *announcer, const struct event *event, struct text epoch, const struct head *head,
                    struct text head_sender_name);

/* On user:{id}: where the own cursor is now, and what that leaves unread of a log that stands at these numbers. */
void announce_cursor(struct announcer *announcer, const struct membership *membership, int64_t room_message_no,
                     int64_t room_mention_no);
/* On user:{id}: `room_added` or `room_removed` (`reason` = the event's kind). */
void announce_membership(struct announcer *announcer, const struct event *event, int64_t changed_us);
/* On user:{id}: `room_removed`, since the room was deleted. */
void announce_room_gone(struct announcer *announcer, const struct membership *membership);
/* On public:rooms: `type` (`room_created`, `room_changed`, `room_deleted`) with the Room. */
void announce_public_room(struct announcer *announcer, struct text type, const struct room *room, const struct head *head);
/* On status:{id}: what the person says about themselves, with the fields that are for everyone. */
void announce_profile(struct announcer *announcer, const struct me *me);
/* On status:{id}: whether the person is online. */
void announce_status(struct announcer *announcer, const struct status *status);
/* Has the devices of `user_id` follow status:{id} of `person_id` no longer. */
void announce_status_hidden(struct announcer *announcer, int64_t user_id, int64_t person_id);
/* On user:{id}: how the person sees a room. */
void announce_view(struct announcer *announcer, const struct membership *membership);
/* On user:{id}: what the person has made of another. */
void announce_relation(struct announcer *announcer, const struct relation *relation);
/* On public:groups: `type` (`group_created`, `group_changed`, `group_deleted`) with the Group. */
void announce_public_group(struct announcer *announcer, struct text type, const struct group *group);
/* On user:{id}: `group_added` or `group_removed`. */
void announce_group_membership(struct announcer *announcer, int64_t user_id, int64_t group_id, bool is_in, struct text reason,
                               int64_t changed_us);
/* On user:{id}: anything else; `data` is a JSON object. */
void announce_to_user(struct announcer *announcer, int64_t user_id, struct text data);
/* Ends live connections: all of the user's, or one session's (0: all). */
void announce_session_ended(struct announcer *announcer, int64_t user_id, int64_t session_id, int64_t number);
/* Somebody types in a room: on live:{room}. */
void announce_typing(struct announcer *announcer, struct text live_channel, struct text user_id);
/* Somebody is in a channel, or no longer is. */
void announce_presence(struct announcer *announcer, bool joined, struct text channel, struct text user, struct text client,
                       struct text conn_info, struct text chan_info);

/* Sends all and empties the announcer. */
void announce_send(struct announcer *announcer, struct publisher *publisher);
/* What was gathered, for answers that carry publications; valid until the next call on the announcer. */
Bus__Item **announce_items(struct announcer *announcer, size_t *count);
void announce_reset(struct announcer *announcer);
