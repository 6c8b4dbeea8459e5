"""The terms of a CTCAE version: system organ class, MedDRA code, the text of each grade, and which grades there are.

The NCI publishes each version as a sheet (public domain). What ships here is that sheet in a plain text of our own
(`data/terms-5.0.txt`), which `manage.py ctcae_terms` makes anew when the NCI corrects one. The version is part of every
answer, because terms come and go: platelets are "Platelet count decreased" up to 5.0 and "Thrombocytopenia" in 6.0.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from clinical.ctcae.criteria import VERSIONS

GRADES = (1, 2, 3, 4, 5)
OTHER_SPECIFY = "Other, specify"


class UnknownTerm(ValueError):
    """A term or code that the version has not."""


class SheetProblems(ValueError):
    """Everything that keeps a sheet from being read, a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Term:
    """One adverse event term of a CTCAE version."""

    version: str
    soc: str
    code: str
    name: str
    texts: tuple[tuple[int, str], ...]
    definition: str = ""
    note: str = ""

    @property
    def grades(self) -> tuple[int, ...]:
        """The grades that exist for the term, lowest first."""
        return tuple(grade for grade, _ in self.texts)

    def text(self, grade: int) -> str:
        """How CTCAE describes a grade of this term."""
        for known, words in self.texts:
            if known == grade:
                return words
        raise ValueError(self.refusal(grade))

    def has(self, grade: int) -> bool:
        """Whether the grade exists for this term."""
        return grade in self.grades

    def refusal(self, grade: int) -> str | None:
        """Why a grade cannot be chosen, as a sentence; None where it can.

        >>> term("5.0", "Alopecia").refusal(4)
        'CTCAE 5.0 has no grade 4 for Alopecia: 1 or 2.'
        """
        return (
            None if self.has(grade) else f"CTCAE {self.version} has no grade {grade} for {self.name}: {self._choice}."
        )

    @property
    def _choice(self) -> str:
        *first, last = map(str, self.grades)
        return f"{', '.join(first)} or {last}" if first else f"only {last}"

    @property
    def needs_specification(self) -> bool:
        """Whether it is one of the "Other, specify" terms, which say nothing without the reporter's own words."""
        return self.name.endswith(OTHER_SPECIFY)


def _british(text: str) -> str:
    """Spelled alike on both shores: anaemia and anemia, diarrhoea and diarrhea."""
    return text.casefold().replace("ae", "e").replace("oe", "e")


def _words(text: str) -> list[str]:
    return re.findall(r"[\w']+", _british(text))


@dataclass(frozen=True, slots=True)
class Dictionary:
    """All terms of one CTCAE version, in the order in which the NCI prints them."""

    version: str
    terms: tuple[Term, ...]
    by_name: Mapping[str, Term]
    by_code: Mapping[str, Term]

    @property
    def socs(self) -> tuple[str, ...]:
        """The system organ classes, in the order of the sheet."""
        return tuple(dict.fromkeys(term.soc for term in self.terms))

    def find(self, name_or_code: str) -> Term | None:
        """The term by name (small or capital letters alike) or by MedDRA code; None where there is none."""
        wanted = name_or_code.strip()
        return self.by_code.get(wanted) or self.by_name.get(" ".join(wanted.casefold().split()))

    def term(self, name_or_code: str) -> Term:
        """The term by name or code, or `UnknownTerm` with the nearest names."""
        if (found := self.find(name_or_code)) is not None:
            return found
        near = difflib.get_close_matches(name_or_code.casefold(), self.by_name, n=3)
        hint = f" Nearest: {', '.join(self.by_name[name].name for name in near)}." if near else ""
        raise UnknownTerm(f"CTCAE {self.version} has no term '{name_or_code.strip()}'.{hint}")

    def search(self, text: str, *, limit: int = 20) -> tuple[Term, ...]:
        """Terms for what somebody has typed so far: each word is the beginning of a word, the last may be half typed.

        Names come before definitions, short names before long ones.

        >>> [term.name for term in dictionary("5.0").search("neutro count")]
        ['Neutrophil count decreased']
        >>> dictionary("5.0").search("diarrhoea")[0].name
        'Diarrhea'
        """
        wanted = _words(text)
        if not wanted:
            return ()
        found = []
        for place, term in enumerate(self.terms):
            name = _words(term.name)
            if all(any(word.startswith(part) for word in name) for part in wanted):
                begins = all(word.startswith(part) for word, part in zip(name, wanted, strict=False))
                found.append(((0 if begins else 1, len(name), place), term))
            elif all(part in _british(f"{term.name} {term.definition}") for part in wanted):
                found.append(((2, len(name), place), term))
        return tuple(term for _, term in sorted(found, key=lambda hit: hit[0])[:limit])


def _collected(version: str, terms: tuple[Term, ...]) -> Dictionary:
    return Dictionary(
        version=version,
        terms=terms,
        by_name={" ".join(term.name.casefold().split()): term for term in terms},
        by_code={term.code: term for term in terms},
    )


def _term(version: str, soc: str, lines: list[str]) -> Term:
    code, _, name = lines[0].partition(" ")
    fields = dict(line.split(" ", 1) for line in lines[1:])
    texts = tuple((grade, fields[str(grade)]) for grade in GRADES if str(grade) in fields)
    return Term(version, soc, code, name, texts, fields.get("definition", ""), fields.get("note", ""))


