-- 未了结的待查事项，重大在前 · Open findings, breaches first, with the entries that show them
SELECT severity, code, finding, raised, entries, zh, en
FROM findings
WHERE closed IS NULL
ORDER BY array_position(ARRAY['breach', 'warn', 'info'], severity), raised, finding;
