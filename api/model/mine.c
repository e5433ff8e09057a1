#include "api/model/mine.h"

#include "api/model/event.h"
#include "api/model/room.h"

/* In the order that mine_has() looks in. Message by message: between two of them there may be all that one ever reacted to. */
static const struct db_statement select_my_reactions = {
    "select_my_reactions",
    "SELECT x.seq, x.emoji FROM (SELECT DISTINCT seq FROM unnest($3::bigint[]) AS i (seq)) i CROSS JOIN LATERAL ("
    "  SELECT seq, emoji FROM {lane}.reactions WHERE room_id = $1::bigint AND user_id = $2::bigint AND seq = i.seq OFFSET 0) x "
    "ORDER BY x.seq, x.emoji COLLATE \"C\""};

/* The messages that have reactions; false: none has. */
static bool add_reacted(struct db_params *params, const struct db_rows *const *pages, size_t count)
{
    bool found = false;

    db_array_begin(params, DB_I64_ARRAY);
    for (size_t page = 0; page < count; page++)
        for (int i = 0; i < db_count(pages[page]); i++) {
            struct event event;
            event_read(&event, pages[page], i, 0);
            const struct event message = event_message(&event);
            if (message.reactions.len == 0)
                continue;
            db_array_i64(params, message.seq);
            found = true;
        }
    db_array_end(params);
    return found;
}

enum err mine_read(struct worker *worker, int64_t room_id, int64_t user_id, const struct db_rows *const *pages, size_t count,
                   struct mine *mine)
{
    *mine = (struct mine){.query = {.statement = &select_my_reactions, .lane = room_lane(room_id)}};
    db_add_i64(&mine->query.params, room_id);
    db_add_i64(&mine->query.params, user_id);
    if (!add_reacted(&mine->query.params, pages, count))
        return ERR_OK;
    return db_ask(worker->db, &mine->query);
}

void mine_fini(struct mine *mine)
{
    db_params_fini(&mine->query.params);
    db_rows_fini(&mine->query.rows);
}

static int compare(int64_t seq, struct text emoji, int64_t other_seq, struct text other)
{
    const size_t len = emoji.len < other.len ? emoji.len : other.len;

    if (seq != other_seq)
        return seq < other_seq ? -1 : 1;
    const int order = memcmp(emoji.at, other.at, len);
    return order != 0 ? order : emoji.len < other.len ? -1 : emoji.len > other.len;
}

bool mine_has(const struct mine *mine, int64_t seq, struct text emoji)
{
    const struct db_rows *rows = &mine->query.rows;
    int low = 0, high = rows->result != NULL ? db_count(rows) : 0;

    while (low < high) {
        const int middle = low + (high - low) / 2;
        const int order = compare(seq, emoji, db_i64(rows, middle, 0), db_text(rows, middle, 1));
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}
