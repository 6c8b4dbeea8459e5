r"""DLT criteria as data: what a protocol file says under `[[dlt.criterion]]`.

A criterion has an `id`, the protocol's own words in `text`, and conditions that must *all* hold. `any_of` lists
alternatives that share the rest; `unless` lists exceptions, one of which is enough to let the criterion go. A subject
has a DLT when one criterion is met. Everything is three-valued: what is not known yet is undecided, never no.

The language, every construct once:

    [[dlt.criterion]]
    id = "liver"                                   # unique, short; named in alerts and exports
    text = "As the protocol puts it"

    # -- which event (absent: any event) -------------------------------------------------------------------------
    terms = ["Neutrophil count decreased"]         # CTCAE terms, in any case
    socs = ["Nervous system disorders"]            # or system organ classes; an event in either list is meant
    group = "haematological"                       # or "non-haematological", "any"
    other_than = ["Fatigue"]                       # terms left out again
    scale = "ASTCT"                                # which grading: grades of another scale are not looked at;
                                                   #   default "CTCAE"; "ASTCT" also fits "ASTCT 2019"

    # -- how bad, for how long -----------------------------------------------------------------------------------
    grade = { at_least = 3, at_most = 3 }          # or grade = 3, which is at least 3
    lasts = { longer_than = "7 d" }                # time at that grade or above; "7 d", "72 h", "2 w"
    lasts = { at_least = "7 d" }                   # ... counting the moment itself
    not_back_to = { grade = 2, within = "72 h" }   # still above grade 2 when 72 h are over: at exactly 72 h it is back
    resolves = { to = 1, within = "7 d" }          # the opposite, for exceptions
    worsens_by = 2                                 # grades above the one in force when the DLT period opened
    fatal = true                                   # fatal outcome or grade 5

    # -- why -----------------------------------------------------------------------------------------------------
    related_to = "study"                           # any study product, or a list: ["IMA402"]; absent: any cause
    missing_relation = "related"                   # until it is answered: "related" (default), "undecided", "unrelated"
    due_to = ["lymphodepletion"]                   # a cause that the site named; for exceptions. Unanswered is no
    symptom_of = { terms = ["Cytokine release syndrome"], scale = "ASTCT", grade = { at_most = 2 } }
                                                   # the site recorded it as part of such an event; for exceptions
    answers = { symptomatic = false }              # yes/no questions of the adverse-event page, or of the subject
                                                   #   where the page has not got them: { "liver metastases" = true }

    # -- together with what --------------------------------------------------------------------------------------
    together_with = { socs = ["Vascular disorders"], terms = ["Epistaxis"], grade = 2 }
                                                   # another event of the subject at the same time

    # -- facts that are no adverse event (a criterion has these *or* the conditions above) ---------------------------
    labs = { all = [ { test = ["ALT", "AST"], at_least = 3, times = "ULN" },
                     { test = "BILI", above = 2, times = "ULN" } ],
             within = "30 d",                      # the later ones drawn on the day of the first or up to 30 days after
             unless_same_day = { test = "ALP", at_least = 2, times = "ULN" } }
                                                   # looked at on the day of the earliest first value
                                                   # times: "ULN", "LLN", "baseline", "ULN or baseline" (the larger),
                                                   #   absent: the value itself, then `unit` must be named
                                                   # at_least, above, at_most or below: exactly one
    missed_doses = { at_least = 2, of = 4, for = "related toxicity" }   # `for` absent: missed for any reason
    dose_delay = { longer_than = "14 d", for = "related toxicity" }     # a dose of the window not given, or late
    interventions = { kind = ["platelet transfusion"], at_least = 2 }   # counted inside the window

    any_of = [ { grade = 4 }, { grade = 3, not_back_to = { grade = 2, within = "72 h" } } ]
    unless = [ { terms = ["Lymphocyte count decreased"] },
               { grade = { at_most = 3 }, resolves = { to = 1, within = "7 d" }, answers = { symptomatic = false } } ]

The placeholder definitions of the two trials that ship with the product (inventions, to be replaced by the protocols')
stand in full in `docs/clinical/dlt.md`; a test reads them from there.

Sources: the constructs are those that phase I protocols use to define DLT (Le Tourneau, Lee and Siu, J Natl Cancer
Inst 2009;101:708-20, on definitions of DLT; Paoletti et al., Eur J Cancer 2014;50:2050-6, on their variety); grades by
CTCAE or, for CRS and ICANS, Lee et al., Biol Blood Marrow Transplant 2019;25:625-38; liver injury as FDA guidance
"Drug-Induced Liver Injury: Premarketing Clinical Evaluation" (2009).

>>> criteria, problems = parse_criteria([{"id": "anc", "text": "...", "grade": 4, "lasts": {"longer_than": "a week"}}])
>>> print(problems[0])
dlt.criterion[1].lasts.longer_than: “a week” is not a length of time. Write it like “72 h” or “7 d”.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from clinical.dlt.span import Span

LOWEST_GRADE, FATAL_GRADE = 1, 5

HAEMATOLOGICAL_SOC = "Blood and lymphatic system disorders"
# CTCAE keeps the blood counts under Investigations, away from the blood disorders.
HAEMATOLOGICAL_TERMS = (
    "CD4 lymphocytes decreased",
    "Hemoglobin increased",
    "Lymphocyte count decreased",
    "Lymphocyte count increased",
    "Neutrophil count decreased",
    "Neutrophil count increased",
    "Platelet count decreased",
    "White blood cell decreased",
)


# ---------------------------------------------------------------------------------------------------------------
# What a criterion is


class Group(StrEnum):
    """The broad division that DLT definitions make."""

    ANY = "any"
    HAEMATOLOGICAL = "haematological"
    NON_HAEMATOLOGICAL = "non-haematological"


class MissingRelation(StrEnum):
    """How an unanswered relation to treatment is taken."""

    RELATED = "related"
    UNDECIDED = "undecided"
    UNRELATED = "unrelated"


class Times(StrEnum):
    """What a laboratory value is a multiple of."""

    VALUE = "value"
    ULN = "ULN"
    LLN = "LLN"
    BASELINE = "baseline"
    ULN_OR_BASELINE = "ULN or baseline"


class Limit(StrEnum):
    """On which side of a limit a value counts, and whether the limit itself does."""

    AT_LEAST = "at_least"
    ABOVE = "above"
    AT_MOST = "at_most"
    BELOW = "below"

    def holds(self, value: Decimal, limit: Decimal) -> bool:
        """Whether a value is on the side that counts."""
        match self:
            case Limit.AT_LEAST:
                return value >= limit
            case Limit.ABOVE:
                return value > limit
            case Limit.AT_MOST:
                return value <= limit
            case Limit.BELOW:
                return value < limit

    @property
    def sign(self) -> str:
        """The mathematical sign."""
        return {"at_least": "≥", "above": ">", "at_most": "≤", "below": "<"}[self.value]


@dataclass(frozen=True, slots=True)
class TermSet:
    """A set of adverse-event terms; without terms, classes and group it is every term."""

    terms: tuple[str, ...] = ()
    socs: tuple[str, ...] = ()
    group: Group = Group.ANY
    other_than: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GradeRange:
    """Grades from one to another, both included."""

    at_least: int = LOWEST_GRADE
    at_most: int = FATAL_GRADE

    def __contains__(self, grade: object) -> bool:
        return isinstance(grade, int) and self.at_least <= grade <= self.at_most

    def __str__(self) -> str:
        if self.at_least == self.at_most:
            return f"grade {self.at_least}"
        if self.at_most == FATAL_GRADE:
            return f"grade {self.at_least} or higher"
        return (
            f"grade {self.at_most} or lower"
            if self.at_least == LOWEST_GRADE
            else f"grade {self.at_least}–{self.at_most}"
        )


@dataclass(frozen=True, slots=True)
class Persistence:
    """A toxicity that stays above a grade for longer than a span; `or_equal` counts the very end of the span."""

    above: int
    span: Span
    or_equal: bool = False


@dataclass(frozen=True, slots=True)
class EventPattern:
    """Another event of the same subject, by term and grade."""

    terms: TermSet
    grades: GradeRange = GradeRange()
    scale: str = "CTCAE"


@dataclass(frozen=True, slots=True)
class LabLimit:
    """One laboratory condition on one sample: any of the tests on the counted side of the limit."""

    tests: tuple[str, ...]
    side: Limit
    limit: Decimal
    times: Times = Times.VALUE
    unit: str | None = None

    def __str__(self) -> str:
        basis = f" {self.unit}" if self.times is Times.VALUE else f" × {self.times.value}"
        return f"{' or '.join(self.tests)} {self.side.sign} {self.limit}{basis}"


@dataclass(frozen=True, slots=True)
class LabCombination:
    """Laboratory conditions that hold together, such as the biochemical picture of Hy's law."""

    all_of: tuple[LabLimit, ...]
    within: Span | None = None
    unless_same_day: LabLimit | None = None


