#include "api/model/rights.h"

#define KINDS (ROOM_PUBLIC + 1)
#define NOBODY (-1)

struct rule {
    const char *what;
    int least[KINDS]; /* direct, private, public: enum member_role or NOBODY */
    bool below;       /* and only of those whose role is lower than one's own */
};

static const struct rule rules[] = {
    [RIGHT_SEE] = {"see messages, events, members and pins", {ROLE_MEMBER, ROLE_MEMBER, ROLE_MEMBER}, false},
    [RIGHT_SEND] = {"send, reply, forward", {ROLE_MEMBER, ROLE_MEMBER, ROLE_MEMBER}, false},
    [RIGHT_EDIT_OWN] = {"edit one's own message", {ROLE_MEMBER, ROLE_MEMBER, ROLE_MEMBER}, false},
    [RIGHT_DELETE_OWN] = {"delete one's own message", {ROLE_MEMBER, ROLE_MEMBER, ROLE_MEMBER}, false},
    [RIGHT_DELETE_ANY] = {"delete another's message", {NOBODY, ROLE_MODERATOR, ROLE_MODERATOR}, true},
    [RIGHT_SEE_REVISIONS] = {"see what another's edited message said before", {NOBODY, ROLE_MODERATOR, ROLE_MODERATOR}, false},
    [RIGHT_REACT] = {"react", {ROLE_MEMBER, ROLE_MEMBER, ROLE_MEMBER}, false},
    [RIGHT_PIN] = {"pin and unpin", {ROLE_MEMBER, ROLE_MEMBER, ROLE_MODERATOR}, false},
    [RIGHT_MENTION_ROOM] = {"mention the whole room", {NOBODY, ROLE_MEMBER, ROLE_MODERATOR}, false},
    [RIGHT_JOIN] = {"join by oneself", {NOBODY, NOBODY, ROLE_LEFT}, false},
    [RIGHT_LEAVE] = {"leave", {NOBODY, ROLE_MEMBER, ROLE_MEMBER}, false},
    [RIGHT_INVITE] = {"add somebody", {NOBODY, ROLE_MEMBER, ROLE_MEMBER}, false},
    [RIGHT_KICK] = {"remove somebody", {NOBODY, ROLE_MODERATOR, ROLE_MODERATOR}, true},
    [RIGHT_SEE_BANS] = {"see bans", {NOBODY, ROLE_MODERATOR, ROLE_MODERATOR}, false},
    [RIGHT_BAN] = {"ban, and lift a ban", {NOBODY, ROLE_MODERATOR, ROLE_MODERATOR}, true},
    [RIGHT_SILENCE] = {"silence, and let speak again", {NOBODY, ROLE_MODERATOR, ROLE_MODERATOR}, true},
    [RIGHT_CHANGE_ROLE] = {"change a role, to one below one's own", {NOBODY, ROLE_ADMIN, ROLE_ADMIN}, true},
    [RIGHT_HAND_OVER] = {"hand over one's ownership", {NOBODY, ROLE_OWNER, ROLE_OWNER}, true},
    [RIGHT_EDIT_ROOM] = {"change name, description and address of the room", {NOBODY, ROLE_ADMIN, ROLE_ADMIN}, false},
    [RIGHT_DELETE_ROOM] = {"delete the room", {NOBODY, ROLE_OWNER, ROLE_OWNER}, false},
};

_Static_assert(ARRAY_COUNT(rules) == RIGHT_COUNT, "each right has a rule");

bool rights_nobody(enum right right, enum room_kind kind)
{
    return rules[right].least[kind] == NOBODY;
}

bool rights_allow(enum right right, enum room_kind kind, enum member_role role)
{
    return (int)role <= rules[right].least[kind];
}

bool rights_of_those_below(enum right right)
{
    return rules[right].below;
}

bool rights_below(enum member_role subject, enum member_role actor)
{
    return subject > actor;
}

enum err rights_check(enum right right, enum room_kind kind, enum member_role role)
{
    if (rights_nobody(right, kind))
        return ERR_NOT_POSSIBLE;
    return rights_allow(right, kind, role) ? ERR_OK : ERR_ROLE_REQUIRED;
}

void rights_add(struct db_params *params, enum right right)
{
    db_array_begin(params, DB_TEXT_ARRAY);
    for (int kind = 0; kind < KINDS; kind++)
        if (rules[right].least[kind] == NOBODY)
            db_array_null(params);
        else
            db_array_text(params, text(member_role_name((enum member_role)rules[right].least[kind])));
    db_array_end(params);
}

/* ---- the document ---- */

static const char *least_name(int least)
{
    if (least == NOBODY)
        return "nobody";
    return least == ROLE_LEFT ? "everybody" : member_role_name((enum member_role)least);
}

void rights_write_table(struct buf *out)
{
    buf_printf(out, "| who may | direct room | private room | public room | whom |\n|---|---|---|---|---|\n");
    for (int right = 0; right < RIGHT_COUNT; right++) {
        buf_printf(out, "| %s |", rules[right].what);
        for (int kind = 0; kind < KINDS; kind++)
            buf_printf(out, " %s |", least_name(rules[right].least[kind]));
        buf_printf(out, " %s |\n", rules[right].below ? "those below oneself" : "");
    }
}
