"""What is wrong with a protocol file, said where it is."""

from collections.abc import Mapping
from dataclasses import dataclass

Path = tuple[str | int, ...]


def place_of(path: Path) -> str:
    """A place in the file as its author counts it: the third visit is `visit[3]`.

    >>> place_of(("visit", 2, "window", "before"))
    'visit[3].window.before'
    """
    words = ""
    for part in path:
        if isinstance(part, int):
            words += f"[{part + 1}]"
        else:
            words += f".{part}" if words else part
    return words


@dataclass(frozen=True)
class Problem:
    """One fault: where it is, and a sentence that says what is wrong and what to do."""

    place: str
    sentence: str
    line: int | None = None

    def __str__(self) -> str:
        where = ", ".join(part for part in (f"line {self.line}" if self.line else "", self.place) if part)
        return f"{where}: {self.sentence}" if where else self.sentence


class Findings:
    """Faults as they are found, in the order of the file; a second fault at one place is not repeated."""

    def __init__(self, lines: Mapping[Path, int]) -> None:
        self._lines = lines
        self._found: dict[Path, list[str]] = {}

    def add(self, path: Path, sentence: str) -> None:
        """Note a fault at a place."""
        sentences = self._found.setdefault(path, [])
        if sentence not in sentences:
            sentences.append(sentence)

    def has(self, path: Path) -> bool:
        """Is anything at or below this place already found wrong?"""
        return any(place[: len(path)] == path for place in self._found)

    def line_of(self, path: Path) -> int | None:
        """The line where the place, or the nearest thing around it that is written down, begins."""
        for length in range(len(path), 0, -1):
            line = self._lines.get(path[:length])
            if line:
                return line
        return None

    def problems(self) -> tuple[Problem, ...]:
        """All faults, in the order of the lines they stand on."""
        found = [
            Problem(place=place_of(path), sentence=sentence, line=self.line_of(path))
            for path, sentences in self._found.items()
            for sentence in sentences
        ]
        return tuple(sorted(found, key=lambda problem: (problem.line or 0, problem.place)))