@dataclass(frozen=True, slots=True)
class MissedDoses:
    """At least so many of the doses planned in the window not given."""

    at_least: int
    of: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class DoseDelay:
    """A dose of the window that came, or is still to come, later than planned by more than a span."""

    longer_than: Span
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Interventions:
    """At least so many interventions of a kind inside the window, such as transfusions."""

    kinds: tuple[str, ...]
    at_least: int


@dataclass(frozen=True, slots=True)
class Clause:
    """Conditions that must all hold; an absent one always does."""

    terms: TermSet | None = None
    scale: str = "CTCAE"
    grades: GradeRange | None = None
    persists: Persistence | None = None
    resolves: Persistence | None = None
    worsens_by: int | None = None
    fatal: bool = False
    related_to: tuple[str, ...] | None = None
    missing_relation: MissingRelation = MissingRelation.RELATED
    due_to: tuple[str, ...] = ()
    symptom_of: EventPattern | None = None
    answers: tuple[tuple[str, bool], ...] = ()
    together_with: EventPattern | None = None
    labs: LabCombination | None = None
    missed_doses: MissedDoses | None = None
    dose_delay: DoseDelay | None = None
    interventions: Interventions | None = None

    @property
    def is_about_an_event(self) -> bool:
        """Whether the clause is asked of each adverse event, rather than once of the subject."""
        return not (self.labs or self.missed_doses or self.dose_delay or self.interventions)


