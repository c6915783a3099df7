"""What the service says of evidence: the status of everything that can be wrong with it, and names for downloads."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from api.problems import HttpError
from ledger.errors import LedgerError
from ledger.evidence_media import SEALED

_OFFICE = "application/vnd.openxmlformats-officedocument"
_SUFFIX = {
    "application/pdf": "pdf",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/tiff": "tif",
    f"{_OFFICE}.wordprocessingml.document": "docx",
    f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
    "text/plain": "txt",
    "text/csv": "csv",
    "application/json": "json",
    SEALED: "sealed",
}
_STATUS = {
    "ATTACHMENT_MISMATCH": HTTPStatus.INTERNAL_SERVER_ERROR,
    "EVIDENCE_CLASS_UNKNOWN": HTTPStatus.UNPROCESSABLE_ENTITY,
    "EVIDENCE_ERASED": HTTPStatus.GONE,
    "EVIDENCE_MISSING": HTTPStatus.NOT_FOUND,
    "EVIDENCE_TOO_LARGE": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "MEDIA_MISMATCH": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "MEDIA_TYPE_REFUSED": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}
EVIDENCE: dict[str, Any] = {
    "class": "personal",
    "digest": "0" * 64,
    "media_type": "application/pdf",
    "salt": "base64",
    "size": 48213,
}
"""An example of what an uploader is told."""


@contextmanager
def evidence_faults() -> Iterator[None]:
    """Turn what is wrong with evidence into problems with a status of their own; texts of callers are not repeated."""
    try:
        yield
    except LedgerError as error:
        if isinstance(error, HttpError) or error.code not in _STATUS:
            raise
        code = "NOT_FOUND" if error.code == "EVIDENCE_MISSING" else error.code
        facts = {name: fact for name, fact in error.facts.items() if isinstance(fact, int)}
        raise HttpError(code, _STATUS[error.code], None, **facts) from None


def file_name(digest: str, media_type: str) -> str:
    """Return the name under which evidence is saved: of its digest, and of its type where that is one of ours."""
    return f"{digest[:16]}.{_SUFFIX.get(media_type, 'bin')}"
