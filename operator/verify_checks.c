#include "operator/verify_checks.h"

#include "base/base.h"

/* Of rooms that are there: what was in a deleted one goes piece by piece. */
#define ROOMS "{lane}.rooms r ON r.deleted_at IS NULL AND r.id = "
#define LAST                                                                                       \
    "CROSS JOIN LATERAL (SELECT seq, message_no, room_mention_no FROM {lane}.events WHERE room_id = r.id ORDER BY seq DESC LIMIT 1) l "

const struct verify_check verify_checks[] = {
    {"numbers", /* a log is numbered without holes */
     "SELECT room_id, format('has %s events from %s to %s', count(*), min(seq), max(seq)) FROM {lane}.events e JOIN " ROOMS "e.room_id "
     "GROUP BY room_id HAVING count(*) <> max(seq) - min(seq) + 1"},
    {"logs", /* a room that is there has one */
     "SELECT r.id, 'has no log' FROM {lane}.rooms r WHERE r.deleted_at IS NULL "
     "AND NOT EXISTS (SELECT 1 FROM {lane}.events e WHERE e.room_id = r.id)"},
    {"messages", /* message_no counts them */
     "SELECT room_id, format('event %s: message_no %s behind %s', seq, message_no, before) FROM ("
     "  SELECT e.*, lag(message_no) OVER (PARTITION BY room_id ORDER BY seq) AS before FROM {lane}.events e JOIN " ROOMS "e.room_id) n "
     "WHERE message_no <> coalesce(before, CASE WHEN seq = 1 THEN 0 ELSE message_no - (kind = 'message')::integer END)"
     "                    + (kind = 'message')::integer"},
    {"room mentions", /* room_mention_no counts messages that mention the room; a deleted one no longer says whether it did */
     "SELECT room_id, format('event %s: room_mention_no %s behind %s', seq, room_mention_no, before) FROM ("
     "  SELECT e.*, lag(room_mention_no) OVER (PARTITION BY room_id ORDER BY seq) AS before FROM {lane}.events e JOIN " ROOMS "e.room_id) n "
     "WHERE room_mention_no - before NOT IN (0, (kind = 'message')::integer) "
     "OR (deleted_at IS NULL AND room_mention_no - before <> (kind = 'message' AND coalesce((body->>'mentions_room')::boolean, false))::integer)"},
    {"members", /* member_count */
     "SELECT r.id, format('member_count %s, members %s', r.member_count, m.count) FROM {lane}.rooms r "
     "CROSS JOIN LATERAL (SELECT count(*) FROM {lane}.members WHERE room_id = r.id AND role <> 'left') m "
     "WHERE r.deleted_at IS NULL AND r.member_count <> m.count"},
    {"unread", /* a cursor is within the log, and has the numbers of the event that it is at */
     "SELECT m.room_id, format('member %s: cursor at %s, message_no %s; the log is at %s, the event has message_no %s',"
     "                         m.user_id, m.seq, m.message_no, l.seq, e.message_no) "
     "FROM {lane}.members m JOIN " ROOMS "m.room_id " LAST "LEFT JOIN {lane}.events e ON e.room_id = m.room_id AND e.seq = m.seq "
     "WHERE m.seq > l.seq OR m.message_no > l.message_no OR m.message_no <> CASE WHEN m.seq = 0 THEN 0 ELSE coalesce(e.message_no, m.message_no) END"},
    {"mentions", /* and so has what is mentioned beyond it */
     "SELECT m.room_id, format('member %s: mentions %s, rows beyond the cursor %s; room_mention_no %s, of the event %s',"
     "                         m.user_id, m.mentions, x.count, m.room_mention_no, e.room_mention_no) "
     "FROM {lane}.members m JOIN " ROOMS "m.room_id LEFT JOIN {lane}.events e ON e.room_id = m.room_id AND e.seq = m.seq "
     "CROSS JOIN LATERAL (SELECT count(*) FROM {lane}.mentions WHERE room_id = m.room_id AND user_id = m.user_id AND seq > m.seq) x "
     "WHERE m.mentions <> x.count OR m.room_mention_no <> CASE WHEN m.seq = 0 THEN 0 ELSE coalesce(e.room_mention_no, m.room_mention_no) END"},
    {"targets", /* what is said of a message is said of one */
     "SELECT e.room_id, format('event %s (%s) is about %s, which is no message', e.seq, e.kind, e.target_seq) FROM {lane}.events e "
     "JOIN " ROOMS "e.room_id WHERE (e.target_seq IS NOT NULL OR e.kind IN ('edit', 'delete', 'reaction', 'pin', 'unpin')) AND NOT EXISTS ("
     "  SELECT 1 FROM {lane}.events t WHERE t.room_id = e.room_id AND t.seq = e.target_seq AND t.kind = 'message')"},
    {"reactions", /* the counts beside a message are those of the table */
     "SELECT room_id, format('message %s: reactions %s, counted %s', seq, told, counted) FROM ("
     "  SELECT coalesce(e.room_id, x.room_id) AS room_id, coalesce(e.seq, x.seq) AS seq, e.reactions::jsonb AS told, x.list AS counted FROM "
     "  (SELECT room_id, seq, reactions FROM {lane}.events WHERE reactions IS NOT NULL) e FULL JOIN "
     "  (SELECT room_id, seq, jsonb_agg(jsonb_build_object('emoji', emoji, 'count', n) ORDER BY emoji) AS list FROM "
     "    (SELECT room_id, seq, emoji, count(*) AS n FROM {lane}.reactions GROUP BY 1, 2, 3) g GROUP BY 1, 2) x "
     "  ON x.room_id = e.room_id AND x.seq = e.seq) b JOIN " ROOMS "b.room_id WHERE told IS DISTINCT FROM counted AND NOT (told IS NULL AND EXISTS ("
     "  SELECT 1 FROM {lane}.events d WHERE d.room_id = b.room_id AND d.seq = b.seq AND d.deleted_at IS NOT NULL))"},
    {"deleted", /* nothing is left of what a deleted message said; its reactions go when its deletion is read for search */
     "SELECT e.room_id, format('message %s is deleted, and not all of it is gone', e.seq) FROM {lane}.events e JOIN " ROOMS "e.room_id "
     "WHERE e.deleted_at IS NOT NULL AND ((e.body::jsonb - 'nonce') <> '{}' OR e.reactions IS NOT NULL"
     "  OR EXISTS (SELECT 1 FROM {lane}.revisions v WHERE v.room_id = e.room_id AND v.seq = e.seq)"
     "  OR EXISTS (SELECT 1 FROM {lane}.reactions x JOIN {lane}.events d ON d.room_id = x.room_id AND d.target_seq = x.seq AND d.kind = 'delete'"
     "             JOIN {lane}.searchable s ON s.room_id = d.room_id AND s.seq >= d.seq WHERE x.room_id = e.room_id AND x.seq = e.seq)"
     "  OR EXISTS (SELECT 1 FROM {lane}.pins p WHERE p.room_id = e.room_id AND p.seq = e.seq))"},
};
const size_t verify_check_count = ARRAY_COUNT(verify_checks);
