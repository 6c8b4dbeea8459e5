"""The door: the text of a protocol file in, a definition or every one of its faults out."""

import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal

from clinical.protocol import checking
from clinical.protocol.definition import Definition
from clinical.protocol.places import lines_of
from clinical.protocol.problems import Findings, Problem
from clinical.protocol.reading import read_table

WHERE_TOML_BROKE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


@dataclass(frozen=True)
class Loaded:
    """A protocol file as read: its definition, or what is wrong with it."""

    name: str
    definition: Definition | None
    problems: tuple[Problem, ...]

    def sentences(self) -> tuple[str, ...]:
        """The faults as lines for whoever wrote the file."""
        return tuple(f"{self.name}: {problem}" for problem in self.problems)


def load(text: str, name: str) -> Loaded:
    """Read a protocol file. The definition is there only when nothing at all is wrong.

    >>> [str(problem) for problem in load("[study", "draft.toml").problems]
    ['line 1: This is not TOML: expected "]" at the end of a table declaration.']
    """
    if "\x00" in text:
        return _refused(name, "This is not a text file. Give a protocol file written in TOML.")
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
        findings = Findings(lines_of(text))
    except tomllib.TOMLDecodeError as broken:
        return _not_toml(name, text, str(broken))
    except RecursionError:
        return _refused(name, "Lists and tables are nested too deep to be a protocol. Give a protocol file.")
    except ValueError:
        return _refused(name, "A number in this file is too long to be read. Shorten it.")
    if not raw:
        return _refused(name, "The file is empty. Begin with a [study] table.")
    definition = read_table(Definition, raw, (), findings)
    checking.check(definition, findings)
    problems = findings.problems()
    return Loaded(name=name, definition=None if problems else definition, problems=problems)


def _refused(name: str, sentence: str) -> Loaded:
    return Loaded(name=name, definition=None, problems=(Problem(place="", sentence=sentence),))


def _not_toml(name: str, text: str, message: str) -> Loaded:
    where = WHERE_TOML_BROKE.search(message)
    what = WHERE_TOML_BROKE.sub("", message)
    what = what.replace("'", '"')[:1].lower() + what.replace("'", '"')[1:]
    line = text.rstrip("\n").count("\n") + 1
    column = ""
    if where and where["line"]:
        line, column = int(where["line"]), f", column {where['column']}"
    sentence = f"This is not TOML: {what}{column}."
    return Loaded(name=name, definition=None, problems=(Problem(place="", sentence=sentence, line=line),))