ANY_STUDY_PRODUCT = ("study",)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion of a protocol's DLT definition: alternatives, of which one is enough, and exceptions."""

    id: str
    text: str
    alternatives: tuple[Clause, ...]
    unless: tuple[Clause, ...] = ()

    @property
    def is_about_an_event(self) -> bool:
        """Whether the criterion is asked of each adverse event, rather than once of the subject."""
        return self.alternatives[0].is_about_an_event


# ---------------------------------------------------------------------------------------------------------------
# Reading it


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in the criteria: the path to it from the top of the protocol file, lists counted from nought."""

    path: tuple[str | int, ...]
    sentence: str

    @property
    def place(self) -> str:
        """The path as its author counts: the first criterion is `dlt.criterion[1]`."""
        words = ""
        for part in self.path:
            words += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if words else part
        return words

    def __str__(self) -> str:
        return f"{self.place}: {self.sentence}"


def parse_criteria(
    tables: Sequence[Mapping[str, object]], where: str = "dlt.criterion"
) -> tuple[tuple[Criterion, ...], list[Problem]]:
    """The criteria of a protocol file and every fault in them; a criterion with a fault is left out.

    `tables` is what a TOML reader returns for `[[dlt.criterion]]`; decimals may be `Decimal` or `float`.
    """
    reader = _Reader()
    base: _Path = tuple(where.split("."))
    criteria: list[Criterion] = []
    ids: dict[str, int] = {}
    for index, table in enumerate(tables):
        path = (*base, index)
        before = len(reader.problems)
        criterion = _criterion(reader, table, path)
        if criterion.id and criterion.id in ids:
            reader.fault(
                (*path, "id"),
                f"“{criterion.id}” is also the id of criterion {ids[criterion.id] + 1}. Give each its own.",
            )
        ids.setdefault(criterion.id, index)
        if len(reader.problems) == before:
            criteria.append(criterion)
    return tuple(criteria), reader.problems


_Path = tuple[str | int, ...]
_At = Callable[[str], _Path]  # where a key of the table being read stands
_Choice = TypeVar("_Choice", bound=StrEnum)

_EVENT_KEYS = (
    *(
        "terms",
        "socs",
        "group",
        "other_than",
        "scale",
        "grade",
        "lasts",
        "not_back_to",
        "resolves",
        "worsens_by",
        "fatal",
    ),
    *("related_to", "missing_relation", "due_to", "symptom_of", "answers", "together_with"),
)
_SUBJECT_KEYS = ("labs", "missed_doses", "dose_delay", "interventions")
_CLAUSE_KEYS = (*_EVENT_KEYS, *_SUBJECT_KEYS)
_PATTERN_KEYS = ("terms", "socs", "group", "other_than", "grade", "scale")


class _Reader:
    """Takes typed values out of tables and notes what is wrong; a blank stands in so that reading goes on."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def fault(self, path: _Path, sentence: str) -> None:
        self.problems.append(Problem(path, sentence))

    def table(self, raw: object, path: _Path, known: Iterable[str]) -> Mapping[str, object]:
        """A table with none but the known keys."""
        if not isinstance(raw, Mapping):
            self.fault(path, f"This should be a table in braces, not {_shown(raw)}.")
            return {}
        names = list(known)
        for key in raw:
            if key not in names:
                near = difflib.get_close_matches(str(key), names, n=1)
                hint = (
                    f"Did you mean `{near[0]}`?" if near else f"Use one of {', '.join(f'`{name}`' for name in names)}."
                )
                self.fault((*path, str(key)), f"There is no key `{key}` here. {hint}")
        return raw

    def text(self, raw: object, path: _Path) -> str:
        if isinstance(raw, str) and raw.strip():
            return raw.strip()
        self.fault(path, f"This should be a text in quotes, not {_shown(raw)}.")
        return ""

    def texts(self, raw: object, path: _Path) -> tuple[str, ...]:
        """One text, or a list of at least one."""
        if isinstance(raw, str):
            return (self.text(raw, path),)
        if isinstance(raw, Sequence) and raw:
            return tuple(self.text(each, (*path, index)) for index, each in enumerate(raw))
        self.fault(path, f"This should be a text or a list of texts, not {_shown(raw)}.")
        return ()

    def whole(self, raw: object, path: _Path, *, least: int, most: int) -> int:
        if isinstance(raw, int) and not isinstance(raw, bool) and least <= raw <= most:
            return raw
        self.fault(path, f"This should be a whole number from {least} to {most}, not {_shown(raw)}.")
        return least

    def number(self, raw: object, path: _Path) -> Decimal:
        if isinstance(raw, int | float | Decimal) and not isinstance(raw, bool):
            value = Decimal(str(raw))
            if value.is_finite() and value > 0:
                return value
        self.fault(path, f"This should be a number above 0, not {_shown(raw)}.")
        return Decimal(1)

    def yes_no(self, raw: object, path: _Path) -> bool:
        if isinstance(raw, bool):
            return raw
        self.fault(path, f"This should be true or false, not {_shown(raw)}.")
        return False

    def span(self, raw: object, path: _Path) -> Span:
        try:
            return Span.parse(self.text(raw, path) or "1 d")
        except ValueError as fault:
            self.fault(path, str(fault))
            return Span.parse("1 d")

    def choice(self, kind: type[_Choice], raw: object, path: _Path) -> _Choice:
        words = [member.value for member in kind]
        if isinstance(raw, str) and raw in words:
            return kind(raw)
        self.fault(path, f"{_shown(raw)} is not known here. Use one of {', '.join(f'“{word}”' for word in words)}.")
        return next(iter(kind))

    def one_of(self, table: Mapping[str, object], path: _Path, keys: Sequence[str]) -> str:
        """The one key of several that must be there alone."""
        present = [key for key in keys if key in table]
        if len(present) == 1:
            return present[0]
        names = ", ".join(f"`{key}`" for key in keys)
        self.fault(
            path, f"Exactly one of {names} is needed, and here {'are ' + str(len(present)) if present else 'is none'}."
        )
        return present[0] if present else ""


