-- 谁因何退出，见哪一条目 · Who is no longer on a list, why, and by which entry
SELECT DISTINCT c.person, c.out_cause, c.out_by, e.kind, e.sequenced_at
FROM candidates AS c JOIN entries AS e ON e.entry = c.out_by
WHERE c.standing = 'out'
ORDER BY c.out_by, c.person;
