-- 每人的公示期限，以及期内收到的异议 · Each person's notice, with the objections about them
SELECT n.person, n.notice, n.entry, n.last_day, n.ends_at,
    count(o.objection) AS objections,
    count(o.objection) FILTER (WHERE n.person = ANY (o.sustained)) AS sustained,
    count(o.objection) FILTER (WHERE o.standing IN ('waiting', 'open', 'decided')) AS unanswered
FROM notices AS n LEFT JOIN objections AS o ON n.person = ANY (o.against)
WHERE n.in_force
GROUP BY n.person, n.notice, n.entry, n.last_day, n.ends_at
ORDER BY n.entry, n.person;