def _criterion(reader: _Reader, raw: object, path: _Path) -> Criterion:
    table = reader.table(raw, path, ("id", "text", *_CLAUSE_KEYS, "any_of", "unless"))
    for key in ("id", "text"):
        if key not in table:
            reader.fault((*path, key), f"Missing. Give the criterion its `{key}`.")
    alternatives = _alternatives(reader, table, path)
    exceptions = _tables(reader, table, path, "unless")
    unless = tuple(
        _clause(reader, reader.table(each, place, _EVENT_KEYS), place, lower={}) for place, each in exceptions
    )
    if unless and not alternatives[0].is_about_an_event:
        reader.fault(
            (*path, "unless"), "Exceptions look at an adverse event, and this criterion has none. Remove them."
        )
    return Criterion(
        id=reader.text(table["id"], (*path, "id")) if "id" in table else "",
        text=reader.text(table["text"], (*path, "text")) if "text" in table else "",
        alternatives=alternatives,
        unless=unless,
    )


def _alternatives(reader: _Reader, table: Mapping[str, object], path: _Path) -> tuple[Clause, ...]:
    """The conditions of a criterion, once for each entry of `any_of`, which share those written beside it."""
    shared = {key: value for key, value in table.items() if key in _CLAUSE_KEYS}
    if "any_of" not in table:
        if not shared:
            reader.fault(path, "There is no condition here, so every event would be a DLT. Add at least one.")
        return (_clause(reader, shared, path, lower={}),)
    entries = _tables(reader, table, path, "any_of")
    read: list[Clause] = []
    for place, each in entries:
        own = reader.table(each, place, _CLAUSE_KEYS)
        twice = [key for key in own if key in shared]
        for key in twice:
            reader.fault((*place, key), f"`{key}` stands beside `any_of` as well. Keep it in one of the two places.")
        if not own:
            reader.fault(place, "There is no condition in this alternative. Add one, or remove it.")
        read.append(_clause(reader, {**shared, **own}, path, lower=dict.fromkeys(own, place)))
    if len({clause.is_about_an_event for clause in read}) > 1:
        reader.fault(
            (*path, "any_of"), "Some alternatives look at an event and some do not. Make two criteria of them."
        )
    return tuple(read) or (Clause(),)


