-- 回避者的票上，其回避对象一栏写了什么 · What the ballots of those who stood back say of whom they stood back from
SELECT c.stage, c.group_id, c.candidate, c.member, c.entry AS recused, v.round, v.entry AS ballot, v.choice
FROM recusals AS c
    JOIN votes AS v ON v.stage = c.stage AND coalesce(v.group_id, '') = c.group_id
        AND v.member = c.member AND v.candidate = c.candidate
ORDER BY c.entry, v.entry;
