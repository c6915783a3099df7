-- 命名者从名额到命名的每一步 · Every step of each named person, from the place to the title
SELECT n.person, p.seat, p.alternate, p.since, p.inspected, p.agreed, o.entry AS notice, n.entry AS named,
    n.conferred, n.revoked
FROM named AS n
    JOIN places AS p ON p.person = n.person
    LEFT JOIN notices AS o ON o.person = n.person AND o.in_force
ORDER BY p.seat;
