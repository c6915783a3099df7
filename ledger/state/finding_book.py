"""Findings: what an auditor must look at, with the entries that show it. Open breaches block certification."""

from dataclasses import dataclass, field

from ledger.procedure.reasons import Facts


@dataclass(slots=True)
class Finding:
    """One finding. `id` is its code and the entry that raised it; `closed` the entry that closed it."""

    id: str
    code: str
    severity: str
    entries: tuple[int, ...]
    facts: Facts
    raised: int
    closed: int | None = None


@dataclass(slots=True)
class Findings:
    """All findings by id, in the order they arose."""

    by_id: dict[str, Finding] = field(default_factory=dict)

    def add(self, code: str, severity: str, at: int, *entries: int, **facts: str | int) -> None:
        """Record a finding that entry `at` raises, shown by `entries`; the same one is recorded once."""
        finding_id, again = f"{code}:{at}", 1
        while (known := self.by_id.get(finding_id)) is not None:
            if known.facts == facts:
                return
            again += 1
            finding_id = f"{code}:{at}:{again}"
        self.by_id[finding_id] = Finding(finding_id, code, severity, entries or (at,), dict(facts), at)

    def open_breaches(self) -> tuple[Finding, ...]:
        """Return the breaches that no auditor has closed."""
        return tuple(item for item in self.by_id.values() if item.severity == "breach" and item.closed is None)

    def open_of(self, code: str) -> tuple[Finding, ...]:
        """Return the open findings of one code."""
        return tuple(item for item in self.by_id.values() if item.code == code and item.closed is None)
