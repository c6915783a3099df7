"""One file in a multipart/form-data body, taken apart while it comes; nothing of it is held but a few short fields.

Fields stand before the file, which is the last part. How many parts and headers there are and how long each may be is
bounded, and a name of the file, if one is given, is read by nothing.
"""

from http import HTTPStatus

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from api.problems import HttpError

MEDIA_TYPE = "multipart/form-data"
FILE = "file"
MOST_PARTS, MOST_HEADERS, MOST_HEADER, MOST_FIELD = 8, 8, 512, 200


class OneFile:
    """The parts of one body. Every method may raise `HttpError` `MULTIPART_INVALID`."""

    def __init__(self, content_type: str, fields: frozenset[str]) -> None:
        """Expect `fields`, each at most once, and the file; raises `CONTENT_UNSUPPORTED` for another content type."""
        kind, options = parse_options_header(content_type)
        if kind.decode("latin-1").strip() != MEDIA_TYPE or b"boundary" not in options:
            raise HttpError("CONTENT_UNSUPPORTED", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        self._known, self.fields = fields, dict[str, str]()
        self.media_type: str | None = None
        """The file's own, once it has begun."""
        self.ended = False
        self._parts = 0
        self._name, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._field: str | None = None
        self._text = b""
        self._content: list[bytes] = []
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._begin,
                    "on_part_data": self._data,
                    "on_part_end": self._end,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_end,
                    "on_end": self._whole,
                },
                max_header_count=MOST_HEADERS,
                max_header_size=MOST_HEADER,
            )
        except (FormParserError, ValueError):
            raise _invalid() from None

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes of the body; return what they hold of the file."""
        try:
            self._parser.write(data)
        except FormParserError:
            raise _invalid() from None
        content, self._content = self._content, []
        return content

    def finish(self) -> None:
        """Say that the body ends here."""
        if not self.ended or self.media_type is None:
            raise _invalid()

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS or self.media_type is not None:
            raise _invalid()
        self._headers, self._field, self._text = {}, None, b""
        self._name, self._value = b"", b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers.setdefault(self._name.lower(), self._value)
        self._name, self._value = b"", b""

    def _headers_end(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("latin-1")
        if kind != b"form-data" or b"content-transfer-encoding" in self._headers:
            raise _invalid()
        if name == FILE:
            self.media_type = self._headers.get(b"content-type", b"").decode("latin-1").strip().lower()
        elif name not in self._known or name in self.fields or b"filename" in options:
            raise _invalid()
        else:
            self._field = name

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            self._content.append(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > MOST_FIELD:
            raise _invalid()

    def _end(self) -> None:
        if self._field is None:
            return
        try:
            self.fields[self._field] = self._text.decode("ascii")
        except UnicodeDecodeError:
            raise _invalid() from None

    def _whole(self) -> None:
        self.ended = True


def _invalid() -> HttpError:
    return HttpError("MULTIPART_INVALID", HTTPStatus.BAD_REQUEST)
