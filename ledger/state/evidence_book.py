"""Evidence on file, as the log tells of it."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Evidence:
    """One piece of evidence: what it is, the entries that attached it by what it belongs to, the one that erased it."""

    digest: str
    evidence_class: str
    media_type: str
    size: int
    about: dict[str, int] = field(default_factory=dict)
    erased: int | None = None