def read(text: str, *, version: str) -> Dictionary:
    """A dictionary from our plain text: blocks parted by empty lines, one a class ("soc ...") or a term."""
    soc = ""
    terms: list[Term] = []
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        if not lines:
            continue
        if lines[0].startswith("soc "):
            soc = lines[0].removeprefix("soc ")
        else:
            terms.append(_term(version, soc, lines))
    return _collected(version, tuple(terms))


def written(dictionary: Dictionary) -> str:
    """The plain text of a dictionary, as `read` reads it."""
    lines = [
        f"# CTCAE {dictionary.version}, National Cancer Institute (public domain). Made by `manage.py ctcae_terms`."
    ]
    for soc in dictionary.socs:
        lines += ["", f"soc {soc}"]
        for term in dictionary.terms:
            if term.soc != soc:
                continue
            lines += ["", f"{term.code} {term.name}", *(f"{grade} {words}" for grade, words in term.texts)]
            lines += [f"definition {term.definition}"] if term.definition else []
            lines += [f"note {term.note}"] if term.note else []
    return "\n".join(lines) + "\n"


_COLUMNS = {
    "code": re.compile(r"(meddra.*)?code"),
    "soc": re.compile(r"(.* )?soc"),
    "name": re.compile(r"(ctcae.* )?term"),
    "definition": re.compile(r"(.* )?definition"),
    "note": re.compile(r"navigational note"),
    **{str(grade): re.compile(rf"grade ?{grade}") for grade in GRADES},
}


def _cell(text: str | None) -> str:
    """A cell without line breaks; the sheet's lone dash means there is nothing."""
    plain = " ".join((text or "").split())
    return "" if plain in {"-", "--", "–", "—"} else plain


def from_sheet(rows: Iterable[Mapping[str, str]], *, version: str) -> Dictionary:
    """A dictionary from the rows of the NCI's sheet, saved as CSV; the headings of all versions are understood.

    Refused whole with every fault where it is not such a sheet: `SheetProblems`.
    """
    rows = list(rows)
    headings = {
        heading: " ".join(heading.replace("_", " ").casefold().split()) for heading in (rows[0] if rows else {})
    }
    columns: dict[str, str] = {}
    for ours, pattern in _COLUMNS.items():
        for heading, plain in headings.items():
            if pattern.fullmatch(plain):
                columns.setdefault(ours, heading)
    missing = [name for name in _COLUMNS if name not in columns and name not in ("note", "definition")]
    if missing:
        wanted = {"name": "term", "soc": "SOC"}
        lacking = ", ".join(wanted.get(name, f"grade {name}" if name.isdigit() else name) for name in missing)
        raise SheetProblems([f"The sheet has no column for: {lacking}." if rows else "The sheet has no rows."])
    terms: list[Term] = []
    problems: list[str] = []
    seen: set[str] = set()
    for number, row in enumerate(rows, start=2):
        cells = {ours: _cell(row[heading]) for ours, heading in columns.items()}
        if not any(cells.values()):
            continue
        texts = tuple((grade, cells[str(grade)]) for grade in GRADES if cells[str(grade)])
        if not cells["code"].isdigit():
            problems.append(f"Row {number}: '{cells['code']}' is not a MedDRA code.")
        if not cells["name"] or not cells["soc"]:
            problems.append(f"Row {number}: the term or its system organ class is empty.")
        if not texts:
            problems.append(f"Row {number}: {cells['name'] or 'the term'} has no grade at all.")
        for key in (cells["code"], cells["name"].casefold()):
            if key and key in seen:
                problems.append(f"Row {number}: {key} stands in the sheet twice.")
            seen.add(key)
        note, definition = cells.get("note", ""), cells.get("definition", "")
        terms.append(Term(version, cells["soc"], cells["code"], cells["name"], texts, definition, note))
    if problems:
        raise SheetProblems(problems)
    return _collected(version, tuple(terms))


@cache
def dictionary(version: str) -> Dictionary:
    """The terms of a version that ships with the product: 4.03, 5.0 or 6.0."""
    if version not in VERSIONS:
        raise ValueError(f"CTCAE {version} is not among the versions here: {', '.join(VERSIONS)}.")
    text = resources.files("clinical.ctcae").joinpath(f"data/terms-{version}.txt").read_text(encoding="utf-8")
    return read(text, version=version)


def term(version: str, name_or_code: str) -> Term:
    """One term of a version, by name or MedDRA code.

    >>> term("5.0", "anemia").code, term("5.0", "10002272").soc
    ('10002272', 'Blood and lymphatic system disorders')
    >>> term("5.0", "Platelet count decreased").grades
    (1, 2, 3, 4)
    """
    return dictionary(version).term(name_or_code)


def search(version: str, text: str, *, limit: int = 20) -> tuple[Term, ...]:
    """Terms of a version for what somebody has typed so far."""
    return dictionary(version).search(text, limit=limit)


def refusal(version: str, name_or_code: str, grade: int) -> str | None:
    """Why a term cannot have this grade, or is not a term at all, as a sentence; None where it can."""
    found = dictionary(version).find(name_or_code)
    if found is None:
        return f"CTCAE {version} has no term '{name_or_code.strip()}'."
    return found.refusal(grade)
