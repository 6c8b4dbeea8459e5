"""From records to a dataset: variables in the guide's order, lengths measured, everything unfit named at once.

Source: SDTMIG 3.4, sections 2.2 (which variables to keep), 4.5.3.2 (text over 200 characters) and 8.4 (supplemental
qualifiers); the limits of transport files version 5. The case people get wrong is long text: it is neither cut nor put
in a wider variable, the first 200 characters stay and the rest goes to SUPP-- as AETERM1, AETERM2 (in CO and TS as
further variables of the same dataset), broken between words.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from types import MappingProxyType

from clinical.sdtm import implementation_guide, transliteration
from clinical.sdtm.dataset import Column, Dataset, Row, Value
from clinical.sdtm.implementation_guide import Core, DatasetDefinition, Variable
from clinical.sdtm.records import Record, Supplement
from clinical.sdtm.xport import LARGEST, SMALLEST

LONGEST_TEXT = 200
LONGEST_LABEL = 40
# The guide's own limits, narrower than the format's (SDTMIG 3.4, 4.1.8 and 7.2).
LONGEST = {
    "TESTCD": 8,
    "TEST": 40,
    "ARMCD": 20,
    "ACTARMCD": 20,
    "ETCD": 8,
    "TSPARMCD": 8,
    "TSPARM": 40,
    "QNAM": 8,
    "QLABEL": 40,
}
CONTINUED_IN_PLACE = {("CO", "COVAL"): "Comment", ("TS", "TSVAL"): "Parameter Value"}
PARTNERS = {"DTC": "DY", "STDTC": "STDY", "ENDTC": "ENDY"}
_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,7}")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that cannot leave as it is; row 0 means the whole dataset."""

    dataset: str
    row: int
    variable: str
    sentence: str

    def __str__(self) -> str:
        place = f"{self.dataset}, row {self.row}, {self.variable}" if self.row else f"{self.dataset}, {self.variable}"
        return f"{place}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Change:
    """A text that was rewritten to plain ASCII, with what it was before."""

    dataset: str
    row: int
    variable: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.dataset}, row {self.row}, {self.variable}: {self.was!r} is written as {self.now!r}."