def _tables(reader: _Reader, table: Mapping[str, object], path: _Path, key: str) -> list[tuple[_Path, object]]:
    raw = table.get(key, [])
    if isinstance(raw, str) or not isinstance(raw, Sequence) or (key in table and not raw):
        reader.fault((*path, key), f"This should be a list of tables with at least one, not {_shown(raw)}.")
        return []
    return [((*path, key, index), each) for index, each in enumerate(raw)]


def _clause(reader: _Reader, table: Mapping[str, object], base: _Path, *, lower: Mapping[str, _Path]) -> Clause:
    """Conditions; `lower` says which keys stand in an alternative below `base`."""

    def at(key: str) -> _Path:
        return (*lower.get(key, base), key)

    about_event = [key for key in _EVENT_KEYS if key in table]
    about_subject = [key for key in _SUBJECT_KEYS if key in table]
    if len(about_subject) > 1 or (about_subject and about_event):
        odd = about_subject[0]
        other = (about_event + about_subject[1:])[0]
        reader.fault(at(odd), f"`{odd}` stands alone in a criterion. Put `{other}` into a criterion of its own.")
    grades = _grades(reader, table["grade"], at("grade")) if "grade" in table else None
    persists = _persists(reader, table, at, grades)
    related_to = reader.texts(table["related_to"], at("related_to")) if "related_to" in table else None
    if "missing_relation" in table and related_to is None:
        reader.fault(
            at("missing_relation"),
            "There is no `related_to` here, so nothing would use this. Add that, or remove this.",
        )
    missing_relation = MissingRelation.RELATED
    if "missing_relation" in table:
        missing_relation = reader.choice(MissingRelation, table["missing_relation"], at("missing_relation"))
    return Clause(
        terms=_terms(reader, table, at),
        scale=reader.text(table["scale"], at("scale")) if "scale" in table else "CTCAE",
        grades=grades,
        persists=persists,
        resolves=_resolves(reader, table["resolves"], at("resolves")) if "resolves" in table else None,
        worsens_by=_worsens_by(reader, table["worsens_by"], at("worsens_by")) if "worsens_by" in table else None,
        fatal=reader.yes_no(table["fatal"], at("fatal")) if "fatal" in table else False,
        related_to=related_to,
        missing_relation=missing_relation,
        due_to=reader.texts(table["due_to"], at("due_to")) if "due_to" in table else (),
        symptom_of=_pattern(reader, table["symptom_of"], at("symptom_of")) if "symptom_of" in table else None,
        answers=_answers(reader, table["answers"], at("answers")) if "answers" in table else (),
        together_with=_pattern(reader, table["together_with"], at("together_with"))
        if "together_with" in table
        else None,
        labs=_labs(reader, table["labs"], at("labs")) if "labs" in table else None,
        missed_doses=_missed(reader, table["missed_doses"], at("missed_doses")) if "missed_doses" in table else None,
        dose_delay=_delay(reader, table["dose_delay"], at("dose_delay")) if "dose_delay" in table else None,
        interventions=_interventions(reader, table["interventions"], at("interventions"))
        if "interventions" in table
        else None,
    )


