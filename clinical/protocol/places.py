"""On which line each value of a TOML file stands.

The standard library's reader gives values without their lines. This walks a text *that it has already accepted* and
only finds out where things begin, so it need not judge anything.
"""

import re

from clinical.protocol.problems import Path

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
SPACE = re.compile(r"[ \t]*")
# Longest quotes first: `'''` also begins with `'`.
STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)
SCALAR = re.compile(r"[^,\]}#\n]+")


def lines_of(text: str) -> dict[Path, int]:
    r"""The line of each value, by its place; elements of a list are counted from nought.

    >>> lines_of('[study]\ncode = "A"\n\n[[visit]]\nday = 1\n[[visit]]\nday = [\n 2,\n]')[("visit", 1, "day", 0)]
    8
    """
    return _Walk(text).lines


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self._counted_to = 0
        self._line = 1
        self._lengths: dict[Path, int] = {}
        self._walk()

    def _mark(self, path: Path) -> None:
        self._line += self.text.count("\n", self._counted_to, self.at)
        self._counted_to = self.at
        for length in range(1, len(path) + 1):  # `[dlt.period]` also begins `dlt`
            self.lines.setdefault(path[:length], self._line)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match.group()

    def _walk(self) -> None:
        table: Path = ()
        while True:
            self._skip(BLANK)
            if self.at >= len(self.text):
                return
            if self.text.startswith("[[", self.at):
                table = self._header(opening="[[", closing="]]")
            elif self.text.startswith("[", self.at):
                table = self._header(opening="[", closing="]")
            else:
                self._pair(table)

    def _header(self, *, opening: str, closing: str) -> Path:
        start = self.at
        self.at += len(opening)
        names = self._dotted()
        self._skip(SPACE)
        after = self.at + len(closing)
        path = self._resolved(names[:-1])
        path = (*path, names[-1])
        if opening == "[[":
            index = self._lengths.get(path, 0)
            self._lengths[path] = index + 1
            self.at = start
            self._mark(path)
            path = (*path, index)
        self.at = start
        self._mark(path)
        self.at = after
        return path

    def _resolved(self, names: tuple[str, ...]) -> Path:
        """`[[visit.time_point]]` belongs to the latest visit."""
        path: Path = ()
        for name in names:
            path = (*path, name)
            if path in self._lengths:
                path = (*path, self._lengths[path] - 1)
        return path

    def _dotted(self) -> tuple[str, ...]:
        names = [self._key()]
        while True:
            self._skip(SPACE)
            if not self.text.startswith(".", self.at):
                return tuple(names)
            self.at += 1
            names.append(self._key())

    def _key(self) -> str:
        self._skip(SPACE)
        if self.text[self.at] in "\"'":
            return self._string()[1:-1]
        return self._skip(BARE_KEY)

    def _string(self) -> str:
        return next(found for pattern in STRINGS if (found := self._skip(pattern)))

    def _pair(self, table: Path) -> None:
        start = self.at
        path = (*table, *self._dotted())
        self._skip(SPACE)
        after = self.at + 1  # the equals sign
        self.at = start
        self._mark(path)
        self.at = after
        self._skip(SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        self._mark(path)
        opening = self.text[self.at]
        if opening in "\"'":
            self._string()
        elif opening == "[":
            self.at += 1
            self._list(path)
        elif opening == "{":
            self.at += 1
            self._inline_table(path)
        else:
            self._skip(SCALAR)

    def _list(self, path: Path) -> None:
        index = 0
        while True:
            self._skip(BLANK)
            if self.text[self.at] == "]":
                self.at += 1
                return
            self._value((*path, index))
            index += 1
            self._skip(BLANK)
            if self.text[self.at] == ",":
                self.at += 1

    def _inline_table(self, path: Path) -> None:
        while True:
            self._skip(BLANK)
            if self.text[self.at] == "}":
                self.at += 1
                return
            self._pair(path)
            self._skip(BLANK)
            if self.text[self.at] == ",":
                self.at += 1
