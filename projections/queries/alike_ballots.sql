-- 每轮中两两成员有多少人选投得一样 · For each two members of a round: on how many candidates they agree
SELECT a.round, a.member AS first, b.member AS second,
    count(*) FILTER (WHERE a.choice = b.choice) AS alike, count(*) AS candidates
FROM votes AS a JOIN votes AS b ON b.round = a.round AND b.candidate = a.candidate AND b.member > a.member
GROUP BY a.round, a.member, b.member
ORDER BY a.round, alike DESC, first, second;