def _terms(reader: _Reader, table: Mapping[str, object], at: _At) -> TermSet | None:
    if not any(key in table for key in ("terms", "socs", "group", "other_than")):
        return None
    if "group" in table and ("terms" in table or "socs" in table):
        reader.fault(at("group"), "A `group` stands without `terms` and `socs`. Keep one way of naming the events.")
    return TermSet(
        terms=reader.texts(table["terms"], at("terms")) if "terms" in table else (),
        socs=reader.texts(table["socs"], at("socs")) if "socs" in table else (),
        group=reader.choice(Group, table["group"], at("group")) if "group" in table else Group.ANY,
        other_than=reader.texts(table["other_than"], at("other_than")) if "other_than" in table else (),
    )


def _grades(reader: _Reader, raw: object, path: _Path) -> GradeRange:
    if not isinstance(raw, Mapping):
        return GradeRange(at_least=reader.whole(raw, path, least=LOWEST_GRADE, most=FATAL_GRADE))
    table = reader.table(raw, path, ("at_least", "at_most"))
    low, high = LOWEST_GRADE, FATAL_GRADE
    if "at_least" in table:
        low = reader.whole(table["at_least"], (*path, "at_least"), least=LOWEST_GRADE, most=FATAL_GRADE)
    if "at_most" in table:
        high = reader.whole(table["at_most"], (*path, "at_most"), least=LOWEST_GRADE, most=FATAL_GRADE)
    if low > high:
        reader.fault(path, f"No grade is at least {low} and at most {high}. Exchange the two.")
    return GradeRange(low, high)


def _persists(reader: _Reader, table: Mapping[str, object], at: _At, grades: GradeRange | None) -> Persistence | None:
    if "lasts" in table and "not_back_to" in table:
        reader.fault(
            at("lasts"), "`lasts` and `not_back_to` both say how long. Keep one, or make alternatives with `any_of`."
        )
    for key in ("lasts", "not_back_to"):
        if key in table and (grades is None or grades.at_least == LOWEST_GRADE):
            reader.fault(at(key), "A duration needs the `grade` from which it is counted, with `at_least`. Add it.")
    if "lasts" in table:
        path = at("lasts")
        lasts = reader.table(table["lasts"], path, ("longer_than", "at_least"))
        key = reader.one_of(lasts, path, ("longer_than", "at_least"))
        span = reader.span(lasts[key], (*path, key)) if key else Span.parse("1 d")
        return Persistence(above=(grades.at_least if grades else 1) - 1, span=span, or_equal=key == "at_least")
    if "not_back_to" in table:
        persists = _resolves(reader, table["not_back_to"], at("not_back_to"), to="grade")
        if grades is not None and persists.above >= grades.at_least:
            reader.fault(
                at("not_back_to"),
                f"A toxicity that is {grades} is not above grade {persists.above}. Lower the grade to come back to.",
            )
        return persists
    return None


def _worsens_by(reader: _Reader, raw: object, path: _Path) -> int:
    return reader.whole(raw, path, least=1, most=FATAL_GRADE)


def _resolves(reader: _Reader, raw: object, path: _Path, *, to: str = "to") -> Persistence:
    table = reader.table(raw, path, (to, "within"))
    for key in (to, "within"):
        if key not in table:
            reader.fault((*path, key), f"Missing. Say `{to}` what grade and `within` what time.")
    grade = reader.whole(table[to], (*path, to), least=0, most=FATAL_GRADE - 1) if to in table else 0
    span = reader.span(table["within"], (*path, "within")) if "within" in table else Span.parse("1 d")
    return Persistence(above=grade, span=span)


def _pattern(reader: _Reader, raw: object, path: _Path) -> EventPattern:
    table = reader.table(raw, path, _PATTERN_KEYS)

    def at(key: str) -> _Path:
        return (*path, key)

    terms = _terms(reader, table, at)
    if terms is None:
        reader.fault(path, "Name the other event by `terms`, `socs` or `group`.")
    return EventPattern(
        terms=terms or TermSet(),
        grades=_grades(reader, table["grade"], at("grade")) if "grade" in table else GradeRange(),
        scale=reader.text(table["scale"], at("scale")) if "scale" in table else "CTCAE",
    )


