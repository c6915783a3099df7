-- 由每张票重新计票，与结果行对照 · Count every ballot again, beside the derived result
SELECT r.subject, r.candidate, r.rank, r.approve AS derived,
    count(*) FILTER (WHERE v.choice = 'approve' AND v.counts) AS recounted
FROM results AS r JOIN votes AS v ON v.round = r.round AND v.candidate = r.candidate
GROUP BY r.subject, r.candidate, r.rank, r.approve
ORDER BY r.subject, r.rank, r.candidate;
