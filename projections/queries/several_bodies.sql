-- 参加不止一个阶段评审的人 · People who sat for more than one stage
SELECT person, array_agg(DISTINCT stage ORDER BY stage) AS stages
FROM rosters
WHERE standing = 'member'
GROUP BY person
HAVING count(DISTINCT stage) > 1
ORDER BY person;
