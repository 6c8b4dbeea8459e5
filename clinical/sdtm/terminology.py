"""Controlled terminology: which values a coded variable may have.

Source: CDISC SDTM Controlled Terminology of 2025-03-28 (NCI EVS), the codelists that our datasets use. An extensible
list may be extended with a sponsor's own term, a closed one may not; both answers are given, and the caller decides.
The case people get wrong is the letter case, which counts:

>>> not_in_codelist("UNIT", "MG").suggestion
'mg'
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from clinical.sdtm import implementation_guide

PACKAGE = "SDTM CT 2025-03-28"


@dataclass(frozen=True)
class Codelist:
    """One codelist with its terms, each term with its NCI code."""

    name: str
    code: str
    title: str
    is_extensible: bool
    terms: MappingProxyType[str, str]


@dataclass(frozen=True)
class UnknownTerm:
    """A value that its codelist does not hold."""

    codelist: str
    value: str
    is_extensible: bool
    suggestion: str | None

    def __str__(self) -> str:
        allowed = "the list may be extended" if self.is_extensible else "the list is closed"
        nearest = f"; did you mean {self.suggestion!r}?" if self.suggestion else ""
        return f"{self.value!r} is not a term of codelist {self.codelist} ({allowed}){nearest}"


@cache
def _codelists() -> MappingProxyType[str, Codelist]:
    terms: dict[str, dict[str, str]] = {}
    for row in implementation_guide.read_table("terms.csv"):
        terms.setdefault(row["codelist"], {})[row["term"]] = row["code"]
    return MappingProxyType(
        {
            row["codelist"]: Codelist(
                row["codelist"],
                row["code"],
                row["name"],
                row["extensible"] == "Y",
                MappingProxyType(terms[row["codelist"]]),
            )
            for row in implementation_guide.read_table("codelists.csv")
        }
    )


def codelist(name: str) -> Codelist:
    """The codelist of that short name (`NY`, `LBTESTCD`)."""
    return _codelists()[name]


@cache
def _folded(name: str) -> MappingProxyType[str, str]:
    return MappingProxyType({term.casefold(): term for term in _codelists()[name].terms})


def not_in_codelist(codelists: str | Iterable[str], value: str) -> UnknownTerm | None:
    """Why a value is not a term of its codelist (or of any of several), or None where it is.

    A variable such as DSDECOD draws on several lists; a term of any of them will do, and it counts as closed only
    when all of them are closed.

    >>> not_in_codelist(("NCOMPLT", "PROTMLST", "OTHEVENT"), "INFORMED CONSENT OBTAINED") is None
    True
    >>> str(not_in_codelist("NY", "Yes"))
    "'Yes' is not a term of codelist NY (the list is closed)"
    """
    names = (codelists,) if isinstance(codelists, str) else tuple(codelists)
    lists = [_codelists()[name] for name in names]
    if any(value in each.terms for each in lists):
        return None
    suggestion = next((_folded(name)[value.casefold()] for name in names if value.casefold() in _folded(name)), None)
    return UnknownTerm(";".join(names), value, any(each.is_extensible for each in lists), suggestion)


def name_of_test(code_list: str, name_list: str, code: str) -> str | None:
    """The --TEST that belongs to a --TESTCD: the two lists are paired by NCI code, not by position.

    None for a code of the sponsor's own, and in a domain whose tests have no common list (QS).

    >>> name_of_test("VSTESTCD", "VSTEST", "SYSBP")
    'Systolic Blood Pressure'
    """
    if code_list not in _codelists():
        return None
    nci_code = _codelists()[code_list].terms.get(code)
    return _names_by_nci_code(name_list).get(nci_code) if nci_code else None


@cache
def _names_by_nci_code(name_list: str) -> MappingProxyType[str, str]:
    return MappingProxyType({nci_code: term for term, nci_code in _codelists()[name_list].terms.items()})