class UnfitForTransport(ValueError):
    """Values that no transport file can hold, all of them."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True)
class Shaped:
    """A dataset ready to be written, its supplemental qualifiers if it has any, and what was rewritten to ASCII."""

    dataset: Dataset
    supplemental: Dataset | None
    row_count: int
    supplemental_count: int
    changes: tuple[Change, ...]


def shape(domain: str, records: Iterable[Record]) -> Shaped:
    """Measure the records of a dataset and give it back ready to be written.

    Records must be numbered already (`derivations.complete`). They are gone through once here and once by each writer,
    so pass something that can be iterated again (a list, a spooled file), and memory stays flat; a one-time iterator
    is read into memory first.

    Kept are required and expected variables, and any other that holds a value. Problems (names, labels, lengths,
    signs without an ASCII spelling, numbers out of range, numbers in text and text in numbers) are raised together.

    >>> ae = [Record({"STUDYID": "ONC-101", "DOMAIN": "AE", "AESEQ": 1, "AETERM": "Fieber ≥ 39", "AETOXGR": 2})]
    >>> shape("AE", ae)
    Traceback (most recent call last):
    clinical.sdtm.shaping.UnfitForTransport: AE, row 1, AETOXGR: is a text variable but holds the number 2.
    """
    repeatable = list(records) if iter(records) is records else records
    definition = implementation_guide.dataset(domain)
    measured = _Measured(domain, definition)
    for number, record in enumerate(repeatable, start=1):
        measured.take(number, record)
    _check_columns(measured)
    if measured.problems:
        raise UnfitForTransport(tuple(measured.problems))
    supplemental = None
    if measured.supplements:
        name = f"SUPP{domain}"
        columns = tuple(
            Column(v.name, v.label, v.type, max(1, measured.supplement_lengths.get(v.name, 1)))
            for v in implementation_guide.dataset(name).variables
        )
        label = implementation_guide.dataset(name).label
        supplemental = Dataset(name, label, columns, _SupplementRows(domain, definition, repeatable))
    return Shaped(
        dataset=Dataset(domain, definition.label, tuple(_columns(measured)), _Rows(domain, definition, repeatable)),
        supplemental=supplemental,
        row_count=measured.rows,
        supplemental_count=measured.supplements,
        changes=tuple(measured.changes),
    )


# ------------------------------------------------------------------------------------------------------ one row


@dataclass
class _Fitted:
    """One record after fitting: what fits the dataset, what goes to SUPP--, and what is wrong with it."""

    values: dict[str, Value] = field(default_factory=dict)
    supplements: list[Supplement] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    changes: list[tuple[str, str, str]] = field(default_factory=list)


@cache
def _limits(domain: str) -> MappingProxyType[str, int]:
    """How long each text variable of a dataset may be; numeric variables are 0 long."""
    variables = implementation_guide.dataset(domain).variables
    return MappingProxyType({each.name: 0 if each.is_numeric else _limit(each.name) for each in variables})


def _fit(domain: str, definition: DatasetDefinition, record: Record) -> _Fitted:
    fitted = _Fitted()
    limits, values = _limits(domain), fitted.values
    for name, value in record.values.items():
        if value is None or value == "":
            continue
        limit = limits.get(name)
        if limit is None:
            fitted.problems.append((name, f"is not a variable of {domain}; supplemental qualifiers hold what is."))
        elif limit == 0:
            _fit_number(fitted, name, value)
        elif not isinstance(value, str):
            fitted.problems.append((name, f"is a text variable but holds the number {value}."))
        elif len(value) <= limit and value.isascii() and value.isprintable() and value[0] != " " != value[-1]:
            values[name] = value  # nearly every text; the rest needs a closer look
        elif variable := definition.variable(name):
            _fit_text(fitted, domain, definition, variable, value)
    for each in record.supplements:
        _fit_supplement(fitted, definition, each)
    return fitted


def _fit_number(fitted: _Fitted, name: str, value: Value) -> None:
    if isinstance(value, (str, bool)) or value is None:
        fitted.problems.append((name, f"is a numeric variable but holds {value!r}."))
        return
    number = float(value)
    if not math.isfinite(number) or abs(number) > LARGEST or (value != 0 and abs(number) < SMALLEST):
        fitted.problems.append((name, f"{value} is outside what a transport file can hold (5.4E-79 to 7.2E+75)."))
        return
    fitted.values[name] = value


def _fit_text(fitted: _Fitted, domain: str, definition: DatasetDefinition, variable: Variable, value: str) -> None:
    text = _ascii(fitted, variable.name, value)
    limit = _limit(variable.name)
    if len(text) <= limit:
        if text:
            fitted.values[variable.name] = text
        return
    pieces = split_text(text)
    if limit < LONGEST_TEXT:
        fitted.problems.append((variable.name, f"{text!r} has {len(text)} characters, {limit} are allowed."))
    elif (domain, variable.name) in CONTINUED_IN_PLACE:
        fitted.values[variable.name] = pieces[0]
        for number, piece in enumerate(pieces[1:], start=1):
            fitted.values[f"{variable.name}{number}"] = piece
    elif _may_continue(definition, variable):
        fitted.values[variable.name] = pieces[0]
        for number, piece in enumerate(pieces[1:], start=1):
            fitted.supplements.append(Supplement(continued_name(variable.name, number), variable.label, piece))
    else:
        fitted.problems.append(
            (variable.name, f"has {len(text)} characters, 200 are allowed and it may not be continued; shorten it.")
        )


def _fit_supplement(fitted: _Fitted, definition: DatasetDefinition, each: Supplement) -> None:
    if not _NAME.fullmatch(each.name):
        fitted.problems.append(
            (each.name, "a supplemental name is 1 to 8 capitals and digits, beginning with a capital.")
        )
    if definition.variable(each.name) is not None:
        fitted.problems.append(
            (each.name, f"{definition.name} has this variable; fill it instead of supplementing it.")
        )
    if any(each.name == other.name for other in fitted.supplements):
        fitted.problems.append((each.name, "stands twice beside the same record."))
    label = _ascii(fitted, each.name, each.label)
    if len(label) > LONGEST_LABEL:
        fitted.problems.append((each.name, f"its label has {len(label)} characters, 40 are allowed: {label!r}."))
    text = _ascii(fitted, each.name, each.value)
    for number, piece in enumerate(split_text(text) if text else []):
        name = continued_name(each.name, number) if number else each.name
        fitted.supplements.append(Supplement(name, label, piece, each.origin, each.evaluator))


def _ascii(fitted: _Fitted, name: str, value: str) -> str:
    plain = transliteration.plain(value)
    if plain.unknown:
        signs = " ".join(f"{sign!r}" for sign in dict.fromkeys(plain.unknown))
        fitted.problems.append((name, f"{value!r} has signs without an ASCII spelling: {signs}."))
    elif plain.text != value.strip(" "):  # blanks at the ends say nothing and are not worth a line
        fitted.changes.append((name, value, plain.text))
    return plain.text


def _limit(name: str) -> int:
    if name == "IETEST":  # a criterion is a sentence, and the guide allows it 200
        return LONGEST_TEXT
    return LONGEST.get(name) or LONGEST.get(name[2:], LONGEST_TEXT)


def _may_continue(definition: DatasetDefinition, variable: Variable) -> bool:
    """Free text of an observation may go on in SUPP--; an identifier, a code or a date may not."""
    coded = variable.codelists or variable.described or variable.role in ("Identifier", "Timing")
    return definition.is_general_observation and not coded


def split_text(text: str, longest: int = LONGEST_TEXT) -> list[str]:
    """A text in pieces of at most 200 characters, broken between words where a blank allows it.

    >>> [len(piece) for piece in split_text("word " * 60)]
    [199, 99]
    """
    pieces = []
    rest = text.strip(" ")
    while len(rest) > longest:
        blank = rest.rfind(" ", 1, longest + 1)
        at = blank if blank > 0 else longest
        pieces.append(rest[:at].rstrip(" "))
        rest = rest[at:].lstrip(" ")
    return [*pieces, rest]


def continued_name(name: str, number: int) -> str:
    """The name under which a text goes on; an 8-letter name gives up its last letters (SDTMIG 4.5.3.2).

    >>> continued_name("AETERM", 1), continued_name("AEACNOTH", 2)
    ('AETERM1', 'AEACNOT2')
    """
    return f"{name[: 8 - len(str(number))]}{number}"


# ------------------------------------------------------------------------------------------------------ all rows


@dataclass
class _Measured:
    """What one passage over the records found."""

    domain: str
    definition: DatasetDefinition
    rows: int = 0
    supplements: int = 0
    lengths: dict[str, int] = field(default_factory=dict)
    supplement_lengths: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def take(self, number: int, record: Record) -> None:
        fitted = _fit(self.domain, self.definition, record)
        self.rows = number
        for name, value in fitted.values.items():
            length = len(value) if isinstance(value, str) else 8
            if length > self.lengths.get(name, 0):
                self.lengths[name] = length
        if not (fitted.supplements or fitted.problems or fitted.changes):
            return
        for row in _supplement_rows(self.domain, fitted):
            self.supplements += 1
            for name, value in row.items():
                self.supplement_lengths[name] = max(self.supplement_lengths.get(name, 1), len(str(value)))
        self.problems += [Problem(self.domain, number, name, sentence) for name, sentence in fitted.problems]
        self.changes += [Change(self.domain, number, name, was, now) for name, was, now in fitted.changes]


def _columns(measured: _Measured) -> Iterator[Column]:
    kept = {
        variable.name
        for variable in measured.definition.variables
        if variable.core in (Core.REQUIRED, Core.EXPECTED) or variable.name in measured.lengths
    }
    prefix = measured.domain
    for date, day in PARTNERS.items():  # a date of an observation stands beside its study day, even where none is known
        if f"{prefix}{date}" in kept:
            kept.add(f"{prefix}{day}")
    for variable in measured.definition.variables:
        if variable.name not in kept:
            continue
        length = 8 if variable.is_numeric else measured.lengths.get(variable.name, 1)
        yield Column(variable.name, variable.label, variable.type, length)
        label = CONTINUED_IN_PLACE.get((measured.domain, variable.name))
        number = 1
        while label and f"{variable.name}{number}" in measured.lengths:
            yield Column(
                f"{variable.name}{number}", f"{label} {number}", "Char", measured.lengths[f"{variable.name}{number}"]
            )
            number += 1


def _check_columns(measured: _Measured) -> None:
    for column in _columns(measured):
        if not _NAME.fullmatch(column.name):
            measured.problems.append(
                Problem(measured.domain, 0, column.name, "is not a name of 1 to 8 capitals and digits.")
            )
        if len(column.label) > LONGEST_LABEL or not column.label.isascii():
            measured.problems.append(
                Problem(measured.domain, 0, column.name, f"its label is too long: {column.label!r}.")
            )


@dataclass(frozen=True)
class _Rows:
    """The fitted rows of a dataset, made anew from its records each time they are iterated."""

    domain: str
    definition: DatasetDefinition
    records: Iterable[Record]

    def __iter__(self) -> Iterator[Row]:
        for record in self.records:
            yield _fit(self.domain, self.definition, record).values


@dataclass(frozen=True)
class _SupplementRows:
    """The supplemental rows of a dataset's records."""

    domain: str
    definition: DatasetDefinition
    records: Iterable[Record]

    def __iter__(self) -> Iterator[Row]:
        for record in self.records:
            yield from _supplement_rows(self.domain, _fit(self.domain, self.definition, record))


def _supplement_rows(domain: str, fitted: _Fitted) -> Iterator[dict[str, str]]:
    """SUPP-- rows of one record, tied to it by its sequence number; DM has one row a subject and needs no tie."""
    sequence = fitted.values.get(f"{domain}SEQ")
    for each in fitted.supplements:
        yield {
            "STUDYID": str(fitted.values.get("STUDYID", "")),
            "RDOMAIN": domain,
            "USUBJID": str(fitted.values.get("USUBJID", "")),
            "IDVAR": "" if sequence is None else f"{domain}SEQ",
            "IDVARVAL": "" if sequence is None else _whole(sequence),
            "QNAM": each.name,
            "QLABEL": each.label,
            "QVAL": each.value,
            "QORIG": each.origin,
            "QEVAL": each.evaluator,
        }


def _whole(number: Value) -> str:
    return format(Decimal(str(number)).normalize(), "f")
