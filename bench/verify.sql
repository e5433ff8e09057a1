-- What the sends of a measurement left: rows of messages, and rooms whose numbers have a hole or a repeat (must be 0).
-- Answers one line: stored, broken.
SELECT string_agg(format($sql$
    SELECT e.room_id, count(*) FILTER (WHERE e.kind = 'message') AS messages,
           count(*) = max(e.seq) AND min(e.seq) = 1 AND count(DISTINCT e.seq) = count(*)
           AND count(*) FILTER (WHERE e.kind = 'message') = max(e.message_no)
           AND count(DISTINCT e.message_no) FILTER (WHERE e.kind = 'message') = max(e.message_no) AS dense
    FROM %1$s.events e GROUP BY e.room_id $sql$, 'lane_' || to_char(number, 'FM000')), ' UNION ALL ') AS rooms
FROM public.lanes
\gset
SELECT sum(messages), count(*) FILTER (WHERE NOT dense) FROM (:rooms) AS r;
