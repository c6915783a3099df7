-- 终评记名投票：谁对谁投了什么 · Named ballots of the final round: who voted what on whom
SELECT r.runoff, v.member, v.candidate, v.choice, v.entry, v.counts
FROM votes AS v
    JOIN rounds AS r USING (round)
    JOIN stages AS s ON s.stage = r.stage
WHERE s.takes = 'nominees' AND r.superseded IS NULL
ORDER BY r.opened, v.member, v.candidate;