def _answers(reader: _Reader, raw: object, path: _Path) -> tuple[tuple[str, bool], ...]:
    table = reader.table(raw, path, raw if isinstance(raw, Mapping) else ())
    return tuple((question, reader.yes_no(answer, (*path, question))) for question, answer in table.items())


def _limit(reader: _Reader, raw: object, path: _Path) -> LabLimit:
    sides = tuple(side.value for side in Limit)
    table = reader.table(raw, path, ("test", *sides, "times", "unit"))
    if "test" not in table:
        reader.fault((*path, "test"), "Missing. Name the laboratory test, like “ALT”.")
    side = reader.one_of(table, path, sides)
    times = reader.choice(Times, table["times"], (*path, "times")) if "times" in table else Times.VALUE
    unit = reader.text(table["unit"], (*path, "unit")) if "unit" in table else None
    if times is Times.VALUE and unit is None:
        reader.fault(
            (*path, "unit"), "A limit that is no multiple needs its `unit`; a multiple needs `times`. Add one of them."
        )
    if times is not Times.VALUE and unit is not None:
        reader.fault((*path, "unit"), f"A multiple of {times.value} has no unit. Remove one of the two.")
    return LabLimit(
        tests=reader.texts(table["test"], (*path, "test")) if "test" in table else (),
        side=Limit(side) if side else Limit.AT_LEAST,
        limit=reader.number(table[side], (*path, side)) if side else Decimal(1),
        times=times,
        unit=unit,
    )


def _labs(reader: _Reader, raw: object, path: _Path) -> LabCombination:
    table = reader.table(raw, path, ("all", "within", "unless_same_day"))
    limits = tuple(_limit(reader, each, place) for place, each in _tables(reader, table, path, "all"))
    if "all" not in table:
        reader.fault((*path, "all"), "Missing. List the laboratory conditions that hold together.")
    if len(limits) > 1 and "within" not in table:
        reader.fault((*path, "within"), "Missing. Say how far apart the samples may be drawn, like “30 d”.")
    same_day = table.get("unless_same_day")
    return LabCombination(
        all_of=limits,
        within=reader.span(table["within"], (*path, "within")) if "within" in table else None,
        unless_same_day=_limit(reader, same_day, (*path, "unless_same_day")) if same_day is not None else None,
    )


def _missed(reader: _Reader, raw: object, path: _Path) -> MissedDoses:
    table = reader.table(raw, path, ("at_least", "of", "for"))
    at_least, of = _count(reader, table, path), None
    if "of" in table:
        of = reader.whole(table["of"], (*path, "of"), least=1, most=1000)
        if of < at_least:
            reader.fault((*path, "of"), f"Of {of} doses no {at_least} can be missed. Correct one of the two.")
    return MissedDoses(at_least, of, reader.text(table["for"], (*path, "for")) if "for" in table else None)


def _delay(reader: _Reader, raw: object, path: _Path) -> DoseDelay:
    table = reader.table(raw, path, ("longer_than", "for"))
    if "longer_than" not in table:
        reader.fault((*path, "longer_than"), "Missing. Say how long a delay may be, like “14 d”.")
    span = reader.span(table["longer_than"], (*path, "longer_than")) if "longer_than" in table else Span.parse("1 d")
    return DoseDelay(span, reader.text(table["for"], (*path, "for")) if "for" in table else None)


def _interventions(reader: _Reader, raw: object, path: _Path) -> Interventions:
    table = reader.table(raw, path, ("kind", "at_least"))
    if "kind" not in table:
        reader.fault((*path, "kind"), "Missing. Name the intervention, like “platelet transfusion”.")
    kinds = reader.texts(table["kind"], (*path, "kind")) if "kind" in table else ()
    return Interventions(kinds, _count(reader, table, path))


def _count(reader: _Reader, table: Mapping[str, object], path: _Path) -> int:
    if "at_least" not in table:
        reader.fault((*path, "at_least"), "Missing. Say how many are needed.")
        return 1
    return reader.whole(table["at_least"], (*path, "at_least"), least=1, most=1000)


def _shown(raw: object) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, str):
        return f"“{raw}”"
    if isinstance(raw, Mapping):
        return "a table"
    return "an empty list" if raw == [] else "a list" if isinstance(raw, Sequence) else str(raw)
