#include "api/handlers/bans.h"
#include "api/handlers/changes.h"
#include "api/handlers/chats.h"
#include "api/handlers/config.h"
#include "api/handlers/contacts.h"
#include "api/handlers/me.h"
#include "api/handlers/group_members.h"
#include "api/handlers/group_rooms.h"
#include "api/handlers/groups.h"
#include "api/handlers/members.h"
#include "api/handlers/message_changes.h"
#include "api/handlers/messages.h"
#include "api/handlers/password.h"
#include "api/handlers/room_settings.h"
#include "api/handlers/pins.h"
#include "api/handlers/reactions.h"
#include "api/handlers/rooms.h"
#include "api/request/router.h"
#include "api/handlers/search.h"
#include "api/handlers/send.h"
#include "api/handlers/sessions.h"
#include "api/handlers/statuses.h"
#include "api/handlers/users.h"
#include "api/handlers/views.h"

const struct route routes[] = {
    {"GET", "/config", config_get, ROUTE_PUBLIC, NULL, NULL, NULL},
    {"GET", "/openapi.json", openapi_get, ROUTE_PUBLIC, NULL, NULL, NULL},

    {"POST", "/users", users_post, ROUTE_PUBLIC | ROUTE_REGISTERS, NULL, "login password name email " SESSION_BODY, NULL},
    {"GET", "/users", users_get, ROUTE_FINDS, "q limit", NULL, NULL},
    {"GET", "/users/{user}", users_get_one, 0, NULL, NULL, NULL},
    {"GET", "/statuses", statuses_get, 0, "users", NULL, NULL},
    {"GET", "/me", me_get, 0, NULL, NULL, NULL},
    {"PATCH", "/me", me_patch, 0, NULL, "name about fields field_visibility who_may_write", NULL},
    {"POST", "/me/email", me_post_email, ROUTE_PASSWORD, NULL, "email password", NULL},
    {"POST", "/me/password", password_post, ROUTE_PASSWORD, NULL, "old new", NULL},
    {"GET", "/me/contacts", contacts_get, 0, "after limit", NULL, NULL},
    {"PUT", "/me/contacts/{user}", contacts_put, 0, NULL, NULL, NULL},
    {"DELETE", "/me/contacts/{user}", contacts_delete, 0, NULL, NULL, NULL},
    {"GET", "/me/blocks", blocks_get, 0, "after limit", NULL, NULL},
    {"PUT", "/me/blocks/{user}", blocks_put, 0, NULL, NULL, NULL},
    {"DELETE", "/me/blocks/{user}", blocks_delete, 0, NULL, NULL, NULL},
    {"GET", "/me/changes", changes_get, 0, "since after limit", NULL, NULL},

    {"POST", "/sessions", sessions_post, ROUTE_PUBLIC, NULL, "login password " SESSION_BODY, NULL},
    {"POST", "/sessions/refresh", sessions_refresh, ROUTE_PUBLIC | ROUTE_REFRESHES, NULL, "refresh_token", NULL},
    {"GET", "/sessions", sessions_get, 0, NULL, NULL, NULL},
    {"DELETE", "/sessions", sessions_delete_all, 0, NULL, NULL, NULL},
    {"DELETE", "/sessions/current", sessions_delete_current, 0, NULL, NULL, NULL},
    {"DELETE", "/sessions/{session}", sessions_delete_one, 0, NULL, NULL, NULL},

    {"GET", "/rooms", chats_get, 0, "limit after archived", NULL, "rooms.list"},
    {"POST", "/rooms", rooms_post, 0, NULL, "kind name members slug", NULL},
    {"POST", "/rooms/direct", rooms_post_direct, 0, NULL, "user_id", NULL},
    {"GET", "/rooms/public", rooms_get_public, ROUTE_FINDS, "q after limit", NULL, NULL},
    {"PUT", "/rooms/by-slug/{slug}", rooms_put_by_slug, 0, NULL, "name", NULL},
    {"POST", "/rooms/by-name", rooms_post_by_name, 0, NULL, "name", NULL},
    {"GET", "/rooms/{room}", rooms_get_one, 0, "messages", NULL, "rooms.get"},
    {"PATCH", "/rooms/{room}", room_patch, 0, NULL, "name about slug", NULL},
    {"DELETE", "/rooms/{room}", room_delete, 0, NULL, NULL, NULL},
    {"POST", "/rooms/{room}/join", members_join, 0, NULL, NULL, NULL},
    {"POST", "/rooms/{room}/leave", members_leave, 0, NULL, NULL, NULL},
    {"GET", "/rooms/{room}/members", members_get, 0, "after limit", NULL, NULL},
    {"PUT", "/rooms/{room}/members/{user}", members_put, 0, NULL, "role silent_until", NULL},
    {"DELETE", "/rooms/{room}/members/{user}", members_delete, 0, NULL, NULL, NULL},
    {"GET", "/rooms/{room}/bans", bans_get, 0, "after limit", NULL, NULL},
    {"PUT", "/rooms/{room}/bans/{user}", bans_put, 0, NULL, "until reason", NULL},
    {"DELETE", "/rooms/{room}/bans/{user}", bans_delete, 0, NULL, NULL, NULL},
    {"POST", "/rooms/{room}/messages", messages_post, ROUTE_SENDS, NULL, "text nonce reply_to forward", "messages.send"},
    {"GET", "/rooms/{room}/messages", messages_get, 0, "before after around limit", NULL, "messages.list"},
    {"GET", "/rooms/{room}/messages/{seq}", message_get, 0, NULL, NULL, NULL},
    {"PATCH", "/rooms/{room}/messages/{seq}", message_patch, ROUTE_SENDS, NULL, "text", NULL},
    {"GET", "/rooms/{room}/messages/{seq}/revisions", revisions_get, 0, "after limit", NULL, NULL},
    {"DELETE", "/rooms/{room}/messages/{seq}", message_delete, 0, NULL, NULL, NULL},
    {"GET", "/rooms/{room}/messages/{seq}/reactions/{emoji}", reactions_get, 0, "after limit", NULL, NULL},
    {"PUT", "/rooms/{room}/messages/{seq}/reactions/{emoji}", reaction_put, ROUTE_SENDS, NULL, NULL, NULL},
    {"DELETE", "/rooms/{room}/messages/{seq}/reactions/{emoji}", reaction_delete, ROUTE_SENDS, NULL, NULL, NULL},
    {"PUT", "/rooms/{room}/messages/{seq}/pin", pin_put, 0, NULL, NULL, NULL},
    {"DELETE", "/rooms/{room}/messages/{seq}/pin", pin_delete, 0, NULL, NULL, NULL},
    {"GET", "/rooms/{room}/pins", pins_get, 0, NULL, NULL, NULL},
    {"GET", "/rooms/{room}/events", events_get, 0, "after limit", NULL, "events.list"},
    {"PUT", "/rooms/{room}/notify", notify_put, 0, NULL, "level muted_until", NULL},
    {"PUT", "/rooms/{room}/archive", archive_put, 0, NULL, NULL, NULL},
    {"DELETE", "/rooms/{room}/archive", archive_delete, 0, NULL, NULL, NULL},
    {"PUT", "/rooms/{room}/chat-pin", chat_pin_put, 0, NULL, NULL, NULL},
    {"DELETE", "/rooms/{room}/chat-pin", chat_pin_delete, 0, NULL, NULL, NULL},
    {"PUT", "/rooms/{room}/cursor", cursor_put, 0, NULL, "seq force", "cursor.set"},

    {"GET", "/search/messages", search_get_messages, ROUTE_SEARCHES, "q room sender from to limit after", NULL, NULL},

    {"POST", "/groups", groups_post, 0, NULL, "name visibility about slug", NULL},
    {"GET", "/groups", groups_get, 0, "after limit", NULL, NULL},
    {"GET", "/groups/public", groups_get_public, ROUTE_FINDS, "q after limit", NULL, NULL},
    {"GET", "/groups/{group}", groups_get_one, 0, NULL, NULL, NULL},
    {"PATCH", "/groups/{group}", groups_patch, 0, NULL, "name about slug", NULL},
    {"DELETE", "/groups/{group}", groups_delete, 0, NULL, NULL, NULL},
    {"POST", "/groups/{group}/join", group_join, 0, NULL, NULL, NULL},
    {"POST", "/groups/{group}/leave", group_leave, 0, NULL, NULL, NULL},
    {"GET", "/groups/{group}/members", group_members_get, 0, "after limit", NULL, NULL},
    {"PUT", "/groups/{group}/members/{user}", group_members_put, 0, NULL, "role", NULL},
    {"DELETE", "/groups/{group}/members/{user}", group_members_delete, 0, NULL, NULL, NULL},
    {"GET", "/groups/{group}/bans", group_bans_get, 0, "after limit", NULL, NULL},
    {"PUT", "/groups/{group}/bans/{user}", group_bans_put, 0, NULL, "until reason", NULL},
    {"DELETE", "/groups/{group}/bans/{user}", group_bans_delete, 0, NULL, NULL, NULL},
    {"GET", "/groups/{group}/rooms", group_rooms_get, 0, "after limit", NULL, NULL},
    {"PUT", "/groups/{group}/rooms/{room}", group_rooms_put, 0, NULL, "topic_id position open", NULL},
    {"DELETE", "/groups/{group}/rooms/{room}", group_rooms_delete, 0, NULL, NULL, NULL},
    {"POST", "/groups/{group}/topics", topics_post, 0, NULL, "name position", NULL},
    {"PATCH", "/groups/{group}/topics/{topic}", topics_patch, 0, NULL, "name position", NULL},
    {"DELETE", "/groups/{group}/topics/{topic}", topics_delete, 0, NULL, NULL, NULL},
    {NULL, NULL, NULL, 0, NULL, NULL, NULL},
};
