-- 正常程序之外：每类多少，见哪些条目 · Outside the normal path: how much of each kind, and where
SELECT category, count(*) AS times, array_agg(entry ORDER BY entry) AS entries
FROM off_path
GROUP BY category
ORDER BY times DESC, category;
