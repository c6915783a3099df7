"""The kinds of value that statements are made of, as annotated types that both decoders enforce.

`Meta` is msgspec's where that is installed and a stand-in with the same attributes elsewhere, so that one annotation
states the constraint for the compiled decoder and for the plain one. `Pattern` is ours for both (`patterns`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

from ledger.canonical import SAFE_INTEGER

__all__ = ["Base64", "Choice", "Count", "Day", "Digest", "Id", "Instant", "Integer", "Meta", "Nonce", "Text"]

if TYPE_CHECKING:
    from msgspec import Meta
else:
    try:
        from msgspec import Meta
    except ImportError:

        @dataclass(frozen=True)
        class Meta:
            """The constraints of an annotated type (the attributes of msgspec's class of this name)."""

            ge: int | None = None
            le: int | None = None
            min_length: int | None = None
            max_length: int | None = None


@dataclass(frozen=True, slots=True)
class Pattern:
    """The regular expression that the whole of a text must match; it admits no line feed."""

    pattern: str


Id: TypeAlias = Annotated[str, Pattern(r"[a-z0-9][a-z0-9:._-]{0,95}")]
"""A random or programme-given identifier; never a name."""
Digest: TypeAlias = Annotated[str, Pattern(r"[0-9a-f]{64}")]
"""A SHA-256 in lower-case hexadecimal; of evidence, a salted one."""
Nonce: TypeAlias = Annotated[str, Pattern(r"[0-9a-f]{32}")]
"""128 random bits, so that a leaf hash tells nothing about what was voted."""
Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=2000)]
"""Words for people, kept as signed; never personal data."""
Day: TypeAlias = Annotated[str, Pattern(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")]
"""A civil date at the programme's recorded offset, YYYY-MM-DD."""
Count: TypeAlias = Annotated[int, Meta(ge=0, le=SAFE_INTEGER)]
Integer: TypeAlias = Annotated[int, Meta(ge=-SAFE_INTEGER, le=SAFE_INTEGER)]
Instant: TypeAlias = Annotated[int, Meta(ge=0, le=SAFE_INTEGER)]
"""Milliseconds since 1970-01-01T00:00:00Z."""
Base64: TypeAlias = Annotated[str, Pattern(r"[A-Za-z0-9+/]+={0,2}"), Meta(max_length=8000)]
Choice: TypeAlias = str
"""A candidate's id on a ballot; the rules hold it against the round's frozen list."""
