"""On which line each key of a TOML text stands, because the standard library's reader does not say.

Reads text that `tomllib` has already accepted, so nothing is checked here: tables, arrays of tables, dotted and quoted
keys, strings of all four forms, arrays and inline tables over several lines. Paths are spelled as in programme
problems: `stages[3].groups[0].covers[1]`.
"""

from collections.abc import Mapping

_BARE_ENDS = "=.]} \t\r\n#"


def lines(text: str) -> dict[str, int]:
    """Return the line, counted from 1, of every key, table and array item of a valid TOML text."""
    return _Locator(text).located()


def line_of(where: Mapping[str, int], path: str) -> int:
    """Return the line of a path, or of the nearest table around it where the key itself is missing; else 1."""
    while path:
        if path in where:
            return where[path]
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return 1


class _Locator:
    """One pass over the text; `at` is the position, `where` what has been found."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.where: dict[str, int] = {}
        self.counts: dict[str, int] = {}

    def located(self) -> dict[str, int]:
        prefix = ""
        self._blank()
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                prefix = self._header()
            else:
                self._pair(prefix)
            self._blank()
        return self.where

    def _header(self) -> str:
        line = self.line
        several = self.text.startswith("[[", self.at)
        self._step(2 if several else 1)
        names = self._key()
        self._step(2 if several else 1)
        path = ""
        for name in names[:-1]:
            path = self._newest(self._join(path, name))
        path = self._join(path, names[-1])
        if several:
            self.where.setdefault(path, line)
            place = self.counts.get(path, 0)
            self.counts[path] = place + 1
            path = f"{path}[{place}]"
        self.where.setdefault(path, line)
        return path

    def _newest(self, path: str) -> str:
        """Return the last item where the path is an array of tables: further headers belong to it."""
        return f"{path}[{self.counts[path] - 1}]" if path in self.counts else path

    def _pair(self, prefix: str) -> None:
        line = self.line
        path = prefix
        for name in self._key():
            path = self._join(path, name)
            self.where.setdefault(path, line)
        self._step(1)  # the equals sign, where `_key` stops
        self._spaces()
        self._value(path)

    def _key(self) -> list[str]:
        names = []
        while True:
            self._spaces()
            names.append(self._name())
            self._spaces()
            if self.text[self.at] != ".":
                return names
            self._step(1)

    def _name(self) -> str:
        if self.text[self.at] in "\"'":
            return self._string()
        start = self.at
        while self.text[self.at] not in _BARE_ENDS:
            self._step(1)
        return self.text[start : self.at]

    def _value(self, path: str) -> None:
        first = self.text[self.at]
        if first in "\"'":
            self._string()
        elif first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        else:
            while self.at < len(self.text) and self.text[self.at] not in ",]}\r\n#":
                self._step(1)

    def _array(self, path: str) -> None:
        self._step(1)
        place = 0
        while True:
            self._blank()
            if self.text[self.at] == "]":
                self._step(1)
                return
            if self.text[self.at] == ",":
                self._step(1)
                continue
            item = f"{path}[{place}]"
            self.where[item] = self.line
            self._value(item)
            place += 1

    def _inline_table(self, path: str) -> None:
        self._step(1)
        while True:
            self._blank()
            if self.text[self.at] == "}":
                self._step(1)
                return
            if self.text[self.at] == ",":
                self._step(1)
                continue
            self._pair(path)

    def _string(self) -> str:
        """Pass over a string and return what stands between its quotes; escapes are left as they are."""
        quote = self.text[self.at]
        triple = self.text.startswith(quote * 3, self.at)
        end = quote * 3 if triple else quote
        self._step(len(end))
        start = self.at
        while not self.text.startswith(end, self.at):
            self._step(2 if quote == '"' and self.text[self.at] == "\\" else 1)
        inside = self.text[start : self.at]
        self._step(len(end))
        while triple and self.text.startswith(quote, self.at):  # up to two quotes may stand before the closing three
            self._step(1)
        return inside

    def _blank(self) -> None:
        """Pass over white space, line ends and comments."""
        while self.at < len(self.text):
            if self.text[self.at] == "#":
                while self.at < len(self.text) and self.text[self.at] != "\n":
                    self._step(1)
            elif self.text[self.at] in " \t\r\n":
                self._step(1)
            else:
                return

    def _spaces(self) -> None:
        while self.text[self.at] in " \t":
            self._step(1)

    def _step(self, count: int) -> None:
        self.line += self.text.count("\n", self.at, self.at + count)
        self.at += count

    @staticmethod
    def _join(path: str, name: str) -> str:
        return f"{path}.{name}" if path else name
